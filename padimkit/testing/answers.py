"""Results of parts as named tensors, and the difference between two of them in words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from padimkit.testing.check import Make, require
from padimkit.values import Features

Result: TypeAlias = dict[str, Tensor]

ROUNDING = 1e-3  # relative; sums in another order stay far below, forgotten or counted twice is far above
CUDA_ROUNDING = 1e-2  # products of matrices on a GPU may be done with fewer digits


def difference(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, relative: float = 0.0) -> str:
    """Return in words how two results differ, or an empty string.

    Values are equal if they are off by at most `relative` times the expected value.
    """
    if found.keys() != expected.keys():
        return f"{_listed(found)} instead of {_listed(expected)}"
    differences = (_difference(name, found[name], expected[name], relative) for name in expected)
    return next((words for words in differences if words), "")


def tensors_of(features: Features) -> Result:
    """Return the map of each layer, and the descriptor if there is one."""
    return features.maps | ({} if features.descriptor is None else {"its descriptor": features.descriptor})


def layout_of(features: Features) -> dict[str, tuple[int, ...]]:
    """Return the shape of each layer without its first axis, that of the images."""
    return {name: tuple(tensor.shape[1:]) for name, tensor in tensors_of(features).items()}


def copied(tensors: Mapping[str, Tensor]) -> Result:
    """Return copies that nobody else can change."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def require_finite(tensors: Mapping[str, Tensor], what: str) -> None:
    """Require all values to be finite; `what` names them in the finding."""
    for name, tensor in tensors.items():
        missing = tensor.numel() - int(tensor.isfinite().sum())
        found = f'{missing} of {tensor.numel()} in "{name}" that are not'
        require(missing == 0, f"Expected finite {what}, found {found}.")


def require_trainable(tensors: Result) -> None:
    """Require tensors that may be saved for a backward pass, as those of inference mode may not."""
    for name, tensor in tensors.items():
        require(
            not tensor.is_inference(),
            f'Expected "{name}" to be usable in training, found a tensor of torch.inference_mode(), which '
            "cannot be saved for gradients. Use torch.no_grad().",
        )


@contextmanager
def left_alone(tensors: Mapping[str, Tensor], what: str) -> Iterator[None]:
    """Require the tensors to be the same bit for bit after the block; `what` names them in the finding."""
    before = copied(tensors)
    yield
    changed = difference(tensors, before)
    require(not changed, f"Expected {what} to be left unchanged, found {changed}.")


def _difference(name: str, found: Tensor, expected: Tensor, relative: float) -> str:
    if found.shape != expected.shape:
        return f'"{name}" of shape {tuple(found.shape)} instead of {tuple(expected.shape)}'
    if found.dtype != expected.dtype:
        return f'"{name}" of {found.dtype} instead of {expected.dtype}'
    if torch.equal(found.cpu(), expected.cpu()):
        return ""
    own, other = found.detach().cpu().double(), expected.detach().cpu().double()
    finite = own.isfinite() & other.isfinite()
    if not torch.allclose(own[~finite], other[~finite], rtol=0.0, atol=0.0, equal_nan=True):
        return f'NaN or infinity in other places of "{name}"'
    own, other = own[finite], other[finite]
    distance, size = (own - other).abs(), other.abs()
    largest = float(size.max()) if size.numel() else 0.0
    if (distance <= relative * size.clamp(min=0.1 * largest)).all():
        return ""
    return f'"{name}" to be off by up to {float(distance.max()):.3g} where values reach {largest:.3g}'


def _listed(names: Mapping[str, Tensor]) -> str:
    return f"[{', '.join(names)}]"


DataSet: TypeAlias = Literal["first", "second"]


@dataclass(frozen=True)
class Usage:
    """The two steps that the parts of a family have in common: fit, then apply to unseen data.

    Args:
        fit: Fits a part on one of two data sets.
        apply: Returns the result of a part on one of two data sets; none of it is fitted on.
    """

    fit: Callable[[Any, DataSet], None]
    apply: Callable[[Any, DataSet], Result]

    def fitted(self, make: Make, data: DataSet = "first") -> Any:
        """Return a fresh part, fitted on the data set."""
        part = make()
        self.fit(part, data)
        return part

    def result(self, make: Make) -> Result:
        """Fit a fresh part on the first data set and return its result on that data set."""
        return self.apply(self.fitted(make), "first")


def nothing_to_fit(part: Any, data: DataSet) -> None:
    """Do nothing, for parts that learn nothing."""
