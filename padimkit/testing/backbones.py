"""Checks of backbones."""

from typing import Any

import torch
from torch import Tensor

from padimkit.contracts import Backbone
from padimkit.testing import (
    devices,
    elsewhere,
    exports,
    history,
    imports,
    manners,
    parts,
    positions,
    threads,
    weights,
)
from padimkit.testing.answers import (
    ROUNDING,
    DataSet,
    Result,
    Usage,
    copied,
    difference,
    layout_of,
    left_alone,
    nothing_to_fit,
    require_finite,
    require_trainable,
    tensors_of,
)
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require
from padimkit.testing.inputs.images import pictures, plain
from padimkit.testing.states import can_be_written_down
from padimkit.values import Features

_DIM = 0.3
_SMALL = (32, 64)  # sides, of which the first is taken that the backbone takes
_MANY = 37  # images: no number of them that makes a chunk divides it
_LEAST_CHANGE = 0.05  # of the values of a layer; less is suspicious
_FAR_MORE = 10


def gives_maps_of_each_image(make: Make) -> None:
    """Features are float32: at least one layer with a map "b c h w", and optionally a descriptor "b e"."""
    images = pictures("first")
    features = make().extract(images)
    found = type(features).__name__
    require(isinstance(features, Features), f"Expected extract to return Features, found {found}.")
    require(len(features.maps) > 0, "Expected the map of at least one layer, found none.")
    for name, tensor in tensors_of(features).items():
        dimensions = 4 if name in features.maps else 2
        require(
            tensor.ndim == dimensions and len(tensor) == len(images) and tensor.numel() > 0,
            f'Expected {dimensions} dimensions of "{name}", the first of {len(images)} images, '
            f"found shape {tuple(tensor.shape)}.",
        )
        require(tensor.dtype == torch.float32, f'Expected "{name}" of torch.float32, found {tensor.dtype}.')


def finest_layer_comes_first(make: Make) -> None:
    """Layers are in order, the finest first: none has more positions than the one before it."""
    sizes = [feature_map.shape[2:] for feature_map in make().extract(pictures("first")).maps.values()]
    found = ", ".join(f"{height} x {width}" for height, width in sizes)
    positions = [size.numel() for size in sizes]
    require(positions == sorted(positions, reverse=True), f"Expected the finest layer first, found {found}.")


def layers_are_the_same_for_all_images(make: Make) -> None:
    """Names, channels and positions of the layers are the same for all images and batch sizes."""
    backbone = make()
    expected = layout_of(backbone.extract(pictures("first")))
    for images in (pictures("second", count=1), plain(0.0)):
        found = layout_of(backbone.extract(images))
        require(found == expected, f"Expected the layers {expected} for all images, found {found}.")


def features_are_finite(make: Make) -> None:
    """Features are finite, even those of black and white images."""
    backbone = make()
    for what, images in (("made-up", pictures("first")), ("black", plain(0.0)), ("white", plain(1.0))):
        require_finite(tensors_of(backbone.extract(images)), f"features of a {what} image")


def images_do_not_influence_each_other(make: Make) -> None:
    """Images get the same features alone as in a batch."""
    backbone, images = make(), pictures("first")
    images[1:] *= _DIM
    together = copied(tensors_of(backbone.extract(images.clone())))
    alone = tensors_of(backbone.extract(images[1:].clone()))
    changed = difference(alone, {name: tensor[1:] for name, tensor in together.items()}, relative=ROUNDING)
    require(
        not changed,
        f"Expected the same features for an image alone as in a batch, found {changed}. "
        "Is the network in evaluation mode?",
    )


def large_batches_are_taken_whole(make: Make) -> None:
    """Large batches give features of each image: the last one has those that it has alone."""
    backbone = make()
    for side in _SMALL:
        images = pictures("first", _MANY, (side, side))
        try:
            alone = copied(tensors_of(backbone.extract(images[-1:].clone())))
        except Exception:  # a stranger's network may raise anything where images are small
            continue
        together = tensors_of(backbone.extract(images))
        counts = {len(tensor) for tensor in together.values()}
        require(counts == {_MANY}, f"Expected maps of {_MANY} images, found {', '.join(map(str, counts))}.")
        changed = difference({n: one[-1:] for n, one in together.items()}, alone, relative=ROUNDING)
        require(
            not changed,
            f"Expected the last of {_MANY} images to have the same features as alone, found {changed}. Is "
            "the remainder left out where images are taken in chunks?",
        )
        return
    raise NotApplicable("It takes no small images, of which a large batch would be soon done.")


