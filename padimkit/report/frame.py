"""Records as frames of pandas, for analyses of one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padimkit.benchmark.columns import column_of
from padimkit.benchmark.record import unpacked
from padimkit.errors import BadArgument
from padimkit.report.entries import Entry, read_entries
from padimkit.report.row import row_of

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = object


def records(*paths: str | Path) -> DataFrame:
    """Return a frame with a row for each record: its names, metric values, seconds and bytes.

    Args:
        paths: Folders of records, and single ones; a cell that several suites share counts once.

    Raises:
        BadArgument: pandas is not installed.
        BadData: There are no records, or a file among them is not a record.
    """
    return _frame([row_of(entry) for entry in _entries(paths)])


def image_scores(*paths: str | Path) -> DataFrame:
    """Return a frame with a row for each test image of each record: its name, label and score.

    The columns "influence METRIC" have the derivative of a metric value by the weight of the image, and the
    column of a metric that has a value for each image has these, NaN for images without. Records
    that hold no scores have no rows.

    Args:
        paths: Folders of records, and single ones.

    Raises:
        BadArgument: pandas is not installed.
        BadData: There are no records, or a file among them is not a record.
    """
    found = _frame([row for entry in _entries(paths) for row in _images(entry)])
    return found.reindex(columns=[*_NAMES, *_OF_IMAGES]) if found.empty else found


_NAMES = ("key", "suite", "method", "dataset", "category", "seed")
_OF_IMAGES = ("image", "anomalous", "score")


def _images(entry: Entry) -> Iterator[dict[str, Any]]:
    images, cell = entry.record.images, entry.record.cell
    if images is None:
        return
    shared = {"key": entry.record.key} | {name: getattr(cell, name) for name in _NAMES[1:]}
    signs = {"1": True, "0": False, "?": None}
    columns = {"score": unpacked(images.scores)}
    columns |= {f"influence {name}": unpacked(text) for name, text in images.influence.items()}
    columns |= {column_of(name): unpacked(text, gaps=True) for name, text in images.values.items()}
    for index, (name, sign) in enumerate(zip(images.names, images.anomalous, strict=True)):
        values = {column: found[index] for column, found in columns.items()}
        yield {**shared, "image": name, "anomalous": signs[sign], **values}


def _entries(paths: tuple[str | Path, ...]) -> list[Entry]:
    if not paths:
        raise BadArgument('Expected a folder of records, such as padimkit.records("records/smoke").')
    return read_entries([Path(path).expanduser() for path in paths])


def _frame(rows: list[dict[str, Any]]) -> DataFrame:
    try:
        import pandas  # only these two functions need it
    except ImportError as error:
        raise BadArgument(
            "Frames of records need pandas. Install it with: pip install 'padimkit[frames]'"
        ) from error
    return pandas.DataFrame.from_records(rows)
