"""Drawn pictures of one grey texture, with small defects, in the layout of MVTec AD."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter

Place = tuple[np.ndarray, np.ndarray]


def write(root: Path, *, size: tuple[int, int], defect: str, train: int, test: int, seed: int) -> Path:
    """Write a category with this many normal images to learn from, and this many of each kind to test on.

    Args:
        root: Folder of the category, which is returned.
        size: Height and width of the images.
        defect: "spot 8" is a disc of 8 pixels, "crack 4" a line of 4 pixels across 40.
        train: Number of training images.
        test: Number of normal and of anomalous test images each.
        seed: Fixes everything that is drawn.
    """
    kind, pixels = defect.split()
    folders = {"train/good": train, "test/good": test, f"test/{kind}": test, f"ground_truth/{kind}": 0}
    for number, (name, count) in enumerate(folders.items()):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            random = np.random.default_rng([seed, number, index])
            picture = texture(size, random)
            if name == f"test/{kind}":
                mask = _mask(kind, int(pixels), size, random)
                picture = np.where(mask, picture - _DEPTH[kind], picture)
                path = root / "ground_truth" / kind / f"{index:03}_mask.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask.astype(np.uint8) * 255).save(path)
            Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{index:03}.png")
    return root


_DEPTH = {"spot": 32.0, "crack": 40.0}  # grey values; the texture deviates by some 9


def texture(size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Return a surface of coarse clouds and fine grain, in grey values around 128."""
    small = random.standard_normal((size[0] // 8 + 1, size[1] // 8 + 1)).astype(np.float32)
    clouds = gaussian_filter(small, 4).repeat(8, 0).repeat(8, 1)[: size[0], : size[1]]
    grain = gaussian_filter(random.standard_normal(size).astype(np.float32), 1.2)
    return 128 + 4 * clouds / clouds.std() + 8 * grain / grain.std()


def _mask(
    kind: str, pixels: int, size: tuple[int, int], random: np.random.Generator
) -> UInt8[np.ndarray, "H W"]:
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    top, left = random.uniform(40, height - 40), random.uniform(40, width - 40)
    if kind == "spot":
        return (y - top) ** 2 + (x - left) ** 2 <= (pixels / 2) ** 2
    angle = random.uniform(0, np.pi)
    along = (x - left) * np.cos(angle) + (y - top) * np.sin(angle)
    across = (y - top) * np.cos(angle) - (x - left) * np.sin(angle)
    return (np.abs(across) <= pixels / 2) & (np.abs(along) <= 20)
