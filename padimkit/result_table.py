"""The outcome of an evaluation as plain types for JSON, and as a table for people."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from padimkit.errors import BadConfig
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


def labels(metrics: list[dict[str, Any]]) -> list[str]:
    """A name for each metric of the settings: the plugin's, with its arguments where two share it.

    Raises:
        BadConfig: There are no metrics, or two are the same.
    """
    names = [metric["class_path"] for metric in metrics]
    found = [
        _label(metric) if names.count(name) > 1 or _holds_a_part(metric) else name
        for name, metric in zip(names, metrics, strict=True)
    ]
    twice = sorted({label for label in found if found.count(label) > 1})
    if twice or not found:
        raise BadConfig(f'"metrics" has {", ".join(twice)} twice.' if twice else '"metrics" is empty.')
    return found


def _holds_a_part(metric: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in (metric.get("init_args") or {}).values())


def _label(metric: Mapping[str, Any]) -> str:
    arguments = (metric.get("init_args") or {}).items()
    listed = ", ".join(f"{name}={_brief(value)}" for name, value in arguments)
    return f"{metric['class_path']}({listed})" if listed else str(metric["class_path"])


def _brief(value: Any) -> Any:
    return value["class_path"].rpartition(".")[2] if isinstance(value, Mapping) else value
