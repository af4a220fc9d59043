"""Data sets in plain folders, one of normal images and optional ones to test on."""

import hashlib
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import final

from padimkit.arguments import require_seed
from padimkit.contracts import DataSource
from padimkit.datasets._masks import find_masks, masked, require_pattern
from padimkit.errors import BadArgument, BadData
from padimkit.images.listing import list_images
from padimkit.images.pages import without_suffix
from padimkit.images.sample import Sample

_MASKS = ("{stem}.*", "{stem}_mask.*")


@final
class Folder(DataSource):
    """Images in folders of your own, searched through all their subfolders.

    No image is used both to fit and to test. The normal images to test on are those of `test_normal`; if that
    is not given but `anomalous` is, a part of `normal` is held out. If neither is given, all of `normal` is
    for training and there is no test set.

    Args:
        normal: Normal images.
        anomalous: Anomalous images, for testing only.
        masks: Masks of the anomalous images, under the same relative paths: `bent/7.jpg` finds `bent/7.png`
            or `bent/7_mask.png`. A pixel above 0 is anomalous.
        test_normal: Normal images for testing only; with it, all of `normal` is for training.
        held_out: The fraction of `normal` that is for testing only, if some are held out.
        seed: Fixes which images are held out; they are chosen by name, so the place of the folder is free.
        mask: A pattern for the names of masks, such as "{stem}_GT.*" or "{stem}/*": of `bent/7.jpg`, "{stem}"
            is `7` and "{name}" is `7.jpg`. Several masks of an image are united.
    """

    def __init__(
        self,
        normal: Path,
        anomalous: Path | None = None,
        masks: Path | None = None,
        test_normal: Path | None = None,
        held_out: float = 0.2,
        seed: int = 0,
        mask: str | None = None,
    ) -> None:
        if not 0 < held_out < 1:
            raise BadArgument(f'Expected "held_out" between 0 and 1, got {held_out}.')
        require_seed(seed)
        if masks is not None and anomalous is None:
            raise BadArgument('"masks" was given without "anomalous". Give the images they belong to.')
        if mask is not None and masks is None:
            raise BadArgument('"mask" was given without "masks". Give the folder of the masks.')
        require_pattern(mask)
        self.normal = Path(normal).expanduser()  # without a type checker, people pass strings
        self.anomalous = None if anomalous is None else Path(anomalous).expanduser()
        self.masks = None if masks is None else Path(masks).expanduser()
        self.test_normal = None if test_normal is None else Path(test_normal).expanduser()
        self.held_out = held_out
        self.seed = seed
        self.mask = mask

    def train(self) -> Sequence[Sample]:
        """List the images of `normal`, without those that are held out.

        Raises:
            BadData: The folder is missing, empty, inside another one, or too small to hold images out.
        """
        self._require_apart()
        images = list_images(self.normal)
        held_out = set(self._held_out(images))
        return [Sample(path, anomalous=False) for path in images if path not in held_out]

    def test(self) -> Sequence[Sample]:
        """List the normal images for testing, then the anomalous ones.

        Raises:
            BadData: There is nothing to test on, a folder is missing, empty or inside another one, or an
                anomalous image has no mask or several masks.
        """
        if self.anomalous is None and self.test_normal is None:
            raise BadData(
                f'There is nothing to test on: all of "{self.normal}" is for training. '
                'Give "anomalous", "test_normal" or both.'
            )
        self._require_apart()
        if self.test_normal is not None:
            normal = list_images(self.test_normal)
        else:
            normal = self._held_out(list_images(self.normal))
        samples = [Sample(path, anomalous=False) for path in normal]
        return [*samples, *self._anomalous_samples()]

    def _held_out(self, images: list[Path]) -> list[Path]:
        if self.anomalous is None or self.test_normal is not None:
            return []
        if len(images) < 2:
            raise BadData(
                f'"{self.normal}" holds one image only, so none can be held out. Give "test_normal".'
            )
        count = min(max(round(self.held_out * len(images)), 1), len(images) - 1)
        return sorted(sorted(images, key=self._draw)[:count])

    def _draw(self, path: Path) -> bytes:
        # A hash, not a generator's permutation: the choice hardly changes when images are added.
        name = path.relative_to(self.normal).as_posix()
        return hashlib.sha256(f"{self.seed}/{name}".encode(errors="surrogateescape")).digest()

    def _anomalous_samples(self) -> list[Sample]:
        if self.anomalous is None:
            return []
        images = list_images(self.anomalous)
        if self.masks is None:
            return [Sample(path, anomalous=True) for path in images]
        relative = [path.relative_to(self.anomalous) for path in images]
        found = find_masks(relative, self.masks, (self.mask,) if self.mask else _MASKS)
        return [
            masked(path, self._require_mask(image, [mask for one in found for mask in one.get(image, [])]))
            for path, image in zip(images, relative, strict=True)
        ]

    def _require_mask(self, image: Path, found: list[Path]) -> list[Path]:
        if len(found) > 1 and self.mask is None:
            raise BadData(
                f'"{image}" has several masks: {", ".join(f"{path}" for path in found)}. Keep one, or say by '
                '"mask" which names are to be united.'
            )
        if not found:
            stem = without_suffix(image)
            expected = f'a name like "{self.mask}"' if self.mask else f'"{stem}.png" or "{stem}_mask.png"'
            raise BadData(
                f'"{image}" has no mask in "{self.masks}". Expected {expected} there, or no masks at all. '
                'Masks with other names are found by "mask", a pattern such as "{stem}_GT.*".'
            )
        return found

    def _require_apart(self) -> None:
        folders = {
            "normal": self.normal,
            "anomalous": self.anomalous,
            "masks": self.masks,
            "test_normal": self.test_normal,
        }
        given = {name: folder.resolve() for name, folder in folders.items() if folder is not None}
        for (name, folder), (other, inside) in permutations(given.items(), 2):
            if inside.is_relative_to(folder):
                raise BadData(
                    f'"{inside}" ("{other}") is inside "{folder}" ("{name}"), '
                    "so its images would count as both. Move one of them."
                )
