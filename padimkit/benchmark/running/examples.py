"""Remains of an evaluation, for a record: a few maps, all scores, and the curves of metrics."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from padimkit.benchmark.record import Curve, Example, ImageScores, packed
from padimkit.contracts import HasCurve, HasInfluence, Metric
from padimkit.errors import UndefinedMetric
from padimkit.stages import KEEPING, stage
from padimkit.values import Batch, Prediction

MOST = 6  # examples per record
_SIDE = 160  # pixels of an example
_POINTS = 200


@final
class ExampleCollector(Metric):
    """A metric that watches an evaluation, and keeps examples and scores.

    Args:
        places: The ordinal numbers of the test images to keep as examples.
    """

    higher_is_better = True

    def __init__(self, places: frozenset[int]) -> None:
        self.places = places
        self.reset()

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Keep all scores of a batch, and the examples in it."""
        with stage(KEEPING):
            for index, path in enumerate(truth.paths):
                if self._seen + index in self.places:
                    self._examples.append(_example(prediction, truth, index, path))
            self._seen += len(truth.paths)
            self._names += map(_short, truth.paths)
            self._scores += prediction.image_scores.tolist()
            self._labels += [None] * len(truth.paths) if truth.labels is None else truth.labels.tolist()

    def compute(self) -> float:
        """Return the number of images seen."""
        return float(self._seen)

    def reset(self) -> None:
        """Forget all examples and scores."""
        self._seen = 0
        self._examples: list[Example] = []
        self._names: list[str] = []
        self._scores: list[float] = []
        self._labels: list[bool | None] = []

    def examples(self, values: Mapping[str, Sequence[float]]) -> tuple[Example, ...]:
        """Return the examples, in the order of the test set, with those values of metrics that they have."""
        found = zip(sorted(self.places), self._examples, strict=False)
        return tuple(replace(example, values=_numbers_at(place, values)) for place, example in found)

    def images(
        self, influence: Mapping[str, Sequence[float]], values: Mapping[str, Sequence[float]]
    ) -> ImageScores | None:
        """Return the scores of all images with their influence on metrics; None if a score is not finite.

        Values of metrics are NaN where an image has none. What is not finite otherwise is left out, all of
        one metric, and named.
        """
        if not _finite(self._scores):
            return None
        left_out = [f"influence {name}" for name, numbers in influence.items() if not _finite(numbers)]
        left_out += [f"values {name}" for name, numbers in values.items() if not _finite(numbers, gaps=True)]
        signs = {True: "1", False: "0", None: "?"}
        return ImageScores(
            names=tuple(self._names),
            anomalous="".join(signs[label] for label in self._labels),
            scores=packed(self._scores),
            influence={name: packed(some) for name, some in influence.items() if _finite(some)},
            values={name: packed(some) for name, some in values.items() if _finite(some, gaps=True)},
            left_out=tuple(left_out),
        )

    def roc(self) -> dict[str, Curve]:
        """Return the image ROC curve as "roc" if all labels are known and both kinds occur, else nothing."""
        if None in self._labels or len(set(self._labels)) < 2:
            return {}
        return {"roc": _thinned(*roc(np.array(self._labels, bool), np.array(self._scores)))}


@final
class InfluenceCollector(Metric):
    """A metric that watches an evaluation, and keeps the influence of each image on others that can tell it.

    Args:
        metrics: Those, by name.
    """

    higher_is_better = True

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = metrics
        self.reset()

    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add a batch."""
        with stage(KEEPING):
            for collector in self._collectors.values():
                collector.update(prediction, truth)

    def compute(self) -> float:
        """Return the number of metrics."""
        return float(len(self._collectors))

    def reset(self) -> None:
        """Forget all images."""
        self._collectors = {
            name: metric.influence()
            for name, metric in self.metrics.items()
            if isinstance(metric, HasInfluence)
        }

    def influence(self) -> dict[str, list[float]]:
        """Return the influence of each image, for each metric that is defined."""
        found = {}
        with stage(KEEPING):
            for name, collector in self._collectors.items():
                try:
                    found[name] = collector.compute().tolist()
                except UndefinedMetric:  # as the metric itself is, and says
                    continue
        return found


def _finite(numbers: Sequence[float], *, gaps: bool = False) -> bool:
    """Return whether all are finite as float32, in which records hold them; with gaps, NaN is too."""
    with np.errstate(over="ignore"):
        found = np.asarray(numbers, np.float32)
    return bool((np.isfinite(found) | (np.isnan(found) if gaps else False)).all())


def _numbers_at(place: int, values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: some[place] for name, some in values.items() if not math.isnan(some[place])}


def places_of_examples(labels: list[bool | None]) -> frozenset[int]:
    """Return the places of test images to keep: spread over the anomalous ones, and two others."""
    anomalous = [place for place, label in enumerate(labels) if label]
    others = [place for place, label in enumerate(labels) if not label]
    few = min(2, len(others)) if anomalous else MOST
    return frozenset(_spread(anomalous, MOST - few) + _spread(others, few))


def roc(
    anomalous: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Return the corners of the ROC curve, false and true positive rates, as scikit-learn's `roc_curve` does.

    To import scikit-learn for it would take a fifth of the start of a cell.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # tied scores are one step
    true = np.cumsum(anomalous[order])[ends]
    false = 1 + ends - true
    bends = (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0)
    corners = np.concatenate([[True], bends, [True]]) if len(ends) > 1 else [True]
    rates = (np.append(0, count[corners]) / count[-1] for count in (false, true))
    return next(rates), next(rates)


def curve_of(metric: HasCurve) -> Curve:
    """Return the curve that the metric value is taken from."""
    x, y = metric.curve(_POINTS)
    return Curve(tuple(x.tolist()), tuple(y.tolist()))


def _spread(places: list[int], count: int) -> list[int]:
    chosen = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
    return [places[index] for index in chosen]


def _thinned(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> Curve:
    kept = np.unique(np.linspace(0, len(x) - 1, _POINTS).round().astype(int))
    return Curve(tuple(x[kept].tolist()), tuple(y[kept].tolist()))


def _example(prediction: Prediction, truth: Batch, index: int, path: str) -> Example:
    scores = prediction.anomaly_maps[index].cpu().float()
    low, high = float(scores.min()), float(scores.max())
    grey = ((scores - low) / max(high - low, 1e-12) * 255).round().byte().numpy()
    pixels = (truth.images[index].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    mask = (
        None
        if truth.masks is None
        else _encoded(_as_bytes(truth.masks[index]), Image.Resampling.NEAREST, "PNG")
    )
    return Example(
        path=_short(path),
        anomalous=None if truth.labels is None else bool(truth.labels[index]),
        score=float(prediction.image_scores[index]),
        image=_encoded(pixels, Image.Resampling.BILINEAR, "JPEG"),
        map=_encoded(grey, Image.Resampling.BILINEAR, "PNG"),
        mask=mask,
        low=low,
        high=high,
    )


def _short(path: str) -> str:
    """Return folder and name."""
    return "/".join(path.split("/")[-2:])


def _as_bytes(mask: Bool[Tensor, "H W"]) -> UInt8[np.ndarray, "H W"]:
    return (mask.cpu().to(torch.uint8) * 255).numpy()


def _encoded(pixels: UInt8[np.ndarray, "H W *c"], resampling: Image.Resampling, form: str) -> str:
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    picture.thumbnail((_SIDE, _SIDE), resampling)
    picture.save(buffer, form, optimize=form == "JPEG")  # of a map it takes thrice as long for 2 % of bytes
    return base64.b64encode(buffer.getvalue()).decode("ascii")
