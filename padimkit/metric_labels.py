"""What the metrics of the settings are called in results."""

from collections.abc import Mapping
from typing import Any

from padimkit.errors import BadConfig


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
