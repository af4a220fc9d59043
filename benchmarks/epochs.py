"""What ten epochs of a density cost with and without `cached`, over a CNN and images of noise."""

import argparse
from collections.abc import Iterable

import torch
from torch import Tensor

from benchmarks import machine
from benchmarks.measure import measured
from padimkit import Batch, DensityModel, Embedding, Scores, cached, load_recipe
from padimkit.arguments import arguments
from padimkit.pipeline.pipeline import Pipeline

EPOCHS = 10


class ByEpochs(DensityModel):
    """The mean of each position, by steps of an average; `memory` is that of `cached`, -1 for none."""

    def __init__(self, memory: int) -> None:
        self.memory = memory

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Take ten passes."""
        if self.memory < 0:
            self._learn(stream)
            return
        with cached(stream, memory=self.memory) as kept:
            self._learn(kept)

    def _learn(self, stream: Iterable[Embedding]) -> None:
        self.mean = torch.zeros(())
        for step, embedding in enumerate(one for _ in range(EPOCHS) for one in stream):
            self.mean = self.mean + (embedding.patches.mean(0) - self.mean) / (step + 1)

    def score(self, embedding: Embedding) -> Scores:
        """Return the distances to the mean."""
        return Scores((embedding.patches - self.mean).norm(dim=1))

    def state_dict(self) -> dict[str, Tensor]:
        """Return the mean."""
        return {"mean": self.mean}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the mean."""
        self.mean = state["mean"]


def main() -> None:
    """Print processor time, peak of memory, and whether the same was learnt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--recipe", default="padim-lite0")
    given = parser.parse_args()
    print(machine.describe())
    generator = torch.Generator().manual_seed(0)
    batches = [
        Batch(torch.rand(8, 3, 224, 224, generator=generator), tuple(f"{start + n}" for n in range(8)))
        for start in range(0, given.images, 8)
    ]
    expected: Tensor | None = None
    print("| ten epochs | processor s | peak MB | same bits |\n|---|---|---|---|")
    for title, memory in (("as they come", -1), ("cached in memory", 2**40), ("cached in a file", 0)):
        parts = arguments(load_recipe(given.recipe)) | {"density": ByEpochs(memory)}
        pipeline = Pipeline(**parts)
        with measured() as cost:
            pipeline.fit(batches, progress=False)
        found = torch.cat([one.flatten() for one in pipeline.state_dict().values()])
        expected = found if expected is None else expected
        same = torch.equal(found, expected)
        print(f"| {title} | {cost.processor_seconds:.1f} | {cost.peak_bytes / 1e6:.0f} | {same} |")


if __name__ == "__main__":
    main()
