"""Cells over drawn embeddings, measured in rounds by one process, in its processor time.

Each is a fraction of a second, so a process of its own would be most of it. In a round each cell has its
turn, in an order that is drawn: a machine that becomes slower makes all cells slower, not the larger ones.
Processor time leaves out what other programs take.
"""

import random
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, final

from padimkit.benchmark.cell import EMBEDDINGS, Cell
from padimkit.benchmark.drawn import LEVEL, Drawn
from padimkit.benchmark.record import (
    DENSITY_FIT,
    EMBEDDING,
    FIT,
    FITTED,
    HELD,
    PREPARE,
    REDUCER_FIT,
    SCORE,
    of_batch,
)
from padimkit.benchmark.running.environment import environment
from padimkit.benchmark.running.predictions import predictions
from padimkit.benchmark.running.rates import measured_rates
from padimkit.benchmark.running.timing import spread_of
from padimkit.benchmark.running.working import working
from padimkit.config.build import instantiate_learners
from padimkit.config.description import plugins_of
from padimkit.contracts import DensityModel, Reducer
from padimkit.errors import PadimkitError
from padimkit.memory import held_by
from padimkit.pipeline.fitted_levels import FittedLevels
from padimkit.pipeline.learning import Pyramids
from padimkit.registry.blame import blamed
from padimkit.stages import SETTINGS, Clock, stage, timed
from padimkit.values import Problem

_SCORED = 0.02  # seconds of scores in a turn, so that a clock's steps do not matter
_MOST_SCORED = 200
_WARM = 2  # scores before them: the first ones make plans and caches


def measure_together(
    cells: Sequence[Cell], entered: Callable[[str], None], folder: Path
) -> list[dict[str, Any]]:
    """Return the fields of the cells' records that only running them can tell, or their errors.

    Args:
        cells: Cells that are compared with each other.
        entered: Told the number of the cell and the name of each stage that begins.
        folder: The folder of their working folders, whose names begin with its own.
    """
    with ExitStack() as stack:
        folders = [folder / f"{folder.name}-{number}" for number in range(len(cells))]
        placed = [stack.enter_context(working(*one)) for one in zip(cells, folders, strict=True)]
        return _outcomes(placed, entered)


def _outcomes(cells: Sequence[Cell], entered: Callable[[str], None]) -> list[dict[str, Any]]:
    rates = measured_rates()
    measured = [_Measured(cell, number, rates, entered) for number, cell in enumerate(cells)]
    measured[0].turn(counts=False)  # the first fit of a process loads what all others find
    order = random.Random(0)
    for _ in range(max(cell.repeats for cell in cells)):
        for one in order.sample(measured, len(measured)):
            one.turn()
    return [one.outcome() for one in measured]


@final
class _Measured:
    """A cell with all measurements of it so far."""

    def __init__(
        self, cell: Cell, number: int, rates: dict[str, float], entered: Callable[[str], None]
    ) -> None:
        self._cell = cell
        self._rates = rates
        self._predicted: dict[str, Any] = {}
        self._number = number
        self._tell = entered
        self._stage = SETTINGS
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._bytes: dict[str, int] = {}
        self._plugins: list[dict[str, str]] = []
        self._error: dict[str, str] = {}
        self._took = 0.0

    def turn(self, *, counts: bool = True) -> None:
        """Learn once and score; after an error, do nothing."""
        if self._error:
            return
        start = time.perf_counter()
        try:
            seconds = self._measure()
        except Exception as error:  # whatever a plugin raises is an outcome
            text = "" if isinstance(error, PadimkitError) else blamed(error)
            said = text or f"{type(error).__name__}: {error}"
            self._error = {"error": said, "traceback": traceback.format_exc(), "stage": self._stage}
            return
        for name, value in seconds.items() if counts else ():
            self._seconds[name].append(value)
        self._took += time.perf_counter() - start

    def outcome(self) -> dict[str, Any]:
        """Return the fields of the record."""
        if self._error:
            return self._error
        timed = "time" in self._cell.measure
        return {
            "seconds": {name: asdict(spread_of(found)) for name, found in self._seconds.items() if timed},
            "repeats": dict(self._seconds) if timed else {},
            "bytes": self._bytes if "memory" in self._cell.measure else {},
            "environment": environment(),
            "plugins": self._plugins,
            "rates": self._rates,
            "took": round(self._took, 3),
        } | self._predicted

    def _measure(self) -> dict[str, float]:
        cell, drawn = self._cell, Drawn(**self._cell.settings[EMBEDDINGS])
        with timed(Clock(entered=self._entered)), stage(SETTINGS):
            reducer, density = instantiate_learners(cell.settings)
            self._plugins = plugins_of(reducer, density)
            stream = drawn.stream(cell.seed, cell.settings["batch_size"])
        unseen = drawn.unseen(cell.seed)
        learning, levels = self._learnt(reducer, density, stream)
        scoring = self._scored(levels, unseen)
        state = levels.state_dict()
        channels = levels.reduce(next(unseen))[LEVEL].patches.shape[1]
        problem = Problem(drawn.images, drawn.channels, drawn.positions, drawn.descriptor, drawn.variance)
        self._predicted = predictions(reducer, density, problem, channels=channels, rates=self._rates)
        self._bytes = {FITTED: sum(tensor.nbytes for tensor in state.values()), HELD: held_by(levels)}
        return learning | scoring

    def _learnt(
        self, reducer: Reducer, density: DensityModel, stream: Any
    ) -> tuple[dict[str, float], FittedLevels]:
        """Return the seconds of learning and its result."""
        with timed(self._clock()) as clock:
            levels = FittedLevels.fit(reducer, density, stream)
            levels.prepare()
        found = {name: clock.seconds.get(name, 0.0) for name in (REDUCER_FIT, DENSITY_FIT, PREPARE)}
        return found | {FIT: sum(clock.seconds.values())}, levels

    def _scored(self, levels: FittedLevels, unseen: Iterator[Pyramids]) -> dict[str, float]:
        """Return the mean seconds of one image: to reduce, and to score."""
        with timed(self._clock()) as first:
            for image in islice(unseen, _WARM):
                levels.score(image)
        each = sum(first.seconds.values()) / _WARM
        count = min(_MOST_SCORED, max(_WARM, ceil(_SCORED / max(each, 1e-9))))
        images = list(islice(unseen, min(count, 8)))
        with timed(self._clock()) as clock:
            for number in range(count):
                levels.score(images[number % len(images)])
        return {
            EMBEDDING: clock.seconds.get(EMBEDDING, 0.0) / count,
            of_batch(SCORE, 1): clock.seconds[SCORE] / count,
        }

    def _entered(self, name: str) -> None:
        self._stage = name
        self._tell(f"{self._number} {name}")

    def _clock(self) -> Clock:
        return Clock(entered=self._entered, now=time.process_time)