def pictures_are_taken_from_0_to_1(make: Make) -> None:
    """Pictures in [0, 1] differ in their features, and not only when they are 255 times as bright."""
    backbone = make()
    given = [pictures(data, 1) for data in ("first", "second")]
    try:
        bright = _relative_change(backbone, [255 * one for one in given])
    except Exception as error:  # a stranger's backbone may raise anything where images are too bright
        raise NotApplicable("It takes no images that are 255 times as bright.") from error
    for layer, change in _relative_change(backbone, given).items():
        require(
            change > _LEAST_CHANGE or _FAR_MORE * change > bright[layer],
            f'Expected different pictures in [0, 1] to differ in "{layer}", found that values change by '
            f"{change:.1%}, and by {bright[layer]:.0%} if pictures are 255 times as bright. Are values "
            "divided by 255 that are in [0, 1] already?",
        )


def _relative_change(backbone: Any, images: list[Tensor]) -> dict[str, float]:
    one, other = (copied(tensors_of(backbone.extract(image))) for image in images)
    return {
        layer: float((other[layer] - one[layer]).abs().mean() / one[layer].abs().mean().clamp(min=1e-12))
        for layer in one
    }


def different_images_have_different_features(make: Make) -> None:
    """Different images differ in every layer and in the descriptor."""
    backbone = make()
    first = copied(tensors_of(backbone.extract(pictures("first"))))
    for name, tensor in tensors_of(backbone.extract(pictures("second"))).items():
        same = torch.equal(first[name], tensor)
        require(not same, f'Expected "{name}" to depend on the image, found the same for two images.')


def input_is_not_modified(make: Make) -> None:
    """Images that are passed in stay unchanged."""
    images = pictures("first")
    with left_alone({"images": images}, "the images"):
        make().extract(images)


def features_carry_no_gradient(make: Make) -> None:
    """Features carry no gradient graph, which would keep every image in memory."""
    with torch.enable_grad():
        features = make().extract(pictures("first"))
    for name, tensor in tensors_of(features).items():
        require(not tensor.requires_grad, f'Expected "{name}" without gradient, found one that requires it.')


def features_can_be_trained_on(make: Make) -> None:
    """Densities that are trained can compute gradients from features, which inference mode prevents."""
    require_trainable(tensors_of(make().extract(pictures("first"))))


def _apply(backbone: Any, data: DataSet) -> Result:
    return tensors_of(backbone.extract(pictures(data)))


_USAGE = Usage(nothing_to_fit, _apply)


def _features_of_one(backbone: Any, number: int) -> Result:
    images = pictures("first" if number % 2 else "second")
    return tensors_of(backbone.extract(images[number // 2 :][:1]))


BACKBONE_CHECKS = (
    *checks(
        Backbone,
        gives_maps_of_each_image,
        finest_layer_comes_first,
        layers_are_the_same_for_all_images,
        features_are_finite,
        images_do_not_influence_each_other,
        large_batches_are_taken_whole,
        pictures_are_taken_from_0_to_1,
        different_images_have_different_features,
        positions.positions_are_those_of_the_image,
        positions.maps_are_not_shifted,
        positions.rectangles_give_maps_of_their_shape,
        weights.goes_without_weights,
        input_is_not_modified,
        history.images_are_known_by_their_content,
        history.earlier_shapes_do_not_matter,
        features_carry_no_gradient,
        features_can_be_trained_on,
    ),
    *checks_with(Backbone, _USAGE, parts.keeps_its_arguments),
    *checks(Backbone, manners.arguments_have_names, can_be_written_down),
    *checks_with(
        Backbone,
        _USAGE,
        weights.restored_weights_give_the_same_features,
        weights.restored_weights_need_no_file,
        weights.loaded_weights_are_used,
        weights.loading_leaves_the_weights_alone,
        weights.origin_of_weights_is_restored,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        history.earlier_use_does_not_matter,
        history.nothing_is_kept_of_what_is_seen,
        manners.leaves_the_program_alone,
        manners.writes_nothing_unasked,
        manners.no_results_are_kept,
        elsewhere.other_processes_give_the_same,
        parts.earlier_results_stay,
        parts.can_be_copied,
        parts.can_be_pickled,
    ),
    *checks_with(Backbone, _features_of_one, threads.features_from_threads_equal_features_in_turn),
    *checks(
        Backbone,
        imports.import_leaves_the_program_alone,  # late, as in the checks of learners
        exports.traced_features_equal_features,
        devices.can_be_moved_to_the_cpu,
        devices.backbone_moves_as_a_whole,
        devices.computes_on_cuda,
    ),
)
