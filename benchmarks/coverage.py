"""`make bench-coverage`: how often intervals of a report hold the truth, and how often equal methods differ.

Studies are drawn of which the truth is known: methods on categories, methods with seeds on one set of test
images, and maps whose pixels go together within an image. Each goes through the code that reports use.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import beta, norm, t
from sklearn.metrics import roc_auc_score

from padimkit import PRO, Batch, PixelAUROC, Prediction
from padimkit.report.differences import (
    Difference,
    Estimate,
    Runs,
    all_pairs,
    image_terms,
    on_drawn_training_sets,
    on_one_test_set,
    paired,
    simultaneous,
)
from padimkit.report.influence import auroc_influence

RECORD = Path(__file__).parent / "records" / "coverage.json"
STUDIES = 2000
SEEDS, SEED_SPREAD = 5, 0.15
SIDE, TRUTH_IMAGES = 10, 4000


@dataclass(frozen=True)
class Row:
    """What was found in many studies of one kind.

    Args:
        study: Its kind.
        methods: Number of methods; of two, one is better by a known difference.
        studies: Number of studies.
        covered: Share of the intervals that hold the true difference, or value.
        false_differences: Share of studies in which a method of equals differs from the best; None for two.
    """

    study: str
    methods: int
    studies: int
    covered: float
    false_differences: float | None


def categories(methods: int, count: int, *, skewed: bool, studies: int, seed: int) -> Row:
    """Draw methods on categories, which are hard or easy for all, and a deviation of each method on each."""
    random = np.random.default_rng(seed)
    truth = 0.01 if methods == 2 else 0.0

    def values() -> np.ndarray:
        shared = random.normal(0.9, 0.05, count)
        own = (
            random.gamma(1.0, 0.02, (methods, count)) if skewed else random.normal(0, 0.02, (methods, count))
        )
        own[0] += truth
        return np.asarray(shared - own if skewed else shared + own)

    def study() -> tuple[bool, bool]:
        found = values()
        names = [str(index) for index in range(methods)]
        pairs = {}
        for a, b in all_pairs(names):
            estimate = paired(found[int(b)].tolist(), found[int(a)].tolist())
            assert estimate is not None  # drawn differences are never all the same
            pairs[a, b] = estimate
        return judged(pairs, found.mean(axis=1), truth if skewed else -truth)

    kind = "skewed" if skewed else "normal"
    return counted(f"{count} categories, {kind} deviations", methods, studies, study)


def judged(pairs: dict[tuple[str, str], Estimate], means: np.ndarray, truth: float) -> tuple[bool, bool]:
    """Return whether the first interval holds the truth, and whether one from the best leaves 0 out."""
    found = simultaneous(pairs)
    best = str(int(means.argmax()))
    first = found["0", "1"]
    from_best = [one for pair, one in found.items() if best in pair]
    return first.lower <= truth <= first.upper, any(map(_differs, from_best))


def _differs(found: Difference) -> bool:
    return found.p_value <= 0.05 or not found.lower <= 0 <= found.upper


@dataclass(frozen=True)
class Design:
    """What seeds are.

    Args:
        name: For the kind of a study.
        compare: Estimates a difference.
        common: The share of their variance that is that of all methods.
    """

    name: str
    compare: Callable[[Runs, Runs, Sequence[bool]], Estimate | None]
    common: float


UNRELATED = Design("seeds", on_one_test_set, 0.0)
DRAWN = Design("drawn training sets", on_drawn_training_sets, 0.8)


def test_images(
    design: Design, methods: int, normal: int, anomalous: int, *, shift: float, studies: int, seed: int
) -> Row:
    """Draw image scores of methods, correlated over images, with seeds that are better and worse."""
    random = np.random.default_rng(seed)
    kinds = np.arange(normal + anomalous) >= normal
    shifts = [shift + (0.3 if methods == 2 and index == 0 else 0.0) for index in range(methods)]
    aurocs = [norm.cdf(one / math.sqrt(2 + SEED_SPREAD**2)) for one in shifts]
    common, own = (math.sqrt(one) * SEED_SPREAD for one in (design.common, 1 - design.common))

    def study() -> tuple[bool, bool]:
        shared = random.normal(0, 1, kinds.size)
        moves = random.normal(0, common, SEEDS) if common else np.zeros(SEEDS)
        runs = {
            str(index): _runs(random, kinds, shared, one + moves, own) for index, one in enumerate(shifts)
        }
        pairs = {}
        for a, b in all_pairs(list(runs)):
            estimate = design.compare(runs[b], runs[a], kinds.tolist())
            assert estimate is not None
            pairs[a, b] = estimate
        means = np.array([np.mean(run.values) for run in runs.values()])
        return judged(pairs, means, float(aurocs[1] - aurocs[0]))

    kind = f"{normal} + {anomalous} test images, {SEEDS} {design.name}, AUROC {aurocs[-1]:.2f}"
    return counted(kind, methods, studies, study)


def _runs(
    random: np.random.Generator, kinds: np.ndarray, shared: np.ndarray, shifts: np.ndarray, spread: float
) -> Runs:
    own = random.normal(0, 1, kinds.size)
    values, influence = [], []
    for shift in shifts:
        moved = (shift + random.normal(0, spread)) * kinds
        noise = (
            math.sqrt(0.5) * shared + math.sqrt(0.4) * own + math.sqrt(0.1) * random.normal(0, 1, kinds.size)
        )
        values.append(float(roc_auc_score(kinds, noise + moved)))
        influence.append(auroc_influence((noise + moved).tolist(), kinds.tolist()))
    return Runs(tuple(values), np.mean(influence, axis=0))


def pixels(metric: PixelAUROC | PRO, images: int, *, studies: int, seed: int) -> Row:
    """Draw maps higher in some images than in others; compare a value's interval with the truth."""
    random = np.random.default_rng(seed)
    truth = value_of(metric, *drawn_maps(random, TRUTH_IMAGES))

    def study() -> tuple[bool, bool]:
        maps, masks, kinds = drawn_maps(random, images)
        value = value_of(metric, maps, masks, kinds)
        collector = metric.influence()
        collector.update(*_pair(maps, masks, kinds))
        terms = [one for one in image_terms(collector.compute(), kinds.tolist()) if one is not None]
        variance = sum(one for one, _ in terms)
        degrees = variance**2 / sum(one**2 / n for one, n in terms)
        width = t.ppf(0.975, degrees) * math.sqrt(variance)
        return bool(abs(value - truth) <= width), False

    name = type(metric).__name__
    row = counted(f"{name} of {images} test images, half of them anomalous", 1, studies, study)
    return Row(row.study, 1, row.studies, row.covered, None)


