"""`make bench-drift`: changes of camera and light, told from defects, on real images.

The normal images of a category are divided at random into some to learn and calibrate on and others that are
inspected: unchanged, with defects among them, or with a change after a while, made before images are resized.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageChops, ImageEnhance, ImageFilter
from torch import Tensor

from benchmarks import machine, scores
from benchmarks.inputs import reduced
from padimkit import Calibration, MapStatistics, Prediction, Sample
from padimkit.inspection.drift import Cause, find_drift

RECORD = Path(__file__).parent / "records" / "drift.json"
LEARNT = 100
INSPECTED = 125
BEFORE = 25  # images before the change
BAD = 25  # anomalous images among 125
PROMISES = (0.01, 0.05, 0.2)
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "brightness +10 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    "brightness +30 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
    "shift of 4 pixels": lambda picture: ImageChops.offset(picture, 4, 0),
    "blur, sigma 1": lambda picture: picture.filter(ImageFilter.GaussianBlur(1)),
    "blur, sigma 2": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
}


def in_numbers(predictions: Iterator[Prediction]) -> np.ndarray:
    """Return the maxima and the medians of the smoothed maps, "2 n"."""
    parts = []
    for found in predictions:
        maps = found.anomaly_maps.flatten(1).double().numpy()
        parts.append(np.stack([found.image_scores.double().numpy(), np.median(maps, axis=1)]))
    return np.concatenate(parts, axis=1)


def split(images: dict[str, Tensor], seed: int) -> dict[str, dict[str, object]]:
    """Return what is found in each series of images by a calibration on some of the normal ones."""
    order = torch.randperm(len(images["normal"]), generator=torch.Generator().manual_seed(seed))
    train, rest = order[:LEARNT], order[LEARNT : LEARNT + INSPECTED]
    density = scores.fitted(images["normal"][train])
    calibration = calibrated(in_numbers(scores.left_out(density, images["normal"][train])))

    def scored(name: str, chosen: Tensor) -> np.ndarray:
        return in_numbers(scores.unseen(density, images[name][chosen]))

    normal = scored("normal", rest)
    bad = scored("bad", torch.arange(len(images["bad"])))
    draw = np.random.default_rng(seed)
    some = draw.permutation(bad.shape[1])[:BAD]
    mixed = np.concatenate([normal[:, : INSPECTED - BAD], bad[:, some]], axis=1)
    series = {
        "unchanged": normal,
        "a fifth anomalous": mixed[:, draw.permutation(INSPECTED)],
        "all anomalous": bad[:, draw.permutation(bad.shape[1])],
    }
    for name in CHANGES:
        series[name] = np.concatenate([normal[:, :BEFORE], scored(name, rest[BEFORE:])], axis=1)
    return {name: found(values, calibration) for name, values in series.items()}


def calibrated(left_out: np.ndarray) -> Calibration:
    """Return the calibration by scores and backgrounds."""
    found, backgrounds = left_out
    maps = MapStatistics(tuple(sorted(found)), tuple(sorted(backgrounds)), ((0.5, 0.0),))
    return Calibration.from_scores(found.tolist(), maps)


def found(values: np.ndarray, calibration: Calibration) -> dict[str, object]:
    """Return what is called, and after how many changed images."""
    drift = find_drift(values[0].tolist(), values[1].tolist(), calibration)
    return {
        "cause": drift.cause.value,
        "alarm": drift.alarm,
        "start": drift.start,
        "level": float(np.median(values[1][BEFORE:]) / calibration.background),
        "ng": drift.ng,
        "local": drift.local,
        "evidence": drift.evidence,
    }


def summary(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """Return the shares of what is called, and the medians of the rest."""
    causes = [row["cause"] for row in rows]
    alarms = [row["alarm"] for row in rows if row["alarm"] is not None]
    shares = {cause.value: causes.count(cause.value) / len(rows) for cause in Cause}
    medians = {key: float(np.median([row[key] for row in rows])) for key in ("level", "ng", "local")}
    evidence = np.array([row["evidence"] for row in rows])
    crossed = {f"capital of {1 / rate:g}": float((evidence >= -np.log(rate)).mean()) for rate in PROMISES}
    return shares | medians | crossed | {"alarm": float(np.median(alarms)) if alarms else None}


def _changed(sample: Sample, change: Callable[[Image.Image], Image.Image]) -> Sample:
    def opened(path: Path) -> Image.Image:
        with Image.open(path) as picture:
            return change(picture.convert("RGB"))

    return Sample(sample.path, open=opened)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=12, help="Number of random splits.")
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    rows = []
    for category in reduced.CATEGORIES:
        data, pipeline = reduced.source(category), reduced.pipeline()
        normal, bad = reduced.all_normal(data), [sample for sample in data.test() if sample.anomalous]
        images = {"normal": reduced.reduced(pipeline, normal), "bad": reduced.reduced(pipeline, bad)}
        for name, change in CHANGES.items():
            images[name] = reduced.reduced(pipeline, [_changed(sample, change) for sample in normal])
        splits = [split(images, seed) for seed in range(given.splits)]
        for name in splits[0]:
            row = summary([one[name] for one in splits])
            rows.append({"category": category, "series": name} | row)
            print(rows[-1], flush=True)
    facts = {"machine": machine.describe(), "versions": machine.versions()}
    record = {"splits": given.splits, "learnt": LEARNT, "inspected": INSPECTED, "before": BEFORE}
    given.record.write_text(json.dumps(record | {"rows": rows} | facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
