"""The outcome of an evaluation as plain types for JSON, and as a table for people."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from padimkit.evaluation import Evaluation
from padimkit.storage import plugins_of

_PACKAGES = ("padimkit", "torch", "torchvision", "timm", "numpy", "scipy", "scikit-learn")


def as_report(evaluation: Evaluation, config: Mapping[str, Any], fit_seconds: Mapping[str, float]) -> Any:
    """Metrics, scores, timings in seconds, versions and the resolved settings."""
    return {
        "metrics": evaluation.metrics,
        "undefined": evaluation.undefined,
        "seed": config.get("seed"),
        "seconds": {**fit_seconds, **evaluation.seconds},
        "config": config,
        "plugins": plugins_of(config["pipeline"]),
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


def labels(metrics: list[dict[str, Any]]) -> list[str]:
    """A name for each metric of the settings: the plugin's, with its arguments where two share it."""
    names = [metric["class_path"] for metric in metrics]
    return [
        name if names.count(name) == 1 else f"{name}({_arguments(metric.get('init_args') or {})})"
        for name, metric in zip(names, metrics, strict=True)
    ]


def _arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_brief(value)}" for name, value in arguments.items())


def _brief(value: Any) -> Any:
    return value["class_path"].rpartition(".")[2] if isinstance(value, Mapping) else value
