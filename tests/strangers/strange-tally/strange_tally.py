"""How many cells there are of each method."""

from collections import Counter

from padimkit import ReportSection
from padimkit.report.section import Datum, Table


class Tally(ReportSection):
    """The number of cells of each method."""

    title = "Tally"

    def build(self, records):
        counts = sorted(Counter(record.cell.method for record in records).items())
        rows = tuple((Datum(method), Datum(str(count), value=count)) for method, count in counts)
        return [Table("Cells of each method", ("method", "cells"), rows)] if rows else []
