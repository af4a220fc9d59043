"""The resize of images along one axis in a graph, to the very bytes that padimkit gets by Pillow and NumPy.

Pillow (libImaging/Resample.c) takes weights in double precision, rounds them to 22 bits, and computes in
whole numbers from there. This has whole numbers from the start; `digits` says why.
"""

from typing import TypeAlias, final

import numpy as np
from onnx import TensorProto

from padimkit.images.resizing import Interpolation
from padimkit.service.exporting.digits import BITS, ZERO, Digits, digits, product, single, total
from padimkit.service.exporting.nodes import Nodes

Length: TypeAlias = str  # the name of the length of a side, "1" in 64 bits
_ONE, _TWO = np.int64(1), np.int64(2)
_BLOCK = np.int64(16)  # new rows that are computed from one window of old ones
_SUPPORT = {"bicubic": 2, "bilinear": 1}  # of a filter, to each side
_UNIT = np.float32(2 ** (2 * BITS))  # the weight 1 in Pillow's 22 bits, which are two digits
_HALF_WORD = np.float32(2**12)  # half the bits of single precision
_LOW = np.float32(2**8)  # of a weight: sums of bytes times the low part, or times the rest, are exact


def resampled(nodes: Nodes, rows: str, old: Length, new: Length, interpolation: Interpolation) -> str:
    """Return rows "old n" resized to "new n".

    Args:
        nodes: The graph.
        rows: Bytes; for "bilinear_unfiltered", which is rounded after both axes, single precision.
        old: The number of rows.
        new: The number wanted.
        interpolation: That of the preprocessing.
    """
    if interpolation == "bilinear_unfiltered":
        return _between(nodes, rows, old, new)
    return _Filter(nodes, old, new, interpolation).applied(rows)


@final
class _Filter:
    """The antialiased filter of Pillow from "old" rows to "new" ones."""

    def __init__(self, nodes: Nodes, old: Length, new: Length, interpolation: Interpolation) -> None:
        self._nodes, self._old, self._new = nodes, old, new
        self._cubic = interpolation == "bicubic"
        self._larger = nodes("Max", old, new)
        self._reach = nodes("Mul", self._larger, np.int64(2 * _SUPPORT[interpolation]))

    def applied(self, rows: str) -> str:
        """Return the rows, each weighted out of the window of its block."""
        nodes = self._nodes
        blocks = nodes("Div", nodes("Add", self._new, _BLOCK - 1), _BLOCK)
        firsts = nodes("Mul", _range(nodes, blocks), _BLOCK)
        places = nodes("Add", _column(nodes, firsts), np.arange(_BLOCK))
        taken = self._windows(firsts)
        weights = self._weights(nodes("Min", places, nodes("Sub", self._new, _ONE)), taken)
        window = nodes("Gather", rows, _within(nodes, taken, self._old), axis=0)
        found = _weighted(nodes, weights, nodes("Cast", window, to=TensorProto.FLOAT))
        width = nodes("Gather", nodes("Shape", rows), nodes.integers([1]), axis=0)
        every = nodes("Reshape", found, nodes("Concat", nodes.integers([-1]), width, axis=0))
        return nodes("Slice", every, nodes.integers([0]), self._new, nodes.integers([0]))

    def _windows(self, firsts: str) -> str:
        """Return the old rows "blocks window" of the blocks that start at these new ones.

        They are some more than needed, at both ends: not all runtimes divide to the last bit.
        """
        nodes = self._nodes
        least = nodes("Sub", nodes("Sub", _centres(nodes, firsts, self._old), self._reach), self._new)
        start = nodes("Sub", nodes("Div", least, nodes("Mul", self._new, _TWO)), _TWO)
        spread = nodes("Add", self._reach, nodes("Mul", self._old, _BLOCK))
        length = nodes("Add", nodes("Div", spread, self._new), np.int64(6))
        return nodes("Add", _column(nodes, start), _range(nodes, length))

    def _weights(self, places: str, taken: str) -> str:
        """Return the weights "blocks rows window" of Pillow, times 2^22."""
        nodes = self._nodes
        centres = _column(nodes, _centres(nodes, places, self._old))
        rows = nodes("Unsqueeze", _centres(nodes, taken, self._new), nodes.integers([1]))
        far = nodes("Mul", self._larger, _TWO)  # where bilinear ends, and bicubic is half way
        beyond = nodes("Mul", far, _TWO)
        away = nodes("Min", nodes("Abs", nodes("Sub", rows, centres)), beyond)
        inside = nodes("Equal", taken, _within(nodes, taken, self._old))
        away = nodes("Where", nodes("Unsqueeze", inside, nodes.integers([1])), away, beyond)
        shape = (nodes("Cast", one, to=TensorProto.FLOAT) for one in (away, far))
        return _normalised(nodes, (_cubic if self._cubic else _triangle)(nodes, *shape))


def _triangle(nodes: Nodes, away: str, unit: str) -> Digits:
    """Return max(1 - x, 0) for x = away / unit, times the unit."""
    return digits(nodes, nodes("Max", nodes("Sub", unit, away), ZERO))


