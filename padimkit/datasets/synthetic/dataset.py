"""A data set that is drawn instead of downloaded, and then read like MVTec AD."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
from PIL import Image

from padimkit.arguments import arguments, require_seed, require_whole
from padimkit.arguments.checked import Checked
from padimkit.contracts import DataSource
from padimkit.datasets.mvtec import MVTec
from padimkit.datasets.synthetic.assembly import ASSEMBLY
from padimkit.datasets.synthetic.camera import photograph
from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.fields import Mask
from padimkit.datasets.synthetic.object import OBJECT
from padimkit.datasets.synthetic.scene import Scene
from padimkit.datasets.synthetic.texture import TEXTURE
from padimkit.errors import BadArgument, BadData
from padimkit.files import new_folder
from padimkit.images.sample import Sample

_MOST_IMAGES = 10**6
_MOST_SIDE = 2**13

VERSION = 2  # of the drawings: raise it if the same arguments give other pictures
MANIFEST = "synthetic.json"
CATEGORIES = {"assembly": ASSEMBLY, "object": OBJECT, "texture": TEXTURE}


@final
class Synthetic(DataSource):
    """Drawn pictures of a fabric, a turned part or a board with parts, with defects and exact masks.

    The first use draws them into `<root>/<category>` in the layout of MVTec AD; later uses read them there.
    The same arguments give the same pictures on every machine.

    Args:
        root: The folder for the categories; it is made if it is missing. "{seed}" in it stands for the seed,
            since a folder holds the images of one.
        category: texture (a woven fabric), object (a flange) or assembly (a board with parts).
        train_images: Number of normal images to train on.
        test_images: Number of images to test on of each kind: normal, and five or six kinds of defects.
        size: Side of the square images in pixels.
        seed: Fixes the pictures.
        difficulty: From 0, where normal pictures are much alike and defects plain, to 1, where light, pose,
            texture and noise vary and defects are small and faint. At 0.5, methods differ.
    """

    checked = Checked(
        arguments={"train_images": 4, "test_images": 1, "size": 64},
        folder="root",
        excused={
            "another_seed_gives_another_result": "a root holds the images of one seed, and refuses others"
        },
    )

    def __init__(
        self,
        root: Path = Path("padimkit-synthetic"),
        category: str = "texture",
        train_images: int = 40,
        test_images: int = 8,
        size: int = 256,
        seed: int = 0,
        difficulty: float = 0.5,
    ) -> None:
        if category not in CATEGORIES:
            raise BadArgument(f'Expected "category" to be one of {", ".join(CATEGORIES)}, got "{category}".')
        if min(train_images, test_images) < 1 or size < 64 or seed < 0:
            raise BadArgument(
                'Expected "train_images" and "test_images" of at least 1, "size" of at least 64 and '
                f'"seed" of at least 0, got {train_images}, {test_images}, {size} and {seed}.'
            )
        require_whole("train_images", train_images, 1, _MOST_IMAGES)
        require_whole("test_images", test_images, 1, _MOST_IMAGES)
        require_whole("size", size, 64, _MOST_SIDE)
        require_seed(seed)
        if not 0 <= difficulty <= 1:
            raise BadArgument(f'Expected "difficulty" from 0 (easy) to 1 (hard), got {difficulty}.')
        self.root = Path(root)  # without a type checker, people pass strings
        self.category = category
        self.train_images = train_images
        self.test_images = test_images
        self.size = size
        self.seed = seed
        self.difficulty = float(difficulty)  # 0 and 0.0 give the same pictures

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
        root = Path(str(self.root).replace("{seed}", str(self.seed)))
        folder = root / self.category
        if folder.exists():
            self._require_own(folder)
        else:
            with new_folder(folder, overwrite=False, marker=MANIFEST) as staging:
                self._draw_into(staging)
        return MVTec(root, self.category)

    def _require_own(self, folder: Path) -> None:
        if not (folder / MANIFEST).is_file():
            raise BadData(f'"{folder}" exists but holds no synthetic images. Choose another "root".')
        found = (folder / MANIFEST).read_text(encoding="utf-8")
        if found != self._manifest():
            raise BadData(
                f'"{folder}" holds synthetic images of other arguments or of another version of padimkit: '
                f"found {_one_line(found)}, expected {_one_line(self._manifest())}. "
                'Choose another "root", such as "drawn-{seed}" for several seeds, or remove the folder.'
            )

    def _manifest(self) -> str:
        given = {name: value for name, value in arguments(self).items() if name != "root"}
        return json.dumps({"version": VERSION, **given}, indent=1) + "\n"

    def _draw_into(self, folder: Path) -> None:
        category, scene = CATEGORIES[self.category], Scene(self.size, self.difficulty)
        kinds = [
            ("train/good", category.normal, self.train_images),
            ("test/good", category.normal, self.test_images),
            *((f"test/{name}", defect, self.test_images) for name, defect in category.defects.items()),
        ]
        for kind, (name, draw, count) in enumerate(kinds):
            (folder / name).mkdir(parents=True)
            for number in range(count):
                # One generator per image, so that another count does not change any image.
                drawing = draw(Draws(self.seed, kind, number), scene)
                path = folder / name / f"{number:03d}.png"
                Image.fromarray(photograph(drawing.picture, Draws(self.seed, kind, number, 1), scene)).save(
                    path, compress_level=1
                )
                if drawing.mask.any():
                    _save_mask(drawing.mask, folder / name.replace("test", "ground_truth"), path.stem)
        (folder / MANIFEST).write_text(self._manifest(), encoding="utf-8")


def _save_mask(mask: Mask, folder: Path, stem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{stem}_mask.png")


def _one_line(text: str) -> str:
    return " ".join(text.split())
