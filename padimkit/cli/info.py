"""`padimkit info`: what a stored model is, and what it has learnt.

A command of its own: `main` imports it by name when it is called.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from padimkit.cli.listing import counted_images
from padimkit.config.parser import new_parser, parse_words
from padimkit.config.yaml_file import read_yaml
from padimkit.errors import BadModel, NotCalibrated
from padimkit.files.foreign_text import printable
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.history import Step, as_plain, is_whole, seen_of, sizes_of
from padimkit.storage import (
    MANIFEST,
    load_calibration,
    load_history,
    load_learnt,
    load_manifest,
    model_digest,
)

_UNKNOWN = "not stored"
_SIZES = 4  # that are listed; more are counted
_RATES = ("false_alarms", "review", "threshold", "review_threshold", "pixel_threshold", "held_out")


def run(words: list[str]) -> None:
    """Print what the model in a folder is."""
    parser = new_parser(
        "info",
        description="Show what a stored model is: its parts, on what and when it was fitted, the images, the "
        "share of them that it looks at, its calibration, its bytes and its hash. All files are checked "
        'against their sha256. Models of earlier versions do not say everything: "not stored".',
    )
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    parser.add_argument("--json", action="store_true", help="Print JSON, with null for what is not stored.")
    given = parse_words(parser, words)
    facts = facts_of(given.model)
    if given.json:
        print(json.dumps(facts, indent=2, allow_nan=False))
        return
    for name, text in _lines(facts):
        print(f"{name:14}{printable(text)}")


def facts_of(folder: Path) -> dict[str, Any]:
    """Return what is known of a stored model, in plain types; None for what is not stored.

    Raises:
        BadModel: A file is missing, altered or wrong; the message names it.
    """
    manifest, history = load_manifest(folder), load_history(folder)
    files = [*manifest["sha256"], MANIFEST]
    pipeline = read_yaml(folder / "config.yaml").get("pipeline")
    if not isinstance(pipeline, Mapping):
        raise BadModel(f'"{folder / "config.yaml"}" has no section "pipeline": it is not a whole model.')
    return {
        "model": str(folder),
        "hash": model_digest(folder),
        "padimkit": manifest.get("padimkit"),
        "plugins": manifest.get("plugins"),
        "pipeline": pipeline,
        "weights": manifest.get("weights"),
        "history": as_plain(history),
        "images": len(load_learnt(folder)) or _images(history),
        "sizes": [list(size) for size in sizes_of(history)] or None,
        "seen": seen_of(history),
        "calibration": _calibration(folder),
        "bytes": {name: (folder / name).stat().st_size for name in files},
    }


def _images(history: Sequence[Step]) -> int | None:
    return sum(one.images for one in history) if is_whole(history) else None


def _calibration(folder: Path) -> dict[str, Any] | None:
    try:
        found: Calibration = load_calibration(folder)
    except NotCalibrated:
        return None
    rates = {name: getattr(found, name) for name in _RATES}
    return {"images": len(found.scores), **rates, "suspicious": [image.path for image in found.suspicious]}


def _lines(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "model", facts["model"]
    for slot, part in facts["pipeline"].items():
        yield slot, _part(part)
    if "weights" in (facts["pipeline"].get("backbone") or {}).get("init_args", {}):
        yield "weights", ", ".join(f"{k} {v}" for k, v in (facts["weights"] or {}).items()) or _UNKNOWN
    if not facts["history"]:
        yield "learnt", _UNKNOWN
    for one in facts["history"]:
        yield "learnt", _step(one)
    yield "images", _UNKNOWN if facts["images"] is None else str(facts["images"])
    yield "sizes", _sizes(facts["sizes"])
    yield "looks at", _UNKNOWN if facts["seen"] is None else f"{facts['seen']:.1%} of an image"
    yield from (("calibration", text) for text in _verdicts(facts["calibration"]))
    yield "made with", ", ".join(_packages(facts)) or _UNKNOWN
    yield "bytes", f"{sum(facts['bytes'].values())} in {len(facts['bytes'])} files"
    yield "hash", facts["hash"]


def _part(part: Any) -> str:
    """Return a part in one line, as settings write it."""
    if isinstance(part, list):
        return ", ".join(map(str, part))
    if not isinstance(part, Mapping):
        return str(part)
    values = part.get("init_args", {}) if "class_path" in part else part
    listed = ", ".join(f"{name}: {json.dumps(value)}" for name, value in values.items())
    return " ".join(filter(None, (part.get("class_path"), f"({listed})" if listed else "")))


def _step(one: Mapping[str, Any]) -> str:
    method = f", {one['recipe']}" if one["recipe"] else ""
    data = f", {_part(one['data'])}" if one["data"] else ""
    left_out = f" ({one['left_out']} left out)" if one["left_out"] else ""
    others = f" and {len(one['anomalies'])} anomalous ones" if "anomalies" in one else ""
    return f"{one['time']} {one['command']}: {counted_images(one['images'])}{others}{left_out}{method}{data}"


def _sizes(sizes: Sequence[Sequence[int]] | None) -> str:
    if not sizes:
        return _UNKNOWN
    shown = [f"{height} x {width} ({count})" for height, width, count in sizes[:_SIZES]]
    more = [f"{len(sizes) - _SIZES} more"] if len(sizes) > _SIZES else []
    return f"{', '.join(shown + more)}, height x width in pixels"


def _verdicts(calibration: Mapping[str, Any] | None) -> Iterator[str]:
    if calibration is None:
        yield "none"
        return
    how = "not learnt" if calibration["held_out"] else "left out one by one or by folds"
    yield f"{calibration['images']} normal images, {how}"
    yield f"NG above {calibration['threshold']:.4g}: at most {calibration['false_alarms']:.2%} false alarms"
    yield f"REVIEW above {calibration['review_threshold']:.4g}: {calibration['review']:.2%}"
    if calibration["suspicious"]:
        yield f"{len(calibration['suspicious'])} suspicious images among those learnt"


def _packages(facts: Mapping[str, Any]) -> list[str]:
    own = [f"padimkit {facts['padimkit']}"] if facts["padimkit"] else []
    try:
        others = {f"{one['distribution']} {one['version']}" for one in facts["plugins"] or []}
    except (KeyError, TypeError):
        others = set()
    return [*own, *sorted(others - set(own))]
