"""Checks that nothing stays on another device, on the device `meta`, which computes shapes and needs no GPU.

They stand apart from the checks of the families, which share them.
"""

import torch

from padimkit.testing.answers import Result, tensors_of
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.embeddings import Apply, moved, part_of, probe, stream, training
from padimkit.testing.inputs.images import pictures

_META = torch.device("meta")
_MIXED = ("same device", "expected device", "two devices")


def backbone_moves_as_a_whole(make: Make) -> None:
    """Backbones moved to a device compute there alone: none of their tensors is left behind."""
    backbone, images = make(), pictures("first").to(_META)
    try:
        backbone.to(_META)
        found = tensors_of(backbone.extract(images))
    except Exception as error:
        _require_other_reason(error)
    _require_there(found)


def learning_stays_on_the_device(make: Make, apply: Apply) -> None:
    """Fits and uses on a device make all their tensors there."""
    part = make()
    try:
        part.fit(stream(moved(training("first"), _META)))
        found = apply(part, part_of(moved(probe("first"), _META), 0, 2))
    except Exception as error:
        _require_other_reason(error)
    _require_there(found)


def _require_there(found: Result) -> None:
    for name, tensor in found.items():
        require(
            tensor.device == _META,
            f'Expected "{name}" on the device of the input, found it on {tensor.device}.',
        )


def _require_other_reason(error: Exception) -> None:
    """Pass over what has no shape alone, such as the eigenvalues of a matrix."""
    require(
        not any(words in str(error) for words in _MIXED),
        f"Expected all tensors on the device of the input, found {described(error)}",
    )
    raise NotApplicable(
        "It needs values, which the device that is tried without a GPU does not have."
    ) from error
