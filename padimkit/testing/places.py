"""Checks of places: results of reducers, densities and metrics belong to the positions that they stand at.

They stand apart from the other checks of these families, since they ask for places and not for values.
"""

from collections.abc import Iterator
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from padimkit.arguments.checked import Checked
from padimkit.errors import UndefinedMetric
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import (
    Apply,
    defect_rows_and_columns,
    fitted,
    part_of,
    probe,
    with_defect,
)
from padimkit.testing.inputs.predictions import LabelledPrediction, labelled_prediction, value_of
from padimkit.testing.inputs.scale import has_chosen_size, images_or, made_up_for

_SQUARE, _IMAGES = (7, 7), 24
_OF_WHOLE = 0.05  # of the distance between perfect and moved maps: nothing but rounding lies below it


def changes_lie_where_the_defect_is(make: Make, apply: Apply) -> None:
    """Results change most where patches are anomalous, not in a mirrored, turned or neighbouring place."""
    _require_in_place(make, apply)
    if not has_chosen_size():
        with made_up_for(
            Checked(images=images_or(_IMAGES), size=_SQUARE)
        ):  # where rows for columns do not change the shape
            _require_in_place(make, apply)


def _require_in_place(make: Make, apply: Apply) -> None:
    part, normal = fitted(make), probe("first")
    normal = part_of(normal, 0, len(normal.patches) // 2)
    before = apply(part, normal)["patches"].clone()
    change = _change(apply(part, with_defect(normal))["patches"], before)
    if change.shape[1:] != normal.patches.shape[2:]:
        raise NotApplicable("Its results have other positions anyway.")
    rows, columns = defect_rows_and_columns(change.shape[1:])
    here = float(change[:, rows, columns].mean())
    for where, moved in _elsewhere(change):
        there = float(moved[:, rows, columns].mean())
        require(
            here > there,
            f"Expected the largest change where patches are anomalous, in rows {rows.start} to "
            f"{rows.stop - 1} and columns {columns.start} to {columns.stop - 1} of "
            f"{change.shape[1]} x {change.shape[2]}, found {here:.3g} there and "
            f"{there:.3g} {where}. Are height and width mixed up, or channels and positions?",
        )


def maps_in_other_places_get_worse_values(make: Make) -> None:
    """Perfect maps get a better value than the same maps mirrored, turned or moved, if maps count at all."""
    sign = 1 if make().higher_is_better else -1
    perfect = value_of(make, labelled_prediction("perfect"))
    worst = _worst(make, sign, perfect)
    for where, moved in _moved():
        found = _value(make, moved)
        require(
            found is None or sign * (perfect - found) > _OF_WHOLE * abs(perfect - worst),
            f"Expected a worse value than {perfect:.4g} for maps that are {where}, found {found}.",
        )


def _worst(make: Make, sign: int, perfect: float) -> float:
    """Return the value of inverted maps with perfect image scores."""
    inverted = labelled_prediction("inverted").prediction.anomaly_maps
    given = labelled_prediction("perfect")
    found = _value(make, replace(given, prediction=replace(given.prediction, anomaly_maps=inverted)))
    if found is None or not sign * (perfect - found) > 0:
        raise NotApplicable("Its value does not depend on the maps.")
    return found


def _value(make: Make, given: LabelledPrediction) -> float | None:
    try:
        return value_of(make, given)
    except UndefinedMetric:
        return None


def _moved() -> Iterator[tuple[str, LabelledPrediction]]:
    """Yield perfect predictions, with their maps elsewhere."""
    given = labelled_prediction("perfect")
    for where, moved in _elsewhere(given.prediction.anomaly_maps):
        yield where, replace(given, prediction=replace(given.prediction, anomaly_maps=moved.contiguous()))


def _elsewhere(maps: Float[Tensor, "b h w"]) -> Iterator[tuple[str, Float[Tensor, "b h w"]]]:
    """Yield the maps in other places, in words and as they are."""
    yield "mirrored from left to right", maps.flip(2)
    yield "upside down", maps.flip(1)
    yield "turned by 180 degrees", maps.flip(1, 2)
    if maps.shape[1] == maps.shape[2]:
        yield "turned about the diagonal", maps.mT
    else:
        yield "laid out as if height were width", maps.reshape(len(maps), *maps.shape[:0:-1]).mT
    for words, axis, step in (("down", 1, 1), ("up", 1, -1), ("right", 2, 1), ("left", 2, -1)):
        yield f"one position further {words}", maps.roll(step, axis)


def _change(after: Float[Tensor, "b ... h w"], before: Float[Tensor, "b ... h w"]) -> Float[Tensor, "b h w"]:
    change = (after - before).abs()
    return change.mean(1) if change.ndim == 4 else change
