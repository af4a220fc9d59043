"""Nodes of an ONNX graph, made one by one.

Apart from the preprocessing, whose resize makes most of them.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np
import onnx
from onnx import helper, numpy_helper

Value: TypeAlias = str | np.ndarray | np.generic  # the name of a tensor, or a constant


@final
class Nodes:
    """Nodes and constants of a graph, named after their operations; tensors are handed on by name.

    Args:
        prefix: Of all names.
    """

    def __init__(self, prefix: str) -> None:
        self.made: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._prefix = prefix

    def __call__(self, kind: str, *inputs: Value, name: str = "", **attributes: Any) -> str:
        """Add a node and return its output."""
        name = name or f"{self._prefix}{kind}{len(self.made)}"
        given = [one if isinstance(one, str) else self._constant(np.asarray(one)) for one in inputs]
        self.made.append(helper.make_node(kind, given, [f"{name}/output"], name=name, **attributes))
        return f"{name}/output"

    def integers(self, values: Sequence[int]) -> str:
        """Return a constant of whole numbers, "n"."""
        return self._constant(np.array(values, dtype=np.int64))

    def split(self, pair: str) -> tuple[str, str]:
        """Return the two numbers of a tensor, each "1"."""
        first, second = (self("Gather", pair, self.integers([place]), axis=0) for place in (0, 1))
        return first, second

    def _constant(self, values: np.ndarray) -> str:
        name = f"{self._prefix}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name
