"""Checks of learning: parts learn from all that they are given, whatever its form.

They stand apart from the other checks of learners, since they fit on changed training data.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from padimkit.errors import PadimkitError
from padimkit.testing.answers import ROUNDING, Result, copied, difference, require_finite
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.embeddings import (
    Apply,
    defect_of,
    fitted,
    part_of,
    probe,
    stream,
    tensors_of,
    training,
    ways_to_fit,
)
from padimkit.values import Embedding

_BATCH = 8  # a third of the training data, so that all batches are alike
_FAR = 1000.0  # where float32 loses the spread of values around a mean in the difference of their squares
_NEAR = 3.0


def all_batches_are_learnt(make: Make, apply: Apply) -> None:
    """Other images in the first, in a middle or in the last batch change what is learnt."""
    expected = _learnt(make, apply, training("first"))
    for name, start in (("first", 0), ("second", _BATCH), ("last", 2 * _BATCH)):
        _require_other(
            make,
            apply,
            _other_images(training("first"), start),
            expected,
            f"Expected the {name} batch of fit to count, found that it does not.",
        )


def batches_of_fit_do_not_matter(make: Make, apply: Apply) -> None:
    """Unless the order of batches matters, as in training by steps, their sizes do not."""
    data = training("first")
    batches = [part_of(data, start, start + _BATCH) for start in range(0, len(data.patches), _BATCH)]
    expected = _learnt_from(make, apply, batches)
    if difference(_learnt_from(make, apply, batches[::-1]), expected, relative=ROUNDING):
        raise NotApplicable("The order of batches matters to it.")
    for size in (len(data.patches), 11, 5):
        found = _learnt_from(make, apply, list(stream(data, size)))
        changed = difference(found, expected, relative=ROUNDING)
        require(
            not changed,
            f"Expected the same from a fit in batches of {size} images as in batches of {_BATCH}, "
            f"found {changed}. Sum over images, not over batches.",
        )


def all_positions_are_learnt(make: Make, apply: Apply) -> None:
    """Other patches in any quarter of the positions change what is learnt."""
    expected = _learnt(make, apply, training("first"))
    for name, changed in _other_quarters(training("first")):
        _require_other(
            make,
            apply,
            changed,
            expected,
            f"Expected patches in the {name} quarter to count in fit, found that they do not.",
        )


def training_data_matter(make: Make, apply: Apply) -> None:
    """Fits on other data give other scores."""
    one, other = (apply(fitted(make, data), probe("first")) for data in ("first", "second"))
    require(bool(difference(other, one)), "Expected other scores after a fit on other data, found the same.")


def descriptors_that_count_are_learnt(make: Make, apply: Apply) -> None:
    """If an image's score depends on its descriptor, it depends on the descriptors of training images too."""
    part, unseen, data = fitted(make), probe("first"), training("first")
    expected = copied(apply(part, probe("first")))  # made anew: it may be changed in place
    if unseen.descriptor is None or data.descriptor is None:
        raise NotApplicable("There are no descriptors.")
    other = replace(unseen, descriptor=2 * unseen.descriptor + _NEAR)
    if not difference(apply(part, other), expected, relative=ROUNDING):
        raise NotApplicable("It does not use descriptors.")
    found = _learnt_from(make, apply, list(stream(replace(data, descriptor=2 * data.descriptor + _NEAR))))
    require(
        bool(difference(found, expected, relative=ROUNDING)),
        "Expected other scores after a fit on other descriptors, found the same: scores depend on the "
        "descriptor of an image, and nothing is learnt of those of normal ones.",
    )


def learnt_images_may_be_overwritten(make: Make, apply: Apply) -> None:
    """What is learnt stays as it is where the memory of the training images is used again."""
    expected = _learnt_from(make, apply, [training("first")])
    part = make()
    for learn in ways_to_fit(part):
        given = training("first")
        learn(stream(given, len(given.patches)))  # a single batch needs no copy to become one tensor
        for tensor in tensors_of(given).values():
            tensor.fill_(_FAR)
        changed = difference(apply(part, probe("first")), expected, relative=ROUNDING)
        require(
            not changed,
            f"Expected the same result after the memory of the training images has been used again, found "
            f"{changed}. Keep copies of what is given.",
        )


def constant_channels_are_taken(make: Make, apply: Apply) -> None:
    """Channels that never vary, as dead ones of networks, give finite results or an error of padimkit."""
    data = training("first")
    patches = data.patches.clone()
    patches[:, 1] = 0.0
    patches[:, 4] = patches[:1, 4]
    _require_finite_or_refusal(make, apply, replace(data, patches=patches), "a channel that never varies")


