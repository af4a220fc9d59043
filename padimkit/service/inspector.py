"""The inspector: a calibrated model that gives verdicts on images in any form."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np

from padimkit.arguments import require_whole
from padimkit.errors import BadArgument, BadFeatures, BadScores, NotCalibrated
from padimkit.images.prefetch import MOST_AT_A_TIME, MOST_WORKERS, ahead, usual_workers
from padimkit.inspection import model_name
from padimkit.inspection.background import background_of
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.exported.scorer import ExportedScorer
from padimkit.inspection.exported.session import Options, is_exported, open_session
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.regions import regions_of
from padimkit.inspection.seen import Failure, Inspected, Scorer, Seen, listed
from padimkit.inspection.verdict import Verdict

if TYPE_CHECKING:
    from padimkit.pipeline.pipeline import Pipeline

    Model: TypeAlias = Path | str | Pipeline
else:
    Model = object  # a pipeline needs torch, which an exported model does without


@final
class Inspector:
    """A calibrated model that gives verdicts; many threads may call it at a time.

    Loading it prepares what scoring needs, so that the first call takes as long as any other. An image that
    cannot be read or does not fit the model gets the verdict ERROR; what is not an image is refused.

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
        opened = (
            _exported(Path(model).expanduser(), calibration, options)
            if isinstance(model, str | Path) and is_exported(model)
            else _living(model, calibration, options, trust)
        )
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
        size, workers = self._batch_size, self._workers
        entries = self._intake.entries(listed(images))
        reads = ahead(self._intake.read, entries, workers=workers, reach=2 * max(size, workers))
        with closing(reads):
            while part := list(islice(reads, size)):
                yield from self._inspected(part)

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


Opened: TypeAlias = tuple[str | None, Calibration, Scorer, Any]


def _exported(path: Path, calibration: Calibration | None, options: Options) -> Opened:
    """Return the name, the calibration and the scorer of an exported model, and no pipeline."""
    _require_none(calibration)
    session = open_session(path, options)
    if session.card.calibration is None:
        raise NotCalibrated(
            f'"{path}" was exported without a calibration, so no verdict follows from its scores. Calibrate '
            "the model by padimkit calibrate, and export it again."
        )
    name = model_name.exported(session.card.digest, path, session.precision)
    return name, session.card.calibration, ExportedScorer(session), None


def _living(model: Model, calibration: Calibration | None, options: Options, trust: bool) -> Opened:
    """Return the name, the calibration, the scorer and the pipeline of a model that computes by torch."""
    # Imported here, since an exported model does without torch, which takes seconds to import.
    import torch

    from padimkit.inspection.intake import Intake
    from padimkit.storage import computes_in, load, load_calibration, model_digest

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if isinstance(model, str | Path):
        _require_none(calibration)
        known, name = load_calibration(model), model_digest(model)
        pipeline = load(model, device=options.device, trust=trust, precision=options.precision)
        if options.precision is not None and not computes_in(model, options.precision):
            name = model_name.in_another_precision(name, options.precision)
        return name, known, Intake(pipeline), pipeline
    if options.precision is not None:
        raise BadArgument('A pipeline computes as it was made: pass "precision" with a stored model only.')
    if calibration is None:
        raise NotCalibrated(
            "A pipeline gives no verdicts without a calibration. Pass padimkit.calibrate(pipeline, images), "
            "with the images of the fit."
        )
    return None, calibration, Intake(model), model


def _require_none(calibration: Calibration | None) -> None:
    if calibration is not None:
        raise BadArgument("A stored model has a calibration of its own: pass one with a pipeline only.")


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)
