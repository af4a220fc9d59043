"""Regions of an anomaly map, in pixels of the original image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from contourpy import contour_generator
from jaxtyping import Bool, Float, Int
from scipy.ndimage import label

from padimkit.errors import BadScores
from padimkit.images.geometry import Geometry
from padimkit.inspection.background import Looked

Point: TypeAlias = tuple[float, float]
_SHARE = 0.3  # of the way from background to peak; measured on masks of tiles, bottles and transistors
_NEIGHBOURS = np.ones((3, 3), dtype=int)  # diagonal ones too, as in PRO
_DECIMALS = 2  # a hundredth of a pixel


@dataclass(frozen=True)
class Region:
    """A connected part of an image that is anomalous, in pixels of the upright original image.

    Points are (x, y) from the upper left corner, as in `Geometry`.

    Args:
        box: Left, top, right and bottom.
        area: In square pixels.
        peak: The highest value of the map in it.
        centre: The mean of its points.
        contour: Its outline without holes, as the corners of a closed polygon.
    """

    box: tuple[float, float, float, float]
    area: float
    peak: float
    centre: Point
    contour: tuple[Point, ...]


def regions_of(
    anomaly_map: Float[np.ndarray, "H W"],
    geometry: Geometry,
    threshold: float,
    background: float,
    looked: Looked = None,
) -> tuple[Region, ...]:
    """Return the regions of a map, the one with the highest peak first.

    A region is found where the map rises above the threshold. The smoothing of the map widens a defect, the
    more the higher its peak is, so box, area and contour are taken at a level of the region's own: 0.3 of the
    way from the background to the peak, which may lie above the threshold or below. Regions that are
    connected at that level are one. What lies in a padding, or where the model does not look, is left
    out.

    Args:
        anomaly_map: The map, as large as what the model sees.
        geometry: The place of the map in the original image.
        threshold: Usually `Calibration.pixel_threshold`.
        background: Usually the median of the map where the model looks.
        looked: True where a mask lets the model look; None for everywhere.

    Raises:
        BadScores: A value of the map is NaN or infinite.
    """
    if not np.isfinite(anomaly_map).all():
        raise BadScores("The anomaly map holds NaN or infinity, so no regions follow from it.")
    if anomaly_map.max() <= threshold:  # as that of most images, which are good
        return ()
    values = anomaly_map.astype(np.float64)
    parts = _parts(_seen(values, geometry, looked), background, threshold)
    return tuple(_region(values, part, level, peak, geometry) for part, level, peak in parts)


def _seen(values: Float[np.ndarray, "H W"], geometry: Geometry, looked: Looked) -> Float[np.ndarray, "H W"]:
    """Return the map with minus infinity in the padding, and where the model does not look."""
    (top, bottom), (left, right) = geometry.margins
    if looked is not None:
        values = np.where(looked, values, -np.inf)
    if top == bottom == left == right == 0:
        return values
    height, width = values.shape
    inside = (slice(top, height - bottom), slice(left, width - right))
    found = np.full(values.shape, -np.inf)
    found[inside] = values[inside]
    return found


def _parts(
    values: Float[np.ndarray, "H W"], background: float, threshold: float
) -> Iterator[tuple[Bool[np.ndarray, "H W"], float, float]]:
    """Yield the pixels of each region, the level that they reach, and its peak."""
    base = min(background, threshold)  # where the whole map is raised, a peak may lie below its background
    left = values.copy()
    while left[place := np.unravel_index(left.argmax(), left.shape)] > threshold:
        peak = float(values[place])
        level = base + _SHARE * (peak - base)
        part = _connected(values >= level, place)
        yield part, level, peak
        # A part that reaches down to the threshold holds all peaks that are connected to its own.
        left[part if level <= threshold else _connected(values > threshold, place)] = -np.inf


def _connected(above: Bool[np.ndarray, "H W"], place: tuple[np.intp, ...]) -> Bool[np.ndarray, "H W"]:
    """Return the pixels that are connected to one of them."""
    found, _ = label(above, _NEIGHBOURS)
    connected: Bool[np.ndarray, "H W"] = found == found[place]
    return connected


def _region(
    values: Float[np.ndarray, "H W"],
    part: Bool[np.ndarray, "H W"],
    level: float,
    peak: float,
    geometry: Geometry,
) -> Region:
    in_rows, in_columns = part.sum(axis=1), part.sum(axis=0)
    count = int(in_rows.sum())
    centre = [_mean_place(in_columns, count), _mean_place(in_rows, count)]
    (top, bottom), (left, right) = map(_ends, (in_rows, in_columns))
    box, area = _extent(part, (left, top, right, bottom), geometry)
    around = (slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1))  # with its neighbours
    outline = _outline(values[around], part[around], level)
    return Region(
        box=box,
        area=round(area, _DECIMALS),
        peak=peak,
        centre=_within(np.array([centre]), geometry)[0],
        contour=_within(outline + np.array([around[1].start, around[0].start]), geometry),
    )


def _extent(
    part: Bool[np.ndarray, "H W"], ends: tuple[int, int, int, int], geometry: Geometry
) -> tuple[tuple[float, float, float, float], float]:
    """Return the box around the pixels of a region in the original, and their area there."""
    if geometry.first is None:  # a straight box stays one, and all pixels are alike
        corners = _within(np.array([ends[:2], ends[2:]], dtype=float), geometry)
        step_x, step_y = np.diff(geometry.to_original(np.array([[0.0, 0.0], [1.0, 1.0]])), axis=0)[0]
        return (*corners[0], *corners[1]), float(part.sum() * step_x * step_y)
    pixels = np.argwhere(part)[:, None, ::-1] + np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    placed = geometry.within(pixels.astype(float))  # four corners of each pixel
    low, high = placed.min((0, 1)).round(_DECIMALS), placed.max((0, 1)).round(_DECIMALS)
    (x, y), (next_x, next_y) = (np.moveaxis(one, 2, 0) for one in (placed, np.roll(placed, -1, axis=1)))
    area = np.abs((x * next_y - next_x * y).sum(1)).sum() / 2  # by the formula of the surveyors
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1])), float(area)


def _ends(counts: Int[np.ndarray, "n"]) -> tuple[int, int]:
    """Return the first place that counts any, and the one behind the last."""
    places = counts.nonzero()[0]
    return int(places[0]), int(places[-1]) + 1


def _mean_place(counts: Int[np.ndarray, "n"], total: int) -> float:
    return float(np.arange(len(counts)) @ counts) / total + 0.5  # the middle of a pixel


def _outline(
    values: Float[np.ndarray, "H W"], part: Bool[np.ndarray, "H W"], level: float
) -> Float[np.ndarray, "n 2"]:
    """Return the outer contour of the part at its level, in pixels of the map."""
    below = float(np.nextafter(level, -np.inf))  # so that all of the part is above it
    inner = np.where(part, values, np.minimum(values, below))
    # The frame closes contours at the edge of the map: there, those of the peak run along the edge.
    framed = np.pad(inner, 1, constant_values=2 * below - float(inner.max()))
    lines = contour_generator(z=framed).lines(below)
    outer: Float[np.ndarray, "n 2"] = max(map(np.asarray, lines), key=_enclosed)
    return outer[:-1] - 0.5  # the last point is the first; the frame's pixels have their middle at -0.5


def _enclosed(line: Float[np.ndarray, "n 2"]) -> float:
    """Return the area of a closed polygon, by the formula of the surveyors."""
    x, y = line.T
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2


def _within(points: Float[np.ndarray, "n 2"], geometry: Geometry) -> tuple[Point, ...]:
    """Return points of the map as points of the original, of which none lies in a padding."""
    return tuple(map(tuple, geometry.within(points).round(_DECIMALS).tolist()))
