"""The checks of the contract of density models."""

import torch
from torch import Tensor

from padimkit.contracts import DensityModel
from padimkit.errors import NotFitted
from padimkit.testing.answers import Result, require_finite
from padimkit.testing.check import Make, checks, described, require
from padimkit.testing.inputs.embeddings import HEIGHT, WIDTH, defect_of, fitted, part_of, probe, with_defect
from padimkit.testing.learners import learner_checks
from padimkit.values import Embedding, Scores


def one_score_per_position(make: Make) -> None:
    """Scores are float32: one for each patch, and either one or none for each image."""
    density = fitted(make)
    for count in (1, 4):
        scores = density.score(part_of(probe("first"), 0, count))
        require(
            isinstance(scores, Scores), f"Expected score to return Scores, found {type(scores).__name__}."
        )
        _require_floats("patches", scores.patches, (count, HEIGHT, WIDTH))
        if scores.images is not None:
            _require_floats("images", scores.images, (count,))


def scores_are_finite(make: Make) -> None:
    """No score is NaN or infinite, not even that of an extreme patch."""
    require_finite(_apply(fitted(make), probe("first")), "scores")


def outliers_score_higher(make: Make) -> None:
    """A patch far from all that was learnt scores higher than a normal one in its place, and so its image."""
    density, normal = fitted(make), probe("first")
    normal = part_of(normal, 0, len(normal.patches) // 2)
    low, low_images = _at_the_defect(density.score(normal))
    high, high_images = _at_the_defect(density.score(with_defect(normal)))
    require(
        bool((high > low).all()),
        f"Expected higher scores where patches are anomalous, found {_few(high)} on average there, and "
        f"{_few(low)} for normal patches in their place.",
    )
    require(
        bool((high_images > low_images).all()),
        f"Expected higher scores for anomalous images, found {_few(high_images)}, "
        f"and {_few(low_images)} for normal ones.",
    )


def refuses_to_score_before_fit(make: Make) -> None:
    """Before fit, score raises NotFitted."""
    density = make()
    try:
        density.score(probe("first"))
    except NotFitted:
        return
    except Exception as error:
        require(False, f"Expected score to raise NotFitted before fit, found {described(error)}")
    require(False, "Expected score to raise NotFitted before fit, found that it returned.")


def _apply(density: DensityModel, embedding: Embedding) -> Result:
    scores = density.score(embedding)
    return {"patches": scores.patches} | ({} if scores.images is None else {"images": scores.images})


def _at_the_defect(scores: Scores) -> tuple[Tensor, Tensor]:
    """The mean score there, and the score of the whole image, in memory of their own."""
    images = scores.patches.amax((1, 2)) if scores.images is None else scores.images.clone()
    return defect_of(scores.patches).mean(1), images


def _require_floats(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    found = (tuple(tensor.shape), tensor.dtype)
    require(
        found == (shape, torch.float32),
        f'Expected "{name}" of shape {shape} and torch.float32, found {found[0]} and {found[1]}.',
    )


def _few(values: Tensor) -> str:
    return ", ".join(f"{value:.3g}" for value in values.tolist())


DENSITY_CHECKS = (
    *checks(
        DensityModel,
        one_score_per_position,
        scores_are_finite,
        outliers_score_higher,
        refuses_to_score_before_fit,
    ),
    *learner_checks(DensityModel, _apply),
)
