"""The preprocessing as nodes of ONNX: images of any size to what the model sees of them.

Apart from the rest of the graph, which torch writes: no operation of torch resizes as Pillow does.
"""

from collections.abc import Sequence
from typing import Any, final

import onnx
from onnx import TensorProto, helper, numpy_helper

from padimkit.images.framing import Framing
from padimkit.images.resizing import LongSide, Resize, Scale, ShortSide, Size, square
from padimkit.inspection.exported.session import FRAMED

import numpy as np  # isort: skip


PREFIX = "preprocessing/"  # of the names of its nodes


@final
class Preprocessing:
    """The nodes that turn "images", "b H W 3" in bytes, into those of one size.

    Args:
        framing: The resize, the padding and the crop.
        size: Height and width of the result.
    """

    def __init__(self, framing: Framing, size: Size) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._size = size
        planes = self._node("Transpose", self._boxed("images", framing), perm=[0, 3, 1, 2])
        planes, new = self._resized(planes, framing.resize)
        planes = self._centred(planes, new, framing)
        self.result = self._node("Transpose", planes, perm=[0, 2, 3, 1], name=FRAMED)

    def _boxed(self, images: str, framing: Framing) -> str:
        if framing.box is None:
            return images
        left, top, right, bottom = framing.box
        return self._slice(images, [top, left], [bottom, right], axes=[1, 2])

    def _resized(self, planes: str, resize: Resize) -> tuple[str, str]:
        """Return the resized planes, and the name of their height and width."""
        old = self._node("Gather", self._node("Shape", planes), self._integers([2, 3]), axis=0)
        if resize is None:
            return planes, old
        new = self._new_size(old, resize)
        (height, width), (rows, columns) = self._split(old), self._split(new)
        # As Pillow: the height first, where it shrinks by more than twice as many pixels as the width.
        less = self._node("Sub", height, rows)
        twice = self._node("Mul", self._node("Sub", width, columns), self._integers([2]))
        shrinks = self._node("Greater", less, self._integers([0]))
        vertical = self._node("And", shrinks, self._node("Greater", less, twice))
        first = self._node(
            "Where",
            vertical,
            self._node("Concat", rows, width, axis=0),
            self._node("Concat", height, columns, axis=0),
        )
        return self._resize(self._resize(planes, first), new), new

    def _resize(self, planes: str, size: str) -> str:
        """Return the planes at another size; bytes are rounded, as Pillow rounds them after each axis."""
        others = self._node("Gather", self._node("Shape", planes), self._integers([0, 1]), axis=0)
        return self._node(
            "Resize",
            planes,
            "",
            "",
            self._node("Concat", others, size, axis=0),  # not "axes", with which ONNX Runtime 1.32 fails
            mode="cubic",
            antialias=1,
            cubic_coeff_a=-0.5,
            exclude_outside=1,
            coordinate_transformation_mode="half_pixel",
        )

    def _new_size(self, old: str, resize: Resize) -> str:
        if not isinstance(resize, ShortSide | LongSide | Scale):
            assert resize is not None
            return self._integers(square(resize))
        sides = self._node("Cast", old, to=TensorProto.DOUBLE)
        if isinstance(resize, Scale):
            factor = self._constant(np.array([resize.scale], dtype=np.float64))
        else:
            short = isinstance(resize, ShortSide)
            wanted = resize.short_side if isinstance(resize, ShortSide) else resize.long_side
            side = self._node("ReduceMin" if short else "ReduceMax", sides, keepdims=1)
            factor = self._node("Div", self._constant(np.array([wanted], dtype=np.float64)), side)
        rounded = self._node("Round", self._node("Mul", sides, factor))
        return self._node("Max", self._node("Cast", rounded, to=TensorProto.INT64), self._integers([1]))

    def _centred(self, planes: str, new: str, framing: Framing) -> str:
        """Return the planes cropped, and padded with their edges, to the size of the result."""
        padded = new if framing.pad is None else self._integers(square(framing.pad))
        two = self._integers([2])
        margin = self._node("Div", self._node("Sub", padded, new), two)
        cut = self._node("Div", self._node("Sub", padded, self._integers(self._size)), two)
        offsets = self._split(self._node("Sub", margin, cut))
        lasts = self._split(self._node("Sub", new, self._integers([1])))
        zero = self._integers([0])
        for axis, length, offset, last in zip((2, 3), self._size, offsets, lasts, strict=True):
            places = self._node("Sub", self._integers(range(length)), offset)
            within = self._node("Min", self._node("Max", places, zero), last)
            planes = self._node("Gather", planes, within, axis=axis)
        return planes

    def _slice(self, values: str, starts: Sequence[int], stops: Sequence[int], axes: Sequence[int]) -> str:
        return self._node("Slice", values, *map(self._integers, (starts, stops, axes)))

    def _split(self, pair: str) -> tuple[str, str]:
        first, second = (self._node("Gather", pair, self._integers([place]), axis=0) for place in (0, 1))
        return first, second

    def _integers(self, values: Sequence[int]) -> str:
        return self._constant(np.array(values, dtype=np.int64))

    def _constant(self, values: np.ndarray) -> str:
        name = f"{PREFIX}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def choice(self, flag: str, output: str) -> onnx.NodeProto:
        """Return a node that gives "images" as they are if a flag is true, else preprocessed ones."""
        shape = [None] * 4

        def branch(name: str, nodes: list[onnx.NodeProto], result: str) -> onnx.GraphProto:
            value = helper.make_tensor_value_info(result, TensorProto.UINT8, shape)
            return helper.make_graph(nodes, name, [], [value], self.constants if nodes is self.nodes else [])

        same = helper.make_node("Identity", ["images"], [f"{PREFIX}same"], name=f"{PREFIX}same")
        return helper.make_node(
            "If",
            [flag],
            [output],
            name=f"{PREFIX}choice",
            then_branch=branch("as_they_are", [same], f"{PREFIX}same"),
            else_branch=branch("preprocessed", self.nodes, self.result),
        )

    def _node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"{PREFIX}{kind}{len(self.nodes)}"
        made = f"{name}/output"
        self.nodes.append(helper.make_node(kind, inputs, [made], name=name, **attributes))
        return made
