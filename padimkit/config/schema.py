"""The keys of the settings of a command, and the short names in them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml

from padimkit.config.class_paths import ANYTHING, Expansion, check_class_paths, check_keys
from padimkit.config.yaml_file import read_yaml
from padimkit.config.yaml_text import parsed_yaml
from padimkit.errors import BadConfig
from padimkit.registry.recipes import is_installed_recipe


@dataclass(frozen=True)
class Schema:
    """The names of the settings of a command.

    Args:
        slots: By full key, the types of the settings that hold short names.
        plain: The other top-level keys of a settings file.
        ignored: Top-level keys that are for other commands, since one file serves all of them.
    """

    slots: Mapping[str, Any]
    plain: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def file(self, path: Path, *, trust: bool) -> dict[str, Any]:
        """Return the settings in a file, with dotted paths in place of short names.

        Args:
            path: The file.
            trust: Also import classes that are not installed plugins; their code runs.

        Raises:
            BadConfig: The file cannot be read, holds an unknown key, or names such a class; both are named.
        """
        try:
            settings = read_yaml(path)
            if settings.get("trust"):
                raise BadConfig('"trust" is not for files, which others may have written: pass --trust.')
            return self.expanded(settings, Expansion(trust or is_installed_recipe(path)))
        except BadConfig as error:
            raise BadConfig(f'"{path}": {error}') from error

    def expanded(self, settings: Mapping[str, Any], expansion: Expansion = ANYTHING) -> dict[str, Any]:
        """Return the settings with dotted paths in place of short names.

        Raises:
            BadConfig: A key is unknown; near misses are named.
            UntrustedClass: A class is named that the expansion does not allow.
        """
        top = {key for key in self.slots if "." not in key}
        check_class_paths(settings)
        check_keys(settings, [*sorted(top), *self.plain, *self.ignored], "")
        return {
            key: expansion.value(value, self.slots[key], key) if key in self.slots else value
            for key, value in settings.items()
            if key not in self.ignored
        }

    def words(self, words: list[str]) -> Iterator[str]:
        """Yield the words of a command line, with dotted paths for short names and contents for files.

        Files may name classes that are not installed plugins where "--trust" is one of the words.
        """
        rest, trust = iter(words), "--trust" in words
        for word in rest:
            option, equals, value = word.partition("=")
            key = option.removeprefix("--").removesuffix("+").removesuffix(".class_path")
            if not option.startswith("--") or (key != "config" and key not in self.slots):
                yield word
                continue
            value = value if equals else next(rest, "")
            if key == "config":
                yield f"{option}={json.dumps(self.file(Path(value), trust=trust))}"
            else:
                yield f"{option}={self._value(key, value, appended=option.endswith('+'))}"

    def _value(self, key: str, value: str, *, appended: bool) -> str:
        hint = get_args(self.slots[key])[0] if appended else self.slots[key]
        if get_origin(hint) is list and not value.lstrip().startswith("["):
            value = f"[{value}]"
        try:
            given = parsed_yaml(value)
            check_class_paths(given, key)
            settings = Expansion().value(given, hint, key)
        except yaml.YAMLError as error:
            raise BadConfig(f'"{key}" is not valid YAML: {error}') from error
        if isinstance(settings, Mapping) and settings.get("init_args") == {}:
            return str(settings["class_path"])
        return settings if isinstance(settings, str) else json.dumps(settings)
