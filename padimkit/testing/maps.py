"""Checks of mappers, which make anomaly maps and image scores of patch scores."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import ExportableMapper, Mapper
from padimkit.errors import CannotExport
from padimkit.images.resizing import Size
from padimkit.images.tiles import Axis
from padimkit.testing import elsewhere, exports, manners, parts, states, threads
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
from padimkit.testing.inputs.scores import FINE, IMAGES, SIZE, left_part, levels_of, part_of, scaled, spotted
from padimkit.values import Prediction, Scores

_SCALES = (1, 2, 4, 8, 16)  # of the made-up maps, which a wide smoothing would fill from edge to edge
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
        require_finite(_tensors(make().predict([Scores(torch.ones(2, *grid))], SIZE)), "predictions")


def maps_are_high_where_scores_are(make: Make) -> None:
    """A high score raises the map most where its position lies, for one level and among several."""
    mapper, levels = make(), levels_of("first")
    size = scaled(SIZE, _scale(mapper))
    for chosen, one in (([0], 0), ([0, 1], 0), ([0, 1], 1)):
        given = [levels[number] for number in chosen]
        place = len(given[one].patches[0]) // 6, 2 * given[one].patches.shape[2] // 3
        after = [spotted(level, place) if i == one else level for i, level in enumerate(given)]
        change = mapper.predict(after, size).anomaly_maps - mapper.predict(given, size).anomaly_maps
        rows, columns = given[one].patches.shape[1:]
        centre = _centre(place, (size[0] / rows, size[1] / columns))
        _require_peak(change, centre, (size[0] / rows, size[1] / columns))


def tiles_lie_in_their_places(make: Make) -> None:
    """A high score in a tile raises the map where that tile lies, and maps are as large as the image."""
    mapper = make()
    tiled = _tiled(_scale(mapper))
    size = (tiled[0].length, tiled[1].length)
    level = Scores(torch.rand(2, 2 * 5, 2 * 8, generator=torch.Generator().manual_seed(7)))
    step = (tiled[0].side / 5, tiled[1].side / 8)
    before = mapper.predict([level], size, tiled).anomaly_maps
    require(before.shape[1:] == size, f"Expected maps of {size}, found {tuple(before.shape[1:])}.")
    for row, column in ((0, 1), (1, 0), (1, 1)):
        place = (1 if row else 3, 1 if column else 5)  # within a tile, where it overlaps with others
        after = mapper.predict([spotted(level, (5 * row + place[0], 8 * column + place[1]))], size, tiled)
        down, across = _centre(place, step)
        centre = (tiled[0].starts[row] + down, tiled[1].starts[column] + across)
        _require_peak(after.anomaly_maps - before, centre, step, near=0.7)


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


def the_region_is_heeded(make: Make) -> None:
    """Maps are 0 outside the region of interest, and what lies there does not change an image's score."""
    mapper, levels = make(), levels_of("first")
    scale = _scale(mapper)
    size, region = scaled(SIZE, scale), left_part(scale)
    found = mapper.predict(levels, size, None, region)
    outside = float(found.anomaly_maps[:, ~region].abs().max())
    require(outside == 0, f"Expected maps of 0 outside the region, found values up to {outside:.3g}.")
    other = mapper.predict([spotted(levels[0], (2, 7)), levels[1]], size, None, region)
    changed = difference(_tensors(other), _tensors(found), relative=ROUNDING)
    require(not changed, f"Expected no change by a defect outside the region, found {changed}.")


def batch_size_does_not_matter(make: Make) -> None:
    """Images get the same map and score alone as in a batch with others."""
    mapper, levels = make(), levels_of("first")
    together = _tensors(mapper.predict(levels, SIZE))
    for index in range(IMAGES):
        alone = _tensors(mapper.predict([part_of(level, index, index + 1) for level in levels], SIZE))
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
        return tuple(_tensors(function([Scores(one) for one in patches])).values())

    patches = [level.patches for level in levels]
    expected = _tensors(make().predict(levels, SIZE, None, region))
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
        expected = _tensors(make().predict(levels_of("first"), SIZE))
        changed = difference(found, expected, relative=CUDA_ROUNDING)
        require(not changed, f"Expected the same on a GPU as on the CPU, found {changed}.")


