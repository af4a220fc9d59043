"""The settings of each command: their names in files, and the parser of its options."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentParser

from padimkit.config.names import find_class
from padimkit.config.overrides import PIPELINE_HINTS
from padimkit.config.parser import new_parser
from padimkit.config.schema import Schema
from padimkit.contracts import DataSource, Metric, Preprocessor
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import DEFAULT_RECIPE, recipes

_FIT_SLOTS = {
    "pipeline": Pipeline,
    # With the groups, such as "map": jsonargparse would take a word for a file, which nobody has looked at.
    **{f"pipeline.{name}": hint for name, hint in PIPELINE_HINTS.items()},
    "pipeline.preprocessing.first": Preprocessor,
    "data": DataSource,
}
_TEST_SLOTS = {"data": DataSource, "metrics": list[Metric]}
_RUN_KEYS = ("seed", "output", "overwrite", "device", "batch_size", "workers")

_RATES = ("false_alarms", "review", "folds")
_RESULTS = ("pictures", "maps", "resume", "watch", "sort", "every")
_COMPUTING = ("precision", "threads")
_KEYS = (
    *("pipeline", "data", "metrics", *_RUN_KEYS, "trust", *_RATES, *_RESULTS, "most_pictures"),
    *_COMPUTING,
    *("calibrate", "learnt", "learnt_too", "learn", "drop_suspicious", "write", "anomalies"),
)


def _schema(slots: Mapping[str, Any], *plain: str) -> Schema:
    """Return the schema of a command with these settings; those of all others are ignored."""
    return Schema(slots, plain, ignored=tuple(key for key in _KEYS if key not in (*slots, *plain)))


FIT = _schema(_FIT_SLOTS, *_RUN_KEYS, *_RATES, "trust", "calibrate", "drop_suspicious", "anomalies")
CALIBRATE = _schema({"data": DataSource}, *_RUN_KEYS[1:], *_RATES, "trust", "learnt")
EVALUATE = _schema(_FIT_SLOTS | _TEST_SLOTS, *_RUN_KEYS, "trust")
TEST = _schema(_TEST_SLOTS, *_RUN_KEYS, "trust", "learnt_too")
PREDICT = _schema({}, *_RUN_KEYS[1:], "trust", "write")
INSPECT = _schema({}, *_RUN_KEYS[1:], "trust", *_RESULTS, *_COMPUTING)
UPDATE = _schema({}, *_RUN_KEYS[1:], *_RATES, "trust", "learn")
MERGE = _schema({}, *_RUN_KEYS[1:], *_RATES, "trust")
ASSESS = _schema({}, *_RUN_KEYS[1:], "trust", "learnt_too", "most_pictures")


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
    parser.add_argument(
        "--anomalies",
        type=Path,
        nargs="+",
        default=[],
        help="A few anomalous images, or folders of them, for densities that can learn from them.",
    )
    _add_rates(parser)
    add_trust(parser)
    _add_run_options(parser)
    return parser


def calibrate_parser(description: str) -> ArgumentParser:
    """Return the parser of `calibrate`: a stored model, data, rates and run options."""
    parser = _of_model("calibrate", "MODEL --data NAME --data.ARGUMENT VALUE ... [OPTIONS]", description)
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
    add_trust(parser)
    _add_data(parser)
    _add_metrics(parser)
    _add_run_options(parser)
    return parser


def test_parser(description: str) -> ArgumentParser:
    """Return the parser of `evaluate` for a stored model: data, metrics and run options."""
    usage = "padimkit evaluate MODEL [--data NAME --data.ARGUMENT VALUE ...] [OPTIONS]"
    parser = new_parser("evaluate", description=description, usage=usage)
    add_trust(parser)
    _add_learnt_too(parser)
    _add_data(parser)
    _add_metrics(parser)
    _add_run_options(parser)
    return parser


def predict_parser(description: str) -> ArgumentParser:
    """Return the parser of `predict`: a stored model, image files and run options."""
    parser = _of_model("predict", "MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]", description)
    _add_images(parser)
    parser.add_argument(
        "--write",
        type=Literal["all", "maps", "scores"],
        default="all",
        help="Write scores, maps and overlays, or scores and maps, or scores alone.",
    )
    add_trust(parser)
    _add_run_options(parser)
    return parser


def assess_parser(description: str) -> ArgumentParser:
    """Return the parser of `assess`: a stored model, good and bad images, and run options."""
    parser = _of_model(
        "assess", "MODEL --good FOLDER... --bad FOLDER... --output FILE.html [OPTIONS]", description
    )
    for name in ("good", "bad"):
        parser.add_argument(
            f"--{name}", type=Path, nargs="+", required=True, help=f"The {name} images: files, or folders."
        )
    parser.add_argument(
        "--most_pictures", type=int, default=24, help="The most pictures of good images, and of bad ones."
    )
    _add_learnt_too(parser)
    add_trust(parser)
    _add_run_options(parser)
    return parser


def update_parser(description: str) -> ArgumentParser:
    """Return the parser of `update`: a stored model, image files, rates and run options."""
    parser = _of_model("update", "MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]", description)
    _add_images(parser)
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
    parser = _of_model("merge", "MODEL OTHER --output FOLDER [OPTIONS]", description)
    parser.add_argument("other", type=Path, help="Folder of a model of the same parts and arguments.")
    _add_rates(parser)
    add_trust(parser)
    _add_run_options(parser)
    return parser


def inspect_parser(description: str) -> ArgumentParser:
    """Return the parser of `inspect`: a stored model, image files, what to write, and run options."""
    parser = _of_model("inspect", "MODEL IMAGE_OR_FOLDER... --output FOLDER [OPTIONS]", description)
    _add_images(parser)
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
    parser.add_argument(
        "--watch",
        action="store_true",
        help="Inspect images as they appear in the folders, until a signal ends it; goes on where an earlier "
        "run was stopped. Needs the extra watch.",
    )
    parser.add_argument(
        "--sort",
        type=Literal["none", "copy", "move"],
        default="none",
        help="With --watch: copy or move files into sorted/OK, NG, REVIEW and ERROR of the output.",
    )
    parser.add_argument(
        "--every",
        type=float,
        default=1.0,
        help="With --watch: seconds between looks at the folders, if no event comes, and for which a "
        "complete file has not changed.",
    )
    parser.add_argument(
        "--precision",
        type=Literal["float32", "bfloat16"] | None,
        default=None,
        help="Compute in this type of number, whatever the model says.",
    )
    parser.add_argument("--threads", type=int | None, default=None, help="Threads that compute.")
    add_trust(parser)
    _add_run_options(parser)
    return parser


def add_trust(parser: ArgumentParser) -> None:
    """Add the option by which files of others may have classes imported that are not installed plugins."""
    parser.add_argument(
        "--trust", action="store_true", help="Import classes that are not installed plugins; their code runs."
    )


def _of_model(command: str, words: str, description: str) -> ArgumentParser:
    parser = new_parser(command, description=description, usage=f"padimkit {command} {words}")
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    return parser


def _add_images(parser: ArgumentParser) -> None:
    parser.add_argument("images", type=Path, nargs="+", help="Image files, or folders of them.")


def _add_learnt_too(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--learnt_too", action="store_true", help="Also take images that the model has learnt."
    )


def _with_pipeline(command: str, description: str) -> ArgumentParser:
    """Return a parser of a command with a pipeline, whose arguments follow once its words are known."""
    usage = f"padimkit {command} [RECIPE | FILE.yaml] [--data NAME --data.ARGUMENT VALUE ...] [OPTIONS]"
    description += (
        f" Without a recipe or a pipeline: {DEFAULT_RECIPE}, whose values options change. "
        f"Recipes: {', '.join(recipes())}. The names of all parts: padimkit plugins."
    )
    return new_parser(command, description=description, usage=usage)


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
