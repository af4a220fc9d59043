"""Random variants of training images."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

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


@dataclass(frozen=True)
class Augmentation:
    """Random variants of the training images in place of the images themselves.

    Args:
        transforms: Transforms of torchvision.transforms.v2, applied in this order between resize and crop,
            written as in Python, such as "RandomRotation(degrees=2)".
        images: Number of variants in all, taken from the images in turn; by default one of each.
        seed: Fixes the variants of each image, independently of all other images.
    """

    transforms: tuple[str, ...] = ()
    images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.images is not None:
            require_whole("images", self.images, 1, _MOST_VARIANTS)
        require_seed(self.seed)
        if self.images is not None and not self.transforms:
            raise BadArgument(
                f'"images" asks for {self.images} variants, but there are no "transforms" to make them.'
            )
        _ = self._made  # fails at once if a transform cannot be made, under "python -O" too

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
        self, image: UInt8[np.ndarray, "H W 3"], mask: Bool[Tensor, "H W"] | None, *, name: str, number: int
    ) -> tuple[UInt8[np.ndarray, "h w 3"], Bool[Tensor, "h w"] | None]:
        """Return a variant of an image, and of its mask if there is one.

        Args:
            image: The image in bytes.
            mask: True for anomalous pixels, if known.
            name: The image's name; with `seed` and `number` it fixes the variant.
            number: The number of the variant.

        Raises:
            BadArgument: A transform fails.
        """
        from torchvision.tv_tensors import Image, Mask  # as below

        moved = (Image(torch.from_numpy(image).permute(2, 0, 1)), None if mask is None else Mask(mask))
        try:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(self._seed_of(name, number))
                for transform in self._made:
                    moved = transform(*moved)
        except (ValueError, TypeError, RuntimeError) as error:
            raise BadArgument(
                f'"{name}" cannot be augmented by {", ".join(self.transforms)}: {error}'
            ) from error
        pixels, marked = moved
        if not isinstance(pixels, Image) or pixels.dtype != torch.uint8 or pixels.shape[0] != 3:
            raise BadArgument(f"{', '.join(self.transforms)}: the result is not an RGB image in bytes.")
        return pixels.permute(1, 2, 0).numpy(), None if marked is None else marked.as_subclass(Tensor)

    @cached_property
    def _made(self) -> "tuple[Transform, ...]":
        if not self.transforms:
            return ()
        # Imported here since it takes a second, and most pipelines do not augment.
        from padimkit.images.transforms import transform_of

        return tuple(transform_of(text) for text in self.transforms)

    def _seed_of(self, name: str, number: int) -> int:
        named = zlib.crc32(name.encode(errors="surrogateescape"))
        return int(np.random.SeedSequence([self.seed, named, number]).generate_state(1)[0])


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
    if not augmentation.transforms:
        return batches
    if not isinstance(batches, Augmentable):
        raise BadArgument(
            f"Expected batches that can be augmented, got {type(batches).__name__}. Pass the samples of "
            'a data set, or the result of "reader.batches(samples)", or remove the augmentation.'
        )
    return batches.augmented(augmentation)
