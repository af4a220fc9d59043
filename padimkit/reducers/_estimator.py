"""The learnt attributes of an estimator of scikit-learn, as tensors.

Apart from the reducer, since it knows nothing of embeddings and streams.
"""

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from padimkit.errors import BadArgument, BadModel

_KINDS = ("none", "scalar", "number", "array")


def written(estimator: BaseEstimator) -> dict[str, Tensor]:
    """Return the attributes that a fit gave to an estimator, without private ones that cannot be stored.

    A name such as "array/components_" also holds the kind of the value: scikit-learn computes different
    digits with numbers of numpy and with numbers of Python.

    Raises:
        BadArgument: A public attribute is neither an array nor a number.
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
    """Set the attributes that `written` returned, and return the estimator.

    Raises:
        BadModel: A name is not one of an attribute that a fit gives.
    """
    given = unfitted.get_params(deep=False)
    for key, tensor in state.items():
        kind, _, name = key.partition("/")
        # What the class or its arguments have already is not learnt: such as the method "transform".
        if kind not in _KINDS or not name.isidentifier() or name in given or name in dir(type(unfitted)):
            raise BadModel(f'The state of {type(unfitted).__name__} has "{key}", which no fit gives.')
        if kind in ("number", "scalar") and tensor.ndim:
            raise BadModel(f'The state of {type(unfitted).__name__} has "{key}", which is not one number.')
        setattr(unfitted, name, _read(kind, tensor.cpu().numpy().copy()))
    return unfitted


def forms_of(state: dict[str, Tensor]) -> dict[str, str]:
    """Return the kinds and axes of a state, as `require_state` takes them; sizes are left open."""
    return {key: f"{_number(tensor)} {_axes(key, tensor)}" for key, tensor in state.items()}


def _axes(key: str, tensor: Tensor) -> str:
    return " ".join(f"{key}[{axis}]*" if size else "0" for axis, size in enumerate(tensor.shape))


def _number(tensor: Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "bool"
    return "float" if tensor.is_floating_point() else "int"


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
