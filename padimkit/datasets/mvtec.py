"""Data sets in the folder layout of MVTec AD."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import final

from padimkit.contracts import DataSource
from padimkit.errors import BadData
from padimkit.images.decoding import list_images
from padimkit.images.pages import without_suffix
from padimkit.images.reader import Sample


@final
class MVTec(DataSource):
    """One category in the layout of MVTec AD (Bergmann et al. 2019), sorted by name.

    Reads `train/good`, `test/good`, `test/<defect>` and `ground_truth/<defect>/<stem>_mask.png` of the
    category; a pixel of a mask above 0 is anomalous. Without a `ground_truth` folder, images have no masks.

    Args:
        root: The folder that holds the categories.
        category: The name of one category, for example bottle.
    """

    def __init__(self, root: Path, category: str) -> None:
        self.root = Path(root)  # without a type checker, people pass strings
        self.category = category

    def train(self) -> Sequence[Sample]:
        """List the images of `train/good`.

        Raises:
            BadData: The category is missing, or its folder `train/good` holds no images.
        """
        return [Sample(path, anomalous=False) for path in list_images(self._folder() / "train" / "good")]

    def test(self) -> Sequence[Sample]:
        """List the images of `test`, normal in the folder `good` and anomalous in all others.

        Raises:
            BadData: The category or an anomalous image's mask is missing, or `test` holds no images.
        """
        folder = self._folder()
        return [_test_sample(path, folder) for path in list_images(folder / "test")]

    def _folder(self) -> Path:
        folder = self.root / self.category
        if not folder.is_dir():
            raise BadData(f'"{self.root}" {_instead(self.root, self.category)}')
        return folder


def _instead(root: Path, category: str) -> str:
    if not root.is_dir():
        return "is not a folder. Expected the folder that holds the categories."
    if (root / "train").is_dir():
        return f'has no category "{category}"; it is one itself. Give the folder above it as "root".'
    available = sorted(path.parent.name for path in root.glob("[!.]*/train") if path.is_dir())
    if not available:
        return f'has no category "{category}", nor any other folder with images in "train/good".'
    near = [f'"{name}"' for name in get_close_matches(category, available, n=3)]
    suggestion = f" Did you mean {' or '.join(near)}?" if near else ""
    return f'has no category "{category}".{suggestion} It holds: {", ".join(available)}.'


def _test_sample(path: Path, folder: Path) -> Sample:
    within = path.relative_to(folder / "test")
    if len(within.parts) == 1:
        raise BadData(
            f'"{path}" is in no folder of "{path.parent}". Expected "good" or the name of a defect.'
        )
    if within.parts[0] == "good":
        return Sample(path, anomalous=False)
    masks = folder / "ground_truth"
    return Sample(path, anomalous=True, mask=_mask(masks, within) if masks.is_dir() else None)


def _mask(masks: Path, within: Path) -> Path:
    stem = without_suffix(masks / within)
    expected = stem.with_name(f"{stem.name}_mask.png")
    for mask in (expected, stem.with_name(f"{stem.name}.png")):
        if mask.is_file():
            return mask
    raise BadData(f'The mask "{expected}" is missing. Add it, or remove "{masks}" to do without masks.')
