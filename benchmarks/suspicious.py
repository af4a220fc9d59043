"""`make bench-suspicious`: bad bottles among the training images: how many are found, and what that gains.

Of all training images 5 % are anomalous, drawn from the test set, of which they are then no part.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from benchmarks import machine, scores
from benchmarks.inputs import reduced
from padimkit.inspection.calibration import threshold_of, usual_rate
from padimkit.inspection.learnt import outliers

RECORD = Path(__file__).parent / "records" / "suspicious.json"
SHARE = 0.05


def bottles() -> tuple[Tensor, Tensor, Tensor]:
    """Return the embeddings of the normal training images, the normal test images and the anomalous ones."""
    pipeline, data = reduced.pipeline(), reduced.source("bottle")
    test = [[one for one in data.test() if one.anomalous is kind] for kind in (False, True)]
    train, good, bad = (reduced.reduced(pipeline, part) for part in (data.train(), *test))
    return train, good, bad


def split(train: Tensor, good: Tensor, bad: Tensor, seed: int) -> dict[str, float]:
    """Return how many of the bad images learnt are found, and metric values with and without them."""
    count = round(SHARE / (1 - SHARE) * len(train))
    order = torch.randperm(len(bad), generator=torch.Generator().manual_seed(seed))
    mixed, rest = torch.cat([train, bad[order[:count]]]), bad[order[count:]]
    marks = torch.tensor(outliers(scores.of_images(scores.left_out(scores.fitted(mixed), mixed)).tolist()))
    row = {"bad": count, "found": int(marks[len(train) :].sum()), "wrong": int(marks[: len(train)].sum())}
    for name, part in (("clean", train), ("mixed", mixed), ("dropped", mixed[~marks])):
        row |= {f"{name} {key}": value for key, value in quality(part, good, rest).items()}
    return row


def quality(learnt: Tensor, good: Tensor, bad: Tensor) -> dict[str, float]:
    """Return the image AUROC, and misses and false alarms at the usual threshold."""
    density = scores.fitted(learnt)
    normal, anomalous = (scores.of_images(scores.unseen(density, part)) for part in (good, bad))
    known = sorted(scores.of_images(scores.left_out(density, learnt)).tolist())
    threshold = threshold_of(known, usual_rate(len(known)))
    labels = [0] * len(normal) + [1] * len(anomalous)
    return {
        "auroc": float(roc_auc_score(labels, np.concatenate([normal, anomalous]))),
        "misses": float((anomalous <= threshold).mean()),
        "false alarms": float((normal > threshold).mean()),
    }


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
