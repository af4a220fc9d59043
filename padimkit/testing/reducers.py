"""Checks of reducers."""

from dataclasses import replace

import torch

from padimkit.contracts import Reducer
from padimkit.errors import NotFitted
from padimkit.testing import exports, pyramids
from padimkit.testing.answers import ROUNDING, Result, difference, require_finite, require_trainable
from padimkit.testing.check import Make, NotApplicable, checks, described, require
from padimkit.testing.inputs.embeddings import CHANNELS, fitted, part_of, positions, probe, tensors_of
from padimkit.testing.learners import learner_checks
from padimkit.values import Embedding

_DEFECT = 10.0  # above all that is normal


def keeps_images_and_positions(make: Make) -> None:
    """Reduced patches are float32, of the same images and positions."""
    reducer = fitted(make)
    for count in (1, 4):
        reduced = reducer.transform(part_of(probe("first"), 0, count))
        found = type(reduced).__name__
        require(isinstance(reduced, Embedding), f"Expected transform to return an Embedding, found {found}.")
        images, _, height, width = reduced.patches.shape
        require(
            (images, height, width) == (count, *positions()),
            f"Expected {count} images of {positions()[0]} x {positions()[1]} positions, found {images} of "
            f"{height} x {width}.",
        )
        dtype = reduced.patches.dtype
        require(dtype == torch.float32, f"Expected patches of torch.float32, found {dtype}.")


def adds_no_channels(make: Make) -> None:
    """Reduced embeddings have at least one channel, and no more channels than before."""
    channels = fitted(make).transform(probe("first")).patches.shape[1]
    require(1 <= channels <= CHANNELS, f"Expected 1 to {CHANNELS} channels, found {channels}.")


def embeddings_are_finite(make: Make) -> None:
    """Reduced embeddings are finite."""
    require_finite(_apply(fitted(make), probe("first")), "embeddings")


def descriptor_is_left_as_it_is(make: Make) -> None:
    """Descriptors stay unchanged; if there was none, there is none afterwards."""
    reducer, unseen = fitted(make), probe("first")
    found = reducer.transform(unseen).descriptor
    require(
        found is not None and unseen.descriptor is not None and torch.equal(found, unseen.descriptor),
        "Expected the descriptor to stay unchanged, found another, or none.",
    )
    found = reducer.transform(Embedding(unseen.patches)).descriptor
    require(found is None, "Expected no descriptor where none was given, found one.")


def different_patches_stay_different(make: Make) -> None:
    """Defects are still visible after the reduction, and worse ones differ from others."""
    reducer = fitted(make)
    normal, defective = probe("first").patches.chunk(2)  # the same images without and with a defect
    found = [
        reducer.transform(Embedding(normal + times * (defective - normal))).patches for times in (0, 1, 8, 16)
    ]
    require(
        not torch.equal(found[0], found[1]),
        "Expected normal and anomalous patches to differ after the reduction, found them equal.",
    )
    require(
        not (torch.equal(found[2], found[3]) and bool(found[3].isfinite().all())),
        "Expected patches of worse defects to differ after the reduction, found them equal. Are values "
        "clipped?",
    )


def far_patches_do_not_matter(make: Make) -> None:
    """Defects in one corner of an image leave patches far from it as they are."""
    reducer, normal = fitted(make), part_of(probe("first"), 0, 3)
    height, width = normal.patches.shape[2:]
    patches = normal.patches.clone()
    patches[:, :, :1, :1] += _DEFECT
    before, after = (
        reducer.transform(replace(normal, patches=one)).patches for one in (normal.patches, patches)
    )
    if before.shape[2:] != (height, width):
        raise NotApplicable("Its results have other positions anyway.")
    for where, rows, columns in (
        ("the row", slice(0, 1), slice(width - 1, width)),
        ("the column", slice(height - 1, height), slice(0, 1)),
        ("no row or column", slice(height - 1, height), slice(width - 1, width)),
    ):
        changed = difference(
            {"patches": after[:, :, rows, columns]},
            {"patches": before[:, :, rows, columns]},
            relative=ROUNDING,
        )
        require(
            not changed,
            f"Expected patches far from a defect to stay as they are, found {changed} at the other end, in "
            f"{where} of the defect. Is something normalised over positions in place of channels?",
        )


def embeddings_can_be_trained_on(make: Make) -> None:
    """Densities that are trained can compute gradients from embeddings, which inference mode prevents."""
    require_trainable(_apply(fitted(make), probe("first")))


def refuses_to_transform_before_fit(make: Make) -> None:
    """Calling transform before fit raises NotFitted, or gives the result it gives after fit."""
    reducer = make()
    try:
        before = _apply(reducer, probe("first"))
    except NotFitted:
        return
    except Exception as error:  # without what fit would have set, a stranger's class may raise anything
        require(False, f"Expected transform to raise NotFitted before fit, found {described(error)}")
    changed = difference(before, _apply(fitted(make), probe("first")), relative=ROUNDING)
    require(
        not changed,
        f"Expected transform before fit to raise NotFitted, or to give the result it gives after fit, found "
        f"{changed}.",
    )


def _apply(reducer: Reducer, embedding: Embedding) -> Result:
    return tensors_of(reducer.transform(embedding))


REDUCER_CHECKS = (
    *checks(
        Reducer,
        keeps_images_and_positions,
        adds_no_channels,
        embeddings_are_finite,
        embeddings_can_be_trained_on,
        descriptor_is_left_as_it_is,
        different_patches_stay_different,
        far_patches_do_not_matter,
        refuses_to_transform_before_fit,
    ),
    *learner_checks(Reducer, _apply),
    *checks(
        Reducer,
        pyramids.aligning_last_equals_transform,
        pyramids.transform_pyramid_equals_transform,
        pyramids.learning_from_pyramids_equals_fit,
        pyramids.learning_from_pyramids_forgets_earlier_fits,
        pyramids.reduction_of_pyramids_can_be_restored,
        pyramids.pyramids_that_are_learnt_are_not_modified,
        exports.traced_reduction_equals_transform,
    ),
)
