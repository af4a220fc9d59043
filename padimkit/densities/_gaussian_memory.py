"""What Gaussians will take, known before anything is fitted."""

from dataclasses import dataclass

from padimkit.densities._factor import area, lower_triangle
from padimkit.errors import OverBudget
from padimkit.memory import WORKSPACE

_MEANS = ', or storage "half", fewer channels or smaller images.'
_PORTIONS = 3  # temporary tensors of a fit that are alive together


@dataclass(frozen=True)
class Sizes:
    """Bytes of a number in the sums, in samples that are kept, and in the factor that scoring reads."""

    sums: int
    samples: int
    factor: int


@dataclass(frozen=True)
class Forecast:
    """Bytes that Gaussians take, by what they are for.

    Args:
        learnt: Samples or scatter matrices: what is stored, and can be updated.
        waiting: Samples on their way into scatter matrices; they are gone before there is a factor.
        factor: What scoring reads for each image. Without a `memory_budget` it may be larger where variances
            are hundreds of times eps: the dense form is the quicker one there.
        workspace: What is computed with in passing.
    """

    learnt: int
    waiting: int
    factor: int
    workspace: int

    @classmethod
    def of(cls, *, count: int, positions: int, dimensions: int, keep_few: bool, sizes: Sizes) -> "Forecast":
        """For `count` samples per position, which are kept while they are few or always become sums."""
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
        """The most that is needed at a time."""
        return self.learnt + max(self.waiting, self.factor) + self.workspace

    def fits(self, budget: float) -> bool:
        """Whether all of it can be in memory.

        Raises:
            OverBudget: It is too much even if samples and sums are kept in a file; the figures are named.
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