def few_images_are_taken(make: Make, apply: Apply) -> None:
    """Two training images, fewer than there are channels, give finite results or an error of padimkit."""
    _require_finite_or_refusal(make, apply, part_of(training("first"), 0, 2), "two training images")


def descriptors_may_be_missing(make: Make, apply: Apply) -> None:
    """Embeddings without a descriptor, which many backbones give, give results or an error of padimkit."""
    data, unseen = Embedding(training("first").patches), Embedding(probe("first").patches)
    _require_finite_or_refusal(make, apply, data, "embeddings without a descriptor", unseen)


def large_means_do_not_matter(make: Make, apply: Apply) -> None:
    """If a small shift of all values does not matter, a large one does not either, cancellation apart."""
    expected = copied(apply(fitted(make), probe("first")))
    if difference(_shifted(make, apply, _NEAR), expected, relative=10 * ROUNDING):
        raise NotApplicable("Its results depend on the mean of all values.")
    found = _shifted(make, apply, _FAR)
    require_finite(found, f"scores where all values are {_FAR:g} higher")
    here, there = (float(_normal(one["patches"]).mean()) for one in (expected, found))
    require(
        0.5 < there / max(here, 1e-9) < 2,
        f"Expected much the same scores where all values are {_FAR:g} higher, found a mean of {there:.3g} "
        f"instead of {here:.3g}. Do not subtract a squared mean from a mean of squares.",
    )
    low, high = found["patches"].chunk(2)
    require(
        bool((defect_of(high).mean(1) > defect_of(low).mean(1)).all()),
        f"Expected higher scores where patches are anomalous if all values are {_FAR:g} higher, found lower.",
    )


def _shifted(make: Make, apply: Apply, shift: float) -> Result:
    part = make()
    part.fit(stream(_plus(training("first"), shift)))
    return apply(part, _plus(probe("first"), shift))


def _plus(embedding: Embedding, shift: float) -> Embedding:
    return replace(embedding, patches=embedding.patches + shift)


def _normal(scores: Tensor) -> Tensor:
    return scores[: len(scores) // 2]


def _learnt(make: Make, apply: Apply, data: Embedding) -> Result:
    return _learnt_from(make, apply, list(stream(data, _BATCH)))


def _learnt_from(make: Make, apply: Apply, batches: list[Embedding]) -> Result:
    part = make()
    part.fit(batches)
    return copied(apply(part, probe("first")))


def _require_other(make: Make, apply: Apply, data: Embedding, expected: Result, finding: str) -> None:
    """Require another result from other data, unless it learns nothing from any."""
    if difference(_learnt(make, apply, data), expected):
        return
    if not difference(_learnt(make, apply, training("second")), expected):
        raise NotApplicable("It learns nothing from the data.")
    require(False, finding)


def _other_images(data: Embedding, start: int) -> Embedding:
    """Return the data with other images, those of the second data set, in one batch."""
    patches, other = data.patches.clone(), training("second")
    patches[start : start + _BATCH] = other.patches[start : start + _BATCH]
    if data.descriptor is None or other.descriptor is None:
        return Embedding(patches)
    descriptor = data.descriptor.clone()
    descriptor[start : start + _BATCH] = other.descriptor[start : start + _BATCH]
    return Embedding(patches, descriptor)


def _other_quarters(data: Embedding) -> Iterator[tuple[str, Embedding]]:
    height, width = data.patches.shape[2:]
    other = training("second").patches
    for vertical, rows in (("upper", slice(0, height // 2)), ("lower", slice(height // 2, height))):
        for side, columns in (("left", slice(0, width // 2)), ("right", slice(width // 2, width))):
            patches = data.patches.clone()
            patches[:, :, rows, columns] = other[:, :, rows, columns]
            yield f"{vertical} {side}", replace(data, patches=patches)


def _require_finite_or_refusal(
    make: Make, apply: Apply, data: Embedding, what: str, unseen: Embedding | None = None
) -> None:
    part: Any = make()
    for learn in ways_to_fit(part):
        try:
            learn(stream(data))
            found = apply(part, part_of(probe("first"), 0, 2) if unseen is None else unseen)
        except PadimkitError as error:
            found = {}
            said = bool(str(error))
            require(said, f"Expected an error that says what is wrong with {what}, found no message.")
        except Exception as error:  # a stranger's class may raise anything
            require(False, f"Expected results for {what}, or an error of padimkit, found {described(error)}")
        require_finite(found, f"results for {what}")
