"""The checks of images, of parts and of their results.

Apart from the pipeline, since they need only the values that it passes on.
"""

from math import isfinite
from typing import TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor

from padimkit.errors import BadData, BadFeatures, BadImage, BadScores, BadShape, CannotExport
from padimkit.values import Batch, Features, Scores

T = TypeVar("T")
_OVERSHOOT = 0.25  # of a filter that resizes; normalised images go farther


def image_size(batch: Batch) -> tuple[int, int]:
    """Return height and width in pixels."""
    return batch.images.shape[2], batch.images.shape[3]


def require_images(batch: Batch) -> None:
    """Raise BadShape or BadImage unless these are RGB images with values from 0 to 1."""
    images, paths = batch.images, batch.paths
    if images.ndim != 4 or images.shape[1] != 3 or len(images) != len(paths) or not len(images):
        raise BadShape(
            f"Expected images of shape (images, 3, height, width) with a path each, got "
            f"{tuple(images.shape)} and {len(paths)} paths. Convert grey images to RGB."
        )
    expected = f'Expected floating-point values from 0 to 1 in "{paths[0]}", got {images.dtype}'
    if not images.is_floating_point():  # torch finds no extremes of some of these
        raise BadImage(f"{expected}. Divide them by the largest value that there can be.")
    low, high = (float(value) for value in images.aminmax())
    if isfinite(low - high) and not -_OVERSHOOT <= low <= high <= 1 + _OVERSHOOT:
        raise BadImage(
            f"{expected} from {low:g} to {high:g}. Divide bytes by 255; leave normalisation to the backbone."
        )


def require_normal(batch: Batch) -> None:
    """Raise BadData if an image is labelled anomalous."""
    if batch.labels is not None and batch.labels.any():
        path = batch.paths[int(batch.labels.int().argmax())]
        raise BadData(f'"{path}" is labelled anomalous; training images must be normal.')


def require_anomalous(batch: Batch) -> None:
    """Raise BadData if an image is labelled normal."""
    if batch.labels is not None and not batch.labels.all():
        path = batch.paths[int(batch.labels.int().argmin())]
        raise BadData(f'"{path}" is labelled normal; "anomalies" are anomalous images.')


def require_features(features: Features, paths: tuple[str, ...], backbone: str) -> None:
    """Raise BadFeatures unless there are finite maps for each image, the finest first."""
    if not features.maps:
        raise BadFeatures(f"{backbone} returned no feature maps.")
    areas, finite = [], []
    for layer, maps in features.maps.items():
        if maps.ndim != 4 or len(maps) != len(paths):
            raise BadFeatures(
                f'{backbone} returned layer "{layer}" of shape {tuple(maps.shape)} for {len(paths)} images.'
            )
        finite.append(_finite(maps))
        areas.append(maps.shape[2] * maps.shape[3])
    if areas != sorted(areas, reverse=True):
        raise BadFeatures(f"{backbone} returned layers of {areas} positions; expected the finest first.")
    if features.descriptor is not None:
        finite.append(_finite(features.descriptor))
    if not torch.stack(finite).all():  # one question only, since its answer waits for the GPU
        layer, found = next(
            pair for pair in zip([*features.maps, "descriptor"], finite, strict=False) if not pair[1].all()
        )
        _refuse(found, paths, f'{backbone} returned NaN or infinite features in layer "{layer}"')


def require_scores(scores: Scores, paths: tuple[str, ...], density: str) -> None:
    """Raise BadScores unless each image has scores, or BadFeatures if a score is not finite."""
    shapes = [scores.patches.shape, *([] if scores.images is None else [scores.images.shape])]
    if scores.patches.ndim != 3 or any(shape[0] != len(paths) for shape in shapes):
        raise BadScores(
            f"{density} returned scores of shape {[tuple(shape) for shape in shapes]} for {len(paths)} "
            "images; expected (images, height, width) for patches and (images) for images."
        )
    finite = _finite(scores.patches)
    if scores.images is not None:
        finite = finite & scores.images.isfinite()
    if not finite.all():
        _refuse(finite, paths, f"{density} returned NaN or infinite scores")


def _finite(values: Tensor) -> Bool[Tensor, " b"]:
    # A NaN or infinity makes the sum NaN or infinite; half precision would overflow.
    return values.sum(tuple(range(1, values.ndim)), dtype=torch.float32).isfinite()


def _refuse(finite: Bool[Tensor, " b"], paths: tuple[str, ...], finding: str) -> None:
    path = paths[int((~finite).int().argmax())]
    raise BadFeatures(f'{finding} for "{path}". Check the image and the weights.')


def as_exportable(part: object, contract: type[T]) -> T:
    """Return the part as one that meets a contract of export.

    Raises:
        CannotExport: It does not; the message names both.
    """
    if not isinstance(part, contract):
        raise CannotExport(
            f"{type(part).__name__} cannot be exported: it is not padimkit.{contract.__name__}. Use another "
            "part, or run the model by padimkit."
        )
    return part
