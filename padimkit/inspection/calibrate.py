"""The pass over normal images from which a calibration is made."""

from collections.abc import Iterable
from math import isqrt

import numpy as np
from jaxtyping import Float

from padimkit.errors import BadArgument, BadData
from padimkit.images.inputs import Images
from padimkit.images.sample import Sample
from padimkit.inspection.background import Looked, background_of, looked_at
from padimkit.inspection.calibration import Calibration, MapStatistics
from padimkit.inspection.learnt import LearntImage, digest_of, digests, learnt_images
from padimkit.pipeline.checks import require_normal
from padimkit.pipeline.left_out import LeftOut
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Batch, Prediction

_SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 0.9999)
_PIXELS = 4096  # of each map; maps are smooth, and those of all images may not fit in memory


def calibrate(
    pipeline: Pipeline,
    images: Images,
    false_alarms: float | None = None,
    *,
    review: float | None = None,
    anomalies: Images | None = None,
    folds: int = 5,
    batch_size: int = 8,
    workers: int | None = None,
    progress: bool = True,
) -> Calibration:
    """Return the calibration by the images of the fit, each scored as if it had not been learnt.

    Args:
        pipeline: A fitted one.
        images: All images of the fit, in the same order.
        false_alarms: The share of normal images that may be called anomalous; by default 0.01, or the least
            that this many images can promise, 1 / (images + 1).
        review: The share that may be called anomalous or be for review; by default five times that.
        anomalies: The anomalous images of the fit, if there were some.
        folds: Number of folds, where these are needed: see `Pipeline.predict_left_out`.
        batch_size: Images per batch, unless `images` are batches already.
        workers: Threads that decode ahead; by default one per CPU that may be used, at most 8.
        progress: Show a bar on a terminal or in a notebook.

    Raises:
        BadArgument: A rate is out of range, or less than this many images can promise.
        BadData: There are no images, one is labelled anomalous, or they are not those of the fit.
        NotFitted: The pipeline has not been fitted.
    """
    left_out = pipeline.predict_left_out(
        images,
        anomalies=anomalies,
        folds=folds,
        batch_size=batch_size,
        workers=workers,
        progress=progress,
    )
    return calibration_of(left_out, pipeline, false_alarms, review=review)


def calibration_of(
    left_out: Iterable[LeftOut],
    pipeline: Pipeline,
    false_alarms: float | None = None,
    *,
    review: float | None = None,
) -> Calibration:
    """Return the calibration by what the pipeline predicts of learnt images left out, as `calibrate` does.

    Raises:
        BadArgument: A rate is out of range, or less than this many images can promise.
        BadData: There are no images, one is labelled anomalous, or they are not those of the fit.
    """
    seen = _Seen(looked_at(pipeline))
    for numbers, batch, prediction in left_out:
        seen.add(numbers, batch, prediction)
    learnt = learnt_images(seen.paths, seen.digests, seen.scores)
    return Calibration.from_scores(
        seen.scores, seen.statistics(), false_alarms=false_alarms, review=review, images=learnt
    )


def calibrate_held_out(
    pipeline: Pipeline,
    images: Images,
    false_alarms: float | None = None,
    *,
    review: float | None = None,
    batch_size: int = 8,
    workers: int | None = None,
    progress: bool = True,
) -> Calibration:
    """Return the calibration by normal images that the pipeline has not learnt.

    The arguments are those of `calibrate`. Nobody checks that the images were not learnt: if they were, the
    thresholds are far too low.

    Raises:
        BadArgument: A rate is out of range, or less than this many images can promise.
        BadData: There are no images, or one is labelled anomalous.
        NotFitted: The pipeline has not been fitted.
    """
    seen = _Seen(looked_at(pipeline))
    for batch in pipeline.read(images, batch_size, workers, "Calibrating" if progress else None):
        require_normal(batch)
        prediction = pipeline.predict_batch(batch)
        seen.add(range(len(seen.scores), len(seen.scores) + len(prediction)), batch, prediction)
    return Calibration.from_scores(
        seen.scores, seen.statistics(), false_alarms=false_alarms, review=review, held_out=True
    )


def require_folds(pipeline: Pipeline, folds: int, count: int) -> None:
    """Refuse, before any work, a number of folds that a calibration by this many images would refuse.

    That folds are needed because a reducer depends on the images, only a fit tells.

    Raises:
        BadArgument: There are fewer than two folds, or more than images although they are needed.
    """
    if folds < 2 or (pipeline.needs_folds and folds > count):
        raise BadArgument(f'Expected "folds" from 2 to the {count} images, got {folds}.')


def without_scores(pipeline: Pipeline, samples: Iterable[Sample]) -> tuple[LearntImage, ...]:
    """Return the images of samples, told by their content; only those that are not files are decoded."""
    return tuple(LearntImage(str(sample.path), _digest(pipeline, sample)) for sample in samples)


def _digest(pipeline: Pipeline, sample: Sample) -> str:
    if sample.file is not None:
        return digest_of(sample.file)
    (batch,) = pipeline.read([sample], 1, 0, None)
    return next(digests(batch))


class _Seen:
    """The scores, maps and names of images by their numbers."""

    def __init__(self, looked: Looked) -> None:
        self._looked = looked
        self._by_number: dict[int, tuple[str, str, float]] = {}
        self._peaks: list[float] = []
        self._backgrounds: list[float] = []
        self._pixels: list[np.ndarray] = []

    def add(self, numbers: Iterable[int], batch: Batch, prediction: Prediction) -> None:
        known = zip(batch.paths, digests(batch), prediction.image_scores.tolist(), strict=True)
        self._by_number |= dict(zip(numbers, known, strict=True))
        maps = prediction.anomaly_maps.cpu().numpy()
        self._peaks += maps.max((1, 2)).tolist()
        self._backgrounds += [background_of(one, self._looked) for one in maps]
        self._pixels.append(_thinned(maps, self._looked).ravel())

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self._in_order()]

    @property
    def digests(self) -> list[str]:
        return [digest for _, digest, _ in self._in_order()]

    @property
    def scores(self) -> list[float]:
        return [score for _, _, score in self._in_order()]

    def statistics(self) -> MapStatistics:
        if not self._pixels:
            raise BadData("There are no images to calibrate on.")
        found = np.quantile(np.concatenate(self._pixels), _SHARES)
        quantiles = tuple(zip(_SHARES, found.tolist(), strict=True))
        return MapStatistics(tuple(sorted(self._peaks)), tuple(sorted(self._backgrounds)), quantiles)

    def _in_order(self) -> list[tuple[str, str, float]]:
        return [self._by_number[number] for number in sorted(self._by_number)]


def _thinned(maps: Float[np.ndarray, "b H W"], looked: Looked) -> np.ndarray:
    """Return about `_PIXELS` values of each map where the model looks."""
    if looked is not None:
        values = maps[:, looked]
        return values[:, :: max(1, values.shape[1] // _PIXELS)]
    step = max(1, isqrt(maps.shape[1] * maps.shape[2] // _PIXELS))
    return maps[:, ::step, ::step]
