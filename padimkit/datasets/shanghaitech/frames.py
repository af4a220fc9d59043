"""Folders of videos and of their frames, in the naming of ShanghaiTech: `01_0014`, and `000.jpg` within."""

import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image

from padimkit.errors import BadData, BadImage
from padimkit.images.decoding import IMAGE_SUFFIXES


def videos_in(folder: Path, *, digits: int, suffix: str = "") -> dict[str, Path]:
    """What the folder holds for each video, by the video's name and sorted by it; hidden ones are left out.

    Args:
        folder: Holds a file or a folder for each video.
        digits: Of the number that follows the scene's.
        suffix: Of the files.

    Raises:
        BadData: The folder is missing, empty, or holds something else.
    """
    named = re.compile(rf"\d\d_\d{{{digits}}}{re.escape(suffix)}")
    example = f"01_{1:0{digits}}{suffix}"
    found = _visible(folder, example)
    for path in found:
        if not named.fullmatch(path.name):
            raise BadData(f'"{path}" is not named like "{example}": scene, video. Rename or remove it.')
    return {path.name.removesuffix(suffix): path for path in found}


def of_scene(videos: dict[str, Path], scene: int | None) -> dict[str, Path]:
    """The videos of this scene, or all of them.

    Raises:
        BadData: There is none of this scene; those that there are are named.
    """
    chosen = {name: path for name, path in videos.items() if scene in (None, _scene(name))}
    if not chosen:
        folder = next(iter(videos.values())).parent
        scenes = ", ".join(map(str, sorted({_scene(name) for name in videos})))
        raise BadData(
            f'"{folder}" holds no video of scene {scene}. Give one that is there as "scene" ({scenes}), '
            "or none for all of them together."
        )
    return chosen


def require_each(names: Collection[str], found: Collection[str], *, missing: str) -> None:
    """Raises BadData unless each name is found.

    Args:
        names: Of videos.
        found: Of videos, too.
        missing: What is said of those that are not found, after their names; it ends with a full stop.
    """
    absent = [name for name in names if name not in found]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise BadData(f"{', '.join(absent[:3])}{more} ({len(absent)} of {len(names)} videos) {missing}")


def frames_in(folder: Path) -> list[Path]:
    """The images of a folder in the order of their numbers, none of which may be missing.

    Raises:
        BadData: The folder is missing or empty, a name is no number, or a number is missing or there twice.
    """
    # By number: as a word, "1000.jpg" comes before "999.jpg".
    numbered = sorted((_number(path), path) for path in _visible(folder, "000.jpg"))
    for (before, _), (number, path) in pairwise(numbered):
        if number != before + 1:
            raise BadData(
                f'In "{folder}", "{path.name}" follows number {before}. '
                "Expected each number once, without gaps. Extract the frames again."
            )
    return [path for _, path in numbered]


def _visible(folder: Path, example: str) -> list[Path]:
    if not folder.is_dir():
        raise BadData(f'"{folder}" is not a folder. Expected one that holds "{example}" and others.')
    # Copies made on a Mac hold a hidden "._000.jpg" beside "000.jpg".
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not found:
        raise BadData(f'"{folder}" is empty. Expected "{example}" and others in it.')
    return found


def _scene(name: str) -> int:
    return int(name[:2])


def _number(path: Path) -> int:
    if not re.fullmatch(r"\d+", path.stem, re.ASCII) or path.suffix.lower() not in IMAGE_SUFFIXES:
        raise BadData(f'"{path}" is no frame: expected a number, such as "000.jpg". Rename or remove it.')
    return int(path.stem)


def labels_in(path: Path) -> list[bool]:
    """Whether each frame is anomalous.

    Raises:
        BadImage: The file is no array of zeros and ones with one dimension.
    """
    labels = _array(path, dimensions=("frames",))
    if not np.isin(labels, (0, 1)).all():
        raise BadImage(f'"{path}" has values from {labels.min()} to {labels.max()}; expected 0 and 1 only.')
    return [bool(label) for label in labels]


def masks_in(path: Path) -> list[Path]:
    """One path per frame, for `open_frame_mask`; only the head of the file is read.

    Raises:
        BadImage: The file is no array with three dimensions.
    """
    count = len(_array(path, dimensions=("frames", "height", "width")))
    return [path / f"{number:05}" for number in range(count)]


def open_frame_mask(path: Path) -> Image.Image:
    """The mask of one frame, 255 where it is above 0; the other frames are left on disk.

    Raises:
        BadImage: The file is no array with three dimensions any more.
    """
    masks = _array(path.parent, dimensions=("frames", "height", "width"))
    return Image.fromarray((masks[int(path.name)] > 0).astype(np.uint8) * 255)


def _array(path: Path, *, dimensions: tuple[str, ...]) -> np.ndarray:
    try:
        # Never unpickles: a pickle is refused, and so is an array of Python objects.
        array = open_memmap(path, mode="r")
    except Exception as error:  # NumPy raises whatever a damaged head makes it stumble over
        raise BadImage(f'"{path}" is no NumPy array that can be read: {error}. Replace it.') from error
    if array.ndim != len(dimensions) or array.dtype.kind not in "biuf":
        raise BadImage(
            f'"{path}" holds {array.dtype} of shape {array.shape}; '
            f"expected numbers of shape ({', '.join(dimensions)})."
        )
    return array
