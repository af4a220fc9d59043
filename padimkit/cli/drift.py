"""`padimkit drift`: camera or light changed since the calibration, or defects, or neither.

A command of its own: `main` imports it by name when it is called.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from padimkit.cli.listing import counted_images
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadConfig, BadData
from padimkit.inspection.drift import USUAL_ALARMS, Cause, Drift, find_drift
from padimkit.inspection.results import read_results
from padimkit.inspection.verdict import Verdict
from padimkit.storage import load_calibration, model_digest


def run(words: list[str]) -> int:
    """Print what has changed; return 1 if it is the camera or the light, else 0."""
    parser = new_parser(
        "drift",
        description="Say whether camera or light have changed since the calibration of a model, or whether "
        "there are defects, or neither, by the results of padimkit inspect in the order of their lines. A "
        "defect raises a map in one place, another camera or light raises or lowers all of it. The exit "
        "status is 1 if camera or light have changed, else 0.",
    )
    parser.add_argument("results", type=Path, help="File results.jsonl that inspect has written.")
    parser.add_argument("--model", type=Path, help="Folder of the model that gave these results.")
    parser.add_argument(
        "--false_alarms",
        type=float,
        default=USUAL_ALARMS,
        help="The greatest probability of exit status 1 if nothing has changed.",
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    given = parse_words(parser, words)
    if given.model is None:
        raise BadConfig('"model" is missing: pass --model FOLDER, the model that gave these results.')
    calibration = load_calibration(given.model)
    lines = read_results(given.results, model_digest(given.model))
    seen = [line for line in lines if line["verdict"] != Verdict.ERROR.value]
    if not seen:
        raise BadData(
            f'No image in "{given.results}" was inspected: all {len(lines)} have the verdict ERROR.'
        )
    drift = find_drift(
        [line["score"] for line in seen],
        [line["background"] for line in seen],
        calibration,
        false_alarms=given.false_alarms,
    )
    paths = [line["path"] for line in seen]
    facts = _facts(drift, paths, len(lines) - len(seen))
    print(json.dumps(facts, indent=2, allow_nan=False) if given.json else "\n".join(_text(drift, facts)))
    return int(drift.cause is Cause.CAMERA)


def _facts(drift: Drift, paths: list[str], errors: int) -> dict[str, Any]:
    named = {
        name: None if number is None else paths[number - 1]
        for name, number in (("start_path", drift.start), ("alarm_path", drift.alarm))
    }
    return asdict(drift) | {"cause": drift.cause.value} | named | {"errors": errors}


def _text(drift: Drift, facts: dict[str, Any]) -> Iterator[str]:
    yield f"{drift.cause.value}, by {counted_images(drift.images)}"
    if drift.start is not None:
        yield f"since about image {drift.start}, {facts['start_path']}"
        yield f"certain at image {drift.alarm}, {facts['alarm_path']}"
    yield f"The background of the last images is {drift.level:.3g} times that of the calibration"
    yield (
        f"{drift.ng} images are NG, of which {drift.local} stand out in a place; this many false alarms have "
        f"a probability of {drift.chance:.2g}"
    )
    if facts["errors"]:
        yield f"Left out {counted_images(facts['errors'])} that could not be inspected"
