"""Times of each stage, in repeated measurements.

It stands alone because timing has rules of its own: warm-up, waiting for the device, quartiles.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice
from typing import TypeAlias

import numpy as np
import torch

from padimkit.benchmark.record import (
    BACKBONE,
    DENSITY_FIT,
    EMBEDDING,
    FIRST,
    FIT,
    LATENCY,
    MAP,
    PREDICT,
    PREPARE,
    READ,
    REDUCER_FIT,
    SCORE,
    of_batch,
)
from padimkit.benchmark.times import Spread
from padimkit.errors import BadData
from padimkit.images.sample import Sample
from padimkit.inspection.intake import Intake
from padimkit.inspection.seen import Failure
from padimkit.pipeline.pipeline import Pipeline
from padimkit.stages import Clock, timed
from padimkit.values import Batch

Wait = Callable[[], None]
Repeats: TypeAlias = dict[str, list[float]]  # all measurements by name
_PREDICTED = (BACKBONE, EMBEDDING, SCORE, MAP)
_LEAST = 5  # predictions; they are short beside a fit
_WARM = 2  # before them: the first ones make plans and caches


def spread_of(values: Iterable[float]) -> Spread:
    """Return median and quartiles."""
    found = np.fromiter(values, float)
    lower, median, upper = np.quantile(found, [0.25, 0.5, 0.75]).tolist()
    return Spread(median=median, lower=lower, upper=upper, count=found.size)


def waiting_for(device: str) -> Wait:
    """Return a function that waits until the device has finished its work."""
    if torch.device(device).type != "cuda":
        return lambda: None
    return lambda: torch.cuda.synchronize(device)


def time_fits(
    pipeline: Pipeline, fit: Callable[[], object], first: Batch, *, repeats: int, wait: Wait
) -> Repeats:
    """Return the seconds of whole fits, until the first score is as quick as any, and the shares of stages.

    Densities prepare what scoring needs. The first prediction of one image after each fit is timed too, so
    that nothing which is made by it is lost.
    """
    runs, firsts = [], []
    for _ in range(repeats):
        with timed(Clock(wait)) as clock:
            fit()
            pipeline.prepare()
        runs.append(clock.seconds)
        firsts.append(_first(pipeline, first, wait))
    stages = (READ, REDUCER_FIT, DENSITY_FIT, PREPARE)
    found = {name: [run[name] for run in runs] for name in stages}
    return found | {FIT: [sum(run.values()) for run in runs], FIRST: firsts}


def time_calibrations(calibrate: Callable[[], object], *, repeats: int, wait: Wait) -> list[float]:
    """Return the seconds of whole calibrations, with the reading of the images."""
    runs = []
    for _ in range(repeats):
        with timed(Clock(wait)) as clock:
            calibrate()
        runs.append(sum(clock.seconds.values()))
    return runs


def time_predictions(
    pipeline: Pipeline, images: Batch, *, sizes: Iterable[int], repeats: int, wait: Wait
) -> Repeats:
    """Return seconds per image: "predict N" and "score N" in batches of N, other stages in the largest."""
    found: Repeats = {}
    for size in sorted(sizes):
        batch = _part(images, size)
        runs = _predictions(pipeline, batch, repeats, wait)
        stages = {name: [run.get(name, 0.0) / size for run in runs] for name in _PREDICTED}
        found |= stages | {of_batch(SCORE, size): stages[SCORE]}
        found[of_batch(PREDICT, size)] = [sum(run.values()) / size for run in runs]
    return found


def time_latency(pipeline: Pipeline, samples: Sequence[Sample], *, repeats: int, wait: Wait) -> Repeats:
    """Return the seconds from the file of one image to its score and map, as a warm `Inspector` takes them.

    Regions and a verdict, which need a calibration, are not among them.
    """
    intake, seconds = Intake(pipeline), []
    for sample in islice(cycle(samples), _WARM + max(_LEAST, repeats)):
        start = time.perf_counter()
        read = intake.read(sample)
        if isinstance(read, Failure):
            raise BadData(read.error)
        intake.score([read])
        wait()
        seconds.append(time.perf_counter() - start)
    return {LATENCY: seconds[_WARM:]}


def flops_of(pipeline: Pipeline, images: Batch) -> int | None:
    """Return floating-point operations of the backbone for one image, as torch counts them; None for none."""
    from torch.utils.flop_counter import FlopCounterMode  # imports triton, which most cells do without

    with FlopCounterMode(display=False) as counter:
        pipeline.backbone.extract(images.images[:1].to(pipeline.device))
    return counter.get_total_flops() or None


def _part(images: Batch, size: int) -> Batch:
    pixels = images.images[:size].contiguous(memory_format=torch.channels_last)
    return Batch(pixels, images.paths[:size])


def _first(pipeline: Pipeline, images: Batch, wait: Wait) -> float:
    """Return the seconds of a prediction of one image."""
    batch = _part(images, 1)
    with timed(Clock(wait)) as clock:
        pipeline.predict_batch(batch)
    return sum(clock.seconds.values())


def _predictions(pipeline: Pipeline, batch: Batch, repeats: int, wait: Wait) -> list[dict[str, float]]:
    for _ in range(_WARM):
        pipeline.predict_batch(batch)
    runs = []
    for _ in range(max(_LEAST, repeats)):
        with timed(Clock(wait)) as clock:
            pipeline.predict_batch(batch)
        runs.append(clock.seconds)
    return runs
