"""What an estimator of scikit-learn has learnt, as tensors."""

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from padimkit.errors import BadArgument


def written(estimator: BaseEstimator) -> dict[str, Tensor]:
    """The attributes that fitting has given to an estimator; those without a public name only if they can be.

    A name such as "array/components_" also says what the tensor stands for, since scikit-learn computes with
    other digits where a number is one of numpy's or one of Python's.

    Raises:
        BadArgument: One with a public name is neither an array nor a number.
    """
    arguments = estimator.get_params(deep=False)
    state = {}
    for name, value in vars(estimator).items():
        kind = _kind(value)
        if name in arguments or (kind is None and name.startswith("_")):
            continue
        if kind is None:
            raise BadArgument(
                f'{type(estimator).__name__} cannot be stored: its "{name}" is a {type(value).__name__}, and '
                "models hold arrays and numbers only. Choose another estimator."
            )
        state[f"{kind}/{name}"] = torch.from_numpy(np.array([] if value is None else value, order="C"))
    return state


def restored(unfitted: BaseEstimator, state: dict[str, Tensor]) -> BaseEstimator:
    """The estimator, which now knows what `written` has written."""
    for key, tensor in state.items():
        kind, name = key.split("/")
        setattr(unfitted, name, _read(kind, tensor.cpu().numpy().copy()))
    return unfitted


def _kind(value: Any) -> str | None:
    if value is None:
        return "none"
    if isinstance(value, np.generic):
        return "scalar" if _is_storable(value) else None
    if isinstance(value, bool | int | float):
        return "number"
    return "array" if _is_storable(value) else None


def _is_storable(value: Any) -> bool:
    try:
        torch.from_numpy(np.array(value))
    except (TypeError, ValueError):  # other than numbers, or rows of different lengths
        return False
    return True


def _read(kind: str, array: Any) -> Any:
    if kind == "none":
        return None
    if kind == "number":
        return array.item()
    return array[()] if kind == "scalar" else array
