"""The forms in which sizes and regions are given, and what is required of them.

Apart from the preprocessing, whose arithmetic is enough for one page.
"""

from dataclasses import replace
from pathlib import Path
from typing import cast

from padimkit.arguments import require_between
from padimkit.errors import BadArgument
from padimkit.images.resizing import LongSide, Scale, ShortSide, Size, square
from padimkit.images.tiles import Tiles

MOST_SIDE = 65536  # pixels of a side as a model sees it: more is a slip, and would fill the memory
_MOST_SCALE = 64


def as_size(name: str, value: object) -> object:
    """Return a list as the pair that it stands for, and other forms of a size as they are."""
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(type(side) is int for side in value)
    forms = (ShortSide, LongSide, Scale) if name == "resize" else ()
    if not (pair or value is None or type(value) is int or isinstance(value, forms)):
        more = ", a ShortSide, a LongSide, a Scale" if forms else ""
        raise BadArgument(
            f'Expected "{name}" to be a number of pixels, [height, width]{more} or none, got {value!r}.'
        )
    return tuple(value) if isinstance(value, list) else value


def as_region(value: object) -> object:
    """Return a region of interest with a list as the box and a text as the path that it stands for."""
    if isinstance(value, str | Path):
        return Path(value).expanduser()
    box = tuple(value) if isinstance(value, list | tuple) else ()
    if value is None or (len(box) == 4 and all(type(edge) is int for edge in box)):
        if box and not (0 <= box[0] < box[2] and 0 <= box[1] < box[3]):
            raise BadArgument(
                f'Expected "roi" as [left, top, right, bottom] with 0 <= left < right and 0 <= top < bottom, '
                f"got {list(box)}."
            )
        return box or None
    raise BadArgument(
        f'Expected "roi" to be [left, top, right, bottom], the path of a mask or none, got {value!r}.'
    )


def as_tiles(value: object) -> object:
    """Return tiles with a list as the size that it stands for."""
    if value is None:
        return None
    if not isinstance(value, Tiles):
        raise BadArgument(f'Expected "tiles" to be Tiles or none, got {value!r}. Pass padimkit.Tiles(SIZE).')
    size = as_size("tiles.size", value.size)
    if size is None or type(value.overlap) is not int:
        raise BadArgument(f'Expected "tiles" with a size and an overlap in pixels, got {value!r}.')
    return replace(value, size=cast(int | Size, size))


def require_within(name: str, inner: int | Size, other: str, limit: int | Size) -> None:
    """Raise BadArgument unless a size is of at least 1 pixel and fits into another."""
    if not all(1 <= side <= most for side, most in zip(square(inner), square(limit), strict=True)):
        raise BadArgument(
            f'Expected 1 <= "{name}" <= "{other}", got {name} {_text(inner)} and {other} {_text(limit)}.'
        )


def require_positive(name: str, value: object) -> None:
    """Raise BadArgument unless all numbers of a size are above 0, and no more than `MOST_SIDE`."""
    if isinstance(value, int | tuple):
        if min(square(value)) < 1:
            raise BadArgument(f'Expected "{name}" of at least 1 pixel, got {_text(value)}.')
        for side in square(value):
            require_between(name, side, 1, MOST_SIDE)
    if isinstance(value, ShortSide | LongSide | Scale):  # settings make them where no error could be raised
        for key, number in vars(value).items():
            if not 0 < number < float("inf"):
                raise BadArgument(f'Expected "{name}.{key}" above 0, got {number}.')
            require_between(
                f"{name}.{key}", number, 0, _MOST_SCALE if isinstance(value, Scale) else MOST_SIDE
            )


def require_tiles(tiles: Tiles, size: Size | None) -> None:
    """Raise BadArgument unless tiles fit into images of this size, if it is known, and into each other."""
    require_positive("tiles.size", tiles.size)
    if size is not None:
        require_within("tiles.size", tiles.size, "size of the images", size)
    if not 0 <= tiles.overlap < min(square(tiles.size)):
        raise BadArgument(
            f'Expected "tiles.overlap" of at least 0 and below "tiles.size", got {tiles.overlap} and '
            f"{_text(tiles.size)}."
        )


def misfit(original: Size, found: Size, relation: str, name: str, limit: Size) -> str:
    """Return the message about an image whose size does not fit an argument of the preprocessing."""
    first, last, wanted = (f"{height} x {width}" for height, width in (original, found, limit))
    return (
        f"An image of {first} pixels (height x width) becomes {last} by the preprocessing, which is "
        f'{relation} "{name}", {wanted}. Set another "{name}" or "resize".'
    )


def _text(size: int | Size) -> str:
    return str(list(size) if isinstance(size, tuple) else size)
