"""Machines, versions and plugins that the cells ran with.

A section of its own, named by its template and by the list of sections.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from padimkit.report import links
from padimkit.report.entries import Entry
from padimkit.report.machine import machine_table
from padimkit.report.study import Study, unique
from padimkit.report.tables import DASH, Datum, Table

name = "environments"
title = "Environment"


def build(study: Study) -> dict[str, Any]:
    """Return the tables of environments and of plugins."""
    return {
        "environments": environment_table(study),
        "processes": machine_table(study.entries),
        "plugins": plugin_table(study),
    }


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: Markdown and LaTeX show results only."""
    return ()


def environment_table(study: Study) -> Table:
    """Return a column for each environment and a row for each fact about it."""
    grouped: dict[tuple[tuple[str, str], ...], list[Entry]] = {}
    for entry in study.entries:
        grouped.setdefault(tuple(_flat(entry.record.environment)), []).append(entry)
    names = unique(name for found in grouped for name, _ in found)
    columns = [dict(found) for found in grouped]
    rows = [tuple([Datum(name), *(Datum(column.get(name, DASH)) for column in columns)]) for name in names]
    first = (Datum(_cells(entries), target=links.of_entry(entries[0])) for entries in grouped.values())
    head = ("", *(f"environment {index}" for index in range(1, len(columns) + 1)))
    return Table("Environments", head, ((Datum("cells"), *first), *rows))


def plugin_table(study: Study) -> Table:
    """Return every plugin that took part, with its distribution and version."""
    columns = ("family", "name", "distribution", "version")
    found = {
        tuple(str(plugin.get(key, DASH)) for key in columns)
        for entry in study.entries
        for plugin in entry.record.plugins
    }
    return Table("Plugins", columns, tuple(tuple(Datum(text) for text in row) for row in sorted(found)))


def mixed_environments(study: Study) -> list[str]:
    """Return a warning if times and memory come from several environments."""
    count = len(
        {tuple(_flat(entry.record.environment)) for entry in study.entries if entry.record.failure is None}
    )
    return [] if count < 2 else [f"Times and memory were measured in {count} environments; see “{title}”."]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", str(value)


def _cells(entries: list[Entry]) -> str:
    return "1 cell" if len(entries) == 1 else f"{len(entries)} cells"
