"""Checks of mappers, which make anomaly maps and image scores of patch scores."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from padimkit.contracts import ExportableMapper, Mapper
from padimkit.errors import CannotExport
from padimkit.images.tiles import Axis
from padimkit.testing import elsewhere, exports, imports, manners, parts, rises, states, threads
from padimkit.testing.answers import (
    CUDA_ROUNDING,
    ROUNDING,
    DataSet,
    Result,
    Usage,
    copied,
    difference,
    left_alone,
    nothing_to_fit,
    require_finite,
)
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require
from padimkit.testing.inputs.scores import FINE, IMAGES, SIZE, left_part, levels_of, part_of, spotted
from padimkit.testing.rises import tensors_of
from padimkit.values import Prediction, Scores

_META = torch.device("meta")


def one_map_and_one_score_per_image(make: Make) -> None:
    """Predictions have a map of the size that is asked for and a score for each image, in float32."""
    mapper = make()
    for count, size in ((1, SIZE), (IMAGES, (91, 50))):
        found = mapper.predict([part_of(level, 0, count) for level in levels_of("first")], size)
        kind = type(found).__name__
        require(isinstance(found, Prediction), f"Expected predict to return a Prediction, found {kind}.")
        shapes = (tuple(found.anomaly_maps.shape), tuple(found.image_scores.shape))
        expected = ((count, *size), (count,))
        require(shapes == expected, f"Expected maps and image scores of {expected}, found {shapes}.")
        for tensor in (found.anomaly_maps, found.image_scores):
            require(tensor.dtype == torch.float32, f"Expected torch.float32, found {tensor.dtype}.")
            require(not tensor.requires_grad, "Expected no gradient, found a tensor that requires it.")


def maps_are_finite(make: Make) -> None:
    """Maps and image scores are finite, for equal scores and a single position too."""
    require_finite(_apply(make(), "first"), "predictions")
    for grid in (FINE, (1, 1)):
        require_finite(tensors_of(make().predict([Scores(torch.ones(2, *grid))], SIZE)), "predictions")


def defects_raise_the_image_score(make: Make) -> None:
    """Images with a defect get a higher score than the same images without it."""
    levels = levels_of("first")
    normal = make().predict(levels, SIZE).image_scores
    found = make().predict([spotted(levels[0], (2, 5)), levels[1]], SIZE).image_scores
    require(
        bool((found > normal).all()),
        f"Expected higher scores of images with a defect than {normal.tolist()}, found {found.tolist()}.",
    )


def image_scores_of_densities_count(make: Make) -> None:
    """What all levels say of an image is summed to its score; if one says nothing, the map decides."""
    levels = levels_of("first")
    own = [replace(level, images=torch.arange(IMAGES) + 10.0 ** (i + 1)) for i, level in enumerate(levels)]
    expected = sum((level.images for level in own if level.images is not None), torch.zeros(()))
    for region in (None, left_part()):
        found = make().predict(own, SIZE, None, region).image_scores
        changed = difference({"images": found}, {"images": expected}, relative=ROUNDING)
        require(not changed, f"Expected the sum of the image scores of all levels, found {changed}.")
    mixed = make().predict([own[0], levels[1]], SIZE).image_scores
    changed = difference(
        {"images": mixed}, {"images": make().predict(levels, SIZE).image_scores}, relative=ROUNDING
    )
    require(not changed, f"Expected the rule of the map if a level has no image scores, found {changed}.")


def batch_size_does_not_matter(make: Make) -> None:
    """Images get the same map and score alone as in a batch with others."""
    mapper, levels = make(), levels_of("first")
    together = tensors_of(mapper.predict(levels, SIZE))
    for index in range(IMAGES):
        alone = tensors_of(mapper.predict([part_of(level, index, index + 1) for level in levels], SIZE))
        expected = {name: tensor[index : index + 1] for name, tensor in together.items()}
        changed = difference(alone, expected, relative=ROUNDING)
        require(not changed, f"Expected the same for an image alone as in a batch, found {changed}.")


def input_is_not_modified(make: Make) -> None:
    """Scores that are passed in stay unchanged."""
    levels = levels_of("first")
    with left_alone({f"level {i}": level.patches for i, level in enumerate(levels)}, "the scores"):
        make().predict(levels, SIZE, None, left_part())


def traced_predictions_equal_predictions(make: Make) -> None:
    """ExportableMapper: a trace of the function gives the predictions for any number of images."""
    mapper: Mapper = make()
    if not isinstance(mapper, ExportableMapper):
        raise NotApplicable("It is not an ExportableMapper.")
    levels, region = levels_of("first"), left_part()
    try:
        function = mapper.traceable(levels, (Axis.whole(SIZE[0]), Axis.whole(SIZE[1])), region)
    except CannotExport as error:
        raise NotApplicable(str(error)) from error

    def tensors(*patches: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensors_of(function([Scores(one) for one in patches])).values())

    patches = [level.patches for level in levels]
    expected = tensors_of(make().predict(levels, SIZE, None, region))
    exports.require_same(exports.traced(tensors, [one[:2] for one in patches]), patches, expected)


def predictions_stay_on_the_device(make: Make) -> None:
    """Predictions are made on the device of the scores."""
    try:
        _predicted_on(_META, make())
    except (NotImplementedError, RuntimeError) as error:
        if "meta tensor" not in str(error):
            raise
        if not torch.cuda.is_available():
            raise NotApplicable("It reads values of scores, and there is no CUDA device here.") from error
    if torch.cuda.is_available():
        found = _predicted_on(torch.device("cuda", 0), make())
        expected = tensors_of(make().predict(levels_of("first"), SIZE))
        changed = difference(found, expected, relative=CUDA_ROUNDING)
        require(not changed, f"Expected the same on a GPU as on the CPU, found {changed}.")


def _predicted_on(device: torch.device, mapper: Mapper) -> Result:
    found = tensors_of(
        mapper.predict([Scores(level.patches.to(device)) for level in levels_of("first")], SIZE)
    )
    for name, tensor in found.items():
        require(tensor.device == device, f'Expected "{name}" on {device}, found it on {tensor.device}.')
    return found


def _apply(mapper: Mapper, data: DataSet) -> Result:
    return tensors_of(mapper.predict(levels_of(data), SIZE))


def _of_image(mapper: Mapper, number: int) -> Result:
    levels: Sequence[Scores] = [part_of(level, number, number + 1) for level in levels_of("first")]
    return copied(tensors_of(mapper.predict(levels, SIZE)))


_USAGE = Usage(nothing_to_fit, _apply)

MAP_CHECKS = (
    *checks(
        Mapper,
        one_map_and_one_score_per_image,
        maps_are_finite,
        rises.maps_are_high_where_scores_are,
        rises.scores_below_zero_count,
        rises.higher_scores_give_higher_maps,
        rises.maps_are_not_shifted,
        rises.borders_do_not_meet,
        rises.tiles_lie_in_their_places,
        defects_raise_the_image_score,
        image_scores_of_densities_count,
        rises.the_region_is_heeded,
        batch_size_does_not_matter,
        input_is_not_modified,
        manners.arguments_have_names,
        imports.import_leaves_the_program_alone,
        states.can_be_written_down,
        traced_predictions_equal_predictions,
        predictions_stay_on_the_device,
    ),
    *checks_with(
        Mapper,
        _USAGE,
        parts.keeps_its_arguments,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        manners.leaves_the_program_alone,
        manners.writes_nothing_unasked,
        manners.no_results_are_kept,
        elsewhere.other_processes_give_the_same,
        parts.earlier_results_stay,
        parts.can_be_copied,
        parts.can_be_pickled,
    ),
    *checks_with(Mapper, _of_image, threads.features_from_threads_equal_features_in_turn),
)
