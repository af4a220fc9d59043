"""A fitted pipeline and a test set to figures of merit."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from padimkit.contracts import Metric
from padimkit.errors import BadData, UndefinedMetric
from padimkit.pipeline.pipeline import Pipeline
from padimkit.stages import Clock, stage, staged, timed
from padimkit.values import Batch, Prediction


@dataclass(frozen=True)
class ImageScore:
    """What is known and what was found about one test image."""

    path: str
    anomalous: bool | None
    score: float


@dataclass(frozen=True)
class Evaluation:
    """The outcome of a test.

    `metrics` holds what could be computed, `undefined` the reason for what could not; `seconds` the time
    spent on predicting and on the metrics, without reading the images.
    """

    metrics: dict[str, float]
    undefined: dict[str, str]
    images: tuple[ImageScore, ...]
    seconds: dict[str, float]


def evaluate(pipeline: Pipeline, batches: Iterable[Batch], metrics: Mapping[str, Metric]) -> Evaluation:
    """The figures of all metrics, by the given names, over all batches in one pass.

    Raises:
        BadData: There are no test images.
        NotFitted: The pipeline has not been fitted.
    """
    for metric in metrics.values():
        metric.reset()
    images: list[ImageScore] = []
    with timed(Clock()) as clock:
        for batch in staged("read", batches):
            with stage("predict"):
                prediction = pipeline.predict_batch(batch)
                images += _image_scores(batch, prediction)  # copies to the CPU, and so waits for a GPU
            with stage("metrics"):
                for metric in metrics.values():
                    metric.update(prediction, batch)
        if not images:
            raise BadData("There are no test images.")
        with stage("metrics"):
            figures, undefined = _computed(metrics)
    measuring, reading = clock.seconds["metrics"], clock.seconds["read"]
    seconds = {"predict": sum(clock.seconds.values()) - measuring - reading, "metrics": measuring}
    return Evaluation(figures, undefined, tuple(images), seconds)


def _computed(metrics: Mapping[str, Metric]) -> tuple[dict[str, float], dict[str, str]]:
    figures, undefined = {}, {}
    for name, metric in metrics.items():
        try:
            figure = metric.compute()
        except UndefinedMetric as error:
            undefined[name] = str(error)
            continue
        if math.isfinite(figure):
            figures[name] = figure
        else:  # NaN is no figure of merit, whoever made the metric
            undefined[name] = f"The metric gave {figure}."
    return figures, undefined


def _image_scores(batch: Batch, prediction: Prediction) -> list[ImageScore]:
    labels = [None] * len(batch.paths) if batch.labels is None else batch.labels.tolist()
    scores = prediction.image_scores.tolist()
    return [ImageScore(*known) for known in zip(batch.paths, labels, scores, strict=True)]
