"""Checks of backbones."""

from typing import Any

import torch
from torch import Tensor

from padimkit.contracts import Backbone, NeedsWeights, Stateful
from padimkit.errors import BadShape
from padimkit.testing import parts, threads
from padimkit.testing.answers import (
    CUDA_ROUNDING,
    ROUNDING,
    Result,
    Usage,
    copied,
    difference,
    left_alone,
    nothing_to_fit,
    require_finite,
)
from padimkit.testing.check import (
    Make,
    NotApplicable,
    checks,
    checks_with,
    described,
    require,
)
from padimkit.testing.inputs.images import RECTANGLE, pictures, plain, with_other_corner
from padimkit.testing.states import can_be_written_down, written
from padimkit.values import Features

_CORNER = "upper right"


def gives_maps_of_each_image(make: Make) -> None:
    """Features are float32: at least one layer with a map "b c h w", and optionally a descriptor "b e"."""
    images = pictures("first")
    features = make().extract(images)
    found = type(features).__name__
    require(isinstance(features, Features), f"Expected extract to return Features, found {found}.")
    require(len(features.maps) > 0, "Expected the map of at least one layer, found none.")
    for name, tensor in _tensors(features).items():
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
    expected = _layout(backbone.extract(pictures("first")))
    for images in (pictures("second", count=1), plain(0.0)):
        found = _layout(backbone.extract(images))
        require(found == expected, f"Expected the layers {expected} for all images, found {found}.")


def features_are_finite(make: Make) -> None:
    """Features are finite, even those of black and white images."""
    backbone = make()
    for what, images in (("made-up", pictures("first")), ("black", plain(0.0)), ("white", plain(1.0))):
        require_finite(_tensors(backbone.extract(images)), f"features of a {what} image")


def images_do_not_influence_each_other(make: Make) -> None:
    """Images get the same features alone as in a batch."""
    backbone = make()
    together = copied(_tensors(backbone.extract(pictures("first"))))
    alone = _tensors(backbone.extract(pictures("first")[1:]))
    changed = difference(alone, {name: tensor[1:] for name, tensor in together.items()}, relative=ROUNDING)
    require(
        not changed,
        f"Expected the same features for an image alone as in a batch, found {changed}. "
        "Is the network in evaluation mode?",
    )


def different_images_have_different_features(make: Make) -> None:
    """Different images differ in every layer and in the descriptor."""
    backbone = make()
    first = copied(_tensors(backbone.extract(pictures("first"))))
    for name, tensor in _tensors(backbone.extract(pictures("second"))).items():
        same = torch.equal(first[name], tensor)
        require(not same, f'Expected "{name}" to depend on the image, found the same for two images.')


def positions_are_those_of_the_image(make: Make) -> None:
    """Changes in a corner of the image change that corner of the finest map most."""
    most = _most_changed_corner(make(), pictures("first"))
    require(
        most == _CORNER,
        f"Expected a change in the {_CORNER} corner of the image to change the map there, found that it "
        f'changes the {most} corner. Are height and width mixed up in the shape "b c h w"?',
    )


def rectangles_give_maps_of_their_shape(make: Make) -> None:
    """Images of odd sides that are wider than high give maps like those of squares, or raise BadShape."""
    backbone = make()
    if _most_changed_corner(backbone, pictures("first")) != _CORNER:
        raise NotApplicable("It mixes up the positions of square images already.")
    images, size = pictures("first", size=RECTANGLE), " x ".join(map(str, RECTANGLE))
    try:
        most = _most_changed_corner(backbone, images)
    except BadShape:
        raise NotApplicable(f"It does not take images of {size} pixels.") from None
    except NotApplicable:
        raise
    except Exception as error:
        require(False, f"Expected maps of images of {size} pixels, or BadShape, found {described(error)}")
    height, width = _finest(backbone.extract(images)).shape[2:]
    require(
        height <= width and most == _CORNER,
        f"Expected maps of images of {size} pixels that are not higher than wide, with each position in its "
        f"place, found {height} x {width} and that a change in the {_CORNER} corner changes the {most} one.",
    )


def _most_changed_corner(backbone: Any, images: Tensor) -> str:
    """Return the corner of the finest map that changes most with the upper right corner of the images."""
    after = _finest(backbone.extract(with_other_corner(images))).clone()
    change = (after - _finest(backbone.extract(images))).abs().mean((0, 1))
    height, width = change.shape[0] // 2, change.shape[1] // 2
    if not (height and width):
        raise NotApplicable("Its finest map has one row or column.")
    corners = {
        "upper left": change[:height, :width],
        _CORNER: change[:height, -width:],
        "lower left": change[-height:, :width],
        "lower right": change[-height:, -width:],
    }
    return max(corners, key=lambda corner: float(corners[corner].mean()))


def goes_without_weights(make: Make) -> None:
    """NeedsWeights: without weights, maps have the names and shapes that they have with them."""
    if not isinstance(make(), NeedsWeights):
        raise NotApplicable("It reads no weights (NeedsWeights).")
    backbone, without = make(), make()
    backbone.require_weights()
    without.go_without_weights()
    without.require_weights()
    expected, found = (_layout(part.extract(pictures("first"))) for part in (backbone, without))
    require(found == expected, f"Expected the layers {expected} without weights too, found {found}.")


