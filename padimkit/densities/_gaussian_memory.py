"""A forecast of the memory that Gaussians need, made before a fit.

Apart from the density, since it computes with sizes only and needs no embeddings.
"""

from dataclasses import dataclass

from padimkit.densities._factor import area, lower_triangle
from padimkit.errors import OverBudget
from padimkit.memory import WORKSPACE

_MEANS = ', or storage "half", fewer channels or smaller images.'
_PORTIONS = 3  # temporary tensors of a fit that are alive together


@dataclass(frozen=True)
class Sizes:
    """Bytes per number in the sums, in kept samples, and in the factor that scoring reads."""

    sums: int
    samples: int
    factor: int


@dataclass(frozen=True)
class Forecast:
    """Bytes that Gaussians need, by purpose.

    Args:
        learnt: Samples or scatter matrices, which are stored and can be updated.
        waiting: Samples on their way into scatter matrices; they are freed before the factor is made.
        factor: The matrices that scoring reads for each image. Without a `memory_budget` they may be larger
            if variances are hundreds of times eps, because the dense form is then quicker.
        workspace: Temporary tensors.
    """

    learnt: int
    waiting: int
    factor: int
    workspace: int

    @classmethod
    def of(cls, *, count: int, positions: int, dimensions: int, keep_few: bool, sizes: Sizes) -> "Forecast":
        """Return the forecast for `count` samples per position; a few stay samples if `keep_few`."""
        few = keep_few and count <= dimensions
        sample = sizes.samples * dimensions
        mean = sizes.sums * dimensions
        staircase = area(lower_triangle(dimensions))
        matrices = 8 * 4 * dimensions * max(dimensions, count if few else 0)  # of one position, in float64
        group = 0 if keep_few else 3 * positions * min(count, dimensions + 1) * mean
        return cls(
            learnt=positions * (mean + (count * sample if few else sizes.sums * dimensions**2 + mean)),
            waiting=0 if few else positions * min(count, dimensions + 1) * sample,
            factor=positions * (mean + sizes.factor * min(count * dimensions, staircase)),
            workspace=_PORTIONS * max(WORKSPACE, matrices) + group,
        )

    @property
    def total(self) -> int:
        """The most bytes needed at a time."""
        return self.learnt + max(self.waiting, self.factor) + self.workspace

    def fits(self, budget: float) -> bool:
        """Return whether everything fits in memory.

        Raises:
            OverBudget: It is too much even with samples and sums in a file; the message names the sizes.
        """
        least = self.factor + self.workspace
        if least > budget:
            raise OverBudget(
                f"The Gaussians need {_gb(self.total)} of memory: {_gb(self.factor)} that scoring reads, "
                f"{_gb(self.workspace)} of workspace, and {_gb(self.learnt + self.waiting)} that can be kept "
                f'in a file. "memory_budget" is {_gb(budget)}. Use at least {_gb(least)}'
                f"{_MEANS if self.workspace < budget else '.'}"
            )
        return self.total <= budget


def _gb(size: float | int) -> str:
    return f"{size / 1e9:#.3g} GB"
