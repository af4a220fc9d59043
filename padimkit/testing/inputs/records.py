"""Made-up records of two suites, as complete and as incomplete as real ones are.

They stand beside the other made-up inputs, one module for each kind of value.
"""

from collections.abc import Sequence
from dataclasses import replace

from padimkit.benchmark.cell import Cell, Facts
from padimkit.benchmark.record import FIT, MODEL, PEAK, Curve, Failure, ImageScores, Record, packed
from padimkit.benchmark.times import Spread
from padimkit.testing.answers import DataSet

_METHODS, _CATEGORIES, _SEEDS = ("slow", "fast"), ("bottle", "cable"), (0, 1)


def records_of(data: DataSet) -> list[Record]:
    """Return finished records, and some that have failed, lack values or vary a size."""
    whole = [
        _whole(data, number, method, category, seed)
        for number, (method, category, seed) in enumerate(
            (method, category, seed) for method in _METHODS for category in _CATEGORIES for seed in _SEEDS
        )
    ]
    return [*whole, _failed(whole[0]), _bare(whole[1]), _varied(whole[2])]


def incomplete(data: DataSet) -> list[Record]:
    """Return the records that have failed, lack values or vary a size, without the finished ones."""
    return records_of(data)[-3:]


def _whole(data: DataSet, number: int, method: str, category: str, seed: int) -> Record:
    further = float(data == "second")
    quality = 0.9 + 0.005 * number - 0.1 * further
    names = tuple(f"{kind}/{index}.png" for kind in ("good", "scratch") for index in range(3))
    return Record(
        key=f"{data}-{method}-{category}-{seed}",
        cell=_cell(data, method, category, seed),
        facts=Facts(f"print-{category}", 200, 6, 3),
        metrics={"image_auroc": quality, "overlap": quality - 0.2, "overlap.lost": 4.0 + number + further},
        lower_is_better=("overlap.lost",),
        curves={"roc": Curve((0.0, 0.1, 1.0), (0.0, quality, 1.0))},
        seconds={FIT: _spread(3.0 + number + further), "predict 1": _spread(0.02 + 0.001 * number + further)},
        bytes={PEAK: 10**9 + number, MODEL: 10**8 + int(further)},
        flops=3_640_000_000,
        images=ImageScores(
            names=names,
            anomalous="000111",
            scores=packed(float(index) for index in range(6)),
            values={"overlap": packed([float("nan")] * 3 + [quality, 0.5, 0.25])},
        ),
        environment={"versions": {"python": "3.12.0"}, "machine": "a machine", "threads": 1},
        plugins=({"family": "backbones", "name": "timm", "distribution": "padimkit", "version": "0.1.0"},),
        begun="2026-11-20T10:00:00+00:00",
        took=31.4 + number + further,
    )


def _cell(data: DataSet, method: str, category: str, seed: int) -> Cell:
    settings = {
        "pipeline": {"backbone": {"class_path": "timm"}},
        "data": {"class_path": "mvtec"},
        "seed": seed,
    }
    return Cell(data, method, "products", category, seed, settings, ("quality", "time", "memory"), 5)


def _spread(seconds: float) -> Spread:
    return Spread(seconds, 0.9 * seconds, 1.1 * seconds, 5)


def _failed(record: Record) -> Record:
    """Return the record of a cell that has failed before anything was measured."""
    failure = Failure("error", "BadData: <b>no images</b>", "", "data")
    return Record(key=f"{record.key}-failed", cell=replace(record.cell, seed=7), failure=failure)


def _bare(record: Record) -> Record:
    """Return the record of a cell whose metrics are undefined, without times, bytes and scores."""
    return Record(
        key=f"{record.key}-bare",
        cell=replace(record.cell, seed=8, category="", measure=("quality",)),
        undefined={"image_auroc": "There are no anomalous images.", "overlap": "No masks."},
    )


def _varied(record: Record) -> Record:
    """Return the record of a complexity study."""
    cell = replace(record.cell, suite="sizes", varied={"train_images": 50.0}, train_images=50)
    return replace(record, key=f"{record.key}-varied", cell=cell, metrics={}, images=None)


def all_parts(records: Sequence[Record]) -> str:
    """Return everything that is in the records as text, to find out if something was changed."""
    return repr(records)
