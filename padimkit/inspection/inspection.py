"""The result of the inspection of one image.

A value with a public name, which people read in Python and as a line of JSON.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import map_coordinates

from padimkit.errors import BadImage
from padimkit.images.geometry import Geometry
from padimkit.inspection.background import Looked
from padimkit.inspection.regions import Region
from padimkit.inspection.verdict import Verdict


@dataclass(frozen=True)
class Inspection:
    """A verdict on one image, with its reasons; an image that cannot be inspected has the verdict ERROR.

    Args:
        path: The image's path, or a name.
        verdict: OK, REVIEW, NG or ERROR.
        score: The image score; None, as all that is not known, if the verdict is ERROR.
        p_value: The share of normal images at least as anomalous; see `Calibration.p_value`.
        threshold: Images with a higher score are NG.
        regions: Where the map is above the calibrated threshold, the highest peak first.
        background: The median of the map, where the model looks.
        unseen: The share of the image's area that the model does not look at, from 0 to 1.
        model: The sha256 of the stored model, and where it does not compute as it was stored, a "+" and what
            tells that apart: the precision, or format, precision and digest of an exported file. None if it
            is not stored.
        milliseconds: The time that the image took: its decoding, its part of its batch, and its regions.
        error: The reason of the verdict ERROR.
        anomaly_map: At the size of what the model sees.
        geometry: The place of the map in the original image.
        looked: True where a mask lets the model look; None for everywhere.
    """

    path: str
    verdict: Verdict
    score: float | None
    p_value: float | None
    threshold: float
    regions: tuple[Region, ...]
    background: float | None
    unseen: float | None
    model: str | None
    milliseconds: float
    error: str | None = None
    anomaly_map: Float[np.ndarray, "H W"] | None = field(default=None, repr=False, compare=False)
    geometry: Geometry | None = field(default=None, repr=False)
    looked: Looked = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the values in plain types, as a line of `padimkit inspect` holds them: without the map."""
        hidden = ("anomaly_map", "geometry", "looked", "regions")
        values = {name: value for name, value in vars(self).items() if name not in hidden}
        return values | {
            "verdict": self.verdict.value,
            "regions": [dict(vars(region)) for region in self.regions],
        }

    def map_at_original(self) -> Float[np.ndarray, "h w"]:
        """Return the map at the size of the upright original image, bilinearly; NaN where nothing was seen.

        Raises:
            BadImage: The image could not be inspected.
        """
        if self.anomaly_map is None or self.geometry is None:
            raise BadImage(f'"{self.path}" has no anomaly map. {self.error or ""}'.rstrip())
        framed = self.geometry.framed
        height, width = framed.original
        diagonal = np.arange(max(height, width)) + 0.5  # of which x gives the columns, and y the rows
        columns, rows = framed.to_model(np.stack([diagonal, diagonal], axis=1)).T
        rows, columns = rows[:height], columns[:width]
        found = np.asarray(_sampled(_sampled(self.anomaly_map, rows).T, columns).T)
        if self.looked is not None:
            found[~_nearest(_nearest(self.looked, rows).T, columns).T] = np.nan
        return found if self.geometry.first is None else _unchanged(found, self.geometry)


def _unchanged(values: Float[np.ndarray, "n m"], geometry: Geometry) -> Float[np.ndarray, "h w"]:
    """Return values of the changed picture at the pixels of the original; NaN for those that it lacks."""
    assert geometry.first is not None
    rows, columns = np.indices(geometry.original) + 0.5
    x, y = np.moveaxis(
        geometry.first.to_changed(np.stack([columns, rows], axis=-1), geometry.original), -1, 0
    )
    height, width = values.shape
    places = np.clip(y - 0.5, 0, height - 1), np.clip(x - 0.5, 0, width - 1)
    found = map_coordinates(values, places, order=1)
    found[(x < 0) | (y < 0) | (x > width) | (y > height)] = np.nan
    return np.asarray(found)


def _nearest(values: Bool[np.ndarray, "n m"], places: Float[np.ndarray, " k"]) -> Bool[np.ndarray, "k m"]:
    """Return the rows of an array that hold these places, or the nearest ones."""
    return np.asarray(values[np.clip(places, 0, len(values) - 1).astype(int)])


def _sampled(values: Float[np.ndarray, "n m"], places: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k m"]:
    """Return rows between the rows of an array, whose centres are at halves; NaN beyond its edges."""
    last = len(values) - 1
    steps = np.clip(places - 0.5, 0, last)
    before = np.floor(steps).astype(int)
    share = (steps - before).astype(values.dtype)[:, None]
    found = (1 - share) * values[before] + share * values[np.minimum(before + 1, last)]
    found[(places < 0) | (places > len(values))] = np.nan
    return np.asarray(found)
