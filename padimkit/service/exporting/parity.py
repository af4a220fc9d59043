"""The comparison of an exported model with the pipeline that it was made of, on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from padimkit.images.pictures import Held
from padimkit.images.sample import Sample
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.exported.session import Session
from padimkit.inspection.learnt import LearntImage
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Prediction

TOLERANCE = 1e-4
BATCHES = (1, 8)
_DRAWN_SEED = 0
_LEARNT = "images that the model has learnt"
Pixels: TypeAlias = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class Images:
    """Images to compare on.

    Args:
        samples: The images.
        source: What they are, for people.
    """

    samples: tuple[Sample, ...]
    source: str


@final
@dataclass(frozen=True)
class Parity:
    """The differences of an exported model from its pipeline.

    Args:
        images: How many were compared, and what they are.
        scores: By batch size, the largest difference of a score, relative to it, or to the score of a normal
            image by the calibration if that is larger: a gallery knows what it has learnt at distance 0.
        maps: By batch size, the largest difference in a map, relative to the largest value in it, or to the
            calibration's threshold of maps if that is larger.
        resized: The largest difference of a score and in a map where the graph itself resizes the images.
        verdicts: The number of images whose verdict differs.
    """

    images: str
    scores: dict[int, float]
    maps: dict[int, float]
    resized: tuple[float, float]
    verdicts: int

    @property
    def largest(self) -> float:
        """The largest of all differences."""
        return float(np.max([*self.scores.values(), *self.maps.values(), *self.resized]))  # NaN, if any is

    @property
    def holds(self) -> bool:
        """Whether results are those of the pipeline."""
        return self.largest <= TOLERANCE  # not NaN

    def __str__(self) -> str:
        parts = (
            f"batch {size}: {self.scores[size]:.1e} of a score, {self.maps[size]:.1e} of a map"
            for size in self.scores
        )
        resized = f"resized by the graph: {self.resized[0]:.1e} of a score, {self.resized[1]:.1e} of a map"
        verdicts = f"; {self.verdicts} verdicts differ" if self.verdicts else ""
        return f"largest difference on {self.images}: {'; '.join(parts)}; {resized}{verdicts}"


def chosen_images(
    given: Sequence[Path], learnt: Sequence[LearntImage], pipeline: Pipeline, *, most: int = BATCHES[-1]
) -> Images:
    """Return some of the given images; else of those that the model has learnt and that are still there; else
    drawn ones.
    """
    if given:
        return Images(tuple(map(Sample, _spread(given, most))), "given images")
    there = [Path(image.path) for image in learnt if Path(image.path).is_file()]
    if there:
        return Images(tuple(map(Sample, _spread(there, most))), _LEARNT)
    generator = np.random.default_rng(_DRAWN_SEED)
    drawn = [Image.fromarray(_drawn(generator, pipeline)) for _ in range(most)]
    samples = tuple(
        Sample(Path(f"drawn {number}"), open=Held((picture,))) for number, picture in enumerate(drawn)
    )
    return Images(samples, "drawn images, since the model names none that are there")


def compared_images(given: Sequence[Path], learnt: Sequence[LearntImage], pipeline: Pipeline) -> Images:
    """Return the images to compare on: those of `chosen_images`, but learnt ones mirrored.

    A model may know what it has learnt by heart, as a gallery does; its scores are then what rounding leaves.
    """
    found = chosen_images(given, learnt, pipeline)
    if found.source != _LEARNT:
        return found
    preprocessing = pipeline.fitted_preprocessing

    def mirrored(sample: Sample) -> Sample:
        picture = sample.picture(preprocessing.depth, preprocessing.most_pixels)
        return Sample(sample.path, open=Held((ImageOps.mirror(picture),)))

    return Images(tuple(map(mirrored, found.samples)), f"{_LEARNT}, mirrored")


def parity(session: Session, pipeline: Pipeline, images: Images, calibration: Calibration | None) -> Parity:
    """Return the differences of a session's results from those of the pipeline."""
    preprocessing = pipeline.fitted_preprocessing
    most, least = preprocessing.most_pixels, _usual(calibration)
    pictures = [sample.picture(preprocessing.depth, most) for sample in images.samples]
    pixels = np.stack([preprocessing.pixels(picture) for picture in pictures])
    expected = pipeline.predict(list(images.samples), progress=False)
    of_scores, of_maps = {}, {}
    for size in BATCHES:
        order = np.resize(np.arange(len(pictures)), max(size, len(pictures)))  # repeated, if they are too few
        parts = np.split(order, range(size, len(order), size))
        found = _joined([session.run_framed(pixels[part]) for part in parts])
        of_scores[size], of_maps[size] = _differences(found, expected, order, least)
        if size == 1:
            verdicts = _changed(found[0], expected.image_scores.tolist(), calibration)
    alone = _joined([session.run(np.asarray(picture)[None]) for picture in pictures])
    every = np.arange(len(pictures))
    resized = _differences(alone, expected, every, least)
    return Parity(f"{len(pictures)} {images.source}", of_scores, of_maps, resized, verdicts)


Results: TypeAlias = tuple[np.ndarray, np.ndarray]  # scores and maps


def _joined(results: Sequence[Results]) -> Results:
    return np.concatenate([scores for scores, _ in results]), np.concatenate([maps for _, maps in results])


def _usual(calibration: Calibration | None) -> tuple[float, float]:
    """Return the score and the highest value of a map that a normal image may have; 0 if nothing is known."""
    if calibration is None:
        return 0.0, 0.0
    return float(np.median(calibration.scores)), calibration.pixel_threshold


def _differences(
    found: Results, expected: Prediction, order: np.ndarray, least: tuple[float, float]
) -> tuple[float, float]:
    """Return the largest difference of a score, and that in a map, relative to at least these values."""
    scores, maps = expected.image_scores.cpu().numpy()[order], expected.anomaly_maps.cpu().numpy()[order]
    off = np.abs(found[0] - scores) / _positive(np.abs(scores).clip(least[0]))
    highest = _positive(np.abs(maps).max(axis=(1, 2)).clip(least[1]))
    return float(off.max()), float((np.abs(found[1] - maps).max(axis=(1, 2)) / highest).max())


def _changed(found: np.ndarray, expected: Sequence[float], calibration: Calibration | None) -> int:
    if calibration is None:
        return 0
    pairs = zip(found.tolist(), expected, strict=True)
    return sum(calibration.verdict(own) is not calibration.verdict(other) for own, other in pairs)


def _spread(paths: Sequence[Path], most: int) -> list[Path]:
    """Return at most this many, evenly spread over the list."""
    if len(paths) <= most:
        return list(paths)
    return [paths[int(place)] for place in np.linspace(0, len(paths) - 1, most)]


def _drawn(generator: np.random.Generator, pipeline: Pipeline) -> Pixels:
    """Return an image of soft blobs at a size that the preprocessing takes."""
    resize = pipeline.preprocessing.framing.resize
    height, width = pipeline.size if resize is None else (side + 32 for side in pipeline.size)
    if box := pipeline.preprocessing.framing.box:
        height, width = max(height, box[3]), max(width, box[2])
    coarse = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def _positive(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(values, np.finfo(np.float32).tiny))
