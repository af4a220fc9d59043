"""`padimkit inspect`: verdicts on images by a stored, calibrated model.

A command of its own: `main` imports it by name when it is called.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from rich.console import Console
from rich.progress import track

from padimkit.cli.listing import print_first
from padimkit.cli.output import require_output
from padimkit.cli.predict import find_images, require_outside
from padimkit.config.commands import INSPECT, inspect_parser
from padimkit.config.parser import parse
from padimkit.errors import BadConfig
from padimkit.images.decoding import open_image
from padimkit.images.progress import is_seen
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.history import unseen_text
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.pictures import in_sixteen_bits, map_range, marked, picture_name, save_png
from padimkit.inspection.results import MAPS, PICTURES, SCALE, Results, earlier_results, new_results
from padimkit.inspection.verdict import Verdict
from padimkit.inspector import Inspector

_DRAWN = {"none": (), "ng": (Verdict.NG, Verdict.REVIEW), "all": (Verdict.NG, Verdict.REVIEW, Verdict.OK)}


def run(words: list[str]) -> int:
    """Write the verdicts into a folder; return 0 if all are OK, 1 if some are not, 3 if there are errors."""
    parser = inspect_parser(
        "Give verdicts on images by the calibrated model in a folder. Writes results.jsonl, a line for each "
        "image as it is done, results.csv, and pictures/ of what was found into the folder --output. The "
        "exit status is 0 if all images are OK, 1 if some are NG or for REVIEW, 3 if some cannot be read.",
    )
    made = parse(parser, INSPECT, words)
    output = require_output(made.output, "FOLDER for the results")
    if made.resume and made.overwrite:
        raise BadConfig(
            "--resume goes on with earlier results, --overwrite replaces them: pass one of the two."
        )
    require_outside(output, made.images)
    paths = find_images(made.images)
    inspector = Inspector(
        made.model,
        device=made.device,
        trust=made.trust,
        batch_size=made.batch_size,
        workers=made.workers,
    )
    with _results(made, inspector) as results:
        try:
            _inspect(inspector, paths, results, made)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"the results so far are in {made.output}; --resume goes on") from None
    _print_summary(results, inspector.calibration)
    return _status(results.lines)


def _results(made: Namespace, inspector: Inspector) -> AbstractContextManager[Results]:
    if made.resume:
        return earlier_results(made.output, inspector.model)
    return new_results(made.output, overwrite=made.overwrite)


def _inspect(inspector: Inspector, paths: Sequence[Path], results: Results, made: Namespace) -> None:
    done = {line["path"] for line in results.lines}
    left = [path for path in paths if str(path) not in done]
    if done:
        print(f"{len(paths) - len(left)} of {len(paths)} images are done already")
    scale = inspector.calibration.map_scale
    if made.maps:
        low, high = map_range(scale)
        (results.folder / SCALE).write_text(
            json.dumps({"minimum": low, "maximum": high}) + "\n", encoding="utf-8"
        )
    for inspection in _with_bar(inspector.each(left), len(left)):
        name = picture_name(len(results.lines) + 1, inspection.path)
        if inspection.verdict in _DRAWN[made.pictures]:
            picture = open_image(Path(inspection.path), inspector.pipeline.fitted_preprocessing.depth)
            save_png(marked(picture, inspection, scale), results.folder / PICTURES / name)
        if made.maps and inspection.verdict is not Verdict.ERROR:
            save_png(in_sixteen_bits(inspection, scale), results.folder / MAPS / name)
        results.add(inspection)  # last, so that all of an image is there if its line is
    results.write_table()


def _with_bar(inspections: Iterator[Inspection], total: int) -> Iterable[Inspection]:
    console = Console(stderr=True)
    if not is_seen(console):
        return inspections
    return track(inspections, "Inspecting", total=total, console=console, transient=True)


def _status(lines: Iterable[dict[str, Any]]) -> int:
    """Return the exit status; an image that was not inspected may be anything, and so weighs most."""
    found = {line["verdict"] for line in lines}
    if Verdict.ERROR.value in found:
        return 3
    return 1 if found - {Verdict.OK.value} else 0


def _print_summary(results: Results, calibration: Calibration) -> None:
    counts = Counter(line["verdict"] for line in results.lines)
    listed = ", ".join(f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict)
    print(f"{len(results.lines)} images: {listed}; results are in {results.folder}")
    between = f"score above {calibration.review_threshold:.4g}, but not above {calibration.threshold:.4g}"
    _print_some(results.lines, Verdict.REVIEW, f"for review, {between}:", "score")
    _print_some(results.lines, Verdict.ERROR, "not inspected:", "error")
    if unseen := unseen_text(min((1 - (line["unseen"] or 0.0) for line in results.lines), default=None)):
        print(unseen)


def _print_some(lines: Iterable[dict[str, Any]], verdict: Verdict, title: str, reason: str) -> None:
    found = [line for line in lines if line["verdict"] == verdict.value]
    if found:
        print(f"{len(found)} {title}")
    print_first(
        f"{line[reason]:.4g}  {line['path']}" if reason == "score" else line[reason] for line in found
    )
