"""The numbers that the PaDiM paper prints in its Tables I to VIII."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from padimkit.errors import BadArgument

TABLES = tuple(range(1, 9))
TEXTURES = ("carpet", "grid", "leather", "tile", "wood")
OBJECTS = (
    *("bottle", "cable", "capsule", "hazelnut", "metal_nut"),
    *("pill", "screw", "toothbrush", "transistor", "zipper"),
)
GROUPS = {"textures": TEXTURES, "objects": OBJECTS, "all": TEXTURES + OBJECTS}


@dataclass(frozen=True)
class PublishedCell:
    """A printed number.

    Args:
        table: Number of the table.
        method: Name of the method, the same in all tables and in `benchmarks/suites`.
        label: Name of the method in the table.
        data: MVTec AD, Rd-MVTec AD or STC.
        place: A category, "textures", "objects" or "all".
        metric: pixel_auroc, pro and image_auroc in percent; seconds per image; gigabytes of 1e9 bytes.
        value: Number as printed.
        doubt: Reason not to trust it; empty if there is none.
    """

    table: int
    method: str
    label: str
    data: str
    place: str
    metric: str
    value: float
    doubt: str = ""


@dataclass(frozen=True)
class PublishedTraining:
    """A training time that the text of the paper prints, on a machine other than that of Table VII.

    Args:
        method: Name of the method, as in `PublishedCell`.
        data: Name of the data, as there.
        seconds: Time as printed, in seconds.
        of: Whether it is of a category or of a scene.
        machine: Where it was measured.
    """

    method: str
    data: str
    seconds: float
    of: str
    machine: str


def training_times() -> tuple[PublishedTraining, ...]:
    """Return the training times."""
    return tuple(PublishedTraining(**one) for one in _content()["training"])


def published(table: int) -> tuple[PublishedCell, ...]:
    """Return the numbers of a table, row by row, without blanks.

    Raises:
        BadArgument: The paper has no such table.
    """
    return tuple(
        cell
        for method, row in _table(table)["methods"].items()
        for cell in _cells(table, method, row, _doubts(row))
    )


def title(table: int) -> str:
    """Return the title of a table.

    Raises:
        BadArgument: The paper has no such table.
    """
    return str(_table(table)["title"])


def source() -> str:
    """Return the reference of the paper."""
    return str(_content()["source"])


def _table(table: int) -> Mapping[str, Any]:
    if table not in TABLES:
        raise BadArgument(f"The paper has the tables {TABLES[0]} to {TABLES[-1]}, got {table}.")
    found: Mapping[str, Any] = _content()["tables"][str(table)]
    return found


def _cells(
    table: int, method: str, row: Mapping[str, Any], doubts: Mapping[tuple[str, str, str], str]
) -> Iterator[PublishedCell]:
    for data, places in row["data"].items():
        for place, values in places.items():
            for metric, value in values.items():
                doubt = doubts.get((data, place, metric), "")
                yield PublishedCell(table, method, row["label"], data, place, metric, value, doubt)


def _doubts(row: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    return {
        (doubt["data"], doubt["place"], doubt["metric"]): doubt["reason"] for doubt in row.get("doubts", ())
    }


@cache
def _content() -> dict[str, Any]:
    text = files("padimkit.report.paper").joinpath("published.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
