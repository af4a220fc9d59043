"""`make bench-false-alarms`: the rate of false alarms found beside the rate promised, over random splits.

All normal images of a category, those of its test set included, are divided at random into some to learn and
calibrate on and others to test on.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks import machine, scores
from benchmarks.inputs import reduced
from padimkit import Calibration, MapStatistics, Verdict

RECORD = Path(__file__).parent / "records" / "false_alarms.json"
RATES = (0.01, 0.02, 0.05, 0.1)
LEARNT = (40, 150)


def split(normal: Tensor, learnt: int, seed: int) -> dict[str, float]:
    """Return the rates of false alarms of one split: by promised rate, and above the highest learnt score."""
    order = torch.randperm(len(normal), generator=torch.Generator().manual_seed(seed))
    train, test = normal[order[:learnt]], normal[order[learnt:]]
    density = scores.fitted(train)
    left_out = scores.of_images(scores.left_out(density, train))
    known, new = (scores.of_images(scores.unseen(density, some)) for some in (train, test))
    found = {f"{rate:g}": rate_of(left_out, new, rate) for rate in RATES if rate * (learnt + 1) >= 1}
    return found | {"highest learnt": float((new > known.max()).mean())}


def rate_of(left_out: np.ndarray, new: np.ndarray, rate: float) -> float:
    """Return the share of new normal images that a calibration calls NG."""
    known = left_out.tolist()
    maps = MapStatistics(tuple(sorted(known)), (0.0,), ((0.5, 0.0),))
    calibration = Calibration.from_scores(known, maps, false_alarms=rate)
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
    for category in reduced.CATEGORIES:
        normal = reduced.reduced(reduced.pipeline(), reduced.all_normal(reduced.source(category)))
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
