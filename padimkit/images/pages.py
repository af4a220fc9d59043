"""The images that one file holds: its only one, or the pages of a TIFF, named such as "scan.tiff[2]".

Apart from the decoding, since paths with pages are listed and named where nothing is decoded.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path

from PIL import ImageFile

from padimkit.errors import BadImage, PadimkitError
from padimkit.files.regular import regular
from padimkit.images.decoders import MOST_PIXELS, opened_image, require_pixels
from padimkit.images.directories import page_numbers

_NAMED = re.compile(r"(.+)\[(\d{1,9})\]", re.DOTALL)
_TIFF = (".tif", ".tiff")
_ANIMATED = ("AVIF", "GIF", "PNG", "WEBP")


@dataclass(frozen=True)
class Page:
    """One image of a file.

    Args:
        name: The name for messages.
        file: The file, or its content.
        number: The page of a TIFF, from 0; None for the only image of a file.
        most_pixels: The most that are decoded.
    """

    name: str
    file: Path | bytes
    number: int | None = None
    most_pixels: int = MOST_PIXELS

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.file.stat().st_size if isinstance(self.file, Path) else len(self.file)

    @property
    def exists(self) -> bool:
        """True if the file is there; it may have fewer pages."""
        return not isinstance(self.file, Path) or self.file.is_file()

    @contextmanager
    def opened(self) -> Iterator[ImageFile.ImageFile]:
        """Yield the image, of which only the header has been read.

        Raises:
            BadImage: The file is missing or cannot be decoded, here or where the image is loaded; it is an
                animation, has no such page, too many pixels, or several images while `number` is None.
        """
        try:
            # Given a path, Pillow 13 maps uncompressed grey TIFF files and scrambles those that EXIF turns.
            with regular(self.file).open("rb") if isinstance(self.file, Path) else BytesIO(self.file) as file:
                number = _only_page(file, self.name) if self.number is None else self.number
                file.seek(0)
                picture = opened_image(file, self.name, self.most_pixels)
                if picture is None:
                    raise BadImage(f'"{self.name}" ({self.size} bytes) is not an image that can be read.')
                with picture:
                    self._turn(picture, number)
                    yield picture
        except FileNotFoundError:
            raise BadImage(f'"{self.name}" does not exist.') from None
        except PadimkitError:
            raise
        except Exception as error:  # a decoder of a damaged file may raise anything
            raise BadImage(f'"{self.name}" cannot be decoded: {error}. Replace or remove it.') from error

    def _turn(self, picture: ImageFile.ImageFile, number: int) -> None:
        if picture.format in _ANIMATED and getattr(picture, "is_animated", False):
            raise BadImage(
                f'"{self.name}" is an animation. Save its frames as images of their own, or as pages '
                "of a TIFF."
            )
        try:
            picture.seek(number)  # reads the directories before it, and decodes nothing
        except EOFError:
            raise BadImage(f'"{self.name}" does not exist: the file has no page {number}.') from None
        require_pixels(picture, self.name, self.most_pixels)


def page_of(path: Path, most_pixels: int = MOST_PIXELS) -> Page:
    """Return the page that a path such as "scan.tiff[2]" names, or the only image of the file at the path."""
    named = _NAMED.fullmatch(str(path))
    if named and not os.path.lexists(path):
        return Page(str(path), Path(named[1]), int(named[2]), most_pixels)
    return Page(str(path), path, None, most_pixels)


def pages_of(path: Path) -> list[Path]:
    """Return the paths of all images in a file: its own, or those of the pages of a TIFF that has several.

    Pages of reduced resolution, as thumbnails and pyramids are, and masks of transparency are left out. A
    file that cannot be read counts as one image, and is an error when it is opened.
    """
    if path.suffix.lower() not in _TIFF:
        return [path]
    try:
        with regular(path).open("rb") as file:
            numbers = page_numbers(file)
    except OSError:
        return [path]
    return [path] if len(numbers) == 1 else [path.with_name(f"{path.name}[{number}]") for number in numbers]


def pages_in(content: bytes, name: str, most_pixels: int = MOST_PIXELS) -> list[Page]:
    """Return all images in the content of a file, as `pages_of` does with those of a file."""
    numbers = page_numbers(BytesIO(content))
    if len(numbers) == 1:
        return [Page(name, content, None, most_pixels)]
    return [Page(f"{name}[{number}]", content, number, most_pixels) for number in numbers]


def without_suffix(path: Path) -> Path:
    """Return the path without the suffix of its file, but with its page: "scan[2]" for "scan.tiff[2]"."""
    page = page_of(path)
    if page.number is None or not isinstance(page.file, Path):
        return path.with_suffix("")
    return page.file.with_name(f"{page.file.stem}[{page.number}]")


def _only_page(file: BufferedReader | BytesIO, name: str) -> int:
    numbers = page_numbers(file)
    if len(numbers) > 1:
        raise BadImage(
            f'"{name}" holds {len(numbers)} images. Pass its pages, the first of which is '
            f'"{name}[{numbers[0]}]"; the suffix .tiff lets padimkit find them.'
        )
    return numbers[0]
