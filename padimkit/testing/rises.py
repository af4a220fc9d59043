"""Checks of where maps rise: where scores are high, in the places of tiles, and inside the region alone.

They stand apart from the other checks of mappers, since smoothing decides how large their maps must be.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import Mapper
from padimkit.images.resizing import Size
from padimkit.images.tiles import Axis
from padimkit.testing.answers import ROUNDING, Result, difference
from padimkit.testing.check import Make, require
from padimkit.testing.inputs.scores import SIZE, left_part, levels_of, part_of, scaled, spotted
from padimkit.values import Prediction, Scores

_SCALES = (1, 2, 4, 8, 16)  # of the made-up maps, which a wide smoothing would fill from edge to edge

_SHIFT = 1.0  # pixels
_FAINT = 0.01  # of the largest change
_BELOW = 25.0  # more than a spot is above other scores


def tensors_of(prediction: Prediction) -> Result:
    """Return maps and image scores by name."""
    return {"maps": prediction.anomaly_maps, "images": prediction.image_scores}


def maps_are_high_where_scores_are(make: Make) -> None:
    """A high score raises the map most where its position lies, for one level and among several."""
    mapper, levels = make(), levels_of("first")
    levels = [*levels, Scores(levels[1].patches.flip(0))]
    size = scaled(SIZE, _scale(mapper))
    for chosen, one in (([0], 0), ([0, 1], 0), ([0, 1], 1), ([0, 1, 2], 2)):
        given = [levels[number] for number in chosen]
        place = len(given[one].patches[0]) // 6, 2 * given[one].patches.shape[2] // 3
        after = [spotted(level, place) if i == one else level for i, level in enumerate(given)]
        change = mapper.predict(after, size).anomaly_maps - mapper.predict(given, size).anomaly_maps
        rows, columns = given[one].patches.shape[1:]
        centre = _centre(place, (size[0] / rows, size[1] / columns))
        _require_peak(change, centre, (size[0] / rows, size[1] / columns))


def scores_below_zero_count(make: Make) -> None:
    """Defects raise maps also where all scores are below 0, as log-likelihoods are: they have no zero."""
    # Of one level: a product of several is right where scores are positive.
    mapper, level = make(), Scores(levels_of("first")[0].patches - _BELOW)
    before = mapper.predict([level], SIZE).anomaly_maps
    after = mapper.predict([spotted(level, (2, 5))], SIZE).anomaly_maps
    require(
        float((after - before).amax((1, 2)).min()) > 0,
        "Expected a higher score to raise the map where all scores are below 0, found that it does not. Are "
        "scores below 0 taken for 0?",
    )


def higher_scores_give_higher_maps(make: Make) -> None:
    """Maps of an image with a higher score are higher, however high: images are compared with each other."""
    mapper, level = make(), levels_of("first")[0]
    highest = [
        mapper.predict([spotted(level, (2, 5), times=times)], SIZE).anomaly_maps.amax((1, 2))
        for times in (1.0, 4.0, 16.0)
    ]
    for low, high in pairwise(highest):
        require(
            bool((high > low).all()),
            f"Expected higher maps where scores are four times as high, found {float(high.min()):.6g} at "
            f"most, after {float(low.min()):.6g}. Are maps divided by their own maximum, or squeezed into a "
            "range that ends where scores go on?",
        )


def maps_are_not_shifted(make: Make) -> None:
    """High scores at opposite places raise opposite places of the map: it is nowhere a few pixels off."""
    mapper, level = make(), levels_of("first")[0]
    size = scaled(SIZE, _scale(mapper))
    rows, columns = level.patches.shape[1:]
    place = rows // 3, columns // 3
    before = mapper.predict([level], size).anomaly_maps
    centres = [
        _middle(mapper.predict([spotted(level, one)], size).anomaly_maps - before)
        for one in (place, (rows - 1 - place[0], columns - 1 - place[1]))
    ]
    shift = (torch.stack(centres).sum(0) - torch.tensor(size)) / 2
    require(
        bool((shift.abs() < _SHIFT).all()),
        f"Expected maps that lie over the image, found them shifted by {shift[0]:.1f} rows and "
        f"{shift[1]:.1f} columns of {size[0]} x {size[1]}.",
    )


def borders_do_not_meet(make: Make) -> None:
    """A high score at one border leaves the map at the opposite border as it is."""
    mapper, level = make(), levels_of("first")[0]
    size = scaled(SIZE, _scale(mapper))
    rows, columns = level.patches.shape[1:]
    before = mapper.predict([level], size).anomaly_maps
    for place, dimension in (((rows // 2, 0), 2), ((0, columns // 2), 1)):
        change = (mapper.predict([spotted(level, place)], size).anomaly_maps - before).abs()
        opposite = float(change.select(dimension, -1).max())
        require(
            opposite < _FAINT * float(change.max()),
            f"Expected no change by a defect at the opposite border, found {opposite:.3g} of at most "
            f"{float(change.max()):.3g}. Does smoothing go around, as with torch.roll or an FFT?",
        )


def _middle(change: Float[Tensor, "b H W"]) -> Float[Tensor, " 2"]:
    """Return the row and the column of the middle of where maps rise by more than half of the most."""
    mean = change.double().mean(0)
    weights = torch.where(mean > mean.max() / 2, mean, 0.0)
    rows, columns = (torch.arange(size, dtype=torch.float64) + 0.5 for size in mean.shape)
    total = weights.sum().clamp(min=1e-30)
    return torch.stack([(weights.sum(1) * rows).sum(), (weights.sum(0) * columns).sum()]) / total


def tiles_lie_in_their_places(make: Make) -> None:
    """A high score in a tile raises the map where that tile lies, and maps are as large as the image."""
    mapper = make()
    tiled = _tiled(_scale(mapper))
    size = (tiled[0].length, tiled[1].length)
    level = Scores(torch.rand(2, 2 * 5, 2 * 8, generator=torch.Generator().manual_seed(7)))
    step = (tiled[0].side / 5, tiled[1].side / 8)
    before = mapper.predict([level], size, tiled).anomaly_maps
    require(before.shape[1:] == size, f"Expected maps of {size}, found {tuple(before.shape[1:])}.")
    for row, column in ((0, 1), (1, 0), (1, 1)):
        place = (1 if row else 3, 1 if column else 5)  # within a tile, where it overlaps with others
        after = mapper.predict([spotted(level, (5 * row + place[0], 8 * column + place[1]))], size, tiled)
        down, across = _centre(place, step)
        centre = (tiled[0].starts[row] + down, tiled[1].starts[column] + across)
        _require_peak(after.anomaly_maps - before, centre, step, near=0.7)


def the_region_is_heeded(make: Make) -> None:
    """Maps are 0 outside the region of interest, and what lies there does not change an image's score."""
    mapper, levels = make(), levels_of("first")
    scale = _scale(mapper)
    size, region = scaled(SIZE, scale), left_part(scale)
    found = mapper.predict(levels, size, None, region)
    outside = float(found.anomaly_maps[:, ~region].abs().max())
    require(outside == 0, f"Expected maps of 0 outside the region, found values up to {outside:.3g}.")
    other = mapper.predict([spotted(levels[0], (2, 7)), levels[1]], size, None, region)
    changed = difference(tensors_of(other), tensors_of(found), relative=ROUNDING)
    require(not changed, f"Expected no change by a defect outside the region, found {changed}.")


