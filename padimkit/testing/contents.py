"""Checks of the contents of data sets: which pictures there are, and what the masks mark in them.

They stand apart from the other checks of data sets, which ask for form and names.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from padimkit.arguments import arguments
from padimkit.images.sample import Sample
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.samples import listed_by

_NORMAL_NAMES = ("good", "normal", "ok")
_HALF = 0.5
_LEAST = 3  # anomalous images, below which the neighbour's mask may fit by chance
_READING = ("open", "os.listdir", "os.scandir")


def train_and_test_share_no_picture(make: Make) -> None:
    """Train and test have no picture in common, whatever its name."""
    source = make()
    known = {_digest(sample): sample.path for sample in listed_by(source, "train")}
    for sample in listed_by(source, "test"):
        twin = known.get(_digest(sample))
        require(
            twin is None,
            f'Expected other pictures in test than in train, found "{sample.path}" in both: "{twin}".',
        )


def normal_folders_hold_normal_images(make: Make) -> None:
    """No test image in a folder called "good", "normal" or "ok" is labelled anomalous."""
    wrong = [
        str(sample.path)
        for sample in listed_by(make(), "test")
        if sample.anomalous and sample.path.parent.name.lower() in _NORMAL_NAMES
    ]
    require(
        not wrong, f"Expected normal images in folders of these names, found others: {', '.join(wrong[:3])}."
    )


def masks_mark_the_anomalies(make: Make) -> None:
    """Masks mark less than half of the images, and rather the own image than its neighbour in the list."""
    source = make()
    marked = [sample for sample in listed_by(source, "test") if sample.anomalous and sample.mask is not None]
    if not marked:
        raise NotApplicable("Its test images have no masks.")
    masks = [_mask(sample) for sample in marked]
    shares = [float(mask.mean()) for mask in masks]
    require(
        min(shares) <= _HALF,
        f"Expected masks that mark less than half of an image, found {min(shares):.0%} at least. "
        "Are they inverted?",
    )
    _require_own(_differences(listed_by(source, "train"), marked), masks)


def making_it_reads_nothing(make: Make) -> None:
    """Data sources read the files that their arguments name when they list images, and not before."""
    source = make()
    given = arguments(source)
    paths = [os.path.realpath(value) for value in given.values() if _names_a_path(value)]
    if not paths:
        raise NotApplicable("No argument of it names a folder or a file.")
    with _reading() as read:
        type(source)(**given)
    found = [path for path in read if any(os.path.realpath(path).startswith(start) for start in paths)]
    require(not found, f'Expected nothing to be read before images are listed, found "{found[:1]}" read.')


def _digest(sample: Sample) -> bytes:
    picture = sample.open(sample.path)
    return hashlib.sha256(f"{picture.size} {picture.mode}".encode() + picture.tobytes()).digest()


def _mask(sample: Sample) -> np.ndarray:
    assert sample.mask is not None
    return np.asarray(sample.open_mask(sample.mask)) > 0


def _differences(train: Sequence[Sample], marked: Sequence[Sample]) -> list[np.ndarray]:
    """Return how far each pixel of the images is from the mean training picture; none if sizes differ."""
    pictures = [np.asarray(sample.open(sample.path), dtype=np.float64) for sample in (*train, *marked)]
    if len({picture.shape for picture in pictures}) > 1:
        return []
    normal = np.stack(pictures[: len(train)])
    return [np.abs(picture - normal.mean(0)).mean(-1) for picture in pictures[len(train) :]]


def _require_own(differences: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> None:
    """Require that not all own masks mark what is normal, and those of a neighbour what is not."""
    if len(differences) < _LEAST or len({mask.shape for mask in masks}) > 1:
        return
    own = _contrast(differences, masks)
    for words, step in (("next", -1), ("previous", 1)):
        other = _contrast(differences, [masks[(place - step) % len(masks)] for place in range(len(masks))])
        require(
            not (own <= 0 < other),
            f"Expected masks of their own images, found that the {words} image's mask marks what is "
            f"unlike the training images ({other:.3g} of 255 more than elsewhere), and the own mask does not "
            f"({own:.3g}).",
        )


def _contrast(differences: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """Return how much more the images differ within the masks than without, on average."""
    pairs = [
        (d, m) for d, m in zip(differences, masks, strict=True) if d.shape == m.shape and 0 < m.mean() < 1
    ]
    return float(np.mean([d[m].mean() - d[~m].mean() for d, m in pairs])) if pairs else 0.0


def _names_a_path(value: Any) -> bool:
    return isinstance(value, str | Path) and Path(value).expanduser().exists()


@contextmanager
def _reading() -> Iterator[list[str]]:
    """Collect the paths of the files and folders that are opened within the block."""
    watch = _watch()
    watch.append([])
    try:
        yield watch[-1]
    finally:
        watch.pop()


@cache
def _watch() -> list[list[str]]:
    """Return the open collections; what Python calls at each event cannot be removed, and so there is one."""
    collections: list[list[str]] = []

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if collections and event in _READING and given and isinstance(given[0], str | bytes | Path):
            collections[-1].append(os.fsdecode(given[0]))

    sys.addaudithook(hook)
    return collections
