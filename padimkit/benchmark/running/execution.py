"""The work of the process of one cell: fit, test, measure."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any, TypeAlias

import torch
from jsonargparse import Namespace

from padimkit.arguments import arguments
from padimkit.benchmark.cell import Cell, Shelf, read_cells
from padimkit.benchmark.columns import column_of
from padimkit.benchmark.record import (
    CALIBRATION,
    LATENCY,
    METRICS,
    PEAK,
    PEAK_FIT,
    PEAK_OWN,
    PEAK_PREDICT,
    RESIDENT,
    Curve,
)
from padimkit.benchmark.running.environment import environment
from padimkit.benchmark.running.examples import (
    ExampleCollector,
    InfluenceCollector,
    curve_of,
    places_of_examples,
)
from padimkit.benchmark.running.feature_store import FeatureStore
from padimkit.benchmark.running.memory import Peaks, resident, sizes_of
from padimkit.benchmark.running.predictions import predicted_of_images
from padimkit.benchmark.running.rates import measured_rates
from padimkit.benchmark.running.shared_backbone import Identity, SharedBackbone
from padimkit.benchmark.running.shared_images import SharedImages, decoding_of, shared_images
from padimkit.benchmark.running.timing import (
    Repeats,
    flops_of,
    spread_of,
    time_calibrations,
    time_fits,
    time_latency,
    time_predictions,
    waiting_for,
)
from padimkit.benchmark.running.verdicts import Judge, calibrated
from padimkit.benchmark.running.working import working
from padimkit.config.build import instantiate, make_parser
from padimkit.config.description import names_of_parts, plugins_called, plugins_of, versions_named
from padimkit.config.names import labels
from padimkit.contracts import HasCurve, Metric
from padimkit.errors import PadimkitError
from padimkit.evaluation import evaluate
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import ImageBatches, Reader
from padimkit.images.sample import Sample
from padimkit.pipeline.pipeline import Pipeline
from padimkit.stages import DATA, FLOPS, READ, SETTINGS, THEORY, Clock, stage, timed

Images: TypeAlias = ImageBatches | SharedImages
_KEPT, _INFLUENCES = "padimkit: kept", "padimkit: influences"  # no settings can name a metric so
_BATCHES = 3  # enough predictions to see the memory that one takes


def execute(cell: Cell, entered: Callable[[str], None], shelf: Shelf | None, folder: Path) -> dict[str, Any]:
    """Return the fields of the cell's record that only running it can tell.

    Args:
        cell: The cell to run.
        entered: Told the name of each stage that begins.
        shelf: The place of images and features that it shares with others; None to compute all of them.
        folder: Its working folder.
    """
    imports = resident()  # all that a cell imports is imported
    with working(cell, folder) as placed:
        return _executed(placed, entered, shelf, imports=imports)


def _executed(
    cell: Cell, entered: Callable[[str], None], shelf: Shelf | None, *, imports: int
) -> dict[str, Any]:
    with timed(Clock(entered=entered)):
        with stage(SETTINGS):
            made = instantiate(cell.settings)
            made.pipeline.to(made.device)
        with stage(DATA):
            train, test = _read(cell, made)
        known: dict[str, Any] = {
            "environment": environment(),
            "plugins": plugins_of(made.pipeline, made.data, made.metrics),
        }
        if shelf is None:
            return _outcome(cell, made, train, test, imports=imports) | known
        with stage(DATA):
            store = FeatureStore(shelf)
            made.pipeline = _with_shared_backbone(cell, made, store, known["environment"])
            decoded_by = decoding_of(cell.settings, known["environment"])
        learnt = f"train drawn by {cell.seed}" if cell.drawn else "train"
        images = [
            shared_images(batches, store, f"{name} {decoded_by}")
            for name, batches in ((learnt, train), ("test", test))
        ]
        return _outcome(cell, made, *images, imports=imports) | known


def _read(cell: Cell, made: Namespace) -> tuple[ImageBatches, ImageBatches]:
    """Return training and test images; a pipeline that is to find their depth gets it here.

    A fit finds it only where it is given files, and not batches.
    """
    given: Preprocessing = made.pipeline.preprocessing
    reader = Reader(given, made.batch_size, made.workers)
    train = reader.batches(limited(made.data.train(), cell))
    if given.bits == "auto":
        train = train.with_bits(train.depth)
        made.pipeline = _with(made.pipeline, made.device, preprocessing=train.reader.preprocessing)
    return train, train.reader.batches(made.data.test())


def _with(pipeline: Pipeline, device: str, **parts: object) -> Pipeline:
    """Return a pipeline that has these parts in place of its own."""
    found = Pipeline(**arguments(pipeline) | parts)
    found.to(device)
    return found


def _with_shared_backbone(
    cell: Cell, made: Namespace, store: FeatureStore, environment: Mapping[str, Any]
) -> Pipeline:
    """Return a pipeline of the same parts, whose backbone computes only what the store does not have."""
    own = made.pipeline.backbone
    settings = cell.settings["pipeline"]["backbone"]
    identity = Identity.of(own, settings, [environment, versions_named(settings)])
    return _with(made.pipeline, made.device, backbone=SharedBackbone(own, store, identity))


def preload(path: Path) -> None:
    """Import the parts of padimkit that the cell of a file names, for all cells forked from this process.

    Where all its parts are padimkit's own, the parser of its settings is made too.
    """
    cell = read_cells(path)[0]
    called = [plugins_called(name) for name in names_of_parts(cell.settings)]
    with suppress(PadimkitError):  # the cell will say so
        for plugin in chain(*called):
            if plugin.is_built_in:
                plugin.load()
        are_own = all(plugins and all(one.is_built_in for one in plugins) for plugins in called)
        if are_own and not cell.of_embeddings:
            make_parser(cell.settings)


def limited(samples: Sequence[Sample], cell: Cell) -> Sequence[Sample]:
    """Return as many of the samples as a cell learns, which repeat where there are fewer.

    Those that a seed draws are among those that it draws where more are learnt.
    """
    if cell.train_images is None:
        return samples
    order = random.Random(cell.seed).sample(samples, len(samples)) if cell.drawn else samples
    return tuple(islice(cycle(order), cell.train_images))


def _outcome(cell: Cell, made: Namespace, train: Images, test: Images, *, imports: int) -> dict[str, Any]:
    """Fit and measure; memory first, while nothing is left over from other runs."""
    peaks = Peaks()
    made.pipeline.fit(train, progress=False)
    made.pipeline.prepare()
    peaks.end(PEAK_FIT)
    outcome: dict[str, Any] = {"repeats": {}}
    if "memory" in cell.measure:
        for batch in islice(test, _BATCHES):
            made.pipeline.predict_batch(batch)
        peaks.end(PEAK_PREDICT)
        own = {PEAK_OWN: peaks.bytes[PEAK] - imports, RESIDENT: resident() - imports} if imports else {}
        outcome["bytes"] = peaks.bytes | own | sizes_of(made.pipeline)
    if "quality" in cell.measure:
        outcome |= _quality(cell, made, train, test)
    if "time" in cell.measure:
        outcome["repeats"] |= _repeats(cell, made, train, test)
        with stage(FLOPS):
            outcome["flops"] = flops_of(made.pipeline, next(iter(test)))
    if cell.varied:
        with stage(THEORY):
            outcome |= _predicted(cell, made.pipeline, train)
    outcome["seconds"] = {name: asdict(spread_of(found)) for name, found in outcome["repeats"].items()}
    return outcome


def _predicted(cell: Cell, pipeline: Pipeline, train: Images) -> dict[str, Any]:
    timed_here = "time" in cell.measure and pipeline.device.type == "cpu"
    rates = measured_rates() if timed_here else {}
    seen = torch.cat([batch.images for batch in islice(train, 2)])  # one batch may be a single image
    return {"rates": rates} | predicted_of_images(pipeline, seen, count=len(train.samples), rates=rates)


def _quality(cell: Cell, made: Namespace, train: Images, test: Images) -> dict[str, Any]:
    with stage(DATA):
        collector = ExampleCollector(places_of_examples([sample.anomalous for sample in test.samples]))
    metrics = dict(zip(labels(cell.settings["metrics"]), made.metrics, strict=True))
    judge = None if cell.calibration is None else Judge(calibrated(made.pipeline, train, cell.calibration))
    metrics |= judge.metrics if judge else {}
    influences = InfluenceCollector(metrics)
    kept = {_KEPT: collector, _INFLUENCES: influences}
    found = evaluate(made.pipeline, test, metrics | kept, progress=False)
    for name in kept:
        del found.metrics[name]
    images = collector.images(influences.influence(), found.image_values)
    curves = collector.roc() | _curves(metrics, found.metrics)
    return {
        "repeats": {METRICS: [found.seconds[METRICS]]} if "time" in cell.measure else {},
        "metrics": found.metrics,
        "undefined": found.undefined,
        "verdicts": asdict(judge.verdicts()) if judge else None,
        "lower_is_better": list(found.lower_is_better),
        "curves": {name: asdict(curve) for name, curve in curves.items()},
        "examples": [asdict(example) for example in collector.examples(found.image_values)],
        "images": None if images is None else asdict(images),
        "invisible": len(found.invisible),
    }


def _curves(metrics: Mapping[str, Metric], defined: Iterable[str]) -> dict[str, Curve]:
    """Return the curves of those defined metrics that are taken from a curve, by their names."""
    return {
        column_of(name): curve_of(metric)
        for name, metric in metrics.items()
        if isinstance(metric, HasCurve) and name in defined
    }


def _fit(cell: Cell, pipeline: Pipeline, train: Images) -> None:
    """Fit as users do, who have the depth of their files found in each fit."""
    bits = cell.settings["pipeline"].get("preprocessing", {}).get("bits", "auto")
    if bits == "auto" and isinstance(train, ImageBatches):
        with stage(READ):
            _ = train.depth
    pipeline.fit(train, progress=False)


def _repeats(cell: Cell, made: Namespace, train: Images, test: Images) -> Repeats:
    wait = waiting_for(made.device)
    first = next(iter(test))
    fit = partial(_fit, cell, made.pipeline, train)
    fits = time_fits(made.pipeline, fit, first, repeats=cell.repeats, wait=wait)
    if cell.calibration is not None:
        calibrate = partial(calibrated, made.pipeline, train, cell.calibration)
        fits[CALIBRATION] = time_calibrations(calibrate, repeats=cell.repeats, wait=wait)
    sizes = {1, len(first.paths)}
    found = fits | time_predictions(made.pipeline, first, sizes=sizes, repeats=cell.repeats, wait=wait)
    with stage(LATENCY):
        found |= time_latency(made.pipeline, test.samples, repeats=cell.repeats, wait=wait)
    return found
