"""Random variants of training images."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from padimkit.arguments import require_seed, require_whole
from padimkit.errors import BadArgument
from padimkit.values import Batch

if TYPE_CHECKING:
    from torchvision.transforms.v2 import Transform

_MOST_VARIANTS = 10**8

Pixels: TypeAlias = UInt8[np.ndarray, "_ _ 3"]
Marked: TypeAlias = Bool[Tensor, "_ _"] | None
Resizing: TypeAlias = Callable[[Pixels, Marked], tuple[Pixels, Marked]]


@dataclass(frozen=True)
class Augmentation:
    """Random variants of the training images in place of the images themselves.

    Args:
        transforms: Transforms of torchvision.transforms.v2, applied in this order between resize and crop,
            written as in Python, such as "RandomRotation(degrees=2)".
        images: Number of variants in all, taken from the images in turn; by default one of each.
        seed: Fixes the variants of each image, independently of all other images.
        before_resize: Transforms applied before all others, to the image as it was read; the VAE of the PaDiM
            paper is rotated there (experimental setup).
    """

    transforms: tuple[str, ...] = ()
    images: int | None = None
    seed: int = 0
    before_resize: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images is not None:
            require_whole("images", self.images, 1, _MOST_VARIANTS)
        require_seed(self.seed)
        if self.images is not None and not self.varies:
            raise BadArgument(
                f'"images" asks for {self.images} variants, but there are no "transforms" to make them.'
            )
        _ = self._made  # fails at once if a transform cannot be made, under "python -O" too

    @property
    def varies(self) -> bool:
        """True if there are transforms, so that variants differ from the images."""
        return bool(self.transforms or self.before_resize)

    def variants_of(self, count: int) -> int:
        """Return the number of variants of this many images.

        Raises:
            BadArgument: `images` is below the number of images.
        """
        if self.images is not None and self.images < count:
            raise BadArgument(
                f'"images" of the augmentation is {self.images}, but there are {count} training images. '
                "Ask for at least as many."
            )
        return count if self.images is None else self.images

    def variant(
        self, image: Pixels, mask: Marked, *, name: str, number: int, resize: Resizing | None = None
    ) -> tuple[Pixels, Marked]:
        """Return a variant of an image, and of its mask if there is one.

        Args:
            image: The image in bytes.
            mask: True for anomalous pixels, if known.
            name: The image's name; with `seed` and `number` it fixes the variant.
            number: The number of the variant.
            resize: The resize, where there are transforms before it; by default, the image is resized.

        Raises:
            BadArgument: A transform fails.
        """
        before, after = self._made
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self._seed_of(name, number))
            if resize is not None:
                image, mask = resize(*_moved(image, mask, before, self.before_resize, name))
            return _moved(image, mask, after, self.transforms, name)

    @cached_property
    def _made(self) -> "tuple[tuple[Transform, ...], tuple[Transform, ...]]":
        """The transforms before and after the resize."""
        if not self.varies:
            return (), ()
        # Imported here since it takes a second, and most pipelines do not augment.
        from padimkit.images.transforms import transform_of

        return tuple(map(transform_of, self.before_resize)), tuple(map(transform_of, self.transforms))

    def _seed_of(self, name: str, number: int) -> int:
        named = zlib.crc32(name.encode(errors="surrogateescape"))
        return int(np.random.SeedSequence([self.seed, named, number]).generate_state(1)[0])


def _moved(
    image: Pixels, mask: Marked, transforms: "Iterable[Transform]", texts: tuple[str, ...], name: str
) -> tuple[Pixels, Marked]:
    """Return image and mask after these transforms, which the texts name in errors."""
    from torchvision.tv_tensors import Image, Mask  # as above

    moved = (Image(torch.from_numpy(image).permute(2, 0, 1)), None if mask is None else Mask(mask))
    try:
        for transform in transforms:
            moved = transform(*moved)
    except (ValueError, TypeError, RuntimeError) as error:
        raise BadArgument(f'"{name}" cannot be augmented by {", ".join(texts)}: {error}') from error
    pixels, marked = moved
    if not isinstance(pixels, Image) or pixels.dtype != torch.uint8 or pixels.shape[0] != 3:
        raise BadArgument(f"{', '.join(texts)}: the result is not an RGB image in bytes.")
    return pixels.permute(1, 2, 0).numpy(), None if marked is None else marked.as_subclass(Tensor)


class Augmentable(ABC):
    """Batches of images that can be augmented."""

    @abstractmethod
    def __iter__(self) -> Iterator[Batch]:
        """Begin a loop over the batches."""

    @abstractmethod
    def augmented(self, augmentation: Augmentation) -> Iterable[Batch]:
        """Return batches of variants, which are the same in each loop."""


def augmented(batches: Iterable[Batch], augmentation: Augmentation) -> Iterable[Batch]:
    """Return the batches, or variants of them if the augmentation has transforms.

    Raises:
        BadArgument: There are transforms, and the batches are not Augmentable.
    """
    if not augmentation.varies:
        return batches
    if not isinstance(batches, Augmentable):
        raise BadArgument(
            f"Expected batches that can be augmented, got {type(batches).__name__}. Pass the samples of "
            'a data set, or the result of "reader.batches(samples)", or remove the augmentation.'
        )
    return batches.augmented(augmentation)
