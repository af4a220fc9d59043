"""The table of the measurements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.peers.tasks import Row, Task

Measurements = Mapping[str, Sequence[Mapping[str, float]]]  # by label, round by round


@dataclass(frozen=True)
class Ratio:
    """The ratio of theirs to ours: the median over the rounds, and its quartiles."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Ratio":
        """Return the ratio of measurements of the same rounds, side by side."""
        ratios = [their / max(our, 1e-9) for our, their in zip(ours, theirs, strict=True)]
        low, middle, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        return cls(low, middle, high)


HEAD = """| | ours | theirs | ratio (quartiles) | to reach | aim for |
|---|---|---|---|---|---|"""


def lines(task: Task, found: Measurements) -> Iterable[str]:
    """Yield a line of Markdown for each row."""
    for row in task.rows:
        ours, theirs = ([round_[row.measured] for round_ in found[label]] for label in (row.ours, row.theirs))
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


def qualities(task: Task, found: Measurements) -> Iterable[str]:
    """Yield a line for each run, with its measurements of quality."""
    for label, rounds in found.items():
        listed = ", ".join(f"{name} {median(r[name] for r in rounds):.6g}" for name in task.quality)
        yield f"- {task.name}, {label}: {listed}"


def _shown(row: Row, value: float) -> str:
    if row.measured.endswith("bytes"):
        return f"{value / 1e9:.2f} GB"
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.2f} s"