def _predicted_on(device: torch.device, mapper: Mapper) -> Result:
    found = _tensors(mapper.predict([Scores(level.patches.to(device)) for level in levels_of("first")], SIZE))
    for name, tensor in found.items():
        require(tensor.device == device, f'Expected "{name}" on {device}, found it on {tensor.device}.')
    return found


def _scale(mapper: Mapper) -> int:
    """Return how many times larger maps must be than `SIZE` for a defect to be seen in one place of them.

    Smoothing has a width in pixels. If a defect stands out twice as far in a much larger map, smoothing has
    filled this one, and its highest pixel lies wherever the edges are.
    """
    highest = _rise(mapper, scaled(SIZE, _SCALES[-1]))
    roomy = (scale for scale in _SCALES if _rise(mapper, scaled(SIZE, scale)) > 0.5 * highest)
    return next(roomy, _SCALES[-1])


def _rise(mapper: Mapper, size: Size) -> float:
    """Return how far a defect raises the highest pixel."""
    (level, _), place = levels_of("first"), (2, 5)
    pair = [part_of(one, 0, 1) for one in (level, spotted(level, place))]
    before, after = (mapper.predict([one], size).anomaly_maps for one in pair)
    return float((after - before).max())


def _tiled(scale: int) -> tuple[Axis, Axis]:
    """Return two by two tiles, unlike in both directions."""
    return Axis.covered(84 * scale, 60 * scale, 36 * scale), Axis.covered(108 * scale, 72 * scale, 36 * scale)


def _centre(place: tuple[int, int], step: tuple[float, float]) -> tuple[float, float]:
    return (place[0] + 0.5) * step[0], (place[1] + 0.5) * step[1]


def _require_peak(
    change: Float[Tensor, "b H W"],
    centre: tuple[float, float],
    step: tuple[float, float],
    near: float = 1.0,
) -> None:
    """Require the map to rise, and most near where it should, measured in positions."""
    highest = change.mean(0)
    row, column = divmod(int(highest.argmax()), highest.shape[1])
    off = abs(row + 0.5 - centre[0]) / step[0], abs(column + 0.5 - centre[1]) / step[1]
    require(
        max(off) <= near and float(highest.max()) > 0,
        f"Expected the map to rise most around row {centre[0]:.0f} and column {centre[1]:.0f}, found a rise "
        f"of {float(highest.max()):.3g} in row {row} and column {column}. Are height and width mixed up?",
    )


def _tensors(prediction: Prediction) -> Result:
    return {"maps": prediction.anomaly_maps, "images": prediction.image_scores}


def _apply(mapper: Mapper, data: DataSet) -> Result:
    return _tensors(mapper.predict(levels_of(data), SIZE))


def _of_image(mapper: Mapper, number: int) -> Result:
    levels: Sequence[Scores] = [part_of(level, number, number + 1) for level in levels_of("first")]
    return copied(_tensors(mapper.predict(levels, SIZE)))


_USAGE = Usage(nothing_to_fit, _apply)

MAP_CHECKS = (
    *checks(
        Mapper,
        one_map_and_one_score_per_image,
        maps_are_finite,
        maps_are_high_where_scores_are,
        tiles_lie_in_their_places,
        defects_raise_the_image_score,
        image_scores_of_densities_count,
        the_region_is_heeded,
        batch_size_does_not_matter,
        input_is_not_modified,
        manners.arguments_have_names,
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
        elsewhere.other_processes_give_the_same,
        parts.earlier_results_stay,
        parts.can_be_copied,
        parts.can_be_pickled,
    ),
    *checks_with(Mapper, _of_image, threads.features_from_threads_equal_features_in_turn),
)
