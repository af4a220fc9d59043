"""`padimkit evaluate`: fit, test and compute metrics."""

import json
import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from padimkit.cli.progress import logs_shown
from padimkit.config.commands import EVALUATE, TEST, evaluate_parser, test_parser
from padimkit.config.description import describe, plugins_of
from padimkit.config.names import labels
from padimkit.config.parser import instantiated, parse, parse_pipeline, plain
from padimkit.contracts import Metric
from padimkit.errors import BadData, NotCalibrated, UndefinedMetric
from padimkit.evaluation import Evaluation, evaluate
from padimkit.files import new_file
from padimkit.files.foreign_text import printable
from padimkit.images.sample import Sample
from padimkit.inspection.calibrate import without_scores
from padimkit.inspection.history import anomalies_of, seen_share, unseen_text
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.verdict_rates import verdict_rates
from padimkit.pipeline.pipeline import Pipeline
from padimkit.stages import PREDICT
from padimkit.storage import is_model, load, load_calibration, load_history, load_learnt


def run(words: list[str]) -> None:
    """Fit a pipeline, or load the model folder that stands first; test it and report."""
    if words and is_model(words[0]):
        _test_stored(words[0], words[1:])
    else:
        _fit_and_test(words)


def _fit_and_test(words: list[str]) -> None:
    parser = evaluate_parser(
        "Fit, test and compute metrics; --output FILE.json stores all results. "
        "A model folder in the place of the recipe is tested as it is.",
    )
    settings, _ = parse_pipeline(parser, EVALUATE, words)
    config = plain(parser, settings)
    labels(config["metrics"])  # refuses metrics that cannot be told apart before the work is done
    made = instantiated(parser, settings)
    with _result_file(made) as file:
        test = made.data.test()  # missing test images are known before the work is done
        start = time.perf_counter()
        made.pipeline.to(made.device)
        with logs_shown(made.pipeline):
            made.pipeline.fit(made.data.train(), batch_size=made.batch_size, workers=made.workers)
        seconds = {"fit": time.perf_counter() - start}
        _report(_tested(made, test, config, seconds, {}), file)


def _test_stored(folder: str, words: list[str]) -> None:
    parser = test_parser("Test the model in a folder and compute metrics.")
    settings = parse(parser, TEST, words)
    made = instantiated(parser, settings)
    with _result_file(made) as file:
        made.pipeline = load(folder, device=made.device, trust=made.trust)
        config = plain(parser, settings) | {"pipeline": describe(made.pipeline)}
        rates = _rates(folder, labels(config["metrics"]))
        test = made.data.test()
        if not made.learnt_too:
            known = (*load_learnt(folder), *anomalies_of(load_history(folder)))
            require_unseen(known, made.pipeline, test)
        _report(_tested(made, test, config, {}, rates), file)


def _rates(folder: str, others: Sequence[str]) -> Mapping[str, Metric]:
    """Return the metrics of verdicts if the model is calibrated, without names that other metrics have."""
    try:
        calibration = load_calibration(folder)
    except NotCalibrated:
        return {}
    return {name: metric for name, metric in verdict_rates(calibration).items() if name not in others}


def require_unseen(learnt: Sequence[LearntImage], pipeline: Pipeline, test: Sequence[Sample]) -> None:
    """Raise BadData if one of the images to test on is among those that the model has learnt."""
    known = {image.sha256: image.path for image in learnt}
    tested = without_scores(pipeline, test) if known else ()
    seen = [image for image in tested if image.sha256 in known]
    if seen:
        raise BadData(
            f"{len(seen)} of the {len(test)} test images are among those that the model has learnt: "
            f'"{seen[0].path}" was learnt as "{known[seen[0].sha256]}". Metric values would be too good. '
            "Test on other images, or pass --learnt_too."
        )


def _tested(
    made: Namespace,
    samples: Sequence[Sample],
    config: dict[str, Any],
    fit_seconds: Mapping[str, float],
    rates: Mapping[str, Metric],
) -> dict[str, Any]:
    """Return the report, with the share of the images' area that the model looks at."""
    report = as_report(_test(made, samples, config, rates), made.pipeline, config, fit_seconds)
    return report | {"seen": seen_share(samples, made.pipeline)}


def _test(
    made: Namespace, samples: Sequence[Sample], config: dict[str, Any], rates: Mapping[str, Metric]
) -> Evaluation:
    metrics = dict(zip(labels(config["metrics"]), made.metrics, strict=True)) | dict(rates)
    evaluation = evaluate(made.pipeline, samples, metrics, batch_size=made.batch_size, workers=made.workers)
    if not evaluation.metrics:
        reasons = " ".join(dict.fromkeys(evaluation.undefined.values()))
        raise UndefinedMetric(f"No metric is defined on this test set. {reasons}")
    return evaluation


def _report(report: dict[str, Any], file: Path | None) -> None:
    print_table(report)
    if file is not None:
        file.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _result_file(made: Namespace) -> AbstractContextManager[Path | None]:
    """Open the output before the work is done, so that one that cannot be written is refused at once."""
    return new_file(made.output, overwrite=made.overwrite) if made.output else nullcontext()


_PACKAGES = ("padimkit", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-learn")


def as_report(
    evaluation: Evaluation, pipeline: Pipeline, config: Mapping[str, Any], fit_seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Return metrics, scores, timings in seconds, versions and the resolved settings."""
    values = [_values_of(evaluation, number) for number in range(len(evaluation.images))]
    return {
        "metrics": evaluation.metrics,
        "undefined": evaluation.undefined,
        "invisible": list(evaluation.invisible),
        "seed": config.get("seed"),
        "seconds": {**fit_seconds, **evaluation.seconds},
        "config": config,
        "plugins": plugins_of(pipeline),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "platform": platform.platform(),
        "images": [
            asdict(image) | of_image for image, of_image in zip(evaluation.images, values, strict=True)
        ],
    }


def _values_of(evaluation: Evaluation, number: int) -> dict[str, Any]:
    """Return what metrics say of an image, null where they say nothing; nothing if none of them does."""
    numbers = {name: some[number] for name, some in evaluation.image_values.items()}
    found = {name: None if math.isnan(value) else value for name, value in numbers.items()}
    return {"values": found} if found else {}


def print_table(report: Mapping[str, Any]) -> None:
    """Print the metrics, the reason for each that is undefined, and the time per image."""
    table = Table("metric", "value", box=None, pad_edge=False)
    for name, value in report["metrics"].items():
        table.add_row(Text(printable(name)), f"{value:.4f}")
    for name, reason in report["undefined"].items():
        table.add_row(Text(printable(name)), Text(printable(f"undefined: {reason}")))
    count = len(report["images"])
    anomalous = sum(image["anomalous"] is True for image in report["images"])
    milliseconds = 1000 * report["seconds"][PREDICT] / count
    Console().print(table)
    print(f"{count} test images, {anomalous} of them anomalous; {milliseconds:.0f} ms per image")
    for line in _outside(report, anomalous):
        print(line)


def _outside(report: Mapping[str, Any], anomalous: int) -> Iterator[str]:
    """Yield what must be known of metric values where the model does not look at all of an image."""
    if unseen := unseen_text(report.get("seen")):
        yield unseen
    if report["invisible"]:
        hidden = f"{len(report['invisible'])} of {anomalous} anomalous images"
        yield f"{hidden} have no anomalous pixel where the model looks"