def _scale(mapper: Mapper) -> int:
    """Return how many times larger maps must be than `SIZE` for a defect to be seen in one place of them.

    Smoothing has a width in pixels. If a defect stands out twice as far in a much larger map, smoothing has
    filled this one, and its highest pixel lies wherever the edges are.
    """
    highest = _rise(mapper, scaled(SIZE, _SCALES[-1]))
    roomy = (scale for scale in _SCALES if _rise(mapper, scaled(SIZE, scale)) > 0.5 * highest)
    return next(roomy, _SCALES[-1])


def _rise(mapper: Mapper, size: Size) -> float:
    """Return how far a defect raises the highest pixel."""
    (level, _), place = levels_of("first"), (2, 5)
    pair = [part_of(one, 0, 1) for one in (level, spotted(level, place))]
    before, after = (mapper.predict([one], size).anomaly_maps for one in pair)
    return float((after - before).max())


def _tiled(scale: int) -> tuple[Axis, Axis]:
    """Return two by two tiles, unlike in both directions."""
    return Axis.covered(84 * scale, 60 * scale, 36 * scale), Axis.covered(108 * scale, 72 * scale, 36 * scale)


def _centre(place: tuple[int, int], step: tuple[float, float]) -> tuple[float, float]:
    return (place[0] + 0.5) * step[0], (place[1] + 0.5) * step[1]


def _require_peak(
    change: Float[Tensor, "b H W"],
    centre: tuple[float, float],
    step: tuple[float, float],
    near: float = 1.0,
) -> None:
    """Require the map to rise, and most near where it should, measured in positions."""
    highest = change.mean(0)
    row, column = divmod(int(highest.argmax()), highest.shape[1])
    off = abs(row + 0.5 - centre[0]) / step[0], abs(column + 0.5 - centre[1]) / step[1]
    require(
        max(off) <= near and float(highest.max()) > 0,
        f"Expected the map to rise most around row {centre[0]:.0f} and column {centre[1]:.0f}, found a rise "
        f"of {float(highest.max()):.3g} in row {row} and column {column}. Are height and width mixed up?",
    )
