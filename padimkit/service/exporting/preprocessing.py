"""The preprocessing as nodes of ONNX: images of any size to what the model sees of them.

Apart from the rest of the graph, which torch writes: no operation of torch resizes as Pillow does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import onnx
from onnx import TensorProto, helper

from padimkit.images.framing import Framing
from padimkit.images.resizing import TALL_FIRST, LongSide, Resize, Scale, ShortSide, Size, square
from padimkit.inspection.exported.session import FRAMED
from padimkit.service.exporting.nodes import Nodes, Value
from padimkit.service.exporting.resampling import resampled

PREFIX = "preprocessing/"  # of the names of its nodes
_FIRST = np.array([0])
_REST = np.array([-1])


@dataclass(frozen=True)
class _Plane:
    """The pixels of images in one axis, "h * w  b * 3", rows or columns first.

    Args:
        pixels: The name of the tensor.
        down: That of the steps from a pixel to the one below.
        right: That of the steps to the one at its right.
    """

    pixels: str
    down: Value
    right: Value


@final
class Preprocessing:
    """The nodes that turn "images", "b H W 3" in bytes, into those of one size.

    Args:
        framing: The resize, the padding and the crop.
        size: Height and width of the result.
    """

    def __init__(self, framing: Framing, size: Size) -> None:
        self._nodes = Nodes(PREFIX)
        self._framing, self._size = framing, size
        images = self._boxed("images")
        old = self._nodes("Gather", self._nodes("Shape", images), self._nodes.integers([1, 2]), axis=0)
        plane = self._plane(images, old)
        if framing.resize is None:
            self.result = self._centred(plane, old)
        else:
            new = self._new_size(old, framing.resize)
            self.result = self._centred(self._resized(plane, old, new), new)

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        """All nodes, in their order."""
        return self._nodes.made

    @property
    def constants(self) -> list[onnx.TensorProto]:
        """All constants."""
        return self._nodes.constants

    def _boxed(self, images: str) -> str:
        if self._framing.box is None:
            return images
        left, top, right, bottom = self._framing.box
        corners = [top, left], [bottom, right], [1, 2]
        return self._nodes("Slice", images, *map(self._nodes.integers, corners))

    def _plane(self, images: str, size: str) -> _Plane:
        nodes = self._nodes
        height, width = nodes.split(size)
        ordered = nodes("Transpose", images, perm=[1, 2, 0, 3])
        pixels = nodes("Reshape", ordered, nodes("Concat", nodes("Mul", height, width), _REST, axis=0))
        return _Plane(pixels, width, np.array([1]))

    def _resized(self, plane: _Plane, old: str, new: str) -> _Plane:
        """Return the images at another size, by one axis after the other, in the order of Pillow."""
        nodes, exact = self._nodes, self._framing.interpolation == "bilinear_unfiltered"
        (height, width), (rows, columns) = nodes.split(old), nodes.split(new)
        vertical = self._vertical_first(height, width, rows, columns)

        def chosen(first: Value, second: Value) -> tuple[str, str]:
            return nodes("Where", vertical, first, second), nodes("Where", vertical, second, first)

        lengths, wanted, steps = chosen(height, width), chosen(rows, columns), chosen(plane.down, plane.right)
        found = self._gathered(plane.pixels, [self._range(length) for length in lengths], steps)
        if exact:
            found = nodes("Cast", found, to=TensorProto.FLOAT)
        found = self._along(found, lengths[0], wanted[0])
        found = self._along(nodes("Transpose", found, perm=[1, 0, 2]), lengths[1], wanted[1])
        if exact:
            found = nodes("Cast", nodes("Round", found), to=TensorProto.UINT8)
        width = nodes("Gather", nodes("Shape", found), nodes.integers([2]), axis=0)
        pixels = nodes("Reshape", found, nodes("Concat", _REST, width, axis=0))
        one = np.array([1])
        return _Plane(pixels, nodes("Where", vertical, one, columns), nodes("Where", vertical, rows, one))

    def _vertical_first(self, height: str, width: str, rows: str, columns: str) -> Value:
        """Return whether rows are resized before columns."""
        if self._framing.interpolation == "bilinear_unfiltered":
            return np.array(True)
        if not TALL_FIRST:
            return np.array(False)
        nodes = self._nodes  # as Pillow: where the height shrinks by more than twice as many pixels
        less = nodes("Sub", height, rows)
        twice = nodes("Mul", nodes("Sub", width, columns), np.int64(2))
        return nodes("And", nodes("Greater", less, np.int64(0)), nodes("Greater", less, twice))

    def _along(self, images: str, old: str, new: str) -> str:
        """Return images "old m n" resized to "new m n"."""
        nodes = self._nodes
        others = nodes("Gather", nodes("Shape", images), nodes.integers([1, 2]), axis=0)
        rows = nodes("Reshape", images, nodes("Concat", old, _REST, axis=0))
        found = resampled(nodes, rows, old, new, self._framing.interpolation)
        return nodes("Reshape", found, nodes("Concat", new, others, axis=0))

    def _gathered(self, pixels: str, places: Sequence[str], steps: Sequence[Value]) -> str:
        """Return the pixels at places along two axes, which lie so many steps apart.

        Not by transposing one way or the other: of two conditions in a graph, OpenVINO 2026.4 loses one.
        """
        nodes = self._nodes
        first, second = (nodes("Mul", *pair) for pair in zip(places, steps, strict=True))
        down = nodes("Unsqueeze", first, nodes.integers([1]))
        return nodes("Gather", pixels, nodes("Add", down, second), axis=0)

    def _range(self, length: str) -> str:
        return self._nodes("Range", np.int64(0), self._nodes("Squeeze", length, _FIRST), np.int64(1))

    def _new_size(self, old: str, resize: Resize) -> str:
        nodes = self._nodes
        if not isinstance(resize, ShortSide | LongSide | Scale):
            assert resize is not None
            return nodes.integers(square(resize))
        sides = nodes("Cast", old, to=TensorProto.DOUBLE)
        if isinstance(resize, Scale):
            rounded = nodes("Round", nodes("Mul", sides, np.float64(resize.scale)))
        else:
            short = isinstance(resize, ShortSide)
            wanted = resize.short_side if isinstance(resize, ShortSide) else resize.long_side
            # Not by a reduction: OpenVINO 2026.4 joins a division to it, and divides the wrong way round.
            side = nodes("Min" if short else "Max", *nodes.split(sides))
            rounded = nodes("Round", nodes("Mul", sides, nodes("Div", np.float64(wanted), side)))
        return nodes("Max", nodes("Cast", rounded, to=TensorProto.INT64), np.int64(1))

    def _centred(self, plane: _Plane, new: str) -> str:
        """Return the images cropped, and padded with their edges, to the size of the result."""
        nodes, pad = self._nodes, self._framing.pad
        padded = new if pad is None else nodes.integers(square(pad))
        two = np.int64(2)
        margin = nodes("Div", nodes("Sub", padded, new), two)
        cut = nodes("Div", nodes("Sub", padded, nodes.integers(self._size)), two)
        offsets = nodes.split(nodes("Sub", margin, cut))
        lasts = nodes.split(nodes("Sub", new, np.int64(1)))
        places = []
        for length, offset, last in zip(self._size, offsets, lasts, strict=True):
            inner = nodes("Max", nodes("Sub", np.arange(length), offset), np.int64(0))
            places.append(nodes("Min", inner, last))
        found = self._gathered(plane.pixels, places, (plane.down, plane.right))
        images = nodes("Reshape", found, nodes.integers([*self._size, -1, 3]))
        return nodes("Transpose", images, perm=[2, 0, 1, 3], name=FRAMED)

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
