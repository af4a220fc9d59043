"""Checks of positions: every place of the maps of a backbone lies where it does in the image.

They stand apart from the other checks of backbones, since they ask for places and not for values.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import BadShape
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.images import (
    RECTANGLE,
    WIDE,
    pictures,
    with_other_corner,
    with_other_square,
)
from padimkit.values import Features

_CORNER = "upper right"
_SHIFT = 0.7  # positions; strides move the maps of many networks by less than half of one
_PIXELS = 5  # of finer maps: kernels that are not symmetric move their changes


def positions_are_those_of_the_image(make: Make) -> None:
    """Changes in a corner of the image change that corner of each map most."""
    for layer, most, _ in _most_changed_corners(make(), pictures("first")):
        require(
            most == _CORNER,
            f"Expected a change in the {_CORNER} corner of the image to change the map there, found that it "
            f'changes the {most} corner of "{layer}". Are height and width mixed up in the shape "b c h w"?',
        )


def maps_are_not_shifted(make: Make) -> None:
    """Changes in two places that are opposite each other in the image change opposite places of each map."""
    backbone, images = make(), pictures("first")
    before = _maps(backbone.extract(images))
    one, other = (
        _maps(backbone.extract(with_other_square(images, turned=turned))) for turned in (False, True)
    )
    for layer, maps in before.items():
        height, width = maps.shape[2:]
        if min(height, width) < 4:
            continue
        centres = [_centre((changed[layer] - maps).abs().mean((0, 1))) for changed in (one, other)]
        shift = (torch.stack(centres).sum(0) - torch.tensor([height - 1.0, width - 1.0])) / 2
        require(
            bool((shift.abs() < max(_SHIFT, _PIXELS * height / images.shape[2])).all()),
            f'Expected maps that lie over the image, found "{layer}" shifted by {shift[0]:.1f} rows and '
            f"{shift[1]:.1f} columns of {height} x {width}.",
        )


def rectangles_give_maps_of_their_shape(make: Make) -> None:
    """Images of other sizes, wider than high, give maps like those of squares, or raise BadShape."""
    backbone = make()
    if any(most != _CORNER for _, most, _ in _most_changed_corners(backbone, pictures("first"))):
        raise NotApplicable("It mixes up the positions of square images already.")
    taken = [size for size in (RECTANGLE, WIDE) if _takes(backbone, size)]
    if not taken:
        raise NotApplicable("It takes images of one size only.")


def _takes(backbone: Any, size: tuple[int, int]) -> bool:
    words = " x ".join(map(str, size))
    try:
        corners = list(_most_changed_corners(backbone, pictures("first", size=size)))
    except BadShape:
        return False
    except NotApplicable:
        raise
    except Exception as error:  # a stranger's network may raise anything where sides are odd
        require(False, f"Expected maps of images of {words} pixels, or BadShape, found {described(error)}")
    for layer, most, (height, width) in corners:
        require(
            height <= width and most == _CORNER,
            f"Expected maps of images of {words} pixels that are not higher than wide, with each position in "
            f'its place, found "{layer}" of {height} x {width}, whose {most} corner changes with the image '
            f"in its {_CORNER} one.",
        )
    return True


def _most_changed_corners(backbone: Any, images: Tensor) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Yield each map with the corner that changes most with the upper right one of the images, and its size.

    Raises:
        NotApplicable: Each map has one row or column.
    """
    after = _maps(backbone.extract(with_other_corner(images)))
    seen = False
    for layer, before in _maps(backbone.extract(images)).items():
        change = (after[layer] - before).abs().mean((0, 1))
        height, width = change.shape[0] // 2, change.shape[1] // 2
        if height and width:
            seen = True
            yield layer, _most_changed(change, height, width), (change.shape[0], change.shape[1])
    if not seen:
        raise NotApplicable("Its maps have one row or column.")


def _most_changed(change: Float[Tensor, "h w"], height: int, width: int) -> str:
    corners = {
        "upper left": change[:height, :width],
        _CORNER: change[:height, -width:],
        "lower left": change[-height:, :width],
        "lower right": change[-height:, -width:],
    }
    return max(corners, key=lambda corner: float(corners[corner].mean()))


def _centre(change: Float[Tensor, "h w"]) -> Float[Tensor, " 2"]:
    """Return row and column of the centre of change, in which large changes count most."""
    weights = change.double().square()
    rows, columns = (torch.arange(size, dtype=torch.float64) for size in change.shape)
    total = weights.sum().clamp(min=1e-30)
    return torch.stack([(weights.sum(1) * rows).sum(), (weights.sum(0) * columns).sum()]) / total


def _maps(features: Features) -> dict[str, Tensor]:
    """Return copies of the maps."""
    if not features.maps:
        raise NotApplicable("It has no maps.")
    return {layer: maps.detach().clone() for layer, maps in features.maps.items()}
