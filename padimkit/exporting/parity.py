"""The comparison of an exported model with the pipeline that it was made of, on the same images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from padimkit.exported.session import Session
from padimkit.images.reader import Held, Sample
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.learnt import LearntImage
from padimkit.pipeline.pipeline import Pipeline

TOLERANCE = 1e-4
BATCHES = (1, 8)
_DRAWN_SEED = 0
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
        scores: By batch size, the largest difference of a score, relative to it.
        maps: By batch size, the largest difference in a map, relative to the largest value in it.
        verdicts: The number of images whose verdict differs.
    """

    images: str
    scores: dict[int, float]
    maps: dict[int, float]
    verdicts: int

    @property
    def largest(self) -> float:
        """The largest of all differences."""
        return max(*self.scores.values(), *self.maps.values())

    def __str__(self) -> str:
        parts = (
            f"batch {size}: {self.scores[size]:.1e} of a score, {self.maps[size]:.1e} of a map"
            for size in self.scores
        )
        verdicts = f"; {self.verdicts} verdicts differ" if self.verdicts else ""
        return f"largest difference on {self.images}: {'; '.join(parts)}{verdicts}"


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
        return Images(tuple(map(Sample, _spread(there, most))), "images that the model has learnt")
    generator = np.random.default_rng(_DRAWN_SEED)
    drawn = [Image.fromarray(_drawn(generator, pipeline)) for _ in range(most)]
    samples = tuple(
        Sample(Path(f"drawn {number}"), open=Held(picture)) for number, picture in enumerate(drawn)
    )
    return Images(samples, "drawn images, since the model names none that are there")


def parity(session: Session, pipeline: Pipeline, images: Images, calibration: Calibration | None) -> Parity:
    """Return the differences of a session's results from those of the pipeline."""
    depth = pipeline.fitted_preprocessing.depth
    pictures = [np.asarray(sample.picture(depth)) for sample in images.samples]
    expected = pipeline.predict(list(images.samples), progress=False)
    scores, maps = expected.image_scores.cpu().numpy(), expected.anomaly_maps.cpu().numpy()
    of_scores, of_maps, found = {}, {}, scores
    for size in BATCHES:
        numbers = _batches(pictures, size)
        results = [session.run(np.stack([pictures[number] for number in batch])) for batch in numbers]
        order = np.concatenate(numbers)
        found = np.concatenate([result[0] for result in results])
        of_scores[size] = float(np.max(np.abs(found - scores[order]) / _positive(np.abs(scores[order]))))
        of_maps[size] = max(
            _map_difference(some, maps[batch]) for batch, (_, some) in zip(numbers, results, strict=True)
        )
        if size == 1:
            judged = found
    verdicts = 0
    if calibration:
        pairs = zip(judged.tolist(), scores.tolist(), strict=True)
        verdicts = sum(calibration.verdict(own) is not calibration.verdict(other) for own, other in pairs)
    return Parity(f"{len(pictures)} {images.source}", of_scores, of_maps, verdicts)


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


def _batches(pictures: Sequence[Pixels], size: int) -> list[np.ndarray]:
    """Return the numbers of images in each batch: of one size, and repeated if they are too few."""
    if size == 1:
        return [np.array([number]) for number in range(len(pictures))]
    shape = Counter(picture.shape for picture in pictures).most_common(1)[0][0]
    alike = [number for number, picture in enumerate(pictures) if picture.shape == shape]
    return [np.resize(np.array(alike), size)]


def _map_difference(found: Float[np.ndarray, "b H W"], expected: Float[np.ndarray, "b H W"]) -> float:
    highest = _positive(np.abs(expected).max(axis=(1, 2)))
    return float((np.abs(found - expected).max(axis=(1, 2)) / highest).max())


def _positive(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(values, np.finfo(np.float32).tiny))
