"""`padimkit evaluate`: fit, test, metrics."""

import json
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from padimkit.description import describe
from padimkit.errors import UndefinedMetric
from padimkit.evaluation import Evaluation, evaluate
from padimkit.files import new_file
from padimkit.metric_labels import labels
from padimkit.progress import Progress, logs_shown
from padimkit.reader import Reader
from padimkit.result_table import as_report, print_table
from padimkit.settings import (
    FIT,
    TEST,
    as_written,
    fit_parser,
    parse,
    recipe_as_option,
    test_parser,
)
from padimkit.storage import is_model, load
from padimkit.values import Batch


def run(words: list[str]) -> None:
    """Fits a pipeline, or takes the model folder that stands first; tests it and reports."""
    if words and is_model(words[0]):
        _test_stored(words[0], words[1:])
    else:
        _fit_and_test(words)


def _fit_and_test(words: list[str]) -> None:
    parser = fit_parser(
        "evaluate",
        "Fit, test and compute metrics; --output FILE.json stores all results. "
        "A model folder in the place of the recipe is tested as it is.",
    )
    settings = parse(parser, FIT, recipe_as_option(words))
    config = as_written(parser, settings)
    labels(config["metrics"])  # refuses what cannot be told apart before the work is done
    made = parser.instantiate(settings)
    with _result_file(made) as file:
        test = made.data.test(_reader(made))  # what is missing is known before the work is done
        start = time.perf_counter()
        made.pipeline.to(made.device)
        with logs_shown(made.pipeline):
            made.pipeline.fit(Progress(made.data.train(_reader(made)), "Fitting"))
        seconds = {"fit": time.perf_counter() - start}
        _report(as_report(_test(made, test, config), made.pipeline, config, seconds), file)


def _test_stored(folder: str, words: list[str]) -> None:
    parser = test_parser("evaluate", "Test the model in a folder and compute metrics.")
    settings = parse(parser, TEST, words)
    made = parser.instantiate(settings)
    with _result_file(made) as file:
        made.pipeline = load(folder, device=made.device, trust=made.trust)
        config = as_written(parser, settings) | {"pipeline": describe(made.pipeline)}
        test = made.data.test(_reader(made))
        _report(as_report(_test(made, test, config), made.pipeline, config, {}), file)


def _test(made: Namespace, batches: Iterable[Batch], config: dict[str, Any]) -> Evaluation:
    metrics = dict(zip(labels(config["metrics"]), made.metrics, strict=True))
    evaluation = evaluate(made.pipeline, Progress(batches, "Testing"), metrics)
    if not evaluation.metrics:
        reasons = " ".join(evaluation.undefined.values())
        raise UndefinedMetric(f"No metric is defined on this test set. {reasons}")
    return evaluation


def _report(report: dict[str, Any], file: Path | None) -> None:
    print_table(report)
    if file is not None:
        file.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")


def _result_file(made: Namespace) -> AbstractContextManager[Path | None]:
    """Opened before the work is done, so that an output that cannot be written is known at once."""
    return new_file(made.output, overwrite=made.overwrite) if made.output else nullcontext()


def _reader(made: Namespace) -> Reader:
    return Reader(made.pipeline.preprocessing, made.batch_size, made.workers)
