"""A data set that is drawn instead of downloaded, and then read like MVTec AD."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
from PIL import Image

from padimkit.arguments import arguments
from padimkit.contracts import DataSource
from padimkit.datasets.mvtec import MVTec
from padimkit.datasets.synthetic.flange import OBJECT
from padimkit.datasets.synthetic.scene import Mask, photograph
from padimkit.datasets.synthetic.texture import TEXTURE
from padimkit.errors import BadArgument, BadData
from padimkit.files import new_folder
from padimkit.images.reader import Sample

VERSION = 1  # of the drawings: raise it if the same arguments give other pictures
MANIFEST = "synthetic.json"
CATEGORIES = {"object": OBJECT, "texture": TEXTURE}


@final
class Synthetic(DataSource):
    """Drawn pictures of a fabric or of a turned part, with four kinds of defects and exact masks.

    The first use draws them into `<root>/<category>` in the layout of MVTec AD; later uses read them there.
    The same arguments give the same pictures.

    Args:
        root: The folder for the categories; it is made if it is missing.
        category: texture (a woven fabric) or object (a flange).
        train_images: Number of normal images to train on.
        test_images: Number of images to test on of each kind, which are normal and four kinds of defects.
        size: Side of the square images in pixels.
        seed: Fixes the pictures.
    """

    def __init__(
        self,
        root: Path = Path("padimkit-synthetic"),
        category: str = "texture",
        train_images: int = 40,
        test_images: int = 8,
        size: int = 256,
        seed: int = 0,
    ) -> None:
        if category not in CATEGORIES:
            raise BadArgument(f'Expected "category" to be one of {", ".join(CATEGORIES)}, got "{category}".')
        if min(train_images, test_images) < 1 or size < 64 or seed < 0:
            raise BadArgument(
                'Expected "train_images" and "test_images" of at least 1, "size" of at least 64 and '
                f'"seed" of at least 0, got {train_images}, {test_images}, {size} and {seed}.'
            )
        self.root = Path(root)  # without a type checker, people pass strings
        self.category = category
        self.train_images = train_images
        self.test_images = test_images
        self.size = size
        self.seed = seed

    def train(self) -> Sequence[Sample]:
        """List the normal images to train on, and draw them first if they are missing.

        Raises:
            BadData: The folder of the category holds something else.
            BadOutput: The images cannot be written.
        """
        return self._drawn().train()

    def test(self) -> Sequence[Sample]:
        """List the normal and anomalous images to test on, and draw them first if they are missing.

        Raises:
            BadData: The folder of the category holds something else.
            BadOutput: The images cannot be written.
        """
        return self._drawn().test()

    def _drawn(self) -> MVTec:
        folder = self.root / self.category
        if folder.exists():
            self._require_own(folder)
        else:
            with new_folder(folder, overwrite=False, marker=MANIFEST) as staging:
                self._draw_into(staging)
        return MVTec(self.root, self.category)

    def _require_own(self, folder: Path) -> None:
        if not (folder / MANIFEST).is_file():
            raise BadData(f'"{folder}" exists but holds no synthetic images. Choose another "root".')
        found = (folder / MANIFEST).read_text(encoding="utf-8")
        if found != self._manifest():
            raise BadData(
                f'"{folder}" holds synthetic images of other arguments or of another version of padimkit: '
                f"found {_one_line(found)}, expected {_one_line(self._manifest())}. "
                'Choose another "root", or remove the folder.'
            )

    def _manifest(self) -> str:
        given = {name: value for name, value in arguments(self).items() if name != "root"}
        return json.dumps({"version": VERSION, **given}, indent=1) + "\n"

    def _draw_into(self, folder: Path) -> None:
        category = CATEGORIES[self.category]
        kinds = [
            ("train/good", category.normal, self.train_images),
            ("test/good", category.normal, self.test_images),
            *((f"test/{name}", defect, self.test_images) for name, defect in category.defects.items()),
        ]
        for kind, (name, draw, count) in enumerate(kinds):
            (folder / name).mkdir(parents=True)
            for number in range(count):
                # One generator per image, so that another count does not change any image.
                generator = np.random.default_rng((self.seed, kind, number))
                drawing = draw(generator, self.size)
                path = folder / name / f"{number:03d}.png"
                Image.fromarray(photograph(drawing.picture, generator)).save(path, compress_level=1)
                if drawing.mask.any():
                    _save_mask(drawing.mask, folder / name.replace("test", "ground_truth"), path.stem)
        (folder / MANIFEST).write_text(self._manifest(), encoding="utf-8")


def _save_mask(mask: Mask, folder: Path, stem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{stem}_mask.png")


def _one_line(text: str) -> str:
    return " ".join(text.split())
