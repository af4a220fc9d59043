"""Checks of reducers and density models that can be updated or merged.

They stand apart because they concern two optional contracts only, and fit on parts of the data.
"""

from typing import Any

from padimkit.contracts import Mergeable, Updatable
from padimkit.testing.answers import ROUNDING, copied, difference, left_alone
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import Apply, fit, fitted, part_of, probe, stream, training
from padimkit.testing.states import written

_SPLIT = 10  # of 24 images; unequal parts, so that counts that are mixed up are noticed


def update_equals_one_fit(make: Make, apply: Apply) -> None:
    """Updatable: a fit on some images and an update with the rest equal one fit on all."""
    part = _fitted_on_first(_updatable(make()))
    apply(part, probe("first"))  # a cache must not outlive the update
    part.update(_rest())
    _require_as_one_fit(part, make, apply, "fit and update")


def first_update_is_a_fit(make: Make, apply: Apply) -> None:
    """Updatable: the first update of a fresh instance equals a fit."""
    part = _updatable(make())
    part.update(stream(training("first")))
    _require_as_one_fit(part, make, apply, "an update of a fresh instance")


def restored_part_can_be_updated(make: Make, apply: Apply) -> None:
    """Updatable: a restored instance can be updated, and leaves the loaded tensors unchanged."""
    restored = _updatable(make())
    state = written(_fitted_on_first(make()).state_dict())
    with left_alone(state, "the state given to load_state_dict"):
        restored.load_state_dict(state)
        restored.update(_rest())
    _require_as_one_fit(restored, make, apply, "an update of a restored instance")


def merge_equals_one_fit(make: Make, apply: Apply) -> None:
    """Mergeable: two instances fitted on some images each, and merged, equal one fit on all."""
    part, other = _fitted_on_first(_mergeable(make())), make()
    other.fit(_rest())
    apply(part, probe("first"))  # a cache must not outlive the merge
    part.merge(other)
    _require_as_one_fit(part, make, apply, "the merge of two fits")


def merge_leaves_the_other_alone(make: Make, apply: Apply) -> None:
    """Mergeable: merging leaves the other instance unchanged, and so do later merges."""
    part, other = _mergeable(make()), fitted(make, "second")
    fit(part)
    before = copied(apply(other, probe("first")))
    part.merge(other)
    part.merge(fitted(make))
    changed = difference(apply(other, probe("first")), before)
    require(not changed, f"Expected the merged instance to be left unchanged, found {changed}.")


def _require_as_one_fit(part: Any, make: Make, apply: Apply, what: str) -> None:
    found, expected = apply(part, probe("first")), apply(fitted(make), probe("first"))
    changed = difference(found, expected, relative=ROUNDING)
    require(not changed, f"Expected {what} to give the result of one fit on all images, found {changed}.")


def _fitted_on_first(part: Any) -> Any:
    part.fit(stream(part_of(training("first"), 0, _SPLIT)))
    return part


def _rest() -> Any:
    data = training("first")
    return stream(part_of(data, _SPLIT, len(data.patches)))


def _updatable(part: Any) -> Any:
    if not isinstance(part, Updatable):
        raise NotApplicable("It is not Updatable.")
    return part


def _mergeable(part: Any) -> Any:
    if not isinstance(part, Mergeable):
        raise NotApplicable("It is not Mergeable.")
    return part
