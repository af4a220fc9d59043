"""Checks of the contents of data sets: which pictures there are, and what the masks mark in them.

They stand apart from the other checks of data sets, which ask for form and names.
"""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtr

from padimkit.arguments import arguments
from padimkit.images.sample import Sample
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.samples import SUBSETS, listed_by

_NORMAL_NAMES = ("good", "normal", "ok")
_HALF = 0.5
_KINDS = {True: "anomalous", False: "normal", None: "unlabelled"}
_CHANCE = 1e-3
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


def pictures_are_not_listed_twice(make: Make) -> None:
    """No more than half of the pictures of a kind are in a list twice, whatever their names."""
    source = make()
    for subset in SUBSETS:
        listed = listed_by(source, subset)
        digests = [_digest(sample) for sample in listed]
        counts = Counter(digests)
        for kind in {sample.anomalous for sample in listed}:
            own = [digest for digest, sample in zip(digests, listed, strict=True) if sample.anomalous is kind]
            share = sum(counts[digest] > 1 for digest in own) / len(own)
            require(
                share <= _HALF,
                f"Expected {subset} pictures that differ, found {share:.0%} of the {_KINDS[kind]} ones in "
                "the list twice, under other names. Is a folder listed twice, or does each sample open the "
                "last path of a loop?",
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
    paths = [Path(value).expanduser().resolve() for value in given.values() if _names_a_path(value)]
    if not paths:
        raise NotApplicable("No argument of it names a folder or a file.")
    with _reading() as read:
        type(source)(**given)
    found = [one for one in read if any(Path(one).resolve().is_relative_to(path) for path in paths)]
    require(not found, f'Expected nothing to be read before images are listed, found "{found[:1]}" read.')


def _digest(sample: Sample) -> bytes:
    picture = sample.open(sample.path)
    return hashlib.sha256(f"{picture.size} {picture.mode}".encode() + picture.tobytes()).digest()


def _mask(sample: Sample) -> np.ndarray:
    assert sample.mask is not None
    return np.asarray(sample.open_mask(sample.mask)) > 0


def _differences(train: Sequence[Sample], marked: Sequence[Sample]) -> list[np.ndarray]:
    """Return how far each pixel of the images is from the mean training picture; none if sizes differ."""
    total: np.ndarray | None = None
    for sample in train:  # one by one: all at once would take eight times their bytes
        picture = np.asarray(sample.open(sample.path), dtype=np.float64)
        if total is not None and picture.shape != total.shape:
            return []
        total = picture if total is None else total + picture
    assert total is not None  # there is one at least
    normal, found = total / len(train), []
    for sample in marked:
        picture = np.asarray(sample.open(sample.path))
        if picture.shape != normal.shape:
            return []
        found.append(np.abs(picture - normal).mean(-1))
    return found


def _require_own(differences: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> None:
    """Require that not all own masks mark what is normal, and those of a neighbour what is not.

    Faint defects may do so by chance: the neighbour's masks must do it by more than chance.
    """
    if len(differences) < _LEAST or len({mask.shape for mask in masks}) > 1:
        return
    own = _contrasts(differences, masks)
    for words, step in (("next", -1), ("previous", 1)):
        other = _contrasts(differences, [masks[(place - step) % len(masks)] for place in range(len(masks))])
        require(
            not (own.mean() <= 0 < other.mean() and _is_beyond_chance(other - own)),
            f"Expected masks of their own images, found that the {words} image's mask marks what is "
            f"unlike the training images ({other.mean():.3g} of 255 more than elsewhere), and the own mask "
            f"does not ({own.mean():.3g}).",
        )


def _contrasts(differences: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return how much more each image differs within its mask than without; 0 where this cannot be told."""
    pairs = zip(differences, masks, strict=True)
    return np.array(
        [d[m].mean() - d[~m].mean() if d.shape == m.shape and 0 < m.mean() < 1 else 0.0 for d, m in pairs]
    )


def _is_beyond_chance(values: np.ndarray) -> bool:
    """Return whether the mean is above 0 by Student's test."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return bool(error == 0 or stdtr(len(values) - 1, -values.mean() / error) < _CHANCE)


def _names_a_path(value: Any) -> bool:
    return isinstance(value, str | Path) and bool(str(value)) and Path(value).expanduser().exists()


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
