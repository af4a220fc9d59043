"""What an inspector works on: images as a model takes them, or the reasons why one cannot be inspected.

Apart from the intakes that make them, one of which does without torch.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import IOBase, TextIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float

from padimkit.errors import BadArgument, BadImage
from padimkit.images.geometry import Geometry
from padimkit.inspection.background import Looked

if TYPE_CHECKING:
    from padimkit.images.inputs import OneImage
    from padimkit.images.pages import Page

    Inspected: TypeAlias = OneImage | bytes | bytearray | memoryview | IO[bytes] | Page
else:
    Inspected = object  # anything else is refused here, by a message, even if types are checked at run time


@dataclass(frozen=True)
class Seen:
    """An image as the model takes it, in a batch of its own."""

    name: str
    images: Any  # a tensor, or an array for a model that is exported
    geometry: Geometry
    share: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """The reason why an image cannot be inspected."""

    name: str
    error: str
    seconds: float = 0.0


class Scorer(ABC):
    """A model that gives scores and maps; many threads may use it at a time."""

    @property
    @abstractmethod
    def depth(self) -> int | None:
        """Bits per channel of files that have more than 8; None if not known."""

    @property
    @abstractmethod
    def most_pixels(self) -> int:
        """The most that a file is decoded with."""

    @property
    @abstractmethod
    def looked(self) -> Looked:
        """True where a mask lets the model look; None for everywhere."""

    @abstractmethod
    def entries(self, image: Inspected, number: int) -> Iterator[Any]:
        """Yield what is to be read of an image, a file or a folder; `number` names what has no path.

        Raises:
            BadArgument: It is not understood.
            BadData: A folder holds no images.
            BadShape: An array or a tensor does not have a shape that is understood.
        """

    @abstractmethod
    def read(self, entry: Any) -> Seen | Failure:
        """Return an image as the model takes it, or the reason why it cannot be inspected."""

    @abstractmethod
    def score(self, reads: Sequence[Seen]) -> tuple[list[float], Float[np.ndarray, "b H W"]]:
        """Return the scores and the maps of images, scored together where their sizes allow it.

        Raises:
            BadFeatures, BadScores: One of them gives something that is not finite.
        """

    @abstractmethod
    def warm_up(self) -> None:
        """Prepare all that scoring needs, so that the first call takes as long as any other."""


def is_one(images: Any) -> bool:
    """Return whether this is one image, or one folder, and not several; wrong kinds count as one."""
    if isinstance(images, np.ndarray) or is_tensor(images):
        return bool(images.ndim < 4)  # arrays of several have four axes
    one = (str, bytes, bytearray, memoryview, IOBase)
    return isinstance(images, one) or _is_file(images) or not isinstance(images, Iterable)


def require_one(image: Any) -> Any:
    """Return the image; that of an array or a tensor of one.

    Raises:
        BadArgument: There are several.
    """
    if is_one(image):
        return image
    if isinstance(image, np.ndarray) or is_tensor(image):
        if len(image) == 1:
            return image[0]
        raise BadArgument(f"Expected one image, got {len(image)}. Pass several to Inspector.each.")
    raise BadArgument(f"Expected one image, got a {type(image).__name__}. Pass several to Inspector.each.")


def content_of(image: Any) -> bytes | None:
    """Return the content of a file that is given as bytes or open; None for all else.

    Raises:
        BadImage: An open file cannot be read.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if not _is_file(image):
        return None
    try:
        if image.seekable():
            image.seek(0)  # as Pillow does, so that it can be passed again
        content = image.read()
    except (OSError, ValueError) as error:
        raise BadImage(f"The open file cannot be read: {error}.") from error
    return content if isinstance(content, bytes) else None


def _is_file(value: Any) -> bool:
    """Return whether this is an open file, of the library of Python or one that acts as one."""
    acts_as_one = hasattr(value, "read") and hasattr(value, "seekable")  # as NamedTemporaryFile does
    return acts_as_one and not isinstance(value, TextIOBase)


def name_of(image: Any, number: int) -> str:
    """Return the name of an image: its path, or its number."""
    return str(image) if isinstance(image, str | Path) else f"image {number}"


def is_tensor(value: object) -> bool:
    """Return whether this is a tensor of torch, which is imported where there is one."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
