"""Checks of how scores grow: with worse defects, in all channels, and where a channel never varies.

They stand apart from the other checks of densities, since they compare anomalous patches with each other.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from padimkit.errors import PadimkitError
from padimkit.testing.answers import ROUNDING, Result, copied, difference
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import (
    Apply,
    defect_of,
    fitted,
    joined,
    part_of,
    probe,
    stream,
    training,
    with_defect,
)
from padimkit.values import Embedding

_CHANNEL_SHIFT = 10.0
_CONSTANT = (1, 4)  # channels that never vary, as dead ones of networks
_MOST = 0.75  # of the positions of a defect
_BATCH = 8
_WIDER = 3.0


def worse_defects_score_higher(make: Make, apply: Apply) -> None:
    """Patches twice as far from normal score higher: scores are not cut off where anomalies begin."""
    density, normal = fitted(make), _normal()
    defect = with_defect(normal)
    half = replace(defect, patches=(normal.patches + defect.patches) / 2)
    low, high = (_at_the_defect(apply(density, one)) for one in (half, defect))
    require(
        bool((high > low).all()),
        f"Expected higher scores where patches are twice as far from normal, found {_few(high)} on average "
        f"there, and {_few(low)} half as far. Are scores cut off?",
    )


def anomalies_stand_out_beside_constant_channels(make: Make, apply: Apply) -> None:
    """Anomalous patches score higher also if some channels never vary, which NaN that is hidden prevents."""
    density = make()
    try:
        density.fit(stream(_with_constant_channels(training("first"))))
        scores = apply(density, joined(*(_with_constant_channels(one) for one in (_normal(), _anomalous()))))
    except PadimkitError as error:
        raise NotApplicable("It refuses channels that never vary.") from error
    low, high = defect_of(scores["patches"]).chunk(2)
    share = float((high > low).float().mean())
    require(
        share > _MOST,
        f"Expected higher scores where patches are anomalous if some channels never vary, found them in "
        f"{share:.0%} of the positions. Is NaN replaced by a number, such as that of a square root of a "
        "negative variance?",
    )


def all_channels_are_scored(make: Make, apply: Apply) -> None:
    """Scores depend on each channel: to choose some is up to a reducer."""
    part, normal = fitted(make), probe("first")
    expected = copied(apply(part, normal))
    without = []
    for channel in range(normal.patches.shape[1]):
        patches = normal.patches.clone()
        patches[:, channel] += _CHANNEL_SHIFT
        if not difference(apply(part, replace(normal, patches=patches)), expected):
            without.append(str(channel))
    require(
        not without,
        f"Expected scores that depend on each of {normal.patches.shape[1]} channels, found that those do not "
        f"count that have the numbers {', '.join(without)}. Leave the choice to a reducer, or excuse the "
        "class by its attribute `checked`.",
    )


def spread_of_all_batches_is_learnt(make: Make, apply: Apply) -> None:
    """If the spread of one batch of fit counts, that of each does, and not their means alone."""
    expected = _learnt(make, apply, training("first"))
    names = ("first", "second", "last")
    counts = [
        bool(difference(_learnt(make, apply, _spread(start)), expected, relative=ROUNDING))
        for start in range(0, 3 * _BATCH, _BATCH)
    ]
    if not any(counts):
        raise NotApplicable("The spread of training patches does not count.")
    without = [name for name, count in zip(names, counts, strict=True) if not count]
    require(
        not without,
        f"Expected the spread of each batch of fit to count, found that of the {' and the '.join(without)} "
        "batch does not.",
    )


def _learnt(make: Make, apply: Apply, data: Embedding) -> Result:
    part: Any = make()
    part.fit(stream(data, _BATCH))
    return copied(apply(part, probe("first")))


def _spread(start: int) -> Embedding:
    """Return the training data, with the patches of one batch farther from their mean."""
    data = training("first")
    patches = data.patches.clone()
    batch = patches[start : start + _BATCH]
    mean = batch.mean(0)
    patches[start : start + _BATCH] = mean + _WIDER * (batch - mean)
    return replace(data, patches=patches)


def _normal() -> Embedding:
    return part_of(probe("first"), 0, len(probe("first").patches) // 2)


def _anomalous() -> Embedding:
    return with_defect(_normal())


def _with_constant_channels(embedding: Embedding) -> Embedding:
    patches = embedding.patches.clone()
    for channel in _CONSTANT:
        patches[:, channel] = training("first").patches[0, channel]
    return replace(embedding, patches=patches)


def _at_the_defect(scores: Result) -> Tensor:
    return defect_of(scores["patches"]).mean(1).clone()


def _few(values: Tensor) -> str:
    return ", ".join(f"{value:.3g}" for value in torch.as_tensor(values).tolist())
