"""The evaluation of a fitted pipeline on a test set: metric values and image scores."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from padimkit.contracts import ImageValues, Metric, NamedValues
from padimkit.errors import BadArgument, BadData, UndefinedMetric
from padimkit.images.inputs import Images
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.registry import Registry
from padimkit.stages import KEEPING, METRICS, PREDICT, READ, Clock, stage, staged, timed
from padimkit.values import Batch, Prediction

if TYPE_CHECKING:
    Metrics: TypeAlias = Metric | str | Mapping[str, Metric | str] | Iterable[Metric | str]
else:
    Metrics = object  # anything else is refused here, by a message, even if types are checked at run time
DEFAULT_METRICS = ("image_auroc", "pixel_auroc", "pro")


@dataclass(frozen=True)
class ImageScore:
    """One test image and its score.

    Args:
        path: Its name.
        anomalous: Its label; None if unknown.
        score: Its anomaly score.
    """

    path: str
    anomalous: bool | None
    score: float


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Args:
        metrics: Metric values by name.
        undefined: The reason for each metric that has no value.
        images: The test images with their scores.
        seconds: Time spent on predictions and on metrics, without that to read the images.
        invisible: Names of the anomalous images whose mask has no anomalous pixel in what the pipeline sees.
        lower_is_better: Names of the metric values of which lower ones are better.
        image_values: By metric, a value for each image where the metric has such; NaN for images without.
    """

    metrics: dict[str, float]
    undefined: dict[str, str]
    images: tuple[ImageScore, ...]
    seconds: dict[str, float]
    invisible: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()
    image_values: dict[str, tuple[float, ...]] = field(default_factory=dict)


def evaluate(
    pipeline: Pipeline,
    images: Images,
    metrics: Metrics = DEFAULT_METRICS,
    *,
    batch_size: int = 8,
    workers: int | None = None,
    progress: bool = True,
) -> Evaluation:
    """Return the values of all metrics over all images, in one pass.

    Args:
        pipeline: A fitted one.
        images: Usually the samples of `DataSource.test()`, which have labels and masks; otherwise as for
            `Pipeline.predict`.
        metrics: Metrics, or names of registered ones; a mapping gives them names of your own.
        batch_size: Images per batch, unless `images` are batches already.
        workers: Threads that decode ahead; by default one per CPU that may be used, at most 8.
        progress: Show a bar on a terminal or in a notebook.

    Raises:
        BadArgument: Two metrics, or their further values, have one name, or `images` are not understood.
        BadData: There are no test images.
        NotFitted: The pipeline has not been fitted.
    """
    named = _named(metrics)
    batches = pipeline.read(images, batch_size, workers, "Testing" if progress else None)
    for metric in named.values():
        metric.reset()
    _require_apart(named)
    found: list[ImageScore] = []
    invisible: list[str] = []
    with timed(Clock()) as clock:
        for batch in staged(READ, batches):
            with stage(PREDICT):
                prediction = pipeline.predict_batch(batch)
                invisible += _invisible(batch, pipeline)
                found += _image_scores(batch, prediction)  # copies to the CPU, and so waits for a GPU
            with stage(METRICS):
                for metric in named.values():
                    metric.update(prediction, batch)
        if not found:
            raise BadData("There are no test images.")
        with stage(METRICS):
            values, undefined = _computed(named)
            of_images = {name: _of_images(name, named[name], len(found)) for name in named if name in values}
    apart = sum(clock.seconds.get(name, 0.0) for name in (METRICS, READ, KEEPING))
    seconds = {PREDICT: sum(clock.seconds.values()) - apart, METRICS: clock.seconds[METRICS]}
    lower = [
        key for name, one in named.items() for key, higher in directions_of(name, one).items() if not higher
    ]
    return Evaluation(
        values,
        undefined,
        tuple(found),
        seconds,
        tuple(invisible),
        tuple(lower),
        {name: some for name, some in of_images.items() if some},
    )


def _named(metrics: Metrics) -> dict[str, Metric]:
    if isinstance(metrics, Mapping):
        return {name: _made(metric) for name, metric in metrics.items()}
    found: dict[str, Metric] = {}
    for metric in [metrics] if isinstance(metrics, str | Metric) else metrics:
        made = _made(metric)
        name = metric if isinstance(metric, str) else _name_of(made)
        if name in found:
            raise BadArgument(
                f'There are two metrics "{name}". Pass a mapping from names of your own to metrics.'
            )
        found[name] = made
    return found


