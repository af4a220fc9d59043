"""YAML and command line to objects, by jsonargparse, with the registry's names in place of dotted paths."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from jsonargparse import ArgumentError, ArgumentParser, get_loader, set_dumper, set_loader

from padimkit.errors import BadConfig
from padimkit.expansion import Expansion, check_keys, collapsed
from padimkit.names import did_you_mean
from padimkit.pipeline import Pipeline


def build_pipeline(settings: Mapping[str, Any], *, dotted: bool = True) -> Pipeline:
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


def recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    folder = Path(str(files("padimkit") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_recipe(recipe: str) -> Path:
    """The file of a recipe given by name or by path.

    Raises:
        BadConfig: There is none; near misses are named.
    """
    if recipe in recipes():
        return recipes()[recipe]
    if Path(recipe).is_file():
        return Path(recipe)
    raise BadConfig(f'"{recipe}" is neither a recipe nor a file.{did_you_mean(recipe, recipes())}')


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        BadConfig: The file cannot be read or holds no mapping.
    """
    try:
        content = get_loader("yaml")(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfig(f'"{path}" cannot be read as YAML: {error}') from error
    if not isinstance(content, dict):
        raise BadConfig(f'"{path}" holds no keys and values.')
    return content


@dataclass(frozen=True)
class Schema:
    """The top-level keys of a settings file.

    Args:
        slots: The types of the keys whose values hold short names.
        plain: The other keys.
        ignored: Keys that are meant for other commands, since one file serves all.
    """

    slots: Mapping[str, Any]
    plain: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def load(self, text: str) -> Any:
        """A file's settings with short names replaced; any other value as YAML reads it.

        jsonargparse passes every value through here, but only a file holds top-level keys.
        """
        settings = get_loader("yaml")(text)
        known = [*self.slots, *self.plain, *self.ignored]
        if not isinstance(settings, dict) or not settings.keys() & set(known):
            return settings
        check_keys(settings, known, "")
        return {
            key: Expansion().value(value, self.slots.get(key), key)
            for key, value in settings.items()
            if key not in self.ignored
        }


def new_parser(command: str, schema: Schema, **options: Any) -> ArgumentParser:
    """A jsonargparse parser for a command that reads short names from files and prints them."""
    mode = f"padimkit-{command}"
    set_loader(mode, schema.load, exceptions=(yaml.YAMLError,))
    set_dumper(mode, lambda settings: yaml.safe_dump(collapsed(settings), sort_keys=False))
    return ArgumentParser(exit_on_error=False, parser_mode=mode, prog=f"padimkit {command}", **options)


def expanded_words(argv: list[str], hints: Mapping[str, Any]) -> Iterator[str]:
    """Words of a command line with dotted paths in place of short names, for the options in `hints`."""
    words = iter(argv)
    for word in words:
        option, equals, value = word.partition("=")
        key = option.removeprefix("--").removesuffix("+").removesuffix(".class_path")
        if not option.startswith("--") or key not in hints:
            yield word
            continue
        hint = hints[key]
        if option.endswith("+") and get_origin(hint) is list:
            hint = get_args(hint)[0]
        yield f"{option}={_expanded_word(value if equals else next(words, ''), hint, key)}"


def _expanded_word(value: str, hint: Any, key: str) -> str:
    settings = Expansion().value(get_loader("yaml")(value), hint, key)
    if isinstance(settings, Mapping) and not settings.get("init_args"):
        return str(settings.get("class_path", value))
    return settings if isinstance(settings, str) else json.dumps(settings)
