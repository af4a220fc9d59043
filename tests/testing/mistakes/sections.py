"""Mistakes in sections of a report."""

from statistics import mean

import matplotlib
from matplotlib import pyplot

from padimkit import ReportSection
from padimkit.report.section import Datum, Drawing, Table


class Right(ReportSection):
    """The mean seconds of a fit by method, as a drawing with its table, and the cells: right in every way."""

    title = "Fits"

    def build(self, records):
        found = {}
        for record in sorted(records, key=lambda record: record.key):
            for seconds in self.seconds(record):
                found.setdefault(record.cell.method, []).append(seconds)
        rows = [(method, mean(some)) for method, some in found.items()]
        cells = [Datum(f"{len(records)} cells")]
        if not rows:
            return [Table("Cells", ("cells",), (tuple(cells),))]
        table = Table("Fits", ("method", "seconds"), tuple(map(self.row, rows)))
        return [Drawing(lambda axes: self.paint(axes, rows), "Fits.", "Seconds by method.", table)]

    def seconds(self, record):
        return [record.seconds["fit"].median] if "fit" in record.seconds else []

    def row(self, row):
        return Datum(row[0]), Datum(f"{row[1]:.1f}", value=row[1])

    def paint(self, axes, rows):
        axes.bar([method for method, _ in rows], [seconds for _, seconds in rows])


class ExpectsResults(Right):
    """Takes each cell for one that has finished."""

    def seconds(self, record):
        return [record.seconds["fit"].median]


class ExpectsRecords(Right):
    """Takes the first record for one that is there."""

    def build(self, records):
        self.suite = records[0].cell.suite
        return super().build(records)


class RaggedRows(Right):
    """Gives rows that are shorter than the head."""

    def row(self, row):
        return (Datum(row[0]),)


class BareTexts(Right):
    """Gives texts in place of Datum."""

    def row(self, row):
        return row[0], f"{row[1]:.1f}"


class OneTable(Right):
    """Gives a table in place of a list of tables."""

    def build(self, records):
        return super().build(records)[0]


class FirstComesFirst(Right):
    """Takes the last record for each method, as the folder lists them."""

    def build(self, records):
        last = {record.cell.method: record for record in records}
        return super().build(list(last.values()))


class AddsToRecords(Right):
    """Writes what it has computed into the records."""

    def seconds(self, record):
        record.metrics["fit_seconds"] = record.took
        return super().seconds(record)


class Remembers(Right):
    """Goes on from the records of an earlier report."""

    def __init__(self):
        self._seen = []

    def build(self, records):
        self._seen += records
        return super().build(self._seen)


class PaintsElsewhere(Right):
    """Paints on the current axes of pyplot, and not on those that it is given."""

    def paint(self, axes, rows):
        pyplot.figure()
        super().paint(pyplot.gca(), rows)


class SetsAStyle(Right):
    """Sets the style of all plots of the program."""

    def build(self, records):
        matplotlib.rcParams["font.size"] = 7.5
        return super().build(records)


class ShowsNothingNew(Right):
    """Shows what does not depend on the records."""

    def build(self, records):
        return [Table("Suites", ("suites",), ((Datum("one"),),))]


class TitleByTheData(Right):
    """Has another title for each suite."""

    title = "Fits"

    def build(self, records):
        self.title = f"Fits of {len(records)} cells"
        return super().build(records)


MISTAKES = {
    ExpectsResults: "takes_cells_without_results",
    ExpectsRecords: "takes_no_records",
    RaggedRows: "gives_tables_and_drawings",
    BareTexts: "gives_tables_and_drawings",
    OneTable: "gives_tables_and_drawings",
    FirstComesFirst: "order_of_records_does_not_matter",
    AddsToRecords: "records_are_left_alone",
    Remembers: "repeats_itself",
    PaintsElsewhere: "drawings_can_be_drawn",
    SetsAStyle: "leaves_the_style_alone",
    ShowsNothingNew: "all_records_count",
    TitleByTheData: "has_a_title",
}
