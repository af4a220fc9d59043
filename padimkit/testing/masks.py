"""The check that masks lie where their images differ from the training images.

Apart from the other checks of contents: it compares the masks with what they would mark elsewhere.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata, t

from padimkit.images.sample import Sample
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.samples import listed_by

_SIDE = 96  # pixels to which pictures and masks are made smaller: places can still be told apart
_CHANCE = 1e-2
_LEAST = 3  # anomalous images, below which other masks may fit by chance
_SHARED = 0.5  # of two masks, from which on they tell nothing of which is right
_DRAWS = 1000  # of masks in any order
_LEAST_EXCESS = 0.3  # of the area under a curve of 1, from which on places are seen to be unusual
Masks: TypeAlias = np.ndarray  # images, rows, columns


def masks_lie_where_images_differ(make: Make) -> None:
    """Masks rather mark where their images differ from training images than turned or mixed up ones do."""
    source = make()
    test = listed_by(source, "test")
    marked = [sample for sample in test if sample.anomalous and sample.mask is not None]
    normal = [sample for sample in test if not sample.anomalous]
    if len(marked) < _LEAST or not normal:
        raise NotApplicable(f"It has fewer than {_LEAST} masks, or no normal images to compare with.")
    found = _seen(listed_by(source, "train"), marked, normal)
    if found is None:
        raise NotApplicable("Its pictures differ in size.")
    own = np.diag(found.excess(found.masks))
    for words, masks in _others(found.masks):
        apart = _shared(found.masks, masks) < _SHARED
        if apart.sum() >= _LEAST:
            _require_no_better(own[apart], np.diag(found.excess(masks))[apart], words)
    _require_order(found.excess(found.masks))


@dataclass(frozen=True)
class _Seen:
    """Masks, and the ranks of the pixels of test images by how far they are from the training images."""

    anomalous: np.ndarray  # images, pixels
    normal: np.ndarray
    masks: Masks

    def excess(self, masks: Masks) -> np.ndarray:
        """Return how much more each anomalous image differs within each mask than normal images do there.

        The first axis is that of images, the second that of masks. The measure is the area under the ROC
        curve of pixels: 0 where a mask marks nothing unusual, 0.5 where it marks all of it and nothing else.
        """
        return np.asarray(_areas(self.anomalous, masks) - _areas(self.normal, masks).mean(0))


def _areas(ranks: np.ndarray, masks: Masks) -> np.ndarray:
    flat = masks.reshape(len(masks), -1).astype(np.float64)
    inside, pixels = flat.sum(1), flat.shape[1]
    counts = np.maximum(inside * (pixels - inside), 1)
    area: np.ndarray = (ranks @ flat.T - inside * (inside + 1) / 2) / counts
    return np.where((inside > 0) & (inside < pixels), area, 0.5)


def _seen(train: Sequence[Sample], marked: Sequence[Sample], normal: Sequence[Sample]) -> _Seen | None:
    pictures = [_small(sample.open(sample.path)) for sample in (*train, *marked, *normal)]
    masks = [_small(sample.open_mask(sample.mask)) for sample in marked if sample.mask is not None]
    if len({picture.shape[:2] for picture in (*pictures, *masks)}) > 1:
        return None
    values = np.stack(pictures)
    learnt, tested = values[: len(train)], values[len(train) :]
    spread = learnt.std(0)
    distances = (np.abs(tested - learnt.mean(0)) / (spread + spread.mean() + 1)).mean(-1)
    ranks = rankdata(distances.reshape(len(tested), -1), axis=1)
    return _Seen(ranks[: len(marked)], ranks[len(marked) :], np.stack(masks) > 0)


def _small(picture: Image.Image) -> np.ndarray:
    factor = max(-(-max(picture.size) // _SIDE), 1)
    smaller = (
        picture.convert("L").reduce(factor)
        if picture.mode in ("1", "I", "F", "P")
        else picture.reduce(factor)
    )
    return np.asarray(smaller, dtype=np.float32)


def _others(masks: Masks) -> Iterator[tuple[str, Masks]]:
    """Yield masks of other images, and turned ones, in words and as they are."""
    turned: dict[str, Callable[[Masks], Masks]] = {
        "the mask of the next image": lambda one: np.roll(one, -1, 0),
        "the mask of the previous image": lambda one: np.roll(one, 1, 0),
        "the masks in the opposite order": lambda one: one[::-1],
        "the mask mirrored from left to right": lambda one: one[:, :, ::-1],
        "the mask upside down": lambda one: one[:, ::-1],
        "the mask turned by 180 degrees": lambda one: one[:, ::-1, ::-1],
    }
    if masks.shape[1] == masks.shape[2]:
        turned |= {
            "the mask turned by 90 degrees to the left": lambda one: np.rot90(one, 1, (1, 2)),
            "the mask turned by 90 degrees to the right": lambda one: np.rot90(one, -1, (1, 2)),
            "the mask with rows for columns": lambda one: one.swapaxes(1, 2),
        }
    for words, change in turned.items():
        yield words, np.ascontiguousarray(change(masks))


def _shared(masks: Masks, others: Masks) -> np.ndarray:
    """Return how much of two masks of an image both mark, of what either marks."""
    both, either = (masks & others).sum((1, 2)), (masks | others).sum((1, 2))
    return np.asarray(both / np.maximum(either, 1))


def _require_no_better(own: np.ndarray, other: np.ndarray, words: str) -> None:
    lead = other - own
    error = lead.std(ddof=1) / np.sqrt(len(lead))
    wrong = other.mean() > _LEAST_EXCESS and own.mean() < other.mean() / 2
    require(
        not (wrong and t.sf(lead.mean() / max(error, 1e-9), len(lead) - 1) < _CHANCE),
        f"Expected masks that mark where their images differ from the training images, found that {words} "
        f"does so, and the own mask does not: {0.5 + other.mean():.2f} and {0.5 + own.mean():.2f} of the "
        "area under the ROC curve of the pixels. Is something turned, such as by an EXIF orientation, or "
        "listed in another order?",
    )


def _require_order(excess: np.ndarray) -> None:
    """Require that no other order of the masks fits the images better than any order does by chance."""
    own, best = float(np.diag(excess).mean()), _best(excess)
    if best <= _LEAST_EXCESS or own >= best / 2:
        return
    generator = np.random.default_rng(0)
    chance = [_best(generator.permuted(excess, axis=1)) for _ in range(_DRAWS)]
    require(
        bool(np.mean([one >= best for one in chance]) >= _CHANCE / 10),
        "Expected each mask to belong to its image, found that the masks in another order mark where the "
        f"images differ from the training images: {0.5 + best:.2f} of the area under the ROC curve of the "
        f"pixels, and {0.5 + own:.2f} in theirs. Are images and masks sorted alike?",
    )


def _best(excess: np.ndarray) -> float:
    rows, columns = linear_sum_assignment(excess, maximize=True)
    return float(excess[rows, columns].mean())
