"""The inspector: a calibrated model that gives verdicts on images in any form."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from padimkit.arguments import require_whole
from padimkit.errors import BadArgument, BadData, BadFeatures, BadScores, BadShape
from padimkit.images.prefetch import MOST_AT_A_TIME, MOST_WORKERS, ahead, usual_workers
from padimkit.inspection.background import background_of
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.exported.session import Options
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.regions import regions_of
from padimkit.inspection.seen import Failure, Inspected, Seen, is_one, name_of, require_one
from padimkit.inspection.verdict import Verdict
from padimkit.service.opening import Model, open_model

if TYPE_CHECKING:
    from padimkit.pipeline.pipeline import Pipeline


@final
class Inspector:
    """A calibrated model that gives verdicts; many threads may call it at a time.

    Loading it prepares what scoring needs, so that the first call takes as long as any other. An image that
    cannot be read or does not fit the model gets the verdict ERROR; what is not an image is refused, or
    gets it too where it is one of several.

    Args:
        model: A stored model, a fitted pipeline, or the path of an exported model, .onnx or .xml, which needs
            neither torch nor plugins.
        calibration: That of the pipeline, as `calibrate` returns it; a stored model has its own.
        device: The device on which a stored or exported model computes.
        precision: Compute in another type of number than the settings of a stored model say, or than an
            OpenVINO model was exported for.
        threads: Threads of one call. Those of torch are common to all models of a process.
        trust: Import classes of a stored model that are not installed plugins; their code runs.
        batch_size: Images that `each` scores together.
        workers: Threads that decode ahead for `each`; by default one per CPU that may be used, at most 8.

    Raises:
        BadArgument: The device or the precision cannot be used, or a runtime is not installed.
        BadModel: The folder is not a whole model, or the file is not an exported one.
        NotCalibrated: The model has no calibration; the message says what to do.
        NotFitted: The pipeline has not been fitted.
    """

    def __init__(
        self,
        model: Model,
        calibration: Calibration | None = None,
        *,
        device: str = "cpu",
        precision: Literal["float32", "bfloat16"] | None = None,
        threads: int | None = None,
        trust: bool = False,
        batch_size: int = 8,
        workers: int | None = None,
    ) -> None:
        require_whole("batch_size", batch_size, 1, MOST_AT_A_TIME)
        require_whole("workers", workers or 0, 0, MOST_WORKERS)
        if threads is not None:
            require_whole("threads", threads, 1, MOST_WORKERS)
        options = Options(threads, device, precision)
        opened = open_model(model, calibration, options, trust=trust)
        self.model, self.calibration, self._intake, self._pipeline = opened
        self._batch_size = batch_size
        self._workers = usual_workers() if workers is None else workers
        self._intake.warm_up()

    @property
    def pipeline(self) -> "Pipeline":
        """The pipeline.

        Raises:
            BadArgument: The model is exported, and has none.
        """
        if self._pipeline is None:
            raise BadArgument("An exported model is not a pipeline. Load the model that was exported.")
        pipeline: Pipeline = self._pipeline
        return pipeline

    @property
    def depth(self) -> int | None:
        """Bits per channel of files that have more than 8; None if not known, and they are read as 16."""
        return self._intake.depth

    @property
    def most_pixels(self) -> int:
        """The most that a file is decoded with; larger ones get the verdict ERROR."""
        return self._intake.most_pixels

    def __call__(self, image: Inspected) -> Inspection:
        """Return the verdict on one image: a path, the content of a file, a PIL image, an array or a tensor.

        The content of a file may be bytes, a bytearray, a memoryview, or a file that is open for reading.
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
        found = list(self._intake.entries(require_one(image), 0))
        if len(found) != 1:
            raise BadArgument(f"Expected one image, got {len(found)}. Pass several to Inspector.each.")
        return self._intake.read(found[0])

    def judge(self, reads: Sequence[Seen | Failure]) -> list[Inspection]:
        """Return the verdicts on images that were read, which are scored together as one batch."""
        return list(self._inspected(reads))

    def each(self, images: Inspected | Iterable[Inspected]) -> Iterator[Inspection]:
        """Yield the verdicts on images in their order, each as soon as its batch is done.

        One of several that is not understood gets the verdict ERROR, as one that cannot be read does: a
        camera that gives nothing once must not end a loop over all that it gives.

        Args:
            images: Images as for one call, folders of them, or arrays or tensors of several.

        Raises:
            BadArgument: They are not several, and not understood.
            BadData: They are a folder that holds no images.
            BadShape: They are an array or a tensor of a shape that is not understood.
        """
        size, workers = self._batch_size, self._workers
        given: Any = images
        entries = self._intake.entries(given, 0) if is_one(given) else self._entries(given)
        reads = ahead(self._intake.read, entries, workers=workers, reach=2 * max(size, workers))
        with closing(reads):
            while part := list(islice(reads, size)):
                yield from self._inspected(part)

    def _entries(self, images: Any) -> Iterator[Any]:
        number = 0
        for image in images:
            try:
                found = list(self._intake.entries(image, number))
            except (BadArgument, BadData, BadShape) as error:
                found = [Failure(name_of(image, number), str(error))]
            number += len(found)
            yield from found

    def _inspected(self, reads: Sequence[Seen | Failure]) -> Iterator[Inspection]:
        scored = iter(self._scored([read for read in reads if isinstance(read, Seen)]))
        for read in reads:
            yield self._failed(read) if isinstance(read, Failure) else next(scored)

    def _scored(self, reads: Sequence[Seen]) -> list[Inspection]:
        if not reads:
            return []
        start = time.perf_counter()
        try:
            scores, maps = self._intake.score(reads)
        except (BadFeatures, BadScores) as error:  # of one image, which is found by scoring each alone
            if len(reads) == 1:
                return [self._failed(Failure(reads[0].name, str(error), reads[0].seconds))]
            return [inspection for read in reads for inspection in self._scored([read])]
        share = (time.perf_counter() - start) / len(reads)
        return [
            self._judged(replace(read, seconds=read.seconds + share), score, anomaly_map)
            for read, score, anomaly_map in zip(reads, scores, maps, strict=True)
        ]

    def _judged(self, read: Seen, score: float, anomaly_map: np.ndarray) -> Inspection:
        start = time.perf_counter()
        anomaly_map.setflags(write=False)
        level, looked = self.calibration.pixel_threshold, self._intake.looked
        background = background_of(anomaly_map, looked)
        return Inspection(
            path=read.name,
            verdict=self.calibration.verdict(score),
            score=score,
            p_value=self.calibration.p_value(score),
            threshold=self.calibration.threshold,
            regions=regions_of(anomaly_map, read.geometry, level, background, looked),
            background=background,
            unseen=1 - read.share,
            model=self.model,
            milliseconds=_milliseconds(read.seconds + time.perf_counter() - start),
            anomaly_map=anomaly_map,
            geometry=read.geometry,
            looked=looked,
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


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)
