"""Cells of complexity studies, sorted into lines along which one quantity is varied."""

from dataclasses import dataclass

from padimkit.report.cells import Cell
from padimkit.report.figures import Cost
from padimkit.report.study import Study


@dataclass(frozen=True)
class Line:
    """A method's cells in the order of what is varied; `fixed` names what else the study holds still."""

    method: str
    fixed: str
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return f"{self.method} ({self.fixed})" if self.fixed else self.method

    def points(self, varied: str, cost: Cost) -> list[tuple[float, float]]:
        """Size and positive cost of those cells where it was measured."""
        pairs = [(cell.record.varied[varied], cost.of(cell.record)) for cell in self.cells]
        return [(size, value) for size, value in pairs if value is not None and size > 0 and value > 0]


def growth_lines(study: Study) -> dict[tuple[str, str], list[Line]]:
    """The lines of each varied quantity and place."""
    grouped: dict[tuple[str, str], dict[tuple[str, str], list[Cell]]] = {}
    for cell in study.varied:
        for name in cell.record.varied:
            rest = ", ".join(f"{key} = {value:g}" for key, value in cell.record.varied.items() if key != name)
            lines = grouped.setdefault((name, cell.place), {})
            lines.setdefault((cell.record.method, rest), []).append(cell)
    return {
        (name, where): [
            Line(method, rest, tuple(sorted(cells, key=lambda cell: cell.record.varied[name])))
            for (method, rest), cells in lines.items()
        ]
        for (name, where), lines in grouped.items()
    }
