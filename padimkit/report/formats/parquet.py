"""The report as Parquet: a row per cell, with all its numbers.

A format of its own: it needs pyarrow, and gives bytes.
"""

import io

from padimkit.errors import BadArgument
from padimkit.report.row import row_of
from padimkit.report.study import Study, unique


def as_parquet(study: Study) -> bytes:
    """Return a row for each cell: times in seconds, sizes in bytes, null for what was not measured.

    Raises:
        BadArgument: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet  # nothing else of a report needs it
    except ImportError as error:
        raise BadArgument(
            "Parquet needs pyarrow. Install it with: pip install 'padimkit[parquet]', or take --format jsonl."
        ) from error
    rows = [row_of(entry) for entry in study.entries]
    names = unique(name for row in rows for name in row)
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in names})
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()
