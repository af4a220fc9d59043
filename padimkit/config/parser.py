"""The parsers of the commands, by jsonargparse, and the messages of their errors."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace, get_loader, set_dumper, set_loader

from padimkit.config.class_paths import collapsed
from padimkit.config.names import find_class, short_name
from padimkit.config.options import with_near_options
from padimkit.config.overrides import PIPELINE_SLOTS
from padimkit.config.schema import Schema
from padimkit.contracts import DataSource, Metric
from padimkit.errors import BadConfig, PadimkitError, did_you_mean
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import DEFAULT_RECIPE, find_recipe, recipes


def new_parser(command: str, **options: Any) -> ArgumentParser:
    """Return a parser for a command, which prints short names; use it by `parse_words` or `parse`."""
    mode = f"padimkit-{command}"
    set_loader(mode, get_loader("yaml"), exceptions=(yaml.YAMLError,))
    set_dumper(mode, lambda settings: yaml.safe_dump(collapsed(settings), sort_keys=False))
    return ArgumentParser(exit_on_error=False, parser_mode=mode, prog=f"padimkit {command}", **options)


_FIT_SLOTS = {
    "pipeline": Pipeline,
    **{f"pipeline.{name}": slot for name, slot in PIPELINE_SLOTS.items()},
    "data": DataSource,
}
_TEST_SLOTS = {"data": DataSource, "metrics": list[Metric]}
_RUN_KEYS = ("seed", "output", "overwrite", "device", "batch_size", "workers")

_RATES = ("false_alarms", "review", "folds")
_RESULTS = ("pictures", "maps", "resume")
_KEYS = (
    *("pipeline", "data", "metrics", *_RUN_KEYS, "trust", *_RATES, *_RESULTS, "most_pictures"),
    *("calibrate", "learnt", "learnt_too", "learn", "drop_suspicious"),
)


def _schema(slots: Mapping[str, Any], *plain: str) -> Schema:
    """Return the schema of a command with these settings; those of all others are ignored."""
    return Schema(slots, plain, ignored=tuple(key for key in _KEYS if key not in (*slots, *plain)))


FIT = _schema(_FIT_SLOTS, *_RUN_KEYS, *_RATES, "calibrate", "drop_suspicious")
CALIBRATE = _schema({"data": DataSource}, *_RUN_KEYS[1:], *_RATES, "trust", "learnt")
EVALUATE = _schema(_FIT_SLOTS | _TEST_SLOTS, *_RUN_KEYS)
TEST = _schema(_TEST_SLOTS, *_RUN_KEYS, "trust", "learnt_too")
PREDICT = _schema({}, *_RUN_KEYS[1:], "trust")
INSPECT = _schema({}, *_RUN_KEYS[1:], "trust", *_RESULTS)
UPDATE = _schema({}, *_RUN_KEYS[1:], *_RATES, "trust", "learn")
MERGE = _schema({}, *_RUN_KEYS[1:], *_RATES, "trust")
ASSESS = _schema({}, *_RUN_KEYS[1:], "trust", "learnt_too", "most_pictures")


_SAYS_THE_PIPELINE = ("--config", "--pipeline", "--help", "-h")


def fit_parser(description: str) -> ArgumentParser:
    """Return the parser of `fit`: a pipeline, data, rates and run options."""
    parser = _with_pipeline("fit", description)
    _add_data(parser)
    parser.add_argument(
        "--calibrate",
        type=bool,
        default=True,
        help="Score the training images as if not learnt, for verdicts.",
    )
    parser.add_argument(
        "--drop_suspicious",
        action="store_true",
        help="Fit again without images that score far above the others when left out.",
    )
    _add_rates(parser)
    _add_run_options(parser)
    return parser


def calibrate_parser(description: str) -> ArgumentParser:
    """Return the parser of `calibrate`: a stored model, data, rates and run options."""
    usage = "padimkit calibrate MODEL --data NAME --data.ARGUMENT VALUE ... [OPTIONS]"
    parser = new_parser("calibrate", description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("--data", type=DataSource, required=True, help="The normal images, by name.")
    parser.add_argument(
        "--learnt",
        type=bool | None,
        default=None,
        help="For a model that does not say which images it has learnt: true if these are all of them, in "
        "their order, false if none of them is.",
    )
    _add_rates(parser)
    add_trust(parser)
    _add_run_options(parser)
    return parser


def evaluate_parser(description: str = "") -> ArgumentParser:
    """Return the parser of `evaluate`: a pipeline, data, metrics and run options."""
    parser = _with_pipeline("evaluate", description)
    _add_data(parser)
    _add_metrics(parser)
    _add_run_options(parser)
    return parser


def test_parser(description: str) -> ArgumentParser:
    """Return the parser of `evaluate` for a stored model: data, metrics and run options."""
    usage = "padimkit evaluate MODEL [--data NAME --data.ARGUMENT VALUE ...] [OPTIONS]"
    parser = new_parser("evaluate", description=description, usage=usage)
    add_trust(parser)
    parser.add_argument(
        "--learnt_too", action="store_true", help="Also test on images that the model has learnt."
    )
    _add_data(parser)
    _add_metrics(parser)
    _add_run_options(parser)
    return parser


def predict_parser(description: str) -> ArgumentParser:
    """Return the parser of `predict`: a stored model, image files and run options."""
    usage = "padimkit predict MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]"
    parser = new_parser("predict", description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("images", type=Path, nargs="+", help="Image files, or folders of them.")
    add_trust(parser)
    _add_run_options(parser)
    return parser


def assess_parser(description: str) -> ArgumentParser:
    """Return the parser of `assess`: a stored model, good and bad images, and run options."""
    usage = "padimkit assess MODEL --good FOLDER... --bad FOLDER... --output FILE.html [OPTIONS]"
    parser = new_parser("assess", description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    for name in ("good", "bad"):
        parser.add_argument(
            f"--{name}", type=Path, nargs="+", required=True, help=f"The {name} images: files, or folders."
        )
    parser.add_argument(
        "--most_pictures", type=int, default=24, help="The most pictures of good images, and of bad ones."
    )
    parser.add_argument(
        "--learnt_too", action="store_true", help="Also take images that the model has learnt."
    )
    add_trust(parser)
    _add_run_options(parser)
    return parser


def update_parser(description: str) -> ArgumentParser:
    """Return the parser of `update`: a stored model, image files, rates and run options."""
    usage = "padimkit update MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]"
    parser = new_parser("update", description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("images", type=Path, nargs="+", help="Image files, or folders of them.")
    parser.add_argument(
        "--learn",
        type=Literal["below", "all"],
        default="below",
        help="Learn only images below the threshold, or all.",
    )
    _add_rates(parser)
    add_trust(parser)
    _add_run_options(parser)
    return parser


def merge_parser(description: str) -> ArgumentParser:
    """Return the parser of `merge`: two stored models, rates and run options."""
    usage = "padimkit merge MODEL OTHER --output FOLDER [OPTIONS]"
    parser = new_parser("merge", description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("other", type=Path, help="Folder of a model of the same parts and arguments.")
    _add_rates(parser)
    add_trust(parser)
    _add_run_options(parser)
    return parser


def inspect_parser(description: str) -> ArgumentParser:
    """Return the parser of `inspect`: a stored model, image files, what to write, and run options."""
    usage = "padimkit inspect MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]"
    parser = new_parser("inspect", description=description, usage=usage)
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("images", type=Path, nargs="+", help="Image files, or folders of them.")
    parser.add_argument(
        "--pictures",
        type=Literal["ng", "all", "none"],
        default="ng",
        help="Draw what was found on the images: on those that are NG or for REVIEW, on all, or on none.",
    )
    parser.add_argument(
        "--maps", action="store_true", help="Write the maps too: 16-bit PNG at the size of the image."
    )
    parser.add_argument("--resume", action="store_true", help="Go on where an earlier run was stopped.")
    add_trust(parser)
    _add_run_options(parser)
    return parser


def add_trust(parser: ArgumentParser) -> None:
    """Add the option by which a stored model may import classes that are not installed plugins."""
    parser.add_argument(
        "--trust", action="store_true", help="Import classes that are not installed plugins; their code runs."
    )


@contextmanager
def errors_of(parser: ArgumentParser) -> Iterator[None]:
    """Turn errors of the parser within into BadConfig; the message names the key and near misses."""
    try:
        yield
    except ArgumentError as error:
        raise BadConfig(with_suggestions(str(error), parser)) from error


def parse_words(parser: ArgumentParser, words: list[str]) -> Namespace:
    """Return the values of a command that does not take settings.

    Raises:
        BadConfig: An option is unknown or a value is wrong; near misses are named.
    """
    with errors_of(parser):
        return parser.parse_args(words)


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


def recipe_as_option(words: list[str]) -> list[str]:
    """Return the words with the recipe that may stand first turned into the option --config.

    Where nothing says what the pipeline is, it is that of the default recipe.
    """
    if words and not words[0].startswith("-"):
        return [f"--config={find_recipe(words[0])}", *words[1:]]
    if any(word.startswith(_SAYS_THE_PIPELINE) for word in words):
        return words
    return [f"--config={find_recipe(DEFAULT_RECIPE)}", *words]


def plain(parser: ArgumentParser, settings: Namespace) -> dict[str, Any]:
    """Return parsed settings in plain types, with short names."""
    given = json.loads(parser.dump(settings, format="json", skip_unset=False))  # "null" is a value
    return collapsed({key: value for key, value in given.items() if value is not None})  # type: ignore[no-any-return]


def _with_pipeline(command: str, description: str) -> ArgumentParser:
    usage = f"padimkit {command} [RECIPE | FILE.yaml] [--data NAME --data.ARGUMENT VALUE ...] [OPTIONS]"
    description += (
        f" Without a recipe or a pipeline: {DEFAULT_RECIPE}. Recipes: {', '.join(recipes())}. "
        "The names of all parts: padimkit plugins."
    )
    parser = new_parser(command, description=description, usage=usage)
    parser.add_class_arguments(Pipeline, "pipeline")
    return parser


def _add_data(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=DataSource, required=True, help="The data set, by name.")
    parser.add_argument(
        "--seed", type=int | None, default=None, help="Seed of every part of the pipeline that has one."
    )


def _add_rates(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--false_alarms",
        type=float | None,
        default=None,
        help="The share of normal images that may be called NG; by default 0.01, or the least that the "
        "number of images can promise.",
    )
    parser.add_argument(
        "--review",
        type=float | None,
        default=None,
        help="The share of normal images that may be called NG or REVIEW; by default five times that.",
    )
    parser.add_argument("--folds", type=int, default=5, help="Number of folds, for densities that need them.")


def _add_metrics(parser: ArgumentParser) -> None:
    names = ("image_auroc", "pixel_auroc", "pro")
    metrics = [{"class_path": find_class(name, Metric)[0]} for name in names]
    parser.add_argument("--metrics", type=list[Metric], default=metrics, help="The metrics to compute.")


def _add_run_options(parser: ArgumentParser) -> None:
    parser.add_argument("--config", action="config", help="YAML file; options further right win over it.")
    parser.add_argument("--output", type=Path | None, default=None, help="Path of the results.")
    parser.add_argument("--overwrite", action="store_true", help="Replace an earlier output of this command.")
    parser.add_argument(
        "--device", type=str, default="cpu", help="Device to compute on: cpu, cuda, cuda:1, ..."
    )
    parser.add_argument("--batch_size", type=int, default=8, help="Images per batch.")
    parser.add_argument("--workers", type=int | None, default=None, help="Threads that decode images ahead.")


def with_suggestions(message: str, parser: ArgumentParser) -> str:
    """Return the message on one line, with short names, and with near misses of an unknown key."""
    paths = re.findall(r"class_path '([\w.]+)'", message)
    for path in paths:
        message = message.replace(f"'{path}'", f'"{_short(path)}"')
    message = re.sub(r":?\s*\n\s*", ": ", message.strip())
    unknown = re.search(r"Option '([\w.]+)' is not accepted", message)
    known = [name for path in paths for name in _arguments(path)]
    hint = did_you_mean(unknown[1], known) if unknown and paths else ""
    return with_near_options(_without_union(message), parser) + hint


def _without_union(message: str) -> str:
    """Return the message without the errors of each type that was tried, where there are several."""
    found = re.search(r'^Parser key "([\w.]+)": Does not .* Subtypes: \[(.*?)\]: Errors: ', message)
    if found is None:
        return message
    given = message.rpartition("Given value: ")[2].rstrip(".")
    nested = re.match(r"NestedArg\(key='([\w.]+)', val='(.*)'\)$", given)
    key, value = (f"{found[1]}.{nested[1]}", nested[2]) if nested else (found[1], given)
    types = re.sub(r"""<class ['"]([\w.]+)['"]>""", lambda path: _form(path[1]), found[2]).replace(
        "tuple[", "["
    )
    return f'"{key}" is {value}; "{found[1]}" is one of: {types}'


def _form(path: str) -> str:
    """Return the way in which settings write a value of this type."""
    if "." not in path:
        return "null" if path == "NoneType" else path
    return f"{{{', '.join(_arguments(path))}}}"


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
