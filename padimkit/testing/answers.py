"""What a part answers, as named tensors, and in words where two answers differ."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from padimkit.testing.check import Make, require

Result: TypeAlias = dict[str, Tensor]

ROUNDING = 1e-3  # relative; sums in another order stay far below, forgotten or counted twice is far above
CUDA_ROUNDING = 1e-2  # products of matrices on a GPU may be done with fewer digits


def difference(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, relative: float = 0.0) -> str:
    """Where the two differ by more than a fraction of the values, in words; empty where they do not."""
    if found.keys() != expected.keys():
        return f"{_listed(found)} instead of {_listed(expected)}"
    differences = (_difference(name, found[name], expected[name], relative) for name in expected)
    return next((words for words in differences if words), "")


def copied(tensors: Mapping[str, Tensor]) -> Result:
    """Copies, which nobody else can change."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def require_finite(tensors: Mapping[str, Tensor], what: str) -> None:
    """Requires that no value is NaN or infinite; `what` names them."""
    for name, tensor in tensors.items():
        missing = tensor.numel() - int(tensor.isfinite().sum())
        found = f'{missing} of {tensor.numel()} in "{name}" that are not'
        require(missing == 0, f"Expected finite {what}, found {found}.")


@contextmanager
def left_alone(tensors: Mapping[str, Tensor], what: str) -> Iterator[None]:
    """Requires the tensors to be the same bit for bit after the block; `what` names them."""
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
    """What a part learns from first, and what it is asked then: always about data that are new to it.

    `fit` and `apply` take a part, and which of two sets of data to use.
    """

    fit: Callable[[Any, DataSet], None]
    apply: Callable[[Any, DataSet], Result]

    def fitted(self, make: Make, data: DataSet = "first") -> Any:
        """A fresh part that has learnt."""
        part = make()
        self.fit(part, data)
        return part

    def result(self, make: Make) -> Result:
        """What a fresh part that has learnt the usual is found to say about the usual."""
        return self.apply(self.fitted(make), "first")


def nothing_to_fit(part: Any, data: DataSet) -> None:
    """For parts that do not learn."""
