"""The truth about an image: its mask, as large as what the model sees.

Apart from the reader, since a mask may be doubted, and a picture may not.
"""

import logging
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from padimkit.errors import BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.sample import Sample
from padimkit.values import Defect

_log = logging.getLogger(__name__)
_MUCH = 0.9  # of an image, that a mask rarely marks


def mask_of(
    sample: Sample, picture: Image.Image, preprocessing: Preprocessing, doubted: set[Path]
) -> Bool[Tensor, "H W"]:
    """Return the mask of an image at the size that the model sees; nothing is marked where it has none.

    What is odd about the mask of an anomalous image is logged, unless it is among those `doubted` before; it
    then is among them.

    Raises:
        BadImage: The mask has another size than its image.
    """
    if sample.mask is None:
        size = preprocessing.geometry((picture.height, picture.width)).size
        return torch.zeros(size, dtype=torch.bool)
    mask = sample.mask_picture(sample.mask, preprocessing.most_pixels)
    _require_size(mask, sample.mask, picture, sample.path)
    if sample.anomalous is not False and sample.mask not in doubted:
        doubted.add(sample.mask)
        _doubt(mask, sample.mask)
    return preprocessing.mask(mask)


def defects_of(sample: Sample, picture: Image.Image, preprocessing: Preprocessing) -> tuple[Defect, ...]:
    """Return the defects that the data set tells apart, at the size that the model sees.

    Raises:
        BadImage: The mask of one cannot be read, or has another size than its image.
    """
    found = []
    for defect in sample.defects:
        mask, enough = defect.read(preprocessing.most_pixels)
        _require_size(mask, defect.path, picture, sample.path)
        found.append(Defect(preprocessing.mask(mask), enough))
    return tuple(found)


def _require_size(mask: Image.Image, path: Path, picture: Image.Image, image: Path) -> None:
    if mask.size != picture.size:
        raise BadImage(
            f'The mask "{path}" is {mask.width} x {mask.height} pixels, '
            f'but its image "{image}" is {picture.width} x {picture.height}.'
        )


def _doubt(mask: Image.Image, path: Path) -> None:
    share, values = float((np.asarray(mask) > 0).mean()), mask.info.get("values", 2)
    if share == 0:
        _log.warning('The mask "%s" marks nothing: no pixel is above 0 in any colour.', path)
    elif share > _MUCH:
        _log.warning(
            'The mask "%s" marks %.0f %% of its image, since all above 0 is anomalous. Is it inverted?',
            *(path, 100 * share),
        )
    if values > 2:
        _log.warning(
            'The mask "%s" has %d values, and all above 0 is anomalous. Save 0 and 255 if it should not be.',
            *(path, values),
        )
