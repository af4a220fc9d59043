"""The cost of the harness's clock, as a share of the prediction that it measures: at most 2 %.

The difference of two predictions would drown in their noise, so the stages of one are counted
and one is timed.
"""

import time
from statistics import median

import torch

from benchmarks import machine
from padimkit import Batch, load_recipe
from padimkit.pipeline.pipeline import Pipeline
from padimkit.stages import Clock, stage, timed

STAGES = 100_000
ROUNDS = 9


def fitted() -> Pipeline:
    """Return the cheapest recipe, fitted: the clock takes the largest share of its time."""
    pipeline = load_recipe("padim-filter-bank")
    pipeline.fit([drawn(8)])
    return pipeline


def drawn(count: int) -> Batch:
    """Draw random images of the size that the recipe crops to."""
    images = torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return Batch(images, tuple(map(str, range(count))))


def seconds_of_stage() -> float:
    """Return the seconds of beginning and ending one stage, while a clock runs."""
    with timed(Clock()):
        start = time.perf_counter()
        for _ in range(STAGES):
            with stage("nothing"):
                pass
        return (time.perf_counter() - start) / STAGES


def stages_of(pipeline: Pipeline, batch: Batch) -> int:
    """Return the number of stages that begin or resume in one prediction."""
    names: list[str] = []
    with timed(Clock(entered=names.append)):
        pipeline.predict_batch(batch)
    return len(names)


def seconds_of(pipeline: Pipeline, batch: Batch) -> float:
    """Return the seconds of one prediction."""
    start = time.perf_counter()
    pipeline.predict_batch(batch)
    return time.perf_counter() - start


def main() -> None:
    """Print the share of the clock with one image at a time and with eight."""
    torch.set_num_threads(1)
    pipeline, each = fitted(), median(seconds_of_stage() for _ in range(ROUNDS))
    print(machine.describe())
    print(f"one stage: {1e6 * each:.1f} microseconds")
    for count in (1, 8):
        batch = drawn(count)
        whole = median(seconds_of(pipeline, batch) for _ in range(ROUNDS))
        share = stages_of(pipeline, batch) * each / whole
        print(f"{stages_of(pipeline, batch)} stages in a batch of {count}, {1e3 * whole:.1f} ms: {share:.3%}")


if __name__ == "__main__":
    main()