def input_is_not_modified(make: Make) -> None:
    """Images that are passed in stay unchanged."""
    images = pictures("first")
    with left_alone({"images": images}, "the images"):
        make().extract(images)


def features_carry_no_gradient(make: Make) -> None:
    """Features carry no gradient graph, which would keep every image in memory."""
    with torch.enable_grad():
        features = make().extract(pictures("first"))
    for name, tensor in _tensors(features).items():
        require(not tensor.requires_grad, f'Expected "{name}" without gradient, found one that requires it.')


def can_be_moved_to_the_cpu(make: Make) -> None:
    """Moving a backbone to the CPU changes nothing if it is there already."""
    backbone = make()
    before = copied(_tensors(backbone.extract(pictures("first"))))
    backbone.to(torch.device("cpu"))
    after = _tensors(backbone.extract(pictures("first")))
    changed = difference(after, before, relative=ROUNDING)
    require(not changed, f"Expected the same features after moving it to the CPU, found {changed}.")


def computes_on_cuda(make: Make) -> None:
    """Backbones moved to a GPU give features there, equal to those on the CPU."""
    if not torch.cuda.is_available():
        raise NotApplicable("There is no CUDA device here.")
    computes_on(torch.device("cuda", 0), make)


def computes_on(device: torch.device, make: Make) -> None:
    """Move a backbone to a device, and compare its features there with those on the CPU."""
    backbone, images = make(), pictures("first")
    before = _tensors(backbone.extract(images))
    backbone.to(device)
    there = _tensors(backbone.extract(images.to(device)))
    for name, tensor in there.items():
        require(tensor.device == device, f'Expected "{name}" on {device}, found it on {tensor.device}.')
    changed = difference(there, before, relative=CUDA_ROUNDING)
    require(not changed, f"Expected the same features on {device} as on the CPU, found {changed}.")


def _tensors(features: Features) -> Result:
    return features.maps | ({} if features.descriptor is None else {"its descriptor": features.descriptor})


def _finest(features: Features) -> Tensor:
    if not features.maps:
        raise NotApplicable("It has no maps.")
    return next(iter(features.maps.values())).detach()


def _layout(features: Features) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape[1:]) for name, tensor in _tensors(features).items()}


_USAGE = Usage(nothing_to_fit, lambda backbone, data: _tensors(backbone.extract(pictures(data))))


def restored_weights_give_the_same_features(make: Make, usage: Usage) -> None:
    """Stateful: weights saved to a safetensors file and loaded by a fresh instance give the same features."""
    backbone, restored = _stateful(make()), make()
    restored.load_state_dict(written(backbone.state_dict()))
    changed = difference(usage.apply(restored, "first"), usage.apply(backbone, "first"))
    require(not changed, f"Expected the same features bit for bit from restored weights, found {changed}.")


def loaded_weights_are_used(make: Make, usage: Usage) -> None:
    """Stateful: loaded weights replace those that the arguments name."""
    backbone = _stateful(make())
    before = usage.apply(backbone, "first")
    state = _altered(written(backbone.state_dict()))
    backbone.load_state_dict(copied(state))
    changed = difference(backbone.state_dict(), state)
    require(not changed, f"Expected state_dict to return the loaded weights, found {changed}.")
    same = not difference(usage.apply(backbone, "first"), before)
    require(not same, "Expected other features with other weights, found the same.")


def loading_leaves_the_weights_alone(make: Make, usage: Usage) -> None:
    """Stateful: tensors passed to load_state_dict stay unchanged."""
    backbone = _stateful(make())
    state = written(backbone.state_dict())
    with left_alone(state, "the weights given to load_state_dict"):
        backbone.load_state_dict(state)
        usage.apply(backbone, "first")


def _stateful(backbone: Any) -> Any:
    if not isinstance(backbone, Stateful):
        raise NotApplicable("It is not Stateful.")
    return backbone


def _altered(state: Result) -> Result:
    return {name: 1.01 * tensor if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _features_of_one(backbone: Any, number: int) -> Result:
    images = pictures("first" if number % 2 else "second")
    return _tensors(backbone.extract(images[number // 2 :][:1]))


BACKBONE_CHECKS = (
    *checks(
        Backbone,
        gives_maps_of_each_image,
        finest_layer_comes_first,
        layers_are_the_same_for_all_images,
        features_are_finite,
        images_do_not_influence_each_other,
        different_images_have_different_features,
        positions_are_those_of_the_image,
        rectangles_give_maps_of_their_shape,
        goes_without_weights,
        input_is_not_modified,
        features_carry_no_gradient,
    ),
    *checks_with(Backbone, _USAGE, parts.keeps_its_arguments),
    *checks(Backbone, can_be_written_down),
    *checks_with(
        Backbone,
        _USAGE,
        restored_weights_give_the_same_features,
        loaded_weights_are_used,
        loading_leaves_the_weights_alone,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        parts.earlier_results_stay,
        parts.can_be_copied,
        parts.can_be_pickled,
    ),
    *checks_with(Backbone, _features_of_one, threads.features_from_threads_equal_features_in_turn),
    *checks(Backbone, can_be_moved_to_the_cpu, computes_on_cuda),
)
