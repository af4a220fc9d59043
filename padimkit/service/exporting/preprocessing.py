"""The preprocessing as nodes of ONNX: images of any size to what the model sees of them.

Apart from the rest of the graph, which torch writes: no operation of torch resizes as Pillow does.
"""

from collections.abc import Sequence
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
        images, new = self._resized(self._boxed("images"), framing.resize)
        self.result = self._centred(images, new)

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

    def _resized(self, images: str, resize: Resize) -> tuple[str, str]:
        """Return the resized images, and the name of their height and width."""
        nodes = self._nodes
        old = nodes("Gather", nodes("Shape", images), nodes.integers([1, 2]), axis=0)
        if resize is None:
            return images, old
        new = self._new_size(old, resize)
        (height, width), (rows, columns) = nodes.split(old), nodes.split(new)
        vertical = self._vertical_first(height, width, rows, columns)
        # The axis that is resized is the first one.
        found = self._transposed(vertical, images, [1, 0, 2, 3], [2, 0, 1, 3])
        if self._framing.interpolation == "bilinear_unfiltered":
            found = nodes("Cast", found, to=TensorProto.FLOAT)
        found = self._along(found, nodes("Where", vertical, rows, columns))
        found = nodes("Transpose", found, perm=[2, 1, 0, 3])
        found = self._along(found, nodes("Where", vertical, columns, rows))
        if self._framing.interpolation == "bilinear_unfiltered":
            found = nodes("Cast", nodes("Round", found), to=TensorProto.UINT8)
        return self._transposed(vertical, found, [1, 2, 0, 3], [1, 0, 2, 3]), new

    def _vertical_first(self, height: str, width: str, rows: str, columns: str) -> Value:
        """Return whether rows are resized before columns."""
        if self._framing.interpolation == "bilinear_unfiltered":
            return np.array(True)
        if not TALL_FIRST:
            return np.array(False)
        nodes = self._nodes  # as Pillow: where the height shrinks by more than twice as many pixels
        less = nodes("Sub", height, rows)
        twice = nodes("Mul", nodes("Sub", width, columns), np.int64(2))
        shrinks = nodes("Greater", less, np.int64(0))
        first = nodes("And", shrinks, nodes("Greater", less, twice))
        return nodes("Squeeze", first, nodes.integers([0]))

    def _along(self, images: str, new: str) -> str:
        """Return images resized along their first axis."""
        nodes = self._nodes
        shape = nodes("Shape", images)
        old = nodes("Gather", shape, nodes.integers([0]), axis=0)
        others = nodes("Gather", shape, nodes.integers([1, 2, 3]), axis=0)
        rows = nodes("Reshape", images, nodes("Concat", old, nodes.integers([-1]), axis=0))
        found = resampled(nodes, rows, old, new, self._framing.interpolation)
        return nodes("Reshape", found, nodes("Concat", new, others, axis=0))

    def _transposed(self, flag: Value, images: str, then: Sequence[int], other: Sequence[int]) -> str:
        """Return images with their axes in an order if a flag is true, else in another."""
        kind = TensorProto.UINT8
        branches = {}
        for name, order in (("then_branch", then), ("else_branch", other)):
            result = f"{images}/{name}"
            node = helper.make_node("Transpose", [images], [result], name=result, perm=order)
            value = helper.make_tensor_value_info(result, kind, [None] * 4)
            branches[name] = helper.make_graph([node], name, [], [value])
        return self._nodes("If", flag, **branches)

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

    def _centred(self, images: str, new: str) -> str:
        """Return the images cropped, and padded with their edges, to the size of the result."""
        nodes, pad = self._nodes, self._framing.pad
        padded = new if pad is None else nodes.integers(square(pad))
        two = np.int64(2)
        margin = nodes("Div", nodes("Sub", padded, new), two)
        cut = nodes("Div", nodes("Sub", padded, nodes.integers(self._size)), two)
        offsets = nodes.split(nodes("Sub", margin, cut))
        lasts = nodes.split(nodes("Sub", new, np.int64(1)))
        for axis, length, offset, last in zip((1, 2), self._size, offsets, lasts, strict=True):
            places = nodes("Sub", nodes.integers(range(length)), offset)
            within = nodes("Min", nodes("Max", places, np.int64(0)), last)
            images = nodes("Gather", images, within, axis=axis, name=FRAMED if axis == 2 else "")
        return images

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
