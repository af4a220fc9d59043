"""What records lack: metrics without a value, numbers that were not finite, defects that nobody sees.

It stands apart from what hinders a comparison: here it is told that something is not there.
"""

from collections import defaultdict
from collections.abc import Sequence

from padimkit.report.entries import Entry


def absences(entries: Sequence[Entry]) -> list[str]:
    """Return a sentence for each thing that records lack."""
    return [*_undefined(entries), *_invisible(entries), *_left_out(entries)]


def _undefined(entries: Sequence[Entry]) -> list[str]:
    """Return a sentence for each metric without a value on a data set: no table names it there."""
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in entries:
        for name, reason in entry.record.undefined.items():
            reasons[name, entry.record.cell.dataset].append(reason)
    valued = {(name, entry.record.cell.dataset) for entry in entries for name in entry.record.metrics}
    return [
        f'No cell of {dataset} has a value of "{name}", such as: {found[0]}'
        for (name, dataset), found in sorted(reasons.items())
        if (name, dataset) not in valued
    ]


def _left_out(entries: Sequence[Entry]) -> list[str]:
    """Return a sentence for what records lack of their images because it was not finite."""
    found: dict[str, int] = defaultdict(int)
    for entry in entries:
        for name in entry.record.images.left_out if entry.record.images else ():
            found[name] += 1
    return [
        f'What records keep of each image lacks "{name}" in {count} cells: a number of it was not finite.'
        for name, count in sorted(found.items())
    ]


def _invisible(entries: Sequence[Entry]) -> list[str]:
    found: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for entry in entries:
        record = entry.record
        if record.invisible and record.facts is not None:
            found[entry.place].add((record.invisible, record.facts.anomalous_images))
    return [
        f"{max(some)[0]} of {max(some)[1]} anomalous images of {where} have no anomalous pixel where the "
        "model looks: for metrics of pixels they are normal."
        for where, some in sorted(found.items())
    ]
