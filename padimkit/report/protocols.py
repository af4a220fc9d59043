"""Protocols of measurement: pixel metrics are comparable within one protocol only."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padimkit.benchmark.record import Record
from padimkit.benchmark.seeds import without_seeds
from padimkit.report.absences import absences
from padimkit.report.entries import Entry, place
from padimkit.report.machine import disturbances, interruptions, shortened

# Arguments of a data set that tell its place, or differ within a study.
_NO_PROTOCOL = ("root", "category", "seed")
_SIDES = ("resize", "crop")
# Values that go without saying: records of before do not have them.
_USUAL = {"bits": "auto", "interpolation": "bicubic"}


@dataclass(frozen=True, order=True)
class Protocol:
    """A kind of data set with its arguments, the training images if set, and the sides in pixels."""

    data: str
    resolution: str
    learnt: str = ""

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.data, self.learnt, self.resolution)))


def protocol(record: Record) -> Protocol:
    """Return the protocol that the settings of a record describe."""
    settings = record.cell.settings
    if record.cell.of_embeddings:
        return Protocol(record.cell.dataset, "drawn, in seconds of the processor")
    given = _data_arguments(settings)
    arguments = {name: value for name, value in given.items() if name not in _NO_PROTOCOL}
    data = kind_of_data(record) + (f" ({_listed(arguments)})" if arguments else "")
    return Protocol(data, resolution(settings), _learnt(record))


def kind_of_data(record: Record) -> str:
    """Return the name of the class of the data set, whatever a suite calls the data."""
    settings = record.cell.settings
    data = part(settings, "data", "init_args", "data") if is_held_out(record) else part(settings, "data")
    return str(data.get("class_path", record.cell.dataset))


def is_held_out(record: Record) -> bool:
    """Return whether a record saw a part of the test images of its data set."""
    return bool(part(record.cell.settings, "data", "init_args", "data"))


def _data_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    given = part(settings, "data", "init_args")
    others = {name: value for name, value in given.items() if name != "data"}
    return {**part(given, "data", "init_args"), **others}


def _learnt(record: Record) -> str:
    """Return the number of training images where a suite sets it, unless it is what a study varies."""
    cell = record.cell
    is_varied = "train_images" in cell.varied
    count = "" if cell.train_images is None or is_varied else f"{cell.train_images} "
    drawn = " drawn by the seed" if cell.drawn else ""
    return f"{count}training images{drawn}" if count or drawn else ""


def lettered(entries: Iterable[Entry]) -> dict[Protocol, str]:
    """Return a short name for each protocol that occurs: A, B, ... Z, A1, ..."""
    found = sorted({protocol(entry.record) for entry in entries})
    return {item: chr(65 + index % 26) + str(index // 26 or "") for index, item in enumerate(found)}


_OF_METRICS = (
    "pixel metrics are not comparable between them, and no metric is between numbers of training images."
)
OF_COSTS = "costs are not comparable between resolutions and numbers of training images."


def mixture(
    found: Iterable[Protocol], letters: Mapping[Protocol, str], warning: str = _OF_METRICS
) -> tuple[str, ...]:
    """Return a warning if several protocols are shown together, by default that of tables of metrics."""
    several = sorted(set(found))
    if len(several) < 2:
        return ()
    named = "; ".join(f"{letters[item]}: {item}" for item in several)
    return (f"{len(several)} protocols are shown together ({named}): {warning}",)


def warnings(entries: Iterable[Entry]) -> list[str]:
    """Return what hinders a comparison: other files, metrics or settings, repeated or disturbed cells."""
    entries = list(entries)
    found = [*_other_files(entries), *_other_metrics(entries), *_other_promises(entries)]
    found += [*_other_settings(entries), *_twins(entries), *absences(entries)]
    return found + _repeated(entries) + interruptions(entries) + disturbances(entries)


def _other_files(entries: list[Entry]) -> list[str]:
    prints: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for entry in entries:
        cell, facts = entry.record.cell, entry.record.facts
        if facts is not None and not cell.varied:
            prints[cell.dataset, cell.category, cell.seed].add(facts.fingerprint)
    places = sorted({place(*key[:2]) for key, found in prints.items() if len(found) > 1})
    return [f"Cells of {name} saw different files: their fingerprints differ." for name in places]


def _other_metrics(entries: list[Entry]) -> list[str]:
    kinds: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        listed = entry.record.cell.settings.get("metrics")
        metrics = [_mapping(metric) for metric in listed] if isinstance(listed, list) else []
        names = [metric.get("class_path") for metric in metrics]
        for name, metric in zip(names, metrics, strict=True):
            if names.count(name) == 1:  # else its arguments are part of the metric's name
                kinds[str(name)].add(_listed(_mapping(metric.get("init_args"))))
    return [
        f'The metric "{name}" was computed in {len(found)} ways: {" | ".join(sorted(found))}.'
        for name, found in sorted(kinds.items())
        if len(found) > 1
    ]


def _other_promises(entries: list[Entry]) -> list[str]:
    records = [entry.record for entry in entries if not entry.record.cell.varied]
    rates = sorted({record.verdicts.promised for record in records if record.verdicts is not None})
    if len(rates) < 2:
        return []
    named = ", ".join(f"{rate:.2%}" for rate in rates)
    return [f"False alarms and misses are at thresholds that promise different rates: at most {named}."]


def _other_settings(entries: list[Entry]) -> list[str]:
    kinds: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for entry in entries:
        cell = entry.record.cell
        settings = json.dumps(without_seeds(cell.settings.get("pipeline")), sort_keys=True)
        kinds[cell.method, entry.place, tuple(cell.varied.items()), protocol(entry.record)].add(settings)
    return [
        f"The seeds of {method} on {where} have pipelines that differ in more than the seed."
        for (method, where, *_), found in kinds.items()
        if len(found) > 1
    ]


def _repeated(entries: list[Entry]) -> list[str]:
    """Return a sentence that names the cells with several records that differ."""
    named = [f"{entry.name} (in {entry.file.parent})" for entry in entries if entry.others]
    if not named:
        return []
    return [
        "Several records of one cell differ, such as in their times; of each cell the finished one counts "
        f"that was timed by the most processes, the latest of several: {shortened(named)}."
    ]


def _twins(entries: list[Entry]) -> list[str]:
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for entry in entries:
        cell, kind = entry.record.cell, protocol(entry.record)
        found[cell.method, entry.place, cell.seed, tuple(cell.varied.items()), kind] += 1
    return [
        f"{count} records of {method} on {where} with seed {seed} count, by their mean; their settings or "
        "files differ. Methods that differ need different names."
        for (method, where, seed, *_), count in found.items()
        if count > 1
    ]


def shared_settings(record: Record) -> Any:
    """Return the settings of a record without seeds and category."""
    settings = without_seeds(record.cell.settings)
    return settings | {"data": _without_category(_mapping(settings.get("data")))}


def _without_category(data: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = {name: one for name, one in part(data, "init_args").items() if name != "category"}
    whole = part(arguments, "data")  # of which a part is held out
    return {**data, "init_args": arguments | ({"data": _without_category(whole)} if whole else {})}


def _listed(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in sorted(arguments.items())) or "default"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def part(settings: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return the mapping under these names, one inside the other; empty if there is none."""
    found: Any = settings
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def resolution(settings: Mapping[str, Any]) -> str:
    """Return the sides of resize and crop as text."""
    sides = part(settings, "pipeline", "preprocessing")
    if not sides:
        return "resolution unknown"
    crop = sides.get("crop")
    parts = [_pixels(sides.get("resize")), "whole" if crop is None else f"centre {_pixels(crop)}"]
    for name, value in sides.items():
        if value and name not in (*_SIDES, "most_pixels") and value != _USUAL.get(name):
            parts.append(f"{name} {value if name in _USUAL else _pixels(value)}")
    return ", ".join(parts)


def _pixels(size: Any) -> str:
    """Return a size in one of the forms that settings have as text."""
    if isinstance(size, Mapping):
        return " ".join(f"{name.replace('_', ' ')} {value}" for name, value in size.items())
    if isinstance(size, list | tuple):
        return f"{' x '.join(map(str, size))} px"
    return "original size" if size is None else f"{size} px"


def folder(settings: Mapping[str, Any]) -> str:
    """Return the name of the folder of the data; empty if they are not in one."""
    return Path(str(_data_arguments(settings).get("root", ""))).name
