"""Large whole numbers in a graph, by digits in single precision.

The weights of a resize need 60 bits to be exact. OpenVINO computes with 32 in place of them, without a word;
on whole numbers below 2^24, single precision is exact in every runtime, whatever it fuses.
"""

from collections.abc import Sequence
from functools import reduce
from typing import TypeAlias

import numpy as np

from padimkit.service.exporting.nodes import Nodes, Value

BITS = 11  # of a digit, from -2^10 to 2^10: a sum of eight products of two is exact
Digits: TypeAlias = Sequence[Value]  # the lowest first; the last may be larger
ZERO = np.float32(0)
_BASE = np.float32(2**BITS)


def carried(nodes: Nodes, columns: Digits) -> Digits:
    """Return as many digits as there are columns, which may be larger than digits."""
    found, rest = [], columns[0]
    for column in columns[1:]:
        carry = nodes("Round", nodes("Mul", rest, 1 / _BASE))
        found.append(nodes("Sub", rest, nodes("Mul", carry, _BASE)))
        rest = nodes("Add", column, carry)
    return [*found, rest]


def digits(nodes: Nodes, numbers: Value) -> Digits:
    """Return the two digits of whole numbers below 2^22."""
    return carried(nodes, [numbers, ZERO])


def product(nodes: Nodes, first: Digits, second: Digits, plus: Digits = ()) -> Digits:
    """Return the product of two whole numbers, plus a third one that is no longer."""
    columns: list[list[Value]] = [[] for _ in range(len(first) + len(second) - 1)]
    for place, digit in enumerate(plus):
        columns[place].append(digit)
    for place, digit in enumerate(first):
        for other, factor in enumerate(second, start=place):
            columns[other].append(nodes("Mul", digit, factor))
    return carried(nodes, [nodes("Sum", *column) for column in columns])


def total(nodes: Nodes, number: Digits) -> Digits:
    """Return the sum along the last axis, which stays with a length of 1."""
    axis = nodes.integers([-1])
    return carried(nodes, [*(nodes("ReduceSum", digit, axis, keepdims=1) for digit in number), ZERO])


def single(nodes: Nodes, number: Digits) -> Value:
    """Return a whole number in single precision, rounded."""
    return reduce(lambda high, low: nodes("Add", nodes("Mul", high, _BASE), low), reversed(number))
