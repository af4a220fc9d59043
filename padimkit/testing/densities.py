"""Checks of density models."""

from typing import Any

import torch
from torch import Tensor

from padimkit.contracts import DensityModel, MemoryForecast, Prepares, PyramidDensity
from padimkit.testing import anomalies, exports, learning, left_out, pyramids, strengths
from padimkit.testing.answers import Result, difference, require_finite
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require, require_not_fitted
from padimkit.testing.inputs.embeddings import (
    CHANNELS,
    defect_of,
    fit,
    fitted,
    part_of,
    positions,
    probe,
    scores_of,
    stream,
    training,
    with_defect,
)
from padimkit.testing.learners import learner_checks
from padimkit.testing.states import written
from padimkit.values import Embedding, Scores

_BOOKKEEPING = 1024  # bytes of counts, grids and descriptors in a state: a forecast is not told of them
_MANY = 1000


def one_score_per_position(make: Make) -> None:
    """Scores are float32, one per patch position, and optionally one per image."""
    density = fitted(make)
    for count in (1, 4):
        scores = density.score(part_of(probe("first"), 0, count))
        require(
            isinstance(scores, Scores), f"Expected score to return Scores, found {type(scores).__name__}."
        )
        _require_floats("patches", scores.patches, (count, *positions()))
        if scores.images is not None:
            _require_floats("images", scores.images, (count,))


def scores_are_finite(make: Make) -> None:
    """Scores are finite, even those of extreme patches, and those of images that were learnt."""
    density = fitted(make)
    require_finite(_apply(density, probe("first")), "scores")
    require_finite(
        _apply(density, training("first")),
        "scores of images that were learnt, whose distance to what was learnt may be 0, or below by rounding",
    )


def outliers_score_higher(make: Make) -> None:
    """Anomalous patches score higher than normal ones in their place, and so do their images."""
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
    """Calling score before fit raises NotFitted."""
    require_not_fitted("score", lambda: make().score(probe("first")))


def preparing_changes_nothing(make: Make) -> None:
    """Prepares: state and scores are those of an instance that was not prepared, however often it is."""
    density = _preparing(make())
    fit(density)
    plain = fitted(make)
    state = written(density.state_dict())
    density.prepare()
    density.prepare()
    changed = difference(written(density.state_dict()), state)
    changed = changed or difference(
        scores_of(density.score(probe("first"))), scores_of(plain.score(probe("first")))
    )
    require(not changed, f"Expected prepare to leave state and scores as they are, found {changed}.")


def refuses_to_prepare_before_fit(make: Make) -> None:
    """Prepares: calling prepare before fit raises NotFitted."""
    density = _preparing(make())
    require_not_fitted("prepare", lambda: density.prepare())


def _preparing(part: Any) -> Any:
    if not isinstance(part, Prepares):
        raise NotApplicable("It does not prepare scoring (Prepares).")
    return part


def refuses_to_score_pyramids_before_fit(make: Make) -> None:
    """PyramidDensity: calling score_pyramid before fit raises NotFitted."""
    density = pyramids.able(make(), PyramidDensity)
    pyramid = pyramids.NESTED.pyramid(probe("first"))
    require_not_fitted("score_pyramid", lambda: density.score_pyramid(pyramid))


def forecast_covers_the_fitted_state(make: Make) -> None:
    """MemoryForecast: peak_bytes is a positive integer, and at least the size of the fitted state."""
    for data in (training("first"), *_smaller_data().values()):
        density = _fitted_forecasting(make, data)
        size, state = _sizes(data), _state_bytes(density)
        found = density.peak_bytes(**size)
        require(
            isinstance(found, int) and found > 0,
            f"Expected peak_bytes to return a positive integer for {size}, found {found!r}.",
        )
        require(
            found >= state - _BOOKKEEPING,
            f"Expected peak_bytes to be at least the {state} bytes of the fitted state for {size}, "
            f"found {found}.",
        )


