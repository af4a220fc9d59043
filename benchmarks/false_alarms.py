"""`make bench-false-alarms`: the rate of false alarms found beside the rate promised, over random splits.

All normal images of a category, those of its test set included, are divided at random into some to learn and
calibrate on and others to test on. Embeddings are extracted once: ResNet18 to layer3 and 100 of 448 channels,
as in PaDiM-R18-Rd100, but at 112 pixels, which take a quarter of the time of 224.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks import machine
from padimkit import (
    AnomalyMap,
    Calibration,
    Embedding,
    Gaussian,
    MapStatistics,
    MVTec,
    Pipeline,
    Preprocessing,
    RandomChannels,
    Timm,
    Verdict,
)

ROOT = Path(__file__).resolve().parents[2] / "shared"
RECORD = Path(__file__).parent / "records" / "false_alarms.json"
CATEGORIES = {"bottle": "data/mvtec_bottle_256", "tile": "data/magnetic_tile"}
WEIGHTS = ROOT / "weights" / "resnet18_stem_to_layer3.safetensors"
RATES = (0.01, 0.02, 0.05, 0.1)
LEARNT = (40, 150)
SIDE = 112
MAP = AnomalyMap(sigma=2.0)
BATCH = 16


def embeddings(category: str) -> Tensor:
    """Return the embeddings "b c h w" of all normal images of a category."""
    backbone = Timm(model="resnet18.tv_in1k", layers=["layer1", "layer2", "layer3"], weights=str(WEIGHTS))
    source = MVTec(ROOT / CATEGORIES[category], category)
    normal = [*source.train(), *(sample for sample in source.test() if not sample.anomalous)]
    pipeline = Pipeline(backbone, RandomChannels(100), Gaussian(), preprocessing=Preprocessing(128, SIDE))
    return reduced(pipeline, normal)


def reduced(pipeline: Pipeline, samples: Sequence[object]) -> Tensor:
    """Return the embeddings as the density of the pipeline gets them."""
    parts = []
    for batch in pipeline.read(samples, BATCH, None, None):
        (pyramid,) = pipeline.levels.split(pipeline.backbone.extract(batch.images)).values()
        if not parts:
            pipeline.reducer.fit([pyramid.embedding()])
        parts.append(pipeline.reducer.transform(pyramid.embedding()).patches)
    return torch.cat(parts)


def image_scores(scores: Tensor) -> np.ndarray:
    """Return the maxima of the smoothed maps."""
    return MAP.predict([scores], (SIDE, SIDE)).image_scores.double().numpy()


def split(normal: Tensor, learnt: int, seed: int) -> dict[str, float]:
    """Return the rates of false alarms of one split: by promised rate, and above the highest learnt score."""
    order = torch.randperm(len(normal), generator=torch.Generator().manual_seed(seed))
    train, test = normal[order[:learnt]], normal[order[learnt:]]
    density = Gaussian()
    density.fit([Embedding(part) for part in train.split(BATCH)])
    leave = density.leave_one_out()
    numbers = torch.arange(learnt).split(BATCH)
    left_out = np.concatenate(
        [image_scores(leave(Embedding(train[chosen]), chosen.tolist())) for chosen in numbers]
    )
    known, new = (
        np.concatenate([image_scores(density.score(Embedding(part))) for part in some.split(BATCH)])
        for some in (train, test)
    )
    found = {f"{rate:g}": rate_of(left_out, new, rate) for rate in RATES if rate * (learnt + 1) >= 1}
    return found | {"highest learnt": float((new > known.max()).mean())}


def rate_of(left_out: np.ndarray, new: np.ndarray, rate: float) -> float:
    """Return the share of new normal images that a calibration calls NG."""
    scores = left_out.tolist()
    maps = MapStatistics(tuple(sorted(scores)), (0.0,), ((0.5, 0.0),))
    calibration = Calibration.from_scores(scores, maps, false_alarms=rate)
    return float(np.mean([calibration.verdict(score) is Verdict.NG for score in new.tolist()]))


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the mean over all splits, and the range of nine in ten of them."""
    found = np.array(values)
    low, high = np.quantile(found, [0.05, 0.95])
    return {"mean": float(found.mean()), "low": float(low), "high": float(high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=200, help="Number of random splits.")
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    rows = []
    for category in CATEGORIES:
        normal = embeddings(category)
        for learnt in LEARNT:
            splits = [split(normal, learnt, seed) for seed in range(given.splits)]
            for promised in splits[0]:
                row = summary([found[promised] for found in splits])
                rows.append(
                    {"category": category, "images": len(normal), "learnt": learnt, "promised": promised}
                    | row
                )
                span = f"{row['low']:.1%} to {row['high']:.1%}"
                print(f"{category} {learnt:4} {promised:>14}: {row['mean']:.2%} ({span})", flush=True)
    record = {
        "splits": given.splits,
        "rows": rows,
        "machine": machine.describe(),
        "versions": machine.versions(),
    }
    given.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
