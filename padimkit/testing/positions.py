"""Checks of positions: every place of the finest map of a backbone lies where it does in the image.

They stand apart from the other checks of backbones, since they ask for places and not for values.
"""

from typing import Any

from torch import Tensor

from padimkit.errors import BadShape
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.images import RECTANGLE, pictures, with_other_corner
from padimkit.values import Features

_CORNER = "upper right"


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
    except Exception as error:  # a stranger's network may raise anything where sides are odd
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


def _finest(features: Features) -> Tensor:
    if not features.maps:
        raise NotApplicable("It has no maps.")
    return next(iter(features.maps.values())).detach()
