"""Images whose masks lie beside them, or in a folder beside them: the layout of several data sets.

Apart from these, which share it.
"""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from padimkit.datasets._masks import find_masks, masked
from padimkit.errors import BadData
from padimkit.images.decoding import open_mask
from padimkit.images.listing import list_images
from padimkit.images.sample import Sample


def samples_in(
    folder: Path, mask: str, *, unmasked: Literal["normal", "refused"], skipped: Collection[str] = ()
) -> list[Sample]:
    """Return the images of a folder, sorted by path; one whose mask marks nothing is normal.

    Args:
        folder: Holds images and masks.
        mask: The name of a mask from the folder of its image, such as "Label/{stem}_label.*".
        unmasked: What an image without a mask is.
        skipped: Names of files that do not belong to the data set.

    Raises:
        BadData: The folder is missing or holds no images, an image has no mask and that is refused, a mask
            has no image, or there are no masks at all.
        BadImage: A mask cannot be read.
    """
    images = [path.relative_to(folder) for path in list_images(folder) if path.name not in skipped]
    (found,) = find_masks(images, folder, (mask,))
    masks = {path for paths in found.values() for path in paths}
    own = {folder / image: found.get(image, []) for image in images if folder / image not in masks}
    for path, paths in own.items():
        if not paths and _is_like_mask(path.relative_to(folder), mask):
            raise BadData(f'"{path}" is named like a mask, but its image is missing.')
        if not paths and unmasked == "refused":
            raise BadData(f'"{path}" has no mask. Expected one beside it with a name like "{mask}".')
    if not masks:  # else all that have a defect would be taken for normal ones
        raise BadData(f'"{folder}" holds no masks. Expected some with names like "{mask}".')
    return [_sample(path, paths) for path, paths in own.items()]


def normal_of(samples: Sequence[Sample], folder: Path) -> list[Sample]:
    """Return the normal images.

    Raises:
        BadData: There are none.
    """
    normal = [sample for sample in samples if not sample.anomalous]
    if not normal:
        raise BadData(f'"{folder}" holds no normal images to learn from.')
    return normal


def category_in(root: Path, category: str, *, holds: str) -> Path:
    """Return the folder of a category, which holds a folder of the given name.

    Raises:
        BadData: It is missing; the message names those that are there.
    """
    if (root / category / holds).is_dir():
        return root / category
    if not root.is_dir():
        raise BadData(f'"{root}" is not a folder. Expected the folder that holds the categories.')
    known = sorted(path.parent.name for path in root.glob(f"[!.]*/{holds}") if path.is_dir())
    if not known:
        raise BadData(f'"{root}" holds no category with a folder "{holds}".')
    near = [f'"{name}"' for name in get_close_matches(category, known, n=3)]
    suggestion = f" Did you mean {' or '.join(near)}?" if near else ""
    raise BadData(f'"{root}" has no category "{category}".{suggestion} It holds: {", ".join(known)}.')


def _is_like_mask(path: Path, mask: str) -> bool:
    return fnmatchcase(f"/{path.as_posix()}".lower(), f"*/{mask.replace('{stem}', '*')}".lower())


def _sample(path: Path, masks: list[Path]) -> Sample:
    marks = [mask for mask in masks if open_mask(mask).getbbox() is not None]
    return masked(path, marks) if marks else Sample(path, anomalous=False)
