"""Sorted runs of any number of values, exact and in bounded memory."""

from collections.abc import Iterator
from hashlib import sha256
from typing import final
from weakref import WeakValueDictionary

import numpy as np
import torch
from jaxtyping import Float32, Int, Int32, Int64

from padimkit.memory import ON_DISK

RUN = 2**25  # values that are sorted together
IN_MEMORY = 2**28  # bytes of runs; further ones are kept in files


def keys(scores: Float32[np.ndarray, " n"]) -> Int32[np.ndarray, " n"]:
    """Return integers in the order of the scores, which sort three times as fast; NaN is not allowed."""
    bits = (scores + np.float32(0)).view(np.int32)  # -0 becomes 0: they are equal, but their bits differ
    ordered: Int32[np.ndarray, " n"] = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
    return ordered


@final
class Runs:
    """A collection of integers that counts how many of them are below given values.

    It holds at most `IN_MEMORY` bytes of runs, plus the run that is being filled; all others are in temporary
    files.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all values."""
        self.count = 0
        self._buffer = np.empty(0, np.int32)
        self._filled = 0
        self._sorted: list[Int[np.ndarray, " _"]] = []

    def add(self, values: Int[np.ndarray, " n"]) -> None:
        """Add more values of the same type."""
        self.count += values.size
        while values.size:
            if self._filled == self._buffer.size:
                self._sort()
                self._buffer = _unwritten(RUN, values.dtype)
            part = values[: self._buffer.size - self._filled]
            self._buffer[self._filled : self._filled + part.size] = part
            self._filled += part.size
            values = values[part.size :]

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_buffer": self._buffer[: self._filled].copy()}

    def __iter__(self) -> Iterator[Int[np.ndarray, " _"]]:
        """Return the runs; each is sorted."""
        self._sort()
        return iter(self._sorted)

    def ranks(self, values: Int[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Return how many are below each value, and how many are not above it; fast for sorted values."""
        below, not_above = np.zeros(values.size, np.int64), np.zeros(values.size, np.int64)
        for run in self:
            first = run.searchsorted(values)
            below += first
            not_above += first
            tied = run[np.minimum(first, run.size - 1)] == values  # few are: only these are searched again
            not_above[tied] += run.searchsorted(values[tied], side="right") - first[tied]
        return below, not_above

    def below(self, values: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return how many are below each of some sorted values; the fewer are looked for among the more."""
        found = np.zeros(values.size, np.int64)
        if not values.size:
            return found
        for run in self:
            start, stop = run.searchsorted(values[[0, -1]])  # what lies outside needs no search of its own
            between = run[start:stop]
            found += start
            if between.size < values.size:
                found += _passed(values.searchsorted(between, side="right"), values.size)
            else:
                found += between.searchsorted(values)
        return found

    def _sort(self) -> None:
        if not self._filled:
            return
        run = self._buffer[: self._filled]
        self._buffer, self._filled = np.empty(0, run.dtype), 0
        run = _in_order(run)
        if sum(kept.nbytes for kept in self._sorted) + run.nbytes > IN_MEMORY:
            run = ON_DISK.copy(torch.from_numpy(run)).numpy()
        self._sorted.append(run)


_KNOWN: WeakValueDictionary[tuple[str, bytes], np.ndarray] = WeakValueDictionary()


def _in_order(values: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Return the values sorted, if need be in place.

    Several metrics collect the same pixels, and their influence once more: who comes later takes the sorted
    values of the first, as long as that has them. A digest takes a tenth of the time of sorting.
    """
    key = values.dtype.str, sha256(values.data).digest()
    known = _KNOWN.get(key)
    if known is None:
        values.sort()
        _KNOWN[key] = known = values
    return known


def _passed(places: Int64[np.ndarray, " k"], size: int) -> Int64[np.ndarray, " n"]:
    """Return how many of the places in an array of this size are at each of its indices or before."""
    passed: Int64[np.ndarray, " n"] = np.cumsum(np.bincount(places, minlength=size + 1)[:size])
    return passed


def _unwritten(size: int, dtype: np.dtype[np.generic]) -> Int[np.ndarray, " _"]:
    """Return memory that is taken as it is written; numpy's comes in large pages, often slow to get."""
    empty: Int[np.ndarray, " _"] = torch.empty(size * dtype.itemsize, dtype=torch.uint8).numpy().view(dtype)
    return empty
