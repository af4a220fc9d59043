"""The image files in a folder, by one rule for all commands and data sets."""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from padimkit.errors import BadData
from padimkit.images.pages import pages_of

IMAGE_SUFFIXES = frozenset(
    f".{kind}"
    for kind in "bmp gif jp2 jpeg jpg pbm pgm png pnm ppm tga tif tiff webp".split()  # noqa: SIM905
)
_MASK = "_mask"
# Thumbnails of a NAS, rubbish bins, and what archives of a Mac and disks of Linux hold.
_SYSTEM_FOLDERS = frozenset(
    ("@eadir", "#recycle", "$recycle.bin", "__macosx", "lost+found", "system volume information")
)
_SYSTEM_FILES = frozenset(("desktop.ini", "ehthumbs.db", "thumbs.db"))
_NAMED = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """The files below a folder, sorted by path.

    Args:
        images: Those whose suffix is one of an image, in any case.
        left_out: All others, and folders of systems, but for hidden files and files of systems.
    """

    images: tuple[Path, ...]
    left_out: tuple[Path, ...]


def list_images(folder: Path) -> list[Path]:
    """List all images in the folder and its subfolders, sorted by path and without hidden ones.

    Links to folders are followed. A TIFF of several pages is several images, whose paths are as those of
    `pages_of`. What is left out is logged.

    Raises:
        BadData: The folder is missing, holds no images, may not be read, holds a link to a folder above it,
            or masks.
    """
    images = _images_in(folder)
    require_no_masks(images)
    return _pages(images)


def list_masks(folder: Path) -> list[Path]:
    """List all masks as `list_images` does images; their names may end with "_mask".

    Raises:
        BadData: As for `list_images`.
    """
    return _pages(_images_in(folder))


def listing_of(folder: Path) -> Listing:
    """Return the files below a folder, told apart by their names; nothing is opened.

    Raises:
        BadData: The folder is missing, may not be read, or holds a link to a folder above it.
    """
    if not folder.is_dir():
        raise BadData(f'"{folder}" is not a folder. Images were expected there.')
    images: list[Path] = []
    left_out: list[Path] = []
    for path, is_image in _below(folder, ()):
        (images if is_image else left_out).append(path)
    return Listing(tuple(sorted(images)), tuple(sorted(left_out)))


def is_listed(path: Path, folder: Path) -> bool:
    """Return whether a listing of the folder has this file among its images, by its names alone."""
    if not path.is_relative_to(folder):
        return False
    names = path.relative_to(folder).parts
    is_hidden = any(name.startswith(".") or name.lower() in _SYSTEM_FOLDERS for name in names)
    return not is_hidden and path.suffix.lower() in IMAGE_SUFFIXES


def _images_in(folder: Path) -> tuple[Path, ...]:
    found = listing_of(folder)
    if found.left_out:
        names = ", ".join(f'"{path.relative_to(folder)}"' for path in found.left_out[:_NAMED])
        kinds = Counter(path.suffix.lower() or path.name for path in found.left_out)
        listed = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(_NAMED))
        _log.warning(
            '"%s": %d files or folders are left out, which are not images by their names (%s), such as %s.',
            *(folder, len(found.left_out), listed, names),
        )
    if not found.images:
        raise BadData(f'"{folder}" holds no images ({", ".join(sorted(IMAGE_SUFFIXES))}).')
    return found.images


def _below(folder: Path, above: tuple[str, ...]) -> Iterator[tuple[Path, bool]]:
    """Yield the files below a folder, each with whether it is an image."""
    place = os.path.realpath(folder)
    if place in above:
        raise BadData(f'"{folder}" is a link to "{place}", in which it lies: a loop. Remove the link.')
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]  # a Mac leaves "._000.png"
    except OSError as error:
        raise BadData(f'"{folder}" cannot be read: {error.strerror or error}.') from error
    for entry in entries:
        path, name = folder / entry.name, entry.name.lower()
        if not _is_folder(entry):
            if name not in _SYSTEM_FILES:
                yield path, path.suffix.lower() in IMAGE_SUFFIXES and _can_be_opened(entry)
        elif name in _SYSTEM_FOLDERS:
            yield path, False
        else:
            yield from _below(path, (*above, place))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _can_be_opened(entry: "os.DirEntry[str]") -> bool:
    """Return whether it is a file or a broken link, an error when it is opened; a pipe would wait."""
    return not os.path.exists(entry.path) or entry.is_file()  # noqa: PTH110


def require_no_masks(images: Iterable[Path]) -> None:
    """Check that no image of a folder is a mask by its name; one that is passed itself is an image.

    Raises:
        BadData: One is.
    """
    mask = next(filter(is_mask, images), None)
    if mask is not None:
        raise BadData(
            f'"{mask}" is a mask by its name, and would be taken for an image. Move masks into a folder of '
            "their own, or rename it."
        )


def is_mask(path: Path) -> bool:
    """Return whether a file is a mask by its name, whatever is beside it: its image may come later."""
    return path.stem.lower().endswith(_MASK)


def _pages(files: Iterable[Path]) -> list[Path]:
    return [page for path in files for page in pages_of(path)]