def forecast_grows_with_the_data(make: Make) -> None:
    """MemoryForecast: peak_bytes never falls with more data, and rises if the fitted state grows with it."""
    whole = training("first")
    density = _fitted_forecasting(make, whole)
    for what, data in _smaller_data().items():
        few, many = _sizes(data), _sizes(whole)
        less, more = density.peak_bytes(**few), density.peak_bytes(**many)
        require(less <= more, f"Expected no fewer bytes for {many} than for {few}, found {more} < {less}.")
        # A constant part of the forecast may hide the growth of a small state.
        far = density.peak_bytes(**few | {what: _MANY * few[what]})
        state_grows = _state_bytes(_fitted_forecasting(make, data)) < _state_bytes(density)
        require(
            more > less or far > less or not state_grows,
            f"Expected more bytes for more {what}, with which the fitted state grows, found {less} for "
            f"{few[what]}, {many[what]} and {_MANY * few[what]} of them.",
        )


def _apply(density: DensityModel, embedding: Embedding) -> Result:
    return scores_of(density.score(embedding))


def _at_the_defect(scores: Scores) -> tuple[Tensor, Tensor]:
    """Return the mean score there and the score of the whole image, both copied."""
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


def _fitted_forecasting(make: Make, data: Embedding) -> Any:
    density = make()
    if not isinstance(density, MemoryForecast):
        raise NotApplicable("It is not a MemoryForecast.")
    return _fit(density, data)


def _fit(density: Any, data: Embedding) -> Any:
    density.fit(stream(data))
    return density


def _smaller_data() -> dict[str, Embedding]:
    """Return the first data set with fewer images, channels or positions, by what there are fewer of."""
    whole = training("first")
    return {
        "images": part_of(whole, 0, len(whole.patches) // 2),
        "channels": Embedding(whole.patches[:, : CHANNELS // 2].contiguous(), whole.descriptor),
        "positions": Embedding(whole.patches[:, :, : positions()[0] // 2].contiguous(), whole.descriptor),
    }


def _sizes(embedding: Embedding) -> dict[str, int]:
    images, channels, height, width = embedding.patches.shape
    return {"images": images, "channels": channels, "positions": height * width}


def _state_bytes(density: DensityModel) -> int:
    return sum(tensor.nbytes for tensor in density.state_dict().values())


DENSITY_CHECKS = (
    *checks(
        DensityModel,
        one_score_per_position,
        scores_are_finite,
        outliers_score_higher,
        refuses_to_score_before_fit,
    ),
    *checks_with(
        DensityModel,
        _apply,
        learning.training_data_matter,
        learning.descriptors_that_count_are_learnt,
        strengths.all_channels_are_scored,
        strengths.worse_defects_score_higher,
        strengths.anomalies_stand_out_beside_constant_channels,
        strengths.spread_of_all_batches_is_learnt,
        learning.large_means_do_not_matter,
        anomalies.known_anomalies_score_higher,
        anomalies.anomalies_without_masks_are_taken,
        anomalies.no_anomalies_are_a_fit,
        anomalies.second_fit_forgets_anomalies,
        anomalies.learnt_anomalies_are_stored,
        anomalies.anomalies_are_not_modified,
    ),
    *learner_checks(DensityModel, _apply),
    *checks(
        DensityModel,
        pyramids.pyramids_equal_aligned_embeddings,
        pyramids.pyramids_are_not_modified,
        pyramids.second_pyramid_fit_forgets_the_first,
        pyramids.fit_on_pyramids_can_be_restored,
        refuses_to_score_pyramids_before_fit,
        preparing_changes_nothing,
        refuses_to_prepare_before_fit,
        left_out.left_out_scores_come_close_to_refits,
        left_out.left_out_images_are_told_by_their_number,
        left_out.leaving_out_leaves_everything_else_alone,
        left_out.refuses_to_leave_out_before_fit,
        exports.traced_scores_equal_scores,
        exports.refuses_to_be_traced_before_fit,
        forecast_covers_the_fitted_state,
        forecast_grows_with_the_data,
    ),
)
