"""Regions of an anomaly map, in pixels of the original image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from contourpy import contour_generator
from jaxtyping import Bool, Float
from scipy.ndimage import find_objects, label, maximum_position

from padimkit.errors import BadScores
from padimkit.images.geometry import Geometry

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
    anomaly_map: Float[np.ndarray, "H W"], geometry: Geometry, threshold: float
) -> tuple[Region, ...]:
    """Return the regions of a map, the one with the highest peak first.

    A region is found where the map rises above the threshold. The smoothing of the map widens a defect, the
    more the higher its peak is, so box, area and contour are taken at a level of the region's own: 0.3 of the
    way from the map's median to the peak, which may lie above the threshold or below. Regions that are
    connected at that level are one. What lies in a padding is left out.

    Args:
        anomaly_map: The map, as large as what the model sees.
        geometry: The place of the map in the original image.
        threshold: Usually `Calibration.pixel_threshold`.

    Raises:
        BadScores: A value of the map is NaN or infinite.
    """
    values = anomaly_map.astype(np.float64)
    if not np.isfinite(values).all():
        raise BadScores("The anomaly map holds NaN or infinity, so no regions follow from it.")
    if values.max() <= threshold:
        return ()
    seen = np.where(_inside(geometry), values, -np.inf)
    parts = _parts(seen, float(np.median(values)), threshold)
    return tuple(_region(values, part, level, peak, geometry) for part, level, peak in parts)


def _inside(geometry: Geometry) -> Bool[np.ndarray, "H W"]:
    """Return which pixels of the model's image are not of a padding: their centres lie in the original."""
    points = geometry.to_original(_centres(geometry.size))
    height, width = geometry.original
    return np.asarray(((points >= 0) & (points <= (width, height))).all(axis=-1))


def _centres(size: tuple[int, int]) -> Float[np.ndarray, "H W 2"]:
    rows, columns = np.indices(size)
    return np.stack([columns, rows], axis=-1) + 0.5


def _parts(
    values: Float[np.ndarray, "H W"], background: float, threshold: float
) -> Iterator[tuple[Bool[np.ndarray, "H W"], float, float]]:
    """Yield the pixels of each region, the level that they reach, and its peak."""
    found, count = label(values > threshold, _NEIGHBOURS)
    peaks = cast(list[tuple[int, int]], maximum_position(values, found, range(1, count + 1)))
    covered = np.zeros(values.shape, dtype=bool)
    for place in sorted(peaks, key=lambda place: (-values[place], place)):
        if not covered[place]:
            peak = float(values[place])
            level = background + _SHARE * (peak - background)
            connected, _ = label(values >= level, _NEIGHBOURS)
            part = connected == connected[place]
            covered |= part
            yield part, level, peak


def _region(
    values: Float[np.ndarray, "H W"],
    part: Bool[np.ndarray, "H W"],
    level: float,
    peak: float,
    geometry: Geometry,
) -> Region:
    ((rows, columns),) = find_objects(part.astype(int))
    corners = np.array([(columns.start, rows.start), (columns.stop, rows.stop)], dtype=float)
    (left, top), (right, bottom) = _within(corners, geometry)
    (step_x, step_y) = np.diff(geometry.to_original(np.array([[0.0, 0.0], [1.0, 1.0]])), axis=0)[0]
    centre = _centres(values.shape)[part].mean(axis=0, keepdims=True)
    return Region(
        box=(left, top, right, bottom),
        area=round(float(part.sum() * step_x * step_y), _DECIMALS),
        peak=peak,
        centre=_within(centre, geometry)[0],
        contour=_within(_outline(values, part, level), geometry),
    )


def _outline(
    values: Float[np.ndarray, "H W"], part: Bool[np.ndarray, "H W"], level: float
) -> Float[np.ndarray, "n 2"]:
    """Return the outer contour of the part at its level, in pixels of the map."""
    below = float(np.nextafter(level, -np.inf))  # so that all of the part is above it
    # The frame closes contours at the edge of the map: there, those of the peak run along the edge.
    framed = np.pad(
        np.where(part, values, np.minimum(values, below)),
        1,
        constant_values=2 * below - float(values[part].max()),
    )
    height, width = framed.shape
    lines = contour_generator(np.arange(width) - 0.5, np.arange(height) - 0.5, framed).lines(below)
    return max(map(np.asarray, lines), key=_enclosed)[:-1]  # the last point is the first


def _enclosed(line: Float[np.ndarray, "n 2"]) -> float:
    """Return the area of a closed polygon, by the formula of the surveyors."""
    x, y = line.T
    return abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2


def _within(points: Float[np.ndarray, "n 2"], geometry: Geometry) -> tuple[Point, ...]:
    """Return points of the map as points of the original, of which none lies outside."""
    height, width = geometry.original
    kept = np.clip(geometry.to_original(points), 0, (width, height)).round(_DECIMALS)
    return tuple((float(x), float(y)) for x, y in kept)
