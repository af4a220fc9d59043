"""Measurements to a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.peers.tasks import Row, Task

Figures = Mapping[str, Sequence[Mapping[str, float]]]  # by label, round by round


@dataclass(frozen=True)
class Ratio:
    """How many times theirs is ours: the median over the rounds, and its quartiles."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Ratio":
        """From figures of the same rounds, side by side."""
        ratios = [their / max(our, 1e-9) for our, their in zip(ours, theirs, strict=True)]
        low, middle, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        return cls(low, middle, high)


HEAD = """| | ours | theirs | ratio (quartiles) | to reach | aim for |
|---|---|---|---|---|---|"""


def lines(task: Task, figures: Figures) -> Iterable[str]:
    """A line of Markdown for each row, then the figures of quality."""
    for row in task.rows:
        ours, theirs = ([round_[row.figure] for round_ in figures[label]] for label in (row.ours, row.theirs))
        ratio = Ratio.of(ours, theirs)
        cells = (
            row.title,
            _shown(row, median(ours)),
            _shown(row, median(theirs)),
            f"**{ratio.middle:.2f}** ({ratio.low:.2f} to {ratio.high:.2f})",
            f"{row.reach:g}: {'reached' if ratio.middle >= row.reach else 'MISSED'}",
            f"{row.aim:g}",
        )
        yield f"| {' | '.join(cells)} |"


def qualities(task: Task, figures: Figures) -> Iterable[str]:
    """A line for each figure of quality of each run."""
    for label, rounds in figures.items():
        found = ", ".join(f"{name} {median(r[name] for r in rounds):.6g}" for name in task.quality)
        yield f"- {task.name}, {label}: {found}"


def _shown(row: Row, value: float) -> str:
    if row.figure.endswith("bytes"):
        return f"{value / 1e9:.2f} GB"
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.2f} s"
