"""Pictures of suspicious training images, in the colours of their maps as if they had not been learnt."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from padimkit.images.sample import Sample
from padimkit.inspection.background import background_of, looked_at
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.pictures import marked, picture_name, save_png
from padimkit.inspection.regions import regions_of
from padimkit.pipeline.left_out import LeftOut
from padimkit.pipeline.pipeline import Pipeline

MOST = 20


@final
class HighestMaps:
    """The maps of the images with the highest scores, kept from predictions that pass through.

    Suspicious images are the highest ones, but how many there are is known only when all have passed, and the
    maps of all may not fit in memory. Maps of the fitted model would hide what it has learnt.

    Args:
        most: Number of maps that are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._peaks: dict[int, float] = {}
        self._kept: list[tuple[float, int, Float[np.ndarray, "H W"]]] = []

    def kept_from(self, left_out: Iterable[LeftOut]) -> Iterator[LeftOut]:
        """Yield the predictions as they are."""
        for numbers, batch, prediction in left_out:
            maps, scores = prediction.anomaly_maps, prediction.image_scores.tolist()
            self._peaks |= zip(numbers, maps.amax((1, 2)).tolist(), strict=True)
            for number, score, one in zip(numbers, scores, maps, strict=True):
                if len(self._kept) < self._most or (score, -number) > self._kept[0][:2]:
                    heapq.heappush(self._kept, (score, -number, one.cpu().numpy().copy()))
                if len(self._kept) > self._most:
                    heapq.heappop(self._kept)
            yield numbers, batch, prediction

    def write_pictures(
        self, pipeline: Pipeline, samples: Sequence[Sample], calibration: Calibration, folder: Path
    ) -> int:
        """Write pictures of the suspicious images among these, the highest score first; return their number.

        Colours and regions are those that a calibration by the other images gives: thresholds by images that
        stand out themselves would let nothing stand out.

        Args:
            pipeline: The fitted pipeline.
            samples: All images of the fit.
            calibration: That of the fit.
            folder: A folder that is not there yet; none is made if no image is suspicious.

        Raises:
            BadImage: An image cannot be read any more.
        """
        written, others = 0, self._without_suspicious(calibration)
        for _, opposite, anomaly_map in sorted(self._kept, key=lambda kept: kept[:2], reverse=True):
            image = calibration.images[-opposite]
            if image.suspicious:
                written += 1
                folder.mkdir(exist_ok=True)
                fitted = pipeline.fitted_preprocessing
                picture = samples[-opposite].picture(fitted.depth, fitted.most_pixels)
                found = _inspection(image, anomaly_map, pipeline, others, picture.size)
                save_png(marked(picture, found, others.map_scale), folder / picture_name(written, image.path))
        return written

    def _without_suspicious(self, calibration: Calibration) -> Calibration:
        usual = {number: image for number, image in enumerate(calibration.images) if not image.suspicious}
        peaks = tuple(sorted(self._peaks[number] for number in usual))
        rate = max(calibration.false_alarms, 1 / (len(usual) + 1))
        return Calibration.from_scores(
            [image.score or 0.0 for image in usual.values()],
            replace(calibration.maps, peaks=peaks),
            false_alarms=rate,
            review=max(rate, calibration.review),
        )


def _inspection(
    image: LearntImage,
    anomaly_map: Float[np.ndarray, "H W"],
    pipeline: Pipeline,
    calibration: Calibration,
    size: tuple[int, int],
) -> Inspection:
    """Return what an inspection would have found, had the image not been learnt."""
    score, looked = image.score or 0.0, looked_at(pipeline)
    background = background_of(anomaly_map, looked)
    width, height = size
    geometry = pipeline.preprocessing.geometry((height, width))
    return Inspection(
        path=image.path,
        verdict=calibration.verdict(score),
        score=score,
        p_value=calibration.p_value(score),
        threshold=calibration.threshold,
        regions=regions_of(anomaly_map, geometry, calibration.pixel_threshold, background, looked),
        background=background,
        unseen=None,
        model=None,
        milliseconds=0.0,
        anomaly_map=anomaly_map,
        geometry=geometry,
        looked=looked,
    )
