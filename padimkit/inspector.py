"""The inspector: a calibrated model that gives verdicts on images in any form."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import final

import numpy as np
import torch

from padimkit.errors import BadArgument, BadFeatures, BadScores, NotCalibrated
from padimkit.images.prefetch import ahead
from padimkit.images.reader import Reader
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.intake import Failure, Inspected, Intake, Seen, listed
from padimkit.inspection.regions import regions_of
from padimkit.inspection.verdict import Verdict
from padimkit.pipeline.pipeline import Pipeline
from padimkit.storage import load, load_calibration, model_digest
from padimkit.values import Batch, numbered


@final
class Inspector:
    """A calibrated model that gives verdicts; many threads may call it at a time.

    Loading it prepares what scoring needs, so that the first call takes as long as any other. An image that
    cannot be read or does not fit the model gets the verdict ERROR; what is not an image is refused.

    Args:
        model: A stored model, or a fitted pipeline.
        calibration: That of the pipeline, as `calibrate` returns it; a stored model has its own.
        device: The device on which a stored model computes.
        trust: Import classes of a stored model that are not installed plugins; their code runs.
        batch_size: Images that `each` scores together.
        workers: Threads that decode ahead for `each`; by default one per CPU that may be used, at most 8.

    Raises:
        BadModel: The folder is not a whole model.
        NotCalibrated: The model has no calibration; the message says what to do.
        NotFitted: The pipeline has not been fitted.
    """

    def __init__(
        self,
        model: Path | str | Pipeline,
        calibration: Calibration | None = None,
        *,
        device: str = "cpu",
        trust: bool = False,
        batch_size: int = 8,
        workers: int | None = None,
    ) -> None:
        self.calibration = _calibration_of(model, calibration)
        self.model = None if isinstance(model, Pipeline) else model_digest(model)
        self.pipeline = model if isinstance(model, Pipeline) else load(model, device=device, trust=trust)
        self._reader = Reader(self.pipeline.fitted_preprocessing, batch_size, workers)
        self._intake = Intake(self.pipeline)
        self._warm_up()

    @property
    def depth(self) -> int | None:
        """The bits per channel with which files of more than 8 are read."""
        return self.pipeline.fitted_preprocessing.depth

    def __call__(self, image: Inspected) -> Inspection:
        """Return the verdict on one image: a path, bytes of a file, a PIL image, an array or a tensor.

        Arrays and tensors are as for `Pipeline.predict`.

        Raises:
            BadArgument: It is not understood as one image.
            BadShape: An array or a tensor does not have a shape that is understood.
        """
        (inspection,) = self.judge([self.read(image)])
        return inspection

    def read(self, image: Inspected) -> Seen | Failure:
        """Return an image as the model sees it, for `judge`; a service may read many at a time in threads.

        Raises:
            BadArgument: It is not understood as one image.
            BadShape: An array or a tensor does not have a shape that is understood.
        """
        found = list(self._intake.entries([image]))
        if len(found) != 1:
            raise BadArgument(f"Expected one image, got {len(found)}. Pass several to Inspector.each.")
        return self._intake.read(found[0])

    def judge(self, reads: Sequence[Seen | Failure]) -> list[Inspection]:
        """Return the verdicts on images that were read, which are scored together as one batch."""
        return list(self._inspected(reads))

    def each(self, images: Inspected | Iterable[Inspected]) -> Iterator[Inspection]:
        """Yield the verdicts on images in their order, each as soon as its batch is done.

        Args:
            images: Images as for one call, folders of them, or arrays or tensors of several.

        Raises:
            BadArgument: They are not understood.
            BadData: A folder holds no images.
            BadShape: An array or a tensor does not have a shape that is understood.
        """
        size, workers = self._reader.batch_size, self._reader.threads
        entries = self._intake.entries(listed(images))
        reads = ahead(self._intake.read, entries, workers=workers, reach=2 * max(size, workers))
        with closing(reads):
            while part := list(islice(reads, size)):
                yield from self._inspected(part)

    def _warm_up(self) -> None:
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, 3, *self.pipeline.size, generator=generator)
        self.pipeline.predict_batch(Batch(image, numbered(1)))

    def _inspected(self, reads: Sequence[Seen | Failure]) -> Iterator[Inspection]:
        scored = iter(self._scored([read for read in reads if isinstance(read, Seen)]))
        for read in reads:
            yield self._failed(read) if isinstance(read, Failure) else next(scored)

    def _scored(self, reads: Sequence[Seen]) -> list[Inspection]:
        if not reads:
            return []
        start = time.perf_counter()
        batch = Batch(torch.cat([read.images for read in reads]), tuple(read.name for read in reads))
        try:
            prediction = self.pipeline.predict_batch(batch)
        except (BadFeatures, BadScores) as error:  # of one image, which is found by scoring each alone
            if len(reads) == 1:
                return [self._failed(Failure(reads[0].name, str(error), reads[0].seconds))]
            return [inspection for read in reads for inspection in self._scored([read])]
        scores, maps = prediction.image_scores.tolist(), prediction.anomaly_maps.cpu().numpy()
        share = (time.perf_counter() - start) / len(reads)
        return [
            self._judged(replace(read, seconds=read.seconds + share), score, anomaly_map)
            for read, score, anomaly_map in zip(reads, scores, maps, strict=True)
        ]

    def _judged(self, read: Seen, score: float, anomaly_map: np.ndarray) -> Inspection:
        start = time.perf_counter()
        anomaly_map.setflags(write=False)
        background = float(np.median(anomaly_map))
        regions = regions_of(anomaly_map, read.geometry, self.calibration.pixel_threshold, background)
        return Inspection(
            path=read.name,
            verdict=self.calibration.verdict(score),
            score=score,
            p_value=self.calibration.p_value(score),
            threshold=self.calibration.threshold,
            regions=regions,
            background=background,
            unseen=1 - read.share,
            model=self.model,
            milliseconds=_milliseconds(read.seconds + time.perf_counter() - start),
            anomaly_map=anomaly_map,
            geometry=read.geometry,
        )

    def _failed(self, failure: Failure) -> Inspection:
        return Inspection(
            path=failure.name,
            verdict=Verdict.ERROR,
            score=None,
            p_value=None,
            threshold=self.calibration.threshold,
            regions=(),
            background=None,
            unseen=None,
            model=self.model,
            milliseconds=_milliseconds(failure.seconds),
            error=failure.error,
        )


def _calibration_of(model: Path | str | Pipeline, calibration: Calibration | None) -> Calibration:
    if not isinstance(model, Pipeline):
        if calibration is not None:
            raise BadArgument("A stored model has a calibration of its own: pass one with a pipeline only.")
        return load_calibration(model)
    if calibration is None:
        raise NotCalibrated(
            "A pipeline gives no verdicts without a calibration. Pass padimkit.calibrate(pipeline, images), "
            "with the images of the fit."
        )
    return calibration


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)