def _require_apart(metrics: Mapping[str, Metric]) -> None:
    """Raise BadArgument if a further value of a metric has the name of another metric."""
    for name, metric in metrics.items():
        for key in directions_of(name, metric):
            if key != name and key in metrics:
                raise BadArgument(
                    f'"{key}" is a further value of the metric "{name}", and the name of another metric. '
                    "Give that one another name."
                )


def _made(metric: object) -> Metric:
    """Return the metric, made anew where it is given by name."""
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return Registry("metrics").load(metric)()  # type: ignore[no-any-return]
    made = f" Make one: {metric.__name__}()." if isinstance(metric, type) else ""
    raise BadArgument(f"Expected a metric or the name of one, got {metric!r}.{made}")


def _name_of(metric: Metric) -> str:
    return Registry("metrics").name_of(type(metric)) or type(metric).__name__


def _computed(metrics: Mapping[str, Metric]) -> tuple[dict[str, float], dict[str, str]]:
    """Return the values of all metrics, and the reason for each that is undefined."""
    values: dict[str, float] = {}
    undefined: dict[str, str] = {}
    for name, metric in metrics.items():
        try:
            found = _values(name, metric)
        except UndefinedMetric as error:
            undefined |= dict.fromkeys(directions_of(name, metric), str(error))
            continue
        for key in {**directions_of(name, metric), **found}:
            if key not in found:
                undefined[key] = "The metric gave no value of this name."
            elif key not in directions_of(name, metric):
                undefined[key] = 'The metric has no direction for this name in "directions".'
            elif _is_finite(found[key]):
                values[key] = float(found[key])  # a number of NumPy cannot be written as JSON
            else:  # NaN or a text is not a result, whoever made the metric
                undefined[key] = f"The metric gave {found[key]}."
    return values, undefined


def _is_finite(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:
        return False


def _values(name: str, metric: Metric) -> dict[str, float]:
    found = {name: metric.compute()}
    further = metric.named_values() if isinstance(metric, NamedValues) else {}
    return found | {f"{name}.{key}": value for key, value in further.items()}


def directions_of(name: str, metric: Metric) -> dict[str, bool]:
    """Return the names of all values of a metric, with true where higher ones are better."""
    further = metric.directions if isinstance(metric, NamedValues) else {}
    if not isinstance(further, Mapping):
        raise BadArgument(
            f'"directions" of the metric "{name}" is {further!r}; expected true or false by the names of its '
            "further values."
        )
    return {name: metric.higher_is_better} | {f"{name}.{key}": higher for key, higher in further.items()}


def _of_images(name: str, metric: Metric, count: int) -> tuple[float, ...]:
    """Return the metric's value of each image; none if it has no such values."""
    if not isinstance(metric, ImageValues):
        return ()
    found = tuple(map(float, metric.image_values()))
    if len(found) != count or any(map(math.isinf, found)):
        raise BadArgument(
            f'"image_values" of the metric "{name}" must give {count} values, one per image, each finite or '
            f"NaN; it gave {len(found)}, {sum(map(math.isinf, found))} of them infinite."
        )
    return found


def _image_scores(batch: Batch, prediction: Prediction) -> list[ImageScore]:
    labels = [None] * len(batch.paths) if batch.labels is None else batch.labels.tolist()
    scores = prediction.image_scores.tolist()
    return [ImageScore(*known) for known in zip(batch.paths, labels, scores, strict=True)]


def _invisible(batch: Batch, pipeline: Pipeline) -> list[str]:
    """Return the anomalous images that have no anomalous pixel where the pipeline looks.

    A crop can leave them so, or a region of interest.
    """
    if batch.labels is None or batch.masks is None:
        return []
    masks = batch.masks if pipeline.region is None else batch.masks & pipeline.region.to(batch.masks.device)
    hidden = batch.labels & ~masks.flatten(1).any(1)
    return [path for path, is_hidden in zip(batch.paths, hidden.tolist(), strict=True) if is_hidden]