def drawn_maps(random: np.random.Generator, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return maps, masks of one square in half of the images, and the kinds of the images."""
    kinds = np.arange(images) >= images // 2
    masks = np.zeros((images, SIDE, SIDE), bool)
    for index in np.flatnonzero(kinds):
        top, left = random.integers(0, SIDE - 3, 2)
        masks[index, top : top + 3, left : left + 3] = True
    maps = random.normal(0, 1, masks.shape) + random.normal(0, 0.5, (images, 1, 1))
    maps += masks * (1.5 + random.normal(0, 1.0, (images, 1, 1)))
    return maps.astype(np.float32), masks, kinds


def value_of(metric: PixelAUROC | PRO, maps: np.ndarray, masks: np.ndarray, kinds: np.ndarray) -> float:
    """Return the metric value of maps."""
    metric.reset()
    metric.update(*_pair(maps, masks, kinds))
    return metric.compute()


def _pair(maps: np.ndarray, masks: np.ndarray, kinds: np.ndarray) -> tuple[Prediction, Batch]:
    scores = torch.from_numpy(maps)
    paths = tuple(map(str, range(len(maps))))
    pictures = torch.zeros(len(maps), 3, SIDE, SIDE)
    truth = Batch(pictures, paths, torch.from_numpy(kinds), torch.from_numpy(masks))
    return Prediction(scores.amax((1, 2)), scores), truth


def counted(kind: str, methods: int, studies: int, study: Callable[[], tuple[bool, bool]]) -> Row:
    """Return the shares of many studies."""
    covered, differ = np.mean([study() for _ in range(studies)], axis=0).tolist()
    return Row(kind, methods, studies, covered, None if methods <= 2 else differ)


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table in Markdown, each share with its exact interval of 95 %."""
    lines = ["| study | methods | studies | intervals that hold the truth | false differences |"]
    lines.append("|---|---:|---:|---|---|")
    for row in rows:
        shares = [row.covered if row.methods <= 2 else None, row.false_differences]
        shown = [_share(one, row.studies) for one in shares]
        lines.append(f"| {row.study} | {row.methods} | {row.studies} | {shown[0]} | {shown[1]} |")
    return lines


def _share(share: float | None, studies: int) -> str:
    if share is None:
        return ""
    hits = round(share * studies)
    low = beta.ppf(0.025, hits, studies - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, studies - hits) if hits < studies else 1.0
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def rows(studies: int) -> list[Row]:
    """Return all kinds of studies."""
    found = []
    for seed, (methods, count) in enumerate([(2, 5), (2, 15), (5, 5), (5, 15), (14, 15)]):
        for skewed in (False, True):
            found.append(categories(methods, count, skewed=skewed, studies=studies, seed=seed))
    for design, sizes in (
        (
            UNRELATED,
            [(2, 30, 60, 1.0), (2, 30, 60, 2.2), (2, 20, 20, 1.0), (5, 30, 60, 1.0), (5, 30, 60, 2.2)],
        ),
        (DRAWN, [(2, 30, 60, 1.0), (2, 20, 20, 1.0), (5, 30, 60, 1.0)]),
    ):
        for seed, (*counts, shift) in enumerate(sizes):
            found.append(test_images(design, *counts, shift=shift, studies=studies // 2, seed=seed))
    for metric in (PixelAUROC(), PRO(0.3)):
        found += [pixels(metric, images, studies=studies // 2, seed=images) for images in (40, 120)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES, help="Number of studies of each kind.")
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    found = rows(given.studies)
    given.record.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
