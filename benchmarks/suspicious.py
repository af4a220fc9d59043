"""`make bench-suspicious`: bad bottles among the training images: how many are found, and what that gains.

Of all training images 5 % are anomalous, drawn from the test set, of which they are then no part. Embeddings
are extracted once: ResNet18 to layer3 and 100 of 448 channels, as in PaDiM-R18-Rd100, but at 112 pixels.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from benchmarks import machine
from padimkit import (
    AnomalyMap,
    Embedding,
    Gaussian,
    MVTec,
    Pipeline,
    Preprocessing,
    RandomChannels,
    Sample,
    Timm,
)
from padimkit.inspection.calibration import threshold_of, usual_rate
from padimkit.inspection.learnt import outliers

ROOT = Path(__file__).resolve().parents[2] / "shared"
RECORD = Path(__file__).parent / "records" / "suspicious.json"
WEIGHTS = ROOT / "weights" / "resnet18_stem_to_layer3.safetensors"
SHARE = 0.05
SIDE = 112
MAP = AnomalyMap(sigma=2.0)
BATCH = 16


def embeddings(pipeline: Pipeline, samples: Sequence[Sample]) -> Tensor:
    """Return the embeddings "b c h w" of images as the density of the pipeline gets them."""
    parts = []
    for batch in pipeline.read(samples, BATCH, None, None):
        (pyramid,) = pipeline.levels.split(pipeline.backbone.extract(batch.images)).values()
        if not parts:
            pipeline.reducer.fit([pyramid.embedding()])
        parts.append(pipeline.reducer.transform(pyramid.embedding()).patches)
    return torch.cat(parts)


def bottles() -> tuple[Tensor, Tensor, Tensor]:
    """Return the embeddings of the normal training images, the normal test images and the anomalous ones."""
    backbone = Timm(model="resnet18.tv_in1k", layers=["layer1", "layer2", "layer3"], weights=str(WEIGHTS))
    pipeline = Pipeline(backbone, RandomChannels(100), Gaussian(), preprocessing=Preprocessing(128, SIDE))
    source = MVTec(ROOT / "data" / "mvtec_bottle_256", "bottle")
    test = [[one for one in source.test() if one.anomalous is kind] for kind in (False, True)]
    train, good, bad = (embeddings(pipeline, part) for part in (source.train(), *test))
    return train, good, bad


def split(train: Tensor, good: Tensor, bad: Tensor, seed: int) -> dict[str, float]:
    """Return how many of the bad images learnt are found, and metric values with and without them."""
    count = round(SHARE / (1 - SHARE) * len(train))
    order = torch.randperm(len(bad), generator=torch.Generator().manual_seed(seed))
    mixed, rest = torch.cat([train, bad[order[:count]]]), bad[order[count:]]
    marks = torch.tensor(outliers(left_out(fitted(mixed), mixed).tolist()))
    row = {"bad": count, "found": int(marks[len(train) :].sum()), "wrong": int(marks[: len(train)].sum())}
    for name, part in (("clean", train), ("mixed", mixed), ("dropped", mixed[~marks])):
        row |= {f"{name} {key}": value for key, value in quality(part, good, rest).items()}
    return row


def quality(learnt: Tensor, good: Tensor, bad: Tensor) -> dict[str, float]:
    """Return the image AUROC, and misses and false alarms at the usual threshold."""
    density = fitted(learnt)
    normal, anomalous = scores(density, good), scores(density, bad)
    known = sorted(left_out(density, learnt).tolist())
    threshold = threshold_of(known, usual_rate(len(known)))
    labels = [0] * len(normal) + [1] * len(anomalous)
    return {
        "auroc": float(roc_auc_score(labels, np.concatenate([normal, anomalous]))),
        "misses": float((anomalous <= threshold).mean()),
        "false alarms": float((normal > threshold).mean()),
    }


def fitted(learnt: Tensor) -> Gaussian:
    """Return a Gaussian fitted on these embeddings."""
    density = Gaussian()
    density.fit([Embedding(part) for part in learnt.split(BATCH)])
    return density


def scores(density: Gaussian, embeddings: Tensor) -> np.ndarray:
    """Return the image scores of embeddings that were not learnt."""
    parts = [MAP.predict([density.score(Embedding(part))], (SIDE, SIDE)) for part in embeddings.split(BATCH)]
    return np.concatenate([part.image_scores.double().numpy() for part in parts])


def left_out(density: Gaussian, learnt: Tensor) -> np.ndarray:
    """Return the image scores of learnt embeddings as if they had not been learnt."""
    leave, numbers = density.leave_one_out(), torch.arange(len(learnt)).split(BATCH)
    parts = [
        MAP.predict([leave(Embedding(learnt[chosen]), chosen.tolist())], (SIDE, SIDE)) for chosen in numbers
    ]
    return np.concatenate([part.image_scores.double().numpy() for part in parts])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20, help="Number of draws of bad images.")
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    parts = bottles()
    rows = [split(*parts, seed) for seed in range(given.splits)]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    for name, value in means.items():
        low, high = (function(row[name] for row in rows) for function in (min, max))
        print(f"{name:20} {value:.4f} ({low:.4f} to {high:.4f})")
    facts = {"machine": machine.describe(), "versions": machine.versions()}
    record = {"share": SHARE, "splits": given.splits, "means": means, "rows": rows} | facts
    given.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
