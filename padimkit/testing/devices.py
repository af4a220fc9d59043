"""Checks of devices: nothing stays on another one, tried on `meta`, which computes shapes and needs no GPU.

They stand apart from the checks of the families, which share them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from padimkit.registry.modules import collector_at_rest
from padimkit.testing.answers import CUDA_ROUNDING, ROUNDING, Result, copied, difference, tensors_of
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.embeddings import Apply, moved, part_of, probe, stream, training, ways_to_fit
from padimkit.testing.inputs.images import pictures
from padimkit.testing.operations import each_operation

_META = torch.device("meta")
_MIXED = ("same device", "expected device", "two devices")


def backbone_moves_as_a_whole(make: Make) -> None:
    """Backbones moved to a device compute there alone: none of their tensors is left behind."""
    backbone, images = make(), pictures("first").to(_META)
    with _together():
        try:
            backbone.to(_META)
            found = tensors_of(backbone.extract(images))
        except Exception as error:
            _require_other_reason(error)
        _require_there(found)


def can_be_moved_to_the_cpu(make: Make) -> None:
    """Moving a backbone to the CPU changes nothing if it is there already."""
    backbone = make()
    before = copied(tensors_of(backbone.extract(pictures("first"))))
    backbone.to(torch.device("cpu"))
    after = tensors_of(backbone.extract(pictures("first")))
    changed = difference(after, before, relative=ROUNDING)
    require(not changed, f"Expected the same features after moving it to the CPU, found {changed}.")


def computes_on_cuda(make: Make) -> None:
    """Backbones moved to a GPU give features there, equal to those on the CPU."""
    if not torch.cuda.is_available():
        raise NotApplicable("There is no CUDA device here.")
    computes_on(torch.device("cuda", 0), make)


def computes_on(device: torch.device, make: Make) -> None:
    """Move a backbone to a device, and compare its features there with those on the CPU."""
    backbone, images = make(), pictures("first")
    before = tensors_of(backbone.extract(images))
    backbone.to(device)
    there = tensors_of(backbone.extract(images.to(device)))
    for name, tensor in there.items():
        require(tensor.device == device, f'Expected "{name}" on {device}, found it on {tensor.device}.')
    changed = difference(there, before, relative=CUDA_ROUNDING)
    require(not changed, f"Expected the same features on {device} as on the CPU, found {changed}.")


def learning_stays_on_the_device(make: Make, apply: Apply) -> None:
    """Fits and uses on a device make all their tensors there."""
    part = make()
    for learn in ways_to_fit(part):
        with _together():
            try:
                learn(stream(moved(training("first"), _META)))
                found = apply(part, part_of(moved(probe("first"), _META), 0, 2))
            except Exception as error:
                _require_other_reason(error)
            _require_there(found)


def _must_be_there(one: Any) -> bool:
    """Return whether it is a tensor of numbers: scalars and indices may be on the CPU."""
    return isinstance(one, Tensor) and one.ndim > 0 and one.is_floating_point()


_COPIES = ("copy_", "_to_copy")


@contextmanager
def _together() -> Iterator[None]:
    """Require that no tensor on the CPU is computed with one on the other device within the block.

    Some operations, such as convolutions, do not complain of it on the device that is tried.
    """
    mixed: list[str] = []

    def look(name: str, given: Any) -> None:
        devices = {one.device.type for one in tree_leaves(given) if _must_be_there(one)}
        if len(devices) > 1 and name not in _COPIES:
            mixed.append(name)

    try:
        with collector_at_rest(), each_operation(look):  # torch imports its compiler when it first needs it
            yield
    finally:
        require(
            not mixed,
            "Expected all tensors on the device of the input, found some on the CPU in "
            f"{''.join(mixed[:1])}. Does `to` move all parameters and tensors?",
        )


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
