"""Labels and masks of the frames of a video, one NumPy file for all of them."""

from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image

from padimkit.errors import BadImage


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
