"""Checks of levels, which divide the feature maps of a backbone into embeddings."""

from itertools import chain

import torch
from torch import Tensor

from padimkit.contracts import Exportable, Levels
from padimkit.testing import elsewhere, exports, imports, manners, parts, states, threads
from padimkit.testing.answers import (
    ROUNDING,
    DataSet,
    Result,
    Usage,
    copied,
    difference,
    left_alone,
    nothing_to_fit,
    require_finite,
    tensors_of,
)
from padimkit.testing.check import Make, checks, checks_with, require
from padimkit.values import Features, Pyramid

# The layers of the made-up features, with their channels; levels that choose layers are checked with these.
_LAYERS = {"fine": 3, "middle": 5, "coarse": 7}
_GRIDS = ((12, 20), (6, 10), (3, 5))  # positions, not square
_ODD = ((11, 7), (6, 4), (3, 2))
_IMAGES = 4
_NEAR = 0.12  # of the height and of the width
_META = torch.device("meta")


def gives_embeddings_by_name(make: Make) -> None:
    """There is one embedding at least; each has a name without "/" and float32 maps, the finest first."""
    found = make().split(_features("first"))
    kind = type(found).__name__
    require(isinstance(found, dict) and len(found) > 0, f"Expected embeddings by name, found {kind}.")
    for name, pyramid in found.items():
        expected = f'Expected "{name}" to be'
        require(isinstance(name, str) and bool(name) and "/" not in name, f'{expected} a name without "/".')
        require(isinstance(pyramid, Pyramid), f"{expected} a Pyramid, found {type(pyramid).__name__}.")
        shapes = [tuple(one.shape) for one in pyramid.maps]
        right = all(len(shape) == 4 and shape[0] == _IMAGES and min(shape) > 0 for shape in shapes)
        require(bool(shapes) and right, f"{expected} maps of {_IMAGES} images, found shapes {shapes}.")
        areas = [shape[2] * shape[3] for shape in shapes]
        require(areas == sorted(areas, reverse=True), f"{expected} maps, the finest first, found {shapes}.")
        for one in pyramid.maps:
            require(one.dtype == torch.float32, f"{expected} of torch.float32, found {one.dtype}.")


def embeddings_are_finite(make: Make) -> None:
    """Embeddings of finite feature maps are finite, of constant ones too."""
    require_finite(_apply(make(), "first"), "embeddings")
    plain = {name: torch.ones_like(maps) for name, maps in _features("first").maps.items()}
    require_finite(_tensors(make().split(Features(plain))), "embeddings")


def names_do_not_depend_on_the_images(make: Make) -> None:
    """Other images, a single one and images of another size give embeddings with the same channels."""
    levels, expected = make(), _channels(make().split(_features("first")))
    for other in (_features("second"), _part(_features("first"), 1, 2), _features("first", _ODD)):
        found = _channels(levels.split(other))
        require(found == expected, f"Expected the embeddings and channels {expected}, found {found}.")


def changes_lie_where_they_are_in_the_features(make: Make) -> None:
    """Features that change in one place change embeddings there, not in a mirrored or turned place."""
    levels, features = make(), _features("first")
    before, after = levels.split(features), levels.split(_changed(features))
    moved = [
        (name, (after[name].embedding().patches - pyramid.embedding().patches).abs().mean((0, 1)))
        for name, pyramid in before.items()
    ]
    require(any(float(change.max()) > 0 for _, change in moved), "Expected a change, found none.")
    for name, change in moved:
        if min(change.shape) < 3 or float(change.max()) == 0:
            continue
        rows, columns = ((torch.arange(side) + 0.5) / side for side in change.shape)
        centre = (float((change.sum(1) * rows).sum()), float((change.sum(0) * columns).sum()))
        down, across = (value / float(change.sum()) for value in centre)
        require(
            max(abs(down - 0.5), abs(across - 0.7)) < _NEAR,
            f'Expected "{name}" to change around 0.5 of the height and 0.7 of the width, found {down:.2f} '
            f"and {across:.2f}. Are height and width mixed up?",
        )


def descriptors_go_with_each_embedding(make: Make) -> None:
    """Each embedding has the descriptor of the images, or none if there is none."""
    features = _features("first")
    for name, pyramid in make().split(features).items():
        same = pyramid.descriptor is not None and torch.equal(pyramid.descriptor, _descriptor(features))
        require(same, f'Expected the descriptor of the images with "{name}", found another, or none.')
    for name, pyramid in make().split(Features(features.maps)).items():
        require(pyramid.descriptor is None, f'Expected no descriptor with "{name}", found one.')


