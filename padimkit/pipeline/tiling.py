"""The cutting of images into tiles, and the laying of what comes of them side by side.

The tiles of an image become one grid of positions, tile beside tile, so that reducers and densities see a
larger image and each position of each tile has its own Gaussian. Only the way in, the backbone, and the way
out, the map, know of tiles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.errors import BadScores, BadShape
from padimkit.images.resizing import Size, square
from padimkit.images.tiles import Axis, Tiles
from padimkit.values import Pyramid, Scores

Pyramids = dict[str, Pyramid]


@final
@dataclass(frozen=True)
class Tiling:
    """The tiles of images of one size.

    Args:
        vertical: Their places along the height.
        horizontal: Their places along the width.
    """

    vertical: Axis
    horizontal: Axis

    @classmethod
    def of(cls, tiles: Tiles | None, size: Size, name: str) -> "Tiling":
        """Return the tiles of images of a size; without tiles, the image is its only one.

        Raises:
            BadShape: The image is smaller than a tile; the message holds its name.
        """
        if tiles is None:
            return cls(*map(Axis.whole, size))
        if any(length < side for length, side in zip(size, square(tiles.size), strict=True)):
            found, wanted = (" x ".join(map(str, pixels)) for pixels in (size, square(tiles.size)))
            raise BadShape(
                f'"{name}" has {found} pixels (height x width), fewer than a tile ("tiles.size"), {wanted}.'
            )
        return cls(*tiles.along(size))

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The places of the tiles along height and width."""
        return self.vertical, self.horizontal

    @property
    def count(self) -> int:
        """The number of tiles of an image."""
        return len(self.vertical.starts) * len(self.horizontal.starts)

    @property
    def size(self) -> Size:
        """Height and width of a tile."""
        return self.vertical.side, self.horizontal.side

    def pyramids(
        self,
        images: Float[Tensor, "b 3 H W"],
        embed: Callable[[Float[Tensor, "n 3 h w"], tuple[int, ...]], Pyramids],
    ) -> Pyramids:
        """Return the embeddings of images, those of their tiles side by side.

        Args:
            images: Whole images.
            embed: Returns the embeddings of some tiles; its second argument tells the number of the image
                of each. It is given as many tiles at a time as there are images.
        """
        if self.count == 1:
            return embed(images, tuple(range(len(images))))
        laid: dict[str, _Laid] = {}
        for places in self._portions(len(images)):
            tiles = torch.stack([self._cut(images, place) for place in places])
            for name, pyramid in embed(tiles, tuple(place.image for place in places)).items():
                aligned = _aligned(pyramid)
                if name not in laid:
                    laid[name] = _Laid.empty(aligned, len(images), self)
                laid[name].put(aligned, places)
        return {name: whole.pyramid for name, whole in laid.items()}

    def traceable(
        self, embed: Callable[[Float[Tensor, "n 3 h w"]], Pyramids]
    ) -> Callable[[Float[Tensor, "b 3 H W"]], Pyramids]:
        """Return a function that does what `pyramids` does, of all tiles at a time, and can be traced."""
        if self.count == 1:
            return embed
        places = [(top, left) for top in self.vertical.starts for left in self.horizontal.starts]
        height, width = self.size

        def pyramids(images: Float[Tensor, "b 3 H W"]) -> Pyramids:
            tiles = [images[:, :, top : top + height, left : left + width] for top, left in places]
            return {name: self._side_by_side(found) for name, found in embed(torch.cat(tiles)).items()}

        return pyramids

    def _side_by_side(self, tiles: Pyramid) -> Pyramid:
        """Return the embedding of images from those of tiles, that of each place for all images in turn."""
        aligned, rows, columns = _aligned(tiles), len(self.vertical.starts), len(self.horizontal.starts)
        maps = []
        for tensor in aligned.maps:
            channels, height, width = tensor.shape[1:]
            grid = tensor.reshape(rows, columns, -1, channels, height, width).permute(2, 3, 0, 4, 1, 5)
            maps.append(grid.reshape(-1, channels, rows * height, columns * width))
        found = aligned.descriptor
        descriptor = None if found is None else found.reshape(self.count, -1, found.shape[1]).mean(0)
        return Pyramid(tuple(maps), descriptor, aligned.alignment)

    def require_grid(self, scores: Scores, density: str) -> None:
        """Raise BadScores unless the positions are those of the tiles, side by side."""
        rows, columns = scores.patches.shape[1:]
        if rows % len(self.vertical.starts) or columns % len(self.horizontal.starts):
            tiles = f"{len(self.vertical.starts)} x {len(self.horizontal.starts)}"
            raise BadScores(
                f"{density} returned scores of {rows} x {columns} positions for {tiles} tiles; expected as "
                "many positions as in the embedding."
            )

    def _portions(self, images: int) -> Iterator[list["_Place"]]:
        places = [
            _Place(image, row, column)
            for image in range(images)
            for row in range(len(self.vertical.starts))
            for column in range(len(self.horizontal.starts))
        ]
        yield from (places[start : start + images] for start in range(0, len(places), images))

    def _cut(self, images: Float[Tensor, "b 3 H W"], place: "_Place") -> Float[Tensor, "3 h w"]:
        top, left = self.vertical.starts[place.row], self.horizontal.starts[place.column]
        height, width = self.size
        return images[place.image, :, top : top + height, left : left + width]


