"""YAML and command line to objects, by jsonargparse, with the registry's names in place of dotted paths."""

import inspect
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace, get_loader, set_dumper, set_loader

from padimkit.config.class_paths import collapsed
from padimkit.config.names import find_class, is_slot, short_name
from padimkit.config.schema import Schema
from padimkit.contracts import DataSource, Metric
from padimkit.errors import BadConfig, PadimkitError, did_you_mean
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import find_recipe, recipes


def new_parser(command: str, **options: Any) -> ArgumentParser:
    """A jsonargparse parser for a command; it prints short names."""
    mode = f"padimkit-{command}"
    set_loader(mode, get_loader("yaml"), exceptions=(yaml.YAMLError,))
    set_dumper(mode, lambda settings: yaml.safe_dump(collapsed(settings), sort_keys=False))
    return ArgumentParser(exit_on_error=False, parser_mode=mode, prog=f"padimkit {command}", **options)


_PIPELINE_SLOTS = {
    f"pipeline.{name}": hint for name, hint in get_type_hints(Pipeline.__init__).items() if is_slot(hint)
}
_DATA_SLOTS = {"data": DataSource, "metrics": list[Metric]}
_RUN_KEYS = ("seed", "output", "overwrite", "device", "batch_size", "workers", "trust")

FIT = Schema({"pipeline": Pipeline, **_PIPELINE_SLOTS, **_DATA_SLOTS}, _RUN_KEYS[:-1], ignored=("trust",))
TEST = Schema(_DATA_SLOTS, _RUN_KEYS, ignored=("pipeline",))
PREDICT = Schema({}, _RUN_KEYS[1:], ignored=("pipeline", "seed", *_DATA_SLOTS))


def fit_parser(command: str, description: str) -> ArgumentParser:
    """The parser of a command that makes a pipeline and takes data."""
    usage = f"padimkit {command} [RECIPE | FILE.yaml] [--data NAME --data.ARGUMENT VALUE ...] [OPTIONS]"
    description += f" Recipes: {', '.join(recipes())}. The names of all parts: padimkit plugins."
    parser = new_parser(command, description=description, usage=usage)
    parser.add_class_arguments(Pipeline, "pipeline")
    return _with_data(parser)


def test_parser(command: str, description: str) -> ArgumentParser:
    """The parser of a command that takes a stored model and data."""
    usage = f"padimkit {command} MODEL [--data NAME --data.ARGUMENT VALUE ...] [OPTIONS]"
    parser = new_parser(command, description=description, usage=usage)
    add_trust(parser)
    return _with_data(parser)


def predict_parser(command: str, description: str) -> ArgumentParser:
    """The parser of a command that takes a stored model and image files."""
    usage = f"padimkit {command} MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]"
    parser = new_parser(command, description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("images", type=Path, nargs="+", help="Image files, or folders of them.")
    add_trust(parser)
    _add_run_options(parser)
    return parser


def add_trust(parser: ArgumentParser) -> None:
    """Adds the option that lets a stored model import classes which are not installed plugins."""
    parser.add_argument(
        "--trust", action="store_true", help="Import classes that are no installed plugins; their code runs."
    )


def parse(parser: ArgumentParser, schema: Schema, words: list[str]) -> Namespace:
    """The parsed settings.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
    """
    try:
        settings = parser.parse_args(list(schema.words(words)))
    except ArgumentError as error:
        raise BadConfig(explained(str(error), parser)) from error
    if settings.get("seed") is not None:
        for key in list(settings.keys()):
            if key.startswith("pipeline.") and key.endswith((".init_args.seed", "augmentation.seed")):
                settings[key] = settings.seed
    return settings


def recipe_as_option(words: list[str]) -> list[str]:
    """The words with a recipe in the first place, if there is one, turned into an option."""
    if not words or words[0].startswith("-"):
        return words
    return [f"--config={find_recipe(words[0])}", *words[1:]]


def as_written(parser: ArgumentParser, settings: Namespace) -> dict[str, Any]:
    """The resolved settings in plain types, with short names."""
    return collapsed(json.loads(parser.dump(settings, format="json")))  # type: ignore[no-any-return]


def _with_data(parser: ArgumentParser) -> ArgumentParser:
    names = ("image_auroc", "pixel_auroc", "pro")
    metrics = [{"class_path": find_class(name, Metric)[0]} for name in names]
    parser.add_argument("--data", type=DataSource, required=True, help="Where the images come from.")
    parser.add_argument("--metrics", type=list[Metric], default=metrics, help="What evaluate computes.")
    parser.add_argument(
        "--seed", type=int | None, default=None, help="Seed of every part of the pipeline that has one."
    )
    _add_run_options(parser)
    return parser


def _add_run_options(parser: ArgumentParser) -> None:
    parser.add_argument("--config", action="config", help="YAML file; what stands further right wins.")
    parser.add_argument("--output", type=Path | None, default=None, help="Where to write the results.")
    parser.add_argument("--overwrite", action="store_true", help="Replace an earlier output of this command.")
    parser.add_argument("--device", type=str, default="cpu", help="Where to compute: cpu, cuda, cuda:1, ...")
    parser.add_argument("--batch_size", type=int, default=8, help="Images per batch.")
    parser.add_argument("--workers", type=int | None, default=None, help="Threads that decode images ahead.")


def explained(message: str, parser: ArgumentParser) -> str:
    """The message on one line, with short names and with near misses of a key that is not known."""
    paths = re.findall(r"class_path '([\w.]+)'", message)
    unknown = re.search(r"Option '([\w.]+)' is not accepted", message)
    hint = did_you_mean(unknown[1], _arguments(paths[-1])) if unknown and paths else ""
    unknown = re.search(r"(?:[Uu]nrecognized arguments: --|does not accept option ')([\w.]+)", message)
    if unknown:
        hint = did_you_mean(unknown[1].replace(".init_args", ""), _options(parser))
    for path in paths:
        message = message.replace(f"'{path}'", f'"{_short(path)}"')
    return re.sub(r":?\s*\n\s*", ": ", message.strip()).rstrip(".") + "." + hint


def _arguments(path: str) -> list[str]:
    try:
        return list(inspect.signature(find_class(path, object)[1]).parameters)
    except PadimkitError:
        return []


def _short(path: str) -> str:
    try:
        return short_name(find_class(path, object)[1])
    except PadimkitError:
        return path


def _options(parser: ArgumentParser) -> list[str]:
    return [option.removeprefix("--") for action in parser._actions for option in action.option_strings]