def batch_size_does_not_matter(make: Make) -> None:
    """Images get the same embeddings alone as in a batch with others."""
    levels = make()
    together = _apply(levels, "first")
    for index in range(_IMAGES):
        alone = _of_image(levels, index)
        expected = {name: tensor[index : index + 1] for name, tensor in together.items()}
        changed = difference(alone, expected, relative=ROUNDING)
        require(not changed, f"Expected the same for an image alone as in a batch, found {changed}.")


def input_is_not_modified(make: Make) -> None:
    """Feature maps that are passed in stay unchanged."""
    features = _features("first")
    with left_alone(tensors_of(features), "the feature maps"):
        make().split(features)


def traced_embeddings_equal_embeddings(make: Make) -> None:
    """A trace of the division gives the embeddings of any number of images."""
    levels, features = make(), _features("first")
    split = levels.traceable() if isinstance(levels, Exportable) else levels.split
    names = list(features.maps)

    def tensors(descriptor: Tensor, *maps: Tensor) -> tuple[Tensor, ...]:
        return tuple(_tensors(split(Features(dict(zip(names, maps, strict=True)), descriptor))).values())

    inputs = [_descriptor(features), *features.maps.values()]
    found = exports.traced(tensors, [one[:2] for one in inputs])
    exports.require_same(found, inputs, _apply(levels, "first"))


def embeddings_stay_on_the_device(make: Make) -> None:
    """Embeddings are made on the device of the feature maps."""
    features = _features("first")
    there = {name: maps.to(_META) for name, maps in features.maps.items()}
    for name, tensor in _tensors(make().split(Features(there, _descriptor(features).to(_META)))).items():
        require(tensor.device == _META, f'Expected "{name}" on {_META}, found it on {tensor.device}.')


def _features(data: DataSet, grids: tuple[tuple[int, int], ...] = _GRIDS) -> Features:
    generator = torch.Generator().manual_seed(1 if data == "first" else 2)
    layers = zip(_LAYERS.items(), grids, strict=True)
    maps = {name: torch.randn(_IMAGES, c, *grid, generator=generator) for (name, c), grid in layers}
    return Features(maps, torch.randn(_IMAGES, 6, generator=generator))


def _descriptor(features: Features) -> Tensor:
    assert features.descriptor is not None
    return features.descriptor


def _part(features: Features, start: int, stop: int) -> Features:
    maps = {name: one[start:stop] for name, one in features.maps.items()}
    return Features(maps, _descriptor(features)[start:stop])


def _changed(features: Features) -> Features:
    """Return features that differ in the middle of the height, right of the middle of the width."""
    maps = {name: one.clone() for name, one in features.maps.items()}
    for one in maps.values():
        height, width = one.shape[2:]
        one[:, :, height // 3 : 2 * height // 3, 3 * width // 5 : 4 * width // 5] += 10
    return Features(maps, features.descriptor)


def _channels(pyramids: dict[str, Pyramid]) -> dict[str, list[int]]:
    return {name: [one.shape[1] for one in pyramid.maps] for name, pyramid in pyramids.items()}


def _tensors(pyramids: dict[str, Pyramid]) -> Result:
    maps = ((f"{name} {i}", one) for name, p in pyramids.items() for i, one in enumerate(p.maps))
    described = ((f"{name} descriptor", p.descriptor) for name, p in pyramids.items())
    return {name: tensor for name, tensor in chain(maps, described) if tensor is not None}


def _apply(levels: Levels, data: DataSet) -> Result:
    return _tensors(levels.split(_features(data)))


def _of_image(levels: Levels, number: int) -> Result:
    return copied(_tensors(levels.split(_part(_features("first"), number, number + 1))))


_USAGE = Usage(nothing_to_fit, _apply)

LEVELS_CHECKS = (
    *checks(
        Levels,
        gives_embeddings_by_name,
        embeddings_are_finite,
        names_do_not_depend_on_the_images,
        changes_lie_where_they_are_in_the_features,
        descriptors_go_with_each_embedding,
        batch_size_does_not_matter,
        input_is_not_modified,
        manners.arguments_have_names,
        imports.import_leaves_the_program_alone,
        states.can_be_written_down,
        traced_embeddings_equal_embeddings,
        embeddings_stay_on_the_device,
    ),
    *checks_with(
        Levels,
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
    *checks_with(Levels, _of_image, threads.features_from_threads_equal_features_in_turn),
)
