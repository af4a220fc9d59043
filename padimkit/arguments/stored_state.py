"""The state of a stored part, checked before it is used: whoever wrote the file may have written anything."""

from collections.abc import Mapping

import torch
from torch import Tensor

from padimkit.errors import BadModel


def require_state(part: object, state: Mapping[str, Tensor], **forms: str) -> dict[str, int]:
    """Check the tensors that a part is to load, and return the sizes of their axes by name.

    Args:
        part: The part, whose class names the error.
        state: The tensors by name, and no others.
        forms: By name of a tensor, its kind (float, int or bool) and its axes: a number is a size, and
            axes of one name have one size. "float p d" is a matrix, "int" a single number, "float p d?" a
            matrix that may be missing, and "float p* d" one that may have no rows.

    Raises:
        BadModel: A tensor is missing, unknown, of another kind or shape, or not finite; the message names it.
    """
    who = type(part).__name__
    for name in state:
        if name not in forms:
            raise BadModel(f'The state of {who} has "{name}", which is unknown; expected {", ".join(forms)}.')
    sizes: dict[str, int] = {}
    for name, form in forms.items():
        if name in state:
            _require_form(who, name, state[name], form.removesuffix("?"), sizes)
        elif not form.endswith("?"):
            raise BadModel(f'The state of {who} lacks "{name}".')
    return sizes


def _require_form(who: str, name: str, tensor: Tensor, form: str, sizes: dict[str, int]) -> None:
    kind, *axes = form.split()
    found = f"{_kind(tensor)} of shape {tuple(tensor.shape)}"
    shape = [int(axis) if axis.isdigit() else sizes.get(axis.rstrip("*")) for axis in axes]
    fits = len(shape) == tensor.ndim and all(
        size == wanted if wanted is not None else size or axis.endswith("*")
        for axis, wanted, size in zip(axes, shape, tensor.shape, strict=True)
    )
    if _kind(tensor) != kind or not fits:
        expected = " x ".join(
            f"{axis} ({size})" if size else axis for axis, size in zip(axes, shape, strict=True)
        )
        raise BadModel(
            f'The state of {who} has "{name}" as {found}; expected {kind} of {expected or "one number"}.'
        )
    found_sizes = zip(axes, tensor.shape, strict=True)
    sizes.update({axis.rstrip("*"): size for axis, size in found_sizes if not axis.isdigit()})
    if kind == "float" and not _is_finite(tensor):
        raise BadModel(f'The state of {who} has "{name}" with NaN or infinity.')


def _is_finite(tensor: Tensor) -> bool:
    """Return whether all values are finite, without a mask of them: a state may be as large as memory."""
    return tensor.numel() == 0 or bool(torch.stack(tensor.aminmax()).isfinite().all())  # NaN is both


def _kind(tensor: Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "bool"
    if tensor.is_floating_point():
        return "float"
    return "complex" if tensor.is_complex() else "int"
