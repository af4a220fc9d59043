"""Folders of videos and of frames, named as in ShanghaiTech: `01_0014`, and `000.jpg` inside."""

import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image

from padimkit.errors import BadData, BadImage
from padimkit.images.listing import IMAGE_SUFFIXES


def videos_in(folder: Path, *, digits: int, suffix: str = "") -> dict[str, Path]:
    """Return the file or folder of each video by the video's name, sorted by name and without hidden ones.

    Args:
        folder: Holds a file or a folder for each video.
        digits: Length of the video's number, which follows the scene's.
        suffix: Suffix of the files, or nothing for folders.

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
    """Return the videos of this scene, or all of them.

    Raises:
        BadData: The scene has no video; the message lists the scenes that do.
    """
    chosen = {name: path for name, path in videos.items() if scene in (None, _scene(name))}
    if not chosen:
        folder = next(iter(videos.values())).parent
        scenes = ", ".join(map(str, sorted({_scene(name) for name in videos})))
        raise BadData(
            f'"{folder}" holds no video of scene {scene}. Choose a "scene" that has videos ({scenes}), '
            "or leave it out to read all."
        )
    return chosen


def require_each(names: Collection[str], found: Collection[str], *, missing: str) -> None:
    """Raise BadData unless each name is found.

    Args:
        names: Names of expected videos.
        found: Names of found videos.
        missing: The rest of the message after the missing names; it ends with a full stop.
    """
    absent = [name for name in names if name not in found]
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise BadData(f"{', '.join(absent[:3])}{more} ({len(absent)} of {len(names)} videos) {missing}")


def frames_in(folder: Path) -> list[Path]:
    """Return the images of a folder in the order of their numbers, which must have no gaps.

    Raises:
        BadData: The folder is missing or empty, a name is not a number, or a number is missing or doubled.
    """
    # By number: as a text, "1000.jpg" comes before "999.jpg".
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
        raise BadData(f'"{path}" is not a frame: expected a number, such as "000.jpg". Rename or remove it.')
    return int(path.stem)


def labels_in(path: Path) -> list[bool]:
    """Return whether each frame is anomalous.

    Raises:
        BadImage: The file is not an array of zeros and ones with one dimension.
    """
    labels = _array(path, dimensions=("frames",))
    if not np.isin(labels, (0, 1)).all():
        raise BadImage(f'"{path}" has values from {labels.min()} to {labels.max()}; expected 0 and 1 only.')
    return [bool(label) for label in labels]


def masks_in(path: Path) -> list[Path]:
    """Return one path per frame, for `open_frame_mask`; only the header of the file is read.

    Raises:
        BadImage: The file is not an array with three dimensions.
    """
    count = len(_array(path, dimensions=("frames", "height", "width")))
    return [path / f"{number:05}" for number in range(count)]


def open_frame_mask(path: Path) -> Image.Image:
    """Return the mask of one frame, 255 where it is above 0, without reading the other frames.

    Raises:
        BadImage: The file is no longer an array with three dimensions.
    """
    masks = _array(path.parent, dimensions=("frames", "height", "width"))
    return Image.fromarray((masks[int(path.name)] > 0).astype(np.uint8) * 255)


def _array(path: Path, *, dimensions: tuple[str, ...]) -> np.ndarray:
    try:
        # This never unpickles: pickles and arrays of Python objects are refused.
        array = open_memmap(path, mode="r")
    except Exception as error:  # NumPy may raise anything for a damaged header
        raise BadImage(f'"{path}" cannot be read as a NumPy array: {error}. Replace it.') from error
    if array.ndim != len(dimensions) or array.dtype.kind not in "biuf":
        raise BadImage(
            f'"{path}" holds {array.dtype} of shape {array.shape}; '
            f"expected numbers of shape ({', '.join(dimensions)})."
        )
    return array
