"""The outcome of an evaluation as plain types for JSON, and as a table for people."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from padimkit.evaluation import Evaluation
from padimkit.pipeline import Pipeline
from padimkit.provenance import plugins_of

_PACKAGES = ("padimkit", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-learn")


def as_report(
    evaluation: Evaluation, pipeline: Pipeline, config: Mapping[str, Any], fit_seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Metrics, scores, timings in seconds, versions and the resolved settings."""
    return {
        "metrics": evaluation.metrics,
        "undefined": evaluation.undefined,
        "seed": config.get("seed"),
        "seconds": {**fit_seconds, **evaluation.seconds},
        "config": config,
        "plugins": plugins_of(pipeline),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "platform": platform.platform(),
        "images": [asdict(image) for image in evaluation.images],
    }


def print_table(report: Mapping[str, Any]) -> None:
    """Prints the metrics, the reason for each that is undefined, and the time per image."""
    table = Table("metric", "value", box=None, pad_edge=False)
    for name, value in report["metrics"].items():
        table.add_row(name, f"{value:.4f}")
    for name, reason in report["undefined"].items():
        table.add_row(name, f"undefined: {reason}")
    count = len(report["images"])
    anomalous = sum(image["anomalous"] is True for image in report["images"])
    milliseconds = 1000 * report["seconds"]["predict"] / count
    Console().print(table)
    print(f"{count} test images, {anomalous} of them anomalous; {milliseconds:.0f} ms per image")
