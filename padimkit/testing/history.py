"""Checks of history: a result depends on what is given and on what was learnt, and on nothing before it.

They stand apart from the checks of the families, which share them.
"""

import pickle

import torch
from torch import Tensor

from padimkit.testing.answers import ROUNDING, DataSet, Result, Usage, copied, difference, tensors_of
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import Apply, fitted, probe
from padimkit.testing.inputs.images import WIDE, pictures
from padimkit.values import Embedding

_DATA: tuple[DataSet, ...] = ("first", "second")
_USES = 3
_ROOM = 4096  # bytes of counters, of tables of shapes and the like


def earlier_use_does_not_matter(make: Make, usage: Usage) -> None:
    """Instances give the same result whatever they have been used on before."""
    used, fresh = usage.fitted(make), usage.fitted(make)
    usage.apply(used, "second")
    changed = difference(usage.apply(used, "first"), usage.apply(fresh, "first"), relative=ROUNDING)
    require(
        not changed,
        f"Expected the same result whatever was seen before, found {changed}. "
        "Is something set by the first use?",
    )


def embeddings_are_known_by_their_content(make: Make, apply: Apply) -> None:
    """Tensors that are filled anew, as those of a loop may be, give the result of their new content."""
    part, content = fitted(make), probe("second")
    expected = copied(apply(part, content))
    given = _copy(probe("first"))
    apply(part, given)
    _fill(given.patches, content.patches)
    if given.descriptor is not None and content.descriptor is not None:
        _fill(given.descriptor, content.descriptor)
    _require_known(apply(part, given), expected)


def images_are_known_by_their_content(make: Make) -> None:
    """Tensors that are filled anew, as those of a loop may be, give the features of their new content."""
    backbone = make()
    expected = copied(tensors_of(make().extract(pictures("second"))))
    images = pictures("first").clone()
    backbone.extract(images)
    _fill(images, pictures("second"))
    _require_known(tensors_of(backbone.extract(images)), expected)


def earlier_shapes_do_not_matter(make: Make) -> None:
    """Standing images give the features that a fresh instance gives, after lying ones of as many pixels."""
    used, standing = make(), pictures("first", 1, WIDE[::-1])
    try:
        expected = copied(tensors_of(make().extract(standing.clone())))
        used.extract(pictures("first", 1, WIDE))
    except Exception as error:  # another check tells of images of other shapes
        raise NotApplicable("It does not take both lying and standing images.") from error
    changed = difference(tensors_of(used.extract(standing)), expected, relative=ROUNDING)
    require(
        not changed,
        f"Expected the same features of standing images after lying ones as before, found {changed}. "
        "Is something kept by the number of positions, and not by height and width?",
    )


def nothing_is_kept_of_what_is_seen(make: Make, usage: Usage) -> None:
    """Parts do not grow with each use, as those do that keep what they have seen."""
    part = usage.fitted(make)
    for data in _DATA:
        usage.apply(part, data)
    try:
        before = len(pickle.dumps(part))
    except Exception as error:  # another check tells of it
        raise NotApplicable("It cannot be pickled, so its size is not known.") from error
    for _ in range(_USES):
        for data in _DATA:
            usage.apply(part, data)
    after = len(pickle.dumps(part))
    require(
        after <= before + _ROOM,
        f"Expected a part of {before} bytes after more use too, found {after}. Keep nothing of what is seen.",
    )


def _require_known(found: Result, expected: Result) -> None:
    changed = difference(found, expected, relative=ROUNDING)
    require(
        not changed,
        f"Expected the result of the new content of a tensor that is used again, found {changed}. "
        "Cache nothing by id or address.",
    )


def _fill(tensor: Tensor, content: Tensor) -> None:
    with torch.no_grad():
        tensor.copy_(content)


def _copy(embedding: Embedding) -> Embedding:
    descriptor = embedding.descriptor
    return Embedding(embedding.patches.clone(), None if descriptor is None else descriptor.clone())
