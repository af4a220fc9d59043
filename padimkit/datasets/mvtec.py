"""Data sets in the folder layout of MVTec AD."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import final

from padimkit.contracts import DataSource
from padimkit.datasets._masks import find_masks, masked, require_pattern
from padimkit.errors import BadData
from padimkit.images.listing import list_images
from padimkit.images.pages import without_suffix
from padimkit.images.sample import Sample

_MASKS = ("{stem}_mask.*", "{stem}.*", "{stem}/*")  # the first that finds any


@final
class MVTec(DataSource):
    """One category in the layout of MVTec AD (Bergmann et al. 2019), sorted by name.

    Reads `train/good`, `test/good`, `test/<defect>` and `ground_truth/<defect>/<stem>_mask.png` of the
    category; a pixel of a mask above 0 is anomalous. Without a `ground_truth` folder, images have no masks.
    All masks in a folder `ground_truth/<defect>/<stem>` are united, as MVTec LOCO AD has them.

    Args:
        root: The folder that holds the categories.
        category: The name of one category, for example bottle.
        normal: The name of the folders of normal images, in any case; BTAD calls them ok.
        mask: A pattern for the names of masks, such as "{stem}_GT.*": of `7.png`, "{stem}" is `7` and
            "{name}" is `7.png`. Several masks of an image are united.
    """

    def __init__(self, root: Path, category: str, normal: str = "good", mask: str | None = None) -> None:
        require_pattern(mask)
        self.root = Path(root).expanduser()  # without a type checker, people pass strings
        self.category = category
        self.normal = normal
        self.mask = mask

    def train(self) -> Sequence[Sample]:
        """List the images of `train/good`, or of the folder that `normal` names.

        Raises:
            BadData: The category is missing, or its folder `train/good` holds no images.
        """
        folder = self._folder()
        self._require_normal(folder / "train")
        normal = _any_case(folder / "train" / self.normal)
        return [Sample(path, anomalous=False) for path in list_images(normal)]

    def test(self) -> Sequence[Sample]:
        """List the images of `test`, normal in the folder `good`, or `normal`, and anomalous in all others.

        Raises:
            BadData: The category or an anomalous image's mask is missing, or `test` holds no images.
        """
        folder = self._folder()
        self._require_normal(folder / "train")
        paths = list_images(folder / "test")
        kinds = {path: self._kind(path, folder) for path in paths}
        anomalous = [path for path in paths if not self._is_normal(kinds[path])]
        masks = self._masks(folder, anomalous)
        return [
            Sample(path, anomalous=False) if self._is_normal(kinds[path]) else masks[path] for path in paths
        ]

    def _require_normal(self, train: Path) -> None:
        """Check that the normal images are not in a folder of another name."""
        others = sorted(path.name for path in train.glob("[!.]*") if path.is_dir())
        if others and not _any_case(train / self.normal).is_dir():
            raise BadData(
                f'"{train}" has no folder "{self.normal}". It holds: {", ".join(others)}. Pass the name of '
                'the folders of normal images as "normal".'
            )

    def _kind(self, path: Path, folder: Path) -> str:
        within = path.relative_to(folder / "test")
        if len(within.parts) == 1:
            raise BadData(
                f'"{path}" is in no folder of "{path.parent}". Expected "{self.normal}" or the name of a '
                "defect."
            )
        return within.parts[0]

    def _is_normal(self, kind: str) -> bool:
        return kind.lower() == self.normal.lower()  # else "Good" would be a defect

    def _masks(self, folder: Path, anomalous: Sequence[Path]) -> dict[Path, Sample]:
        """Return the samples of anomalous images, with their masks if there are any."""
        truth = folder / "ground_truth"
        if not truth.is_dir():
            return {path: Sample(path, anomalous=True) for path in anomalous}
        relative = {path: path.relative_to(folder / "test") for path in anomalous}
        patterns = (self.mask,) if self.mask else _MASKS
        found = find_masks(relative.values(), truth, patterns) if relative else []
        return {
            path: masked(path, self._require_mask(within, [one.get(within, []) for one in found], truth))
            for path, within in relative.items()
        }

    def _require_mask(self, image: Path, found: Sequence[list[Path]], truth: Path) -> list[Path]:
        masks = next(filter(None, found), [])
        if masks:
            return masks
        if self.mask is not None:
            raise BadData(f'"{image}" has no mask in "{truth}" with a name like "{self.mask}".')
        stem = without_suffix(truth / image)
        expected = stem.with_name(f"{stem.name}_mask.png")
        raise BadData(
            f'The mask "{expected}" is missing. Add it, or remove "{truth}" to do without masks. '
            'Masks with other names are found by "mask", a pattern such as "{stem}_GT.*".'
        )

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


def _any_case(folder: Path) -> Path:
    """Return the folder beside others whose name differs in case only, if there is none of this name."""
    if folder.is_dir() or not folder.parent.is_dir():
        return folder
    found = (path for path in sorted(folder.parent.iterdir()) if path.name.lower() == folder.name.lower())
    return next((path for path in found if path.is_dir()), folder)
