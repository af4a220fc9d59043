"""Parsers by jsonargparse, which print short names, and what they make of words and files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace, set_dumper, set_loader
from jsonargparse.typing import register_type

from padimkit.config.class_paths import collapsed
from padimkit.config.messages import with_suggestions
from padimkit.config.nulls import refuse_nulls
from padimkit.config.options import path_of
from padimkit.config.schema import Schema
from padimkit.config.usual import add_pipeline, named_by_words, said, unnamed_in_words
from padimkit.config.yaml_text import parsed_yaml
from padimkit.errors import BadConfig, PadimkitError
from padimkit.registry.recipes import DEFAULT_RECIPE, find_recipe

register_type(Path, deserializer=path_of, type_check=isinstance)


def new_parser(command: str, **options: Any) -> ArgumentParser:
    """Return a parser for a command, which prints short names; use it by `parse_words` or `parse`."""
    mode = f"padimkit-{command}"
    set_loader(mode, parsed_yaml, exceptions=(yaml.YAMLError,))
    set_dumper(mode, lambda settings: yaml.safe_dump(collapsed(settings), sort_keys=False))
    return ArgumentParser(
        exit_on_error=False,
        parser_mode=mode,
        prog=f"padimkit {command}",
        allow_abbrev=False,  # or --conf would have a file read that nobody has looked at
        **options,
    )


@contextmanager
def errors_of(parser: ArgumentParser) -> Iterator[None]:
    """Turn errors of the parser within into BadConfig; the message names the key and near misses."""
    try:
        yield
    except ArgumentError as error:
        raise BadConfig(with_suggestions(str(error), parser)) from error


def instantiated(parser: ArgumentParser, settings: Namespace) -> Namespace:
    """Return the objects that parsed settings describe, by key.

    Raises:
        PadimkitError: A class refuses its arguments; the error is its own.
    """
    try:
        made: Namespace = parser.instantiate(settings)
    except ValueError as error:  # the parser wraps the errors of parts that may be null
        if isinstance(error.__cause__, PadimkitError):
            raise error.__cause__ from None
        raise
    return made


def parse_words(parser: ArgumentParser, words: list[str]) -> Namespace:
    """Return the values of a command that does not take settings.

    Raises:
        BadConfig: An option is unknown or a value is wrong; near misses are named.
    """
    with errors_of(parser):
        settings = parser.parse_args(words)
    refuse_nulls(settings)
    _expand_homes(settings)
    return settings


def _expand_homes(settings: Namespace) -> None:
    """Put the home in the place of "~" in all paths: no shell does that in the middle of a word."""
    for key, value in list(settings.items()):
        if isinstance(value, Path):
            settings[key] = at_home(value)
        elif isinstance(value, list):
            settings[key] = [at_home(one) if isinstance(one, Path) else one for one in value]


def at_home(path: Path) -> Path:
    """Return the path with a home in the place of "~" or "~name" at its start.

    Raises:
        BadConfig: Nobody has that name.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise BadConfig(
            f'"{path}" begins with a home that is not known. Write "./{path}" or all of it.'
        ) from error


def parse(parser: ArgumentParser, schema: Schema, words: list[str]) -> Namespace:
    """Return the parsed settings.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
    """
    return seeded(parse_words(parser, list(schema.words(words))))


def seeded(settings: Namespace) -> Namespace:
    """Return the settings with their seed, if there is one, put into all seeded parts of the pipeline."""
    if settings.get("seed") is not None:
        for key in list(settings.keys()):
            if key.startswith("pipeline.") and key.endswith((".init_args.seed", "augmentation.seed")):
                settings[key] = settings.seed
    return settings


def parse_pipeline(parser: ArgumentParser, schema: Schema, words: list[str]) -> tuple[Namespace, str | None]:
    """Return the parsed settings of a command with a pipeline, and the recipe, which may be the first word.

    The parser gets the arguments of the pipeline: which there are depends on the classes that words name.

    Where no file and no option says what the whole pipeline is, they change that of the default recipe. The
    recipe is None where others than the first word say it.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
    """
    recipe = words[0] if words and not words[0].startswith("-") else None
    given = [f"--config={find_recipe(recipe)}", *words[1:]] if recipe else words
    read = list(schema.words(given))
    if not any(map(_says_the_pipeline, read)):
        recipe = DEFAULT_RECIPE
        read = [*schema.words([f"--config={find_recipe(recipe)}"]), *read]
    named = named_by_words(read)
    add_pipeline(parser, named)
    return seeded(parse_words(parser, list(unnamed_in_words(read, named)))), recipe


def _says_the_pipeline(word: str) -> bool:
    """Return whether nothing is left to the default recipe, by a word in which files are read already."""
    option, _, value = word.partition("=")
    if option == "--config":
        return "pipeline" in json.loads(value)
    return option in ("--pipeline", "--help", "-h")


def plain(parser: ArgumentParser, settings: Namespace) -> dict[str, Any]:
    """Return parsed settings in plain types, with short names."""
    given = json.loads(parser.dump(settings, format="json", skip_unset=False))  # "null" is a value
    found = collapsed({key: value for key, value in given.items() if value is not None})
    return found | ({"pipeline": said(found["pipeline"])} if "pipeline" in found else {})  # type: ignore[no-any-return]
