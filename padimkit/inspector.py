"""The inspector: a calibrated model that gives verdicts on images in any form."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast, final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from padimkit.errors import BadArgument, BadFeatures, BadImage, BadScores, BadShape, NotCalibrated
from padimkit.images.decoding import open_page
from padimkit.images.geometry import Geometry
from padimkit.images.inputs import samples_of
from padimkit.images.pages import Page, pages_in
from padimkit.images.prefetch import ahead
from padimkit.images.reader import Reader, Sample
from padimkit.inspection.calibration import Calibration, Verdict
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.regions import regions_of
from padimkit.pipeline.pipeline import Pipeline
from padimkit.storage import load, load_calibration, model_digest
from padimkit.values import Batch, numbered

if TYPE_CHECKING:
    from padimkit.images.inputs import OneImage

    Inspected: TypeAlias = OneImage | bytes | bytearray
else:
    Inspected = object  # anything else is refused here, by a message, even if types are checked at run time


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
        self._warm_up()

    def __call__(self, image: Inspected) -> Inspection:
        """Return the verdict on one image: a path, bytes of a file, a PIL image, an array or a tensor.

        Arrays and tensors are as for `Pipeline.predict`.

        Raises:
            BadArgument: It is not understood as one image.
            BadShape: An array or a tensor does not have a shape that is understood.
        """
        found = list(self._entries([image]))
        if len(found) != 1:
            raise BadArgument(f"Expected one image, got {len(found)}. Pass several to Inspector.each.")
        (inspection,) = self._inspected([self._read(found[0])])
        return inspection

    def each(self, images: Inspected | Iterable[Inspected]) -> Iterator[Inspection]:
        """Yield the verdicts on images in their order, each as soon as its batch is done.

        Args:
            images: Images as for one call, folders of them, or arrays or tensors of several.

        Raises:
            BadArgument: They are not understood.
            BadData: A folder holds no images.
            BadShape: An array or a tensor does not have a shape that is understood.
        """
        listed = cast(Iterable[Inspected], [images] if _is_one(images) else images)
        size, workers = self._reader.batch_size, self._reader.threads
        reads = ahead(self._read, self._entries(listed), workers=workers, reach=2 * max(size, workers))
        with closing(reads):
            while part := list(islice(reads, size)):
                yield from self._inspected(part)

    def _warm_up(self) -> None:
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(1, 3, *self.pipeline.size, generator=generator)
        self.pipeline.predict_batch(Batch(image, numbered(1)))

    def _entries(self, images: Iterable[Inspected]) -> Iterator["_Entry"]:
        """Yield what is to be read, and refuse at once what no file could be the fault of."""
        number = 0
        for image in images:
            for entry in self._entries_of(image, number):
                number += 1
                yield entry

    def _entries_of(self, image: Inspected, number: int) -> Iterator["_Entry"]:
        (name,) = numbered(1, number)
        if isinstance(image, Tensor):
            yield self._tensor(image, name)
        elif isinstance(image, bytes | bytearray):
            for page in pages_in(bytes(image), name):
                yield Sample(Path(page.name), open=partial(self._page, page))
        else:
            try:
                yield from samples_of(image, number)
            except BadImage as error:
                yield _Failure(str(image) if isinstance(image, str | Path) else name, str(error))

    def _page(self, page: Page, _: Path) -> Image.Image:
        return open_page(page, self._reader.preprocessing.depth)

    def _tensor(self, image: Tensor, name: str) -> "_Seen":
        found = [batch for batch in self.pipeline.read(image, 1, 0, None)]
        if len(found) != 1:
            raise BadArgument(f"Expected one image, got a tensor of {len(found)}.")
        self._require_size(found[0])
        size = self.pipeline.size
        whole = Geometry(size, (0, 0, size[1], size[0]), size, (0, 0), size)
        return _Seen(name, found[0].images, whole, share=1.0)

    def _read(self, entry: "_Entry") -> "_Seen | _Failure":
        if not isinstance(entry, Sample):
            return entry
        start = time.perf_counter()
        try:
            images, geometry = self._seen(entry)
            share = self.pipeline.seen(geometry.original)
        except (BadImage, BadShape) as error:
            return _Failure(str(entry.path), str(error), time.perf_counter() - start)
        return _Seen(str(entry.path), images, geometry, share, time.perf_counter() - start)

    def _seen(self, sample: Sample) -> tuple[Tensor, Geometry]:
        sizes: list[tuple[int, int]] = []

        def measured(_: Path) -> Image.Image:
            picture = sample.picture(self._reader.preprocessing.depth)
            sizes.append((picture.height, picture.width))
            return picture

        (batch,) = self.pipeline.read([Sample(sample.path, open=measured)], 1, 0, None)
        self._require_size(batch)
        return batch.images, self.pipeline.preprocessing.geometry(sizes[0])

    def _require_size(self, batch: Batch) -> None:
        found, expected = tuple(batch.images.shape[2:]), self.pipeline.size
        if found != expected:
            raise BadShape(
                f'"{batch.paths[0]}" has {found[0]} x {found[1]} '
                f"pixels (height x width) as the model sees "
                f"it, which was fitted on {expected[0]} x {expected[1]}."
            )

    def _inspected(self, reads: Sequence["_Seen | _Failure"]) -> Iterator[Inspection]:
        scored = iter(self._scored([read for read in reads if isinstance(read, _Seen)]))
        for read in reads:
            yield self._failed(read) if isinstance(read, _Failure) else next(scored)

    def _scored(self, reads: Sequence["_Seen"]) -> list[Inspection]:
        if not reads:
            return []
        start = time.perf_counter()
        batch = Batch(torch.cat([read.images for read in reads]), tuple(read.name for read in reads))
        try:
            prediction = self.pipeline.predict_batch(batch)
        except (BadFeatures, BadScores) as error:  # of one image, which is found by scoring each alone
            if len(reads) == 1:
                return [self._failed(_Failure(reads[0].name, str(error), reads[0].seconds))]
            return [inspection for read in reads for inspection in self._scored([read])]
        scores, maps = prediction.image_scores.tolist(), prediction.anomaly_maps.cpu().numpy()
        share = (time.perf_counter() - start) / len(reads)
        return [
            self._judged(replace(read, seconds=read.seconds + share), score, anomaly_map)
            for read, score, anomaly_map in zip(reads, scores, maps, strict=True)
        ]

    def _judged(self, read: "_Seen", score: float, anomaly_map: np.ndarray) -> Inspection:
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

    def _failed(self, failure: "_Failure") -> Inspection:
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


@dataclass(frozen=True)
class _Seen:
    """An image as the model sees it, in a batch of its own."""

    name: str
    images: Tensor
    geometry: Geometry
    share: float
    seconds: float = 0.0


@dataclass(frozen=True)
class _Failure:
    """The reason why an image cannot be inspected."""

    name: str
    error: str
    seconds: float = 0.0


_Entry: TypeAlias = Sample | _Seen | _Failure


def _is_one(images: object) -> bool:
    """Return whether this is one image, or a folder, and not several; arrays of several have four axes."""
    if isinstance(images, np.ndarray | Tensor):
        return images.ndim < 4
    return isinstance(images, str | bytes | bytearray) or not isinstance(images, Iterable)


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
