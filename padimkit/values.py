"""The values that parts of a pipeline exchange, all frozen, and streams that can be read again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar, final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

Alignment = Literal["nearest", "bilinear"]
Number: TypeAlias = int | float
T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Defect:
    """One defect of an image.

    Args:
        mask: True for its pixels.
        enough: The share of them that has to be found so that it counts as found.
    """

    mask: Bool[Tensor, "H W"]
    enough: float = 1.0


@dataclass(frozen=True)
class Batch:
    """RGB images with what is known of them.

    Args:
        images: In [0, 1].
        paths: A name for each image.
        labels: True for anomalous images; None if unknown.
        masks: True for anomalous pixels; None if unknown.
        files: Those that hold the images as they are, None for an image that is made otherwise; empty if
            unknown.
        defects: Those of each image, which may overlap; None if the data set tells none apart.
    """

    images: Float[Tensor, "b 3 H W"]
    paths: tuple[str, ...]
    labels: Bool[Tensor, " b"] | None = None
    masks: Bool[Tensor, "b H W"] | None = None
    files: tuple[Path | None, ...] = ()
    defects: tuple[tuple[Defect, ...], ...] | None = None


@dataclass(frozen=True)
class Features:
    """Feature maps of images, by layer.

    Args:
        maps: By the name of the layer, each "b c h w", the finest first.
        descriptor: One vector for each image; None where the backbone has none.
    """

    maps: dict[str, Float[Tensor, "b _ _ _"]]
    descriptor: Float[Tensor, "b e"] | None = None


@dataclass(frozen=True)
class Embedding:
    """Vectors of images at patch positions.

    Args:
        patches: One vector for each position.
        descriptor: One vector for each image; None where the backbone has none.
    """

    patches: Float[Tensor, "b c h w"]
    descriptor: Float[Tensor, "b e"] | None = None


@dataclass(frozen=True)
class Pyramid:
    """An embedding before alignment: maps of several resolutions.

    Args:
        maps: The finest first.
        descriptor: One vector for each image; None where the backbone has none.
        alignment: The interpolation by which maps are brought to the resolution of the finest.
    """

    maps: tuple[Float[Tensor, "b _ _ _"], ...]
    descriptor: Float[Tensor, "b e"] | None = None
    alignment: Alignment = "nearest"

    def align(self, feature_map: Float[Tensor, "b c _ _"]) -> Float[Tensor, "b c h w"]:
        """Return the feature map at the resolution of the finest one."""
        size = self.maps[0].shape[2:]
        if feature_map.shape[2:] == size:
            return feature_map
        if not feature_map.shape[1]:  # no channel of the layer was kept; torch refuses to resize 0 channels
            return feature_map.new_empty(feature_map.shape[0], 0, *size)
        corners = None if self.alignment == "nearest" else False
        return F.interpolate(feature_map, size, mode=self.alignment, align_corners=corners)

    def embedding(self) -> Embedding:
        """Return the embedding of all maps, aligned and concatenated."""
        if len(self.maps) == 1:
            return Embedding(self.maps[0], self.descriptor)
        aligned = [self.align(feature_map) for feature_map in self.maps]
        return Embedding(torch.cat(aligned, dim=1), self.descriptor)


@dataclass(frozen=True)
class Anomalies:
    """Embeddings of anomalous images, with where they are anomalous.

    Args:
        embedding: That of the images.
        share: The share of the pixels of each position that are anomalous; None where no mask says which are.
    """

    embedding: Embedding
    share: Float[Tensor, "b h w"] | None = None


@dataclass(frozen=True)
class Scores:
    """Anomaly scores of images at patch positions.

    Args:
        patches: One for each position.
        images: One for each image; None to take the maximum of its map.
    """

    patches: Float[Tensor, "b h w"]
    images: Float[Tensor, " b"] | None = None


@dataclass(frozen=True)
class ImagePrediction:
    """The prediction for one image.

    Args:
        path: Its name.
        score: Its anomaly score.
        anomaly_map: The score of each of its pixels.
    """

    path: str
    score: float
    anomaly_map: Float[Tensor, "H W"]


@dataclass(frozen=True)
class Prediction:
    """Scores and maps of images; higher always means more anomalous.

    Iterating gives an `ImagePrediction` for each image.

    Args:
        image_scores: One for each image.
        anomaly_maps: One for each pixel.
        paths: A name for each image; empty if they are named by number.
    """

    image_scores: Float[Tensor, " b"]
    anomaly_maps: Float[Tensor, "b H W"]
    paths: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image_scores)

    def __repr__(self) -> str:
        scores = self.image_scores.tolist()
        span = f"scores {min(scores):.4g} to {max(scores):.4g}" if scores else "no scores"
        height, width = self.anomaly_maps.shape[1:]
        return f"Prediction({len(scores)} images, {span}, maps of {height} x {width} pixels)"

    def __iter__(self) -> Iterator[ImagePrediction]:
        names = self.paths or numbered(len(self))
        return map(ImagePrediction, names, self.image_scores.tolist(), self.anomaly_maps)


def numbered(count: int, start: int = 0) -> tuple[str, ...]:
    """Return the names of images that have no path: "image 0", "image 1", ..."""
    return tuple(f"image {number}" for number in range(start, start + count))


@dataclass(frozen=True)
class Problem:
    """The sizes of what a reducer or a density is given.

    Args:
        images: Number of images to learn from.
        channels: Number of channels of the embeddings.
        positions: Number of positions of an image.
        descriptor: Length of the descriptor of an image.
        variance: Mean variance of a channel, for parts whose form depends on it.
    """

    images: int
    channels: int
    positions: int
    descriptor: int = 0
    variance: Number = 0.01


@dataclass(frozen=True)
class Work:
    """Work that a stage does.

    Args:
        single: Floating-point operations in single precision; a product and a sum are two.
        double: Those in double precision.
        moved: Bytes that are read from memory and written to it.
    """

    single: Number = 0
    double: Number = 0
    moved: Number = 0

    def seconds(self, *, single: float, double: float, memory: float) -> float:
        """Return the least seconds at these rates, of operations and of bytes in a second (a roofline)."""
        return max(self.single / single + self.double / double, self.moved / memory)


@dataclass(frozen=True)
class Costs:
    """Costs of a fitted reducer or density, by the formulas of the form that it has.

    Args:
        fit: Work of a fit.
        prepare: Work of what the first use makes for all later ones.
        use: Work to reduce, or to score, one image by itself.
        held: Bytes held after the first use.
        stored: Bytes of the state.
        form: Name of the form, if other sizes have other formulas.
    """

    fit: Work
    prepare: Work
    use: Work
    held: Number
    stored: Number
    form: str = ""


@final
class Stream(Generic[T]):
    """An iterable that can be read again: each loop calls `restart` and so starts afresh.

    Args:
        restart: Begins a loop.
        length: The number of values, or an estimate; 0 if unknown.
    """

    def __init__(self, restart: Callable[[], Iterator[T]], length: int = 0) -> None:
        self._restart = restart
        self._length = length

    def map(self, function: Callable[[T], S]) -> "Stream[S]":
        """Return a stream of the function's results, computed anew in each loop."""
        return Stream(lambda: (function(value) for value in self), self._length)

    def __length_hint__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return self._restart()
