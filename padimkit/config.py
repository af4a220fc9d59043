"""YAML and command line to objects, by jsonargparse, with the registry's names in place of dotted paths."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from jsonargparse import ArgumentError, ArgumentParser, get_loader, set_dumper, set_loader

from padimkit.cookbook import find_recipe
from padimkit.errors import BadConfig
from padimkit.expansion import Expansion, check_keys, collapsed
from padimkit.pipeline import Pipeline
from padimkit.yaml_file import read_yaml


def build_pipeline(settings: Any, *, dotted: bool = True) -> Pipeline:
    """The pipeline that the settings of a `pipeline` section describe.

    Args:
        settings: By argument of `Pipeline`.
        dotted: Whether classes may be named by dotted paths.

    Raises:
        BadConfig: A key is unknown or a value is wrong; the message names it.
        UnknownPlugin: A name is not registered.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Pipeline, "pipeline")
    section = Expansion(dotted).value(settings, Pipeline, "pipeline")
    try:
        parsed = parser.parse_object({"pipeline": section})
    except ArgumentError as error:
        raise BadConfig(str(error)) from error
    return parser.instantiate(parsed).pipeline  # type: ignore[no-any-return]


def load_recipe(recipe: str | Path) -> Pipeline:
    """The unfitted pipeline of a recipe: its name, or the path of a YAML file with a `pipeline` section.

    Raises:
        BadConfig: There is no such recipe, or it is wrong; the message names file and key.
    """
    path = find_recipe(str(recipe))
    settings = read_yaml(path)
    if not isinstance(settings.get("pipeline"), Mapping):
        raise BadConfig(f'"{path}" has no section "pipeline".')
    return build_pipeline(settings["pipeline"])


@dataclass(frozen=True)
class Schema:
    """What the settings of a command are called.

    Args:
        slots: By full key, the types of the settings that hold short names.
        plain: The other top-level keys of a settings file.
        ignored: Top-level keys that are meant for other commands, since one file serves all.
    """

    slots: Mapping[str, Any]
    plain: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def file(self, path: Path) -> dict[str, Any]:
        """The settings in a file, with dotted paths in place of short names.

        Raises:
            BadConfig: The file cannot be read or holds an unknown key; both are named.
        """
        try:
            return self.expanded(read_yaml(path))
        except BadConfig as error:
            raise BadConfig(f'"{path}": {error}') from error

    def expanded(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings with dotted paths in place of short names.

        Raises:
            BadConfig: A key is unknown; near misses are named.
        """
        top = {key for key in self.slots if "." not in key}
        check_keys(settings, [*sorted(top), *self.plain, *self.ignored], "")
        return {
            key: Expansion().value(value, self.slots.get(key), key)
            for key, value in settings.items()
            if key not in self.ignored
        }

    def words(self, words: list[str]) -> Iterator[str]:
        """The words of a command line, with dotted paths in place of short names and files put in place."""
        rest = iter(words)
        for word in rest:
            option, equals, value = word.partition("=")
            key = option.removeprefix("--").removesuffix("+").removesuffix(".class_path")
            if not option.startswith("--") or (key != "config" and key not in self.slots):
                yield word
                continue
            value = value if equals else next(rest, "")
            yield f"{option}={self._value(key, value, appended=option.endswith('+'))}"

    def _value(self, key: str, value: str, *, appended: bool) -> str:
        if key == "config":
            return json.dumps(self.file(Path(value)))
        hint = get_args(self.slots[key])[0] if appended else self.slots[key]
        if get_origin(hint) is list and not value.lstrip().startswith("["):
            value = f"[{value}]"
        try:
            settings = Expansion().value(get_loader("yaml")(value), hint, key)
        except yaml.YAMLError as error:
            raise BadConfig(f'"{key}" is no YAML: {error}') from error
        if isinstance(settings, Mapping) and settings.get("init_args") == {}:
            return str(settings["class_path"])
        return settings if isinstance(settings, str) else json.dumps(settings)


def new_parser(command: str, **options: Any) -> ArgumentParser:
    """A jsonargparse parser for a command; it prints short names."""
    mode = f"padimkit-{command}"
    set_loader(mode, get_loader("yaml"), exceptions=(yaml.YAMLError,))
    set_dumper(mode, lambda settings: yaml.safe_dump(collapsed(settings), sort_keys=False))
    return ArgumentParser(exit_on_error=False, parser_mode=mode, prog=f"padimkit {command}", **options)