def _cubic(nodes: Nodes, away: str, unit: str) -> Digits:
    """Return the cubic filter with a = -0.5 at x = away / unit, times 2 unit^3.

    It is (1 - x) (1 + (1 - x) (1 + 3 x)) / 2 below 1, and (2 - x) (2 - x) (1 - x) / 2 from there to 2.
    """
    near, rest = nodes("Less", away, unit), nodes("Sub", unit, away)
    first = nodes("Where", near, rest, nodes("Add", unit, rest))
    second = nodes("Where", near, nodes("Add", unit, nodes("Mul", away, np.float32(3))), rest)
    length = digits(nodes, unit)
    square = [nodes("Where", near, digit, ZERO) for digit in product(nodes, length, length)]
    factor = digits(nodes, first)
    return product(nodes, factor, product(nodes, factor, digits(nodes, second), plus=square))


def _normalised(nodes: Nodes, values: Digits) -> str:
    """Return the share of each value in the sum along the last axis, times 2^22, rounded as Pillow does it.

    A quotient in single precision is off by some units. The rest of the division, which is exact, says by
    how many.
    """
    whole = total(nodes, values)
    value, divisor = single(nodes, values), single(nodes, whole)
    about = nodes("Round", nodes("Mul", nodes("Div", value, divisor), _UNIT))
    scaled = [ZERO, ZERO, *values]
    rest = single(nodes, product(nodes, digits(nodes, nodes("Neg", about)), whole, plus=scaled))
    sign = nodes("Sign", value)
    up = nodes("Add", nodes("Mul", nodes("Div", rest, divisor), sign), np.float32(0.5))
    return nodes("Add", about, nodes("Mul", nodes("Floor", up), sign))


def _weighted(nodes: Nodes, weights: str, window: str) -> str:
    """Return the bytes "blocks rows n" that weights, times 2^22, give of windows "blocks window n"."""
    high = nodes("Round", nodes("Mul", weights, 1 / _LOW))
    low = nodes("Sub", weights, nodes("Mul", high, _LOW))
    carry = nodes("Floor", nodes("Mul", nodes("MatMul", low, window), 1 / _LOW))
    units = nodes("Add", nodes("Add", nodes("MatMul", high, window), carry), _UNIT / _LOW / 2)
    found = nodes("Floor", nodes("Mul", units, _LOW / _UNIT))
    return nodes("Cast", nodes("Clip", found, ZERO, np.float32(255)), to=TensorProto.UINT8)


def _between(nodes: Nodes, rows: str, old: Length, new: Length) -> str:
    """Return rows in single precision, each between the two nearest old ones, by NumPy's operations."""
    unit = nodes("Mul", new, _TWO)
    place = nodes("Sub", _centres(nodes, _range(nodes, new), old), new)
    last = nodes("Mul", nodes("Sub", old, _ONE), unit)
    place = nodes("Min", nodes("Max", place, np.int64(0)), last)
    before = nodes("Div", place, unit)
    rest = nodes("Sub", place, nodes("Mul", before, unit))
    # Where a runtime divides in single precision, the quotient may be one off.
    over = nodes("Cast", nodes("GreaterOrEqual", rest, unit), to=TensorProto.INT64)
    under = nodes("Cast", nodes("Less", rest, np.int64(0)), to=TensorProto.INT64)
    off = nodes("Sub", over, under)
    before, rest = nodes("Add", before, off), nodes("Sub", rest, nodes("Mul", off, unit))
    parts = (nodes("Cast", one, to=TensorProto.FLOAT) for one in (rest, unit))
    share = _column(nodes, _quotient(nodes, *parts))
    after = _within(nodes, nodes("Add", before, _ONE), old)
    shares = nodes("Sub", np.float32(1), share), share
    found = (nodes("Gather", rows, places, axis=0) for places in (before, after))
    return nodes("Add", *(nodes("Mul", *pair) for pair in zip(found, shares, strict=True)))


def _quotient(nodes: Nodes, value: str, divisor: str) -> str:
    """Return the quotient of whole numbers as division rounds it; OpenVINO's is off by the last bit."""
    about = nodes("Div", value, divisor)
    high = nodes("Mul", nodes("Round", nodes("Mul", about, _HALF_WORD)), 1 / _HALF_WORD)
    rest = nodes("Sub", value, nodes("Mul", high, divisor))
    rest = nodes("Sub", rest, nodes("Mul", nodes("Sub", about, high), divisor))
    return nodes("Add", about, nodes("Div", rest, divisor))


def _centres(nodes: Nodes, places: str, factor: Length) -> str:
    """Return (2 i + 1) times a factor: the centres of rows, in halves."""
    return nodes("Mul", nodes("Add", nodes("Mul", places, _TWO), _ONE), factor)


def _within(nodes: Nodes, places: str, length: Length) -> str:
    return nodes("Max", nodes("Min", places, nodes("Sub", length, _ONE)), np.int64(0))


def _column(nodes: Nodes, values: str) -> str:
    return nodes("Unsqueeze", values, nodes.integers([-1]))


def _range(nodes: Nodes, length: Length) -> str:
    return nodes("Range", np.int64(0), nodes("Squeeze", length, nodes.integers([0])), _ONE)