@dataclass(frozen=True)
class _Place:
    """A tile by its image, and by its row and column among the tiles of that image."""

    image: int
    row: int
    column: int


@final
class _Laid:
    """An embedding of whole images, filled tile by tile."""

    def __init__(self, pyramid: Pyramid, grids: list[Tensor], count: int) -> None:
        self.pyramid = pyramid
        self._grids = grids  # the maps of the pyramid as "b rows h columns w c": channels last, as networks
        self._count = count

    @classmethod
    def empty(cls, tile: Pyramid, images: int, tiling: Tiling) -> "_Laid":
        """Return the place for the embeddings of this many images whose tiles are like this one."""
        rows, columns = len(tiling.vertical.starts), len(tiling.horizontal.starts)
        grids, maps = [], []
        for tensor in tile.maps:
            channels, height, width = tensor.shape[1:]
            grid = tensor.new_empty(images, rows, height, columns, width, channels)
            grids.append(grid)
            maps.append(grid.view(images, rows * height, columns * width, channels).permute(0, 3, 1, 2))
        descriptor = (
            None if tile.descriptor is None else tile.descriptor.new_zeros(images, tile.descriptor.shape[1])
        )
        return cls(Pyramid(tuple(maps), descriptor, tile.alignment), grids, tiling.count)

    def put(self, tiles: Pyramid, places: list[_Place]) -> None:
        """Put the embeddings of some tiles to their places; a descriptor is the mean over the tiles."""
        for number, place in enumerate(places):
            for grid, tensor in zip(self._grids, tiles.maps, strict=True):
                grid[place.image, place.row, :, place.column] = tensor[number].permute(1, 2, 0)
            if self.pyramid.descriptor is not None and tiles.descriptor is not None:
                self.pyramid.descriptor[place.image] += tiles.descriptor[number] / self._count


def _aligned(pyramid: Pyramid) -> Pyramid:
    """Return the embedding of tiles, aligned if aligning what is laid side by side would mix neighbours.

    By nearest neighbour and halves, a position is found in its own tile; otherwise interpolation, or the
    rounding of positions, would reach into the tile beside it.
    """
    finest = pyramid.maps[0].shape[2:]
    halves = all(_is_halved(finest[axis], map.shape[2 + axis]) for map in pyramid.maps for axis in (0, 1))
    if len(pyramid.maps) == 1 or (pyramid.alignment == "nearest" and halves):
        return pyramid
    maps = tuple(pyramid.align(map) for map in pyramid.maps)
    return Pyramid(maps, pyramid.descriptor, pyramid.alignment)


def _is_halved(fine: int, coarse: int) -> bool:
    """Return whether the fine number is the coarse one times a power of two."""
    ratio, rest = divmod(fine, coarse)
    return rest == 0 and ratio & (ratio - 1) == 0
