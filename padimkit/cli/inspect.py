"""`padimkit inspect`: verdicts on images by a stored, calibrated model.

A command of its own: `main` imports it by name when it is called.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from PIL.Image import Image
from rich.console import Console
from rich.progress import track

from padimkit.cli.listing import LISTED, counted_images, print_first
from padimkit.cli.output import require_output
from padimkit.cli.predict import find_images, require_outside
from padimkit.config.commands import INSPECT, inspect_parser
from padimkit.config.parser import parse
from padimkit.errors import BadConfig, BadImage
from padimkit.images.decoding import open_image
from padimkit.images.listing import listing_of, require_no_masks
from padimkit.images.progress import is_seen
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.history import unseen_text
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.pictures import in_sixteen_bits, map_range, marked, picture_name, save_png
from padimkit.inspection.results import (
    MAPS,
    PICTURES,
    SCALE,
    Results,
    earlier_results,
    new_results,
    only_writer,
)
from padimkit.inspection.verdict import Verdict
from padimkit.service.inspector import Inspector

_DRAWN = {"none": (), "ng": (Verdict.NG, Verdict.REVIEW), "all": (Verdict.NG, Verdict.REVIEW, Verdict.OK)}

_MOST_SECONDS = 3600  # between looks at a folder

_log = logging.getLogger(__name__)


def run(words: list[str]) -> int:
    """Write the verdicts into a folder; return 0 if all are OK, 1 if some are not, 3 if there are errors."""
    parser = inspect_parser(
        "Give verdicts on images by the calibrated model in a folder. Writes results.jsonl, a line for each "
        "image as it is done, results.csv, and pictures/ of what was found into the folder --output. The "
        "exit status is 0 if all images are OK, 1 if some are NG or for REVIEW, 3 if some cannot be read. "
        "With --watch, images are inspected as they appear, until a signal ends it; the status is then 0.",
    )
    made = parse(parser, INSPECT, words)
    output = require_output(made.output, "FOLDER for the results")
    if made.resume and made.overwrite:
        raise BadConfig(
            "--resume goes on with earlier results, --overwrite replaces them: pass one of the two."
        )
    require_outside(output, made.images)
    if made.watch:
        _require_watch(made)
    elif made.sort != "none":
        raise BadConfig("--sort needs --watch: only a watch copies or moves the files that it has inspected.")
    paths = [] if made.watch else find_images(made.images)
    inspector = Inspector(
        made.model,
        device=made.device,
        precision=made.precision,
        threads=made.threads,
        trust=made.trust,
        batch_size=made.batch_size,
        workers=made.workers,
    )
    with _results(made, inspector) as results:
        try:
            if made.watch:
                _watch(inspector, results, made)
            else:
                _inspect(inspector, paths, results, made)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"the results so far are in {made.output}; --resume goes on") from None
        results.write_table()
        status = _say(results, inspector.calibration)
    return 0 if made.watch else status


def _results(made: Namespace, inspector: Inspector) -> AbstractContextManager[Results]:
    if made.resume or (made.watch and not made.overwrite):
        return earlier_results(made.output, inspector.model)
    return new_results(made.output, overwrite=made.overwrite)


def _require_watch(made: Namespace) -> None:
    """Check what a watch needs before the model is loaded."""
    if find_spec("watchdog") is None:
        raise BadConfig("--watch needs watchdog. Install it with: pip install 'padimkit[watch]'")
    if not 0 < made.every <= _MOST_SECONDS:
        raise BadConfig(f'Expected "every" above 0 and up to {_MOST_SECONDS} seconds, got {made.every}.')
    for folder in made.images:
        require_no_masks(listing_of(folder).images)  # a file is refused too, and what may not be read


def _watch(inspector: Inspector, results: Results, made: Namespace) -> None:
    from padimkit.cli.watching import Watch, watch  # imports watchdog, which nothing else needs

    with only_writer(made.output):
        print(
            f"Watching {', '.join(map(str, made.images))}; Ctrl-C ends it, and the same command goes on",
            flush=True,
        )
        _write_scale(results, inspector, made)
        settings = Watch(made.images, made.every, made.sort, made.batch_size)
        watch(
            inspector,
            results,
            settings,
            lambda inspection, more: _write(inspection, results, inspector, made, more),
        )


def _inspect(inspector: Inspector, paths: Sequence[Path], results: Results, made: Namespace) -> None:
    left = [path for path in paths if str(path) not in results.done]
    if results.count:
        print(f"{len(paths) - len(left)} of {len(paths)} images are done already")
    _write_scale(results, inspector, made)
    for inspection in _with_bar(inspector.each(left), len(left)):
        _write(inspection, results, inspector, made, {})


def _write_scale(results: Results, inspector: Inspector, made: Namespace) -> None:
    if made.maps:
        low, high = map_range(inspector.calibration.map_scale)
        (results.folder / SCALE).write_text(
            json.dumps({"minimum": low, "maximum": high}) + "\n", encoding="utf-8"
        )


def _write(
    inspection: Inspection, results: Results, inspector: Inspector, made: Namespace, more: Mapping[str, Any]
) -> None:
    scale = inspector.calibration.map_scale
    name = picture_name(results.count + 1, inspection.path)
    if inspection.verdict in _DRAWN[made.pictures]:
        picture = _opened(inspection, inspector)
        if picture is not None:
            save_png(marked(picture, inspection, scale), results.folder / PICTURES / name)
    if made.maps and inspection.verdict is not Verdict.ERROR:
        save_png(in_sixteen_bits(inspection, scale), results.folder / MAPS / name)
    results.add(inspection, **more)  # last, so that all of an image is there if its line is


def _opened(inspection: Inspection, inspector: Inspector) -> Image | None:
    """Return the picture again, to draw on; None, with a warning, if it is no longer the one inspected."""
    try:
        picture = open_image(Path(inspection.path), inspector.depth, inspector.most_pixels)
    except BadImage as error:
        _log.warning("Nothing is drawn of an image that has gone: %s", error)
        return None
    if inspection.geometry is None or picture.size == inspection.geometry.original[::-1]:
        return picture
    _log.warning('Nothing is drawn of "%s", which has another size now.', inspection.path)
    return None


def _with_bar(inspections: Iterator[Inspection], total: int) -> Iterable[Inspection]:
    console = Console(stderr=True)
    if not is_seen(console):
        return inspections
    return track(inspections, "Inspecting", total=total, console=console, transient=True)


def _say(results: Results, calibration: Calibration) -> int:
    """Print what was found and return the exit status.

    An image that was not inspected may be anything, and so weighs most.
    """
    counts: Counter[str] = Counter()
    reasons: dict[str, list[str]] = {Verdict.REVIEW.value: [], Verdict.ERROR.value: []}
    seen = 1.0
    for line in results.lines():
        counts[line["verdict"]] += 1
        seen = min(seen, 1 - (line["unseen"] or 0.0))
        first = reasons.get(line["verdict"])
        if first is not None and len(first) < LISTED:  # a watch may have written millions
            failed = line["verdict"] == Verdict.ERROR.value
            first.append(line["error"] if failed else f"{line['score']:.4g}  {line['path']}")
    listed = ", ".join(f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict)
    print(f"{counted_images(results.count)}: {listed}; results are in {results.folder}")
    between = f"score above {calibration.review_threshold:.4g}, but not above {calibration.threshold:.4g}"
    titles = (f"for review, {between}:", "not inspected:")
    for title, (verdict, first) in zip(titles, reasons.items(), strict=True):
        if first:
            print(f"{counts[verdict]} {title}")
        print_first(first, more=counts[verdict] - len(first))
    if unseen := unseen_text(seen if results.count else None):
        print(unseen)
    if counts[Verdict.ERROR.value]:
        return 3
    return 1 if counts.keys() - {Verdict.OK.value} else 0
