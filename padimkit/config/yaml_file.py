"""YAML files, which hold settings and suites."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from padimkit.config.yaml_text import MOST_CHARACTERS, parsed_yaml
from padimkit.errors import BadConfig


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        BadConfig: The file cannot be read, does not hold a mapping of plain types, or gives a key twice.
    """
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(MOST_CHARACTERS + 1)
        content = parsed_yaml(text)
        repeated = next(_repeated(yaml.compose(text, Loader=yaml.SafeLoader), set()), None)
    except OSError as error:
        raise BadConfig(f'"{path}" cannot be read: {error.strerror}.') from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfig(f'"{path}" cannot be read as YAML: {error}') from error
    if not isinstance(content, dict):
        raise BadConfig(f'"{path}" does not hold keys and values.')
    if repeated is not None:  # YAML would silently take the last one
        raise BadConfig(
            f'"{path}" gives "{repeated.value}" twice, again in line {repeated.start_mark.line + 1}.'
        )
    return content


def _repeated(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    """Yield keys that their mapping has already."""
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))  # an alias is the node that it stands for
    if isinstance(node, yaml.MappingNode):
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        yield from (key for place, key in enumerate(keys) if key.value in {k.value for k in keys[:place]})
    for child in node.value:
        for part in child if isinstance(child, tuple) else (child,):
            yield from _repeated(part, seen)
