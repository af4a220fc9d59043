"""Data sets that a table lists: a row for each image, with its label, its mask and its split."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from padimkit.contracts import DataSource
from padimkit.errors import BadArgument, BadData
from padimkit.files.regular import regular
from padimkit.images.sample import Sample

_COLUMNS = ("image", "mask", "label", "split", "category")
_NEEDED = ("image", "label", "split")
_LABELS = {
    **dict.fromkeys(("normal", "good", "ok", "0", "false"), False),
    **dict.fromkeys(("anomalous", "anomaly", "defect", "bad", "ng", "ko", "1", "true"), True),
    "": None,
}


@final
class Table(DataSource):
    """Images that a CSV or Parquet file lists, in the order of its rows.

    Its columns are `image`, `label` (normal or anomalous, also good or bad, OK or NG, 0 or 1), `split`
    (train or test) and, if there are any, `mask` and `category`; others are left alone. A path counts from
    `root`. The label of a test image may be left empty, if it is not known; if an anomalous one has no mask,
    metrics of pixels are undefined.

    Args:
        file: The table. Parquet needs the extra parquet.
        root: The folder from which paths count; by default that of the table.
        category: Only rows of this category; needed if the table has several.
        columns: Names of columns that are called otherwise, such as {category: object} for tables of VisA.
    """

    def __init__(
        self,
        file: Path,
        root: Path | None = None,
        category: str | None = None,
        columns: dict[str, str] | None = None,
    ) -> None:
        unknown = sorted(set(columns or {}) - set(_COLUMNS))
        if unknown:
            raise BadArgument(f'"columns" names {unknown[0]!r}; it may name {", ".join(_COLUMNS)}.')
        self.file = Path(file).expanduser()  # without a type checker, people pass strings
        self.root = None if root is None else Path(root).expanduser()
        self.category = category
        self.columns = columns

    def train(self) -> Sequence[Sample]:
        """List the rows of the split train, all of which are normal.

        Raises:
            BadData: The table cannot be read, lacks a column, or has a value that is not understood.
        """
        found = [Sample(path, anomalous=False) for path, label, _ in self._rows("train") if not label]
        if not found:
            raise BadData(f'"{self.file}" has no row of the split "train"{self._of_category()}.')
        return found

    def test(self) -> Sequence[Sample]:
        """List the rows of the split test.

        Raises:
            BadData: The table cannot be read, lacks a column, or has a value that is not understood.
        """
        found = [
            Sample(path, anomalous=label, mask=mask if label else None)
            for path, label, mask in self._rows("test")
        ]
        if not found:
            raise BadData(f'"{self.file}" has no row of the split "test"{self._of_category()}.')
        return found

    def _rows(self, split: str) -> Iterator[tuple[Path, bool | None, Path | None]]:
        root = self.file.parent if self.root is None else self.root
        for number, row in self._of_the_category():
            if self._value(row, "split", number, ("train", "test")) != split:
                continue
            label = _LABELS[self._value(row, "label", number, _LABELS)]
            if split == "train" and label is not False:
                raise BadData(
                    f'Row {number} of "{self.file}" is of the split "train", but is not labelled normal. '
                    "Only normal images are learnt."
                )
            image, mask = (str(row.get(self._name(name)) or "").strip() for name in ("image", "mask"))
            if not image:
                raise BadData(f'Row {number} of "{self.file}" has no image.')
            yield root / image, label, root / mask if mask else None

    def _of_the_category(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        rows = list(enumerate(_read(self.file), 1))
        if not rows:
            raise BadData(f'"{self.file}" has no rows below the names of its columns.')
        have = {column for column in rows[0][1] if column is not None}  # as of values beyond the last column
        for name in _NEEDED:
            if self._name(name) not in have:
                raise BadData(
                    f'"{self.file}" has no column "{self._name(name)}". It has: {", ".join(sorted(have))}. '
                    'Say by "columns" what it is called.'
                )
        name = self._name("category")
        known = sorted({str(row[name]) for _, row in rows}) if name in have else []
        if self.category is None and len(known) > 1:
            raise BadData(
                f'"{self.file}" has several categories: {", ".join(known)}. Give one as "category".'
            )
        if self.category is not None and self.category not in known:
            raise BadData(f'"{self.file}" has no category "{self.category}". It has: {", ".join(known)}.')
        return ((number, row) for number, row in rows if self.category in (None, str(row.get(name))))

    def _value(self, row: Mapping[str, Any], name: str, number: int, known: Any) -> str:
        """Return the value of a column, in small letters; those that have no meaning are refused."""
        found = row[self._name(name)]
        value = "" if found is None else str(found).strip().lower()
        if value not in known:
            expected = ", ".join(filter(None, known))
            raise BadData(
                f'Row {number} of "{self.file}" has the {name} "{found}". Expected one of {expected}.'
            )
        return value

    def _name(self, column: str) -> str:
        return (self.columns or {}).get(column, column)

    def _of_category(self) -> str:
        return "" if self.category is None else f' and the category "{self.category}"'


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        if file.suffix.lower() == ".parquet":
            return _parquet(regular(file))
        with regular(file).open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))
    except (OSError, ValueError, csv.Error) as error:
        raise BadData(f'"{file}" cannot be read as a table: {error}.') from error


def _parquet(file: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import parquet  # a table in Parquet is rare
    except ImportError as error:
        raise BadData(
            f"\"{file}\" needs pyarrow. Install it with: pip install 'padimkit[parquet]', or save it as CSV."
        ) from error
    rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
    return rows
