"""The calibration as JSON, checked field by field when it is read.

Apart from the calibration, which need not know how it is written.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from padimkit.errors import BadModel, did_you_mean
from padimkit.files.json_text import parsed_json
from padimkit.inspection.calibration import Calibration, MapStatistics
from padimkit.inspection.learnt import LearntImage

_NUMBERS = ("false_alarms", "review", "threshold", "review_threshold", "pixel_threshold")


def as_json(calibration: Calibration) -> str:
    """Return the calibration as JSON, without the images, which have a table of their own."""
    values = asdict(calibration)
    del values["images"]
    return json.dumps(values | {"background": calibration.background}, indent=1, allow_nan=False) + "\n"


def from_json(text: str, name: str, images: Sequence[LearntImage] = ()) -> Calibration:
    """Return the calibration in such a JSON.

    Raises:
        BadModel: It is not as `as_json` writes it; the message holds `name` and the key.
    """
    values = _object(text, name)
    _require_keys(values, [*_keys(Calibration), "background"], f'"{name}"')
    maps = values["maps"]
    if not isinstance(maps, dict):
        raise BadModel(f'"{name}": "maps" is {maps!r}; expected an object.')
    _require_keys(maps, _keys(MapStatistics), f'"{name}", "maps"')
    if not isinstance(values["held_out"], bool):
        raise BadModel(f'"{name}": "held_out" is {values["held_out"]!r}; expected true or false.')
    calibration = Calibration(
        scores=_ascending(values, "scores", name),
        maps=MapStatistics(
            peaks=_ascending(maps, "peaks", name),
            backgrounds=_ascending(maps, "backgrounds", name),
            quantiles=_quantiles(maps["quantiles"], name),
        ),
        map_scale=_pair(values["map_scale"], "map_scale", name),
        held_out=values["held_out"],
        images=tuple(images),
        **{key: _number(values[key], key, name) for key in _NUMBERS},
    )
    _require_sense(calibration, name)
    return calibration


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        values = parsed_json(text)
    except ValueError as error:
        raise BadModel(f'"{name}" is not valid JSON: {error}.') from error
    if not isinstance(values, dict):
        raise BadModel(f'"{name}" holds a {type(values).__name__}; expected an object with keys.')
    return values


def _keys(kind: type[Any]) -> list[str]:
    return [one.name for one in fields(kind) if one.name != "images"]


def _require_keys(values: dict[str, Any], expected: Sequence[str], where: str) -> None:
    for key in expected:
        if key not in values:
            raise BadModel(f'{where} has no "{key}".')
    for key in values:
        if key not in expected:
            raise BadModel(f'{where} has an unknown key "{key}".{did_you_mean(key, expected)}')


def _number(value: Any, key: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadModel(f'"{name}": "{key}" holds {value!r}; expected a finite number.')
    return float(value)


def _ascending(values: dict[str, Any], key: str, name: str) -> tuple[float, ...]:
    found = values[key]
    if not isinstance(found, list) or not found:
        raise BadModel(f'"{name}": "{key}" is {found!r}; expected a list of numbers.')
    numbers = tuple(_number(value, key, name) for value in found)
    if list(numbers) != sorted(numbers):
        raise BadModel(f'"{name}": "{key}" does not ascend.')
    return numbers


def _pair(value: Any, key: str, name: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadModel(f'"{name}": "{key}" holds {value!r}; expected two numbers.')
    low, high = (_number(one, key, name) for one in value)
    return low, high


def _quantiles(value: Any, name: str) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list) or not value:
        raise BadModel(f'"{name}": "quantiles" is {value!r}; expected a list of pairs.')
    pairs = tuple(_pair(one, "quantiles", name) for one in value)
    if list(pairs) != sorted(pairs):
        raise BadModel(f'"{name}": "quantiles" do not ascend.')
    return pairs


def _require_sense(calibration: Calibration, name: str) -> None:
    if not 0 < calibration.false_alarms <= calibration.review < 1:
        raise BadModel(
            f'"{name}": expected 0 < "false_alarms" <= "review" < 1, found {calibration.false_alarms:g} and '
            f"{calibration.review:g}."
        )
    if calibration.review_threshold > calibration.threshold:
        raise BadModel(f'"{name}": "review_threshold" is above "threshold".')
