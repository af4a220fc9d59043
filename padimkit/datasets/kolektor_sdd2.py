"""KolektorSDD2, coloured surfaces of production items with defects of many sizes."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from padimkit.contracts import DataSource
from padimkit.datasets._beside import normal_of, samples_in
from padimkit.images.sample import Sample

_COPIES = ("10301 (copy).png", "10301_GT (copy).png")  # in the published archive, of no use


@final
class KolektorSDD2(DataSource):
    """KolektorSDD2 (Bozic et al. 2021), with its authors' split into 2,331 images and 1,004 to test on.

    It reads `train/10000.png` and `train/10000_GT.png`, and `test` alike. An image whose mask marks nothing
    is normal; the 246 anomalous images of `train` are left out, and so are the copies of an image and its
    mask that the published archive holds, `10301 (copy).png` and `10301_GT (copy).png`.

    Args:
        root: The folder that holds `train` and `test`.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root).expanduser()  # without a type checker, people pass strings

    def train(self) -> Sequence[Sample]:
        """List the normal images of `train`.

        Raises:
            BadData: The folder is missing or holds no normal images, or an image has no mask.
        """
        folder = self.root / "train"
        return normal_of(samples_in(folder, "{stem}_GT.*", unmasked="refused", skipped=_COPIES), folder)

    def test(self) -> Sequence[Sample]:
        """List the images of `test`.

        Raises:
            BadData: The folder is missing or holds no images, or an image has no mask.
        """
        return samples_in(self.root / "test", "{stem}_GT.*", unmasked="refused", skipped=_COPIES)
