"""The search for the layers of the recipes over EfficientNet-Lite0, on real images where these are.

Each image goes through the network once; all compositions then read its levels from memory. As a part of a
study this would take ten times as long, since each cell has a process of its own.
"""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import final

import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

import padimkit
from padimkit import (
    Backbone,
    Features,
    Gaussian,
    Identity,
    Joint,
    MVTec,
    Pipeline,
    Registry,
    Separate,
)
from padimkit.images.reader import Reader
from padimkit.values import Batch

DATA = {"tile": "magnetic_tile", "bottle": "mvtec_bottle_256", "transistor": "mvtec_transistor_256"}
LEVELS = ("bn1", *(f"blocks.{number}" for number in range(7)), "bn2")
EPS = 0.01


@final
class Remembered(Backbone):
    """The feature maps of some layers, of images whose maps of all layers are known."""

    def __init__(
        self, known: dict[bytes, Features], layers: list[str], descriptor: str | None = None
    ) -> None:
        self.known = known
        self.layers = layers
        self.descriptor = descriptor

    def extract(self, images: Tensor) -> Features:
        found = [self.known[_name(image)] for image in images]
        maps = {layer: torch.cat([one.maps[layer] for one in found]).float() for layer in self.layers}
        return Features(maps)

    def to(self, device: torch.device) -> None:
        """Stay on the CPU, where the maps are."""


def remembered(batches: list[Batch]) -> dict[bytes, Features]:
    """Return the maps of all levels, in half precision, by image."""
    backbone = padimkit.Timm("tf_efficientnet_lite0", list(LEVELS), weights="installed")
    known: dict[bytes, Features] = {}
    for batch in batches:
        maps = backbone.extract(batch.images).maps
        for number, image in enumerate(batch.images):
            known[_name(image)] = Features({k: v[number : number + 1].half() for k, v in maps.items()})
    return known


def _name(image: Tensor) -> bytes:
    return image[:, ::7, ::7].contiguous().numpy().tobytes()


def compositions() -> Iterator[tuple[str, str, list[str]]]:
    """Yield method, numbers of blocks and layers of all that is tried."""
    for first, last in ((0, 9), (1, 8), (2, 8), (4, 8), (6, 9)):
        yield "mahalanobis", f"{LEVELS[first]} to {LEVELS[last - 1]}", list(LEVELS[first:last])

    for blocks in ("124", "123", "24", "1234", "14", "2", "4", "0124", "1245"):
        yield "padim", blocks, [f"blocks.{b}" for b in blocks]
    for blocks in ("24", "23"):
        yield "patchcore", blocks, [f"blocks.{b}" for b in blocks]


def parts(method: str) -> dict[str, object]:
    """Return the parts of a method behind its backbone."""
    if method == "padim":
        return {"reducer": Identity(), "density": Gaussian(eps=EPS)}
    if method == "patchcore":
        levels = Joint(pooling="local", window=3, alignment="bilinear")
        return {
            "reducer": Identity(),
            "levels": levels,
            "density": Registry("densities").load("patchcore")(ratio=0.01, neighbours=9),
        }
    density = Gaussian(eps=0.0, covariance="ledoit_wolf", precision="float64")
    return {
        "reducer": Identity(),
        "levels": Separate(pooling="global"),
        "density": density,
        "map": padimkit.AnomalyMap(sigma=0.0),
    }


def run(shared: Path, categories: list[str]) -> None:
    """Print a row of Markdown for each composition and category."""
    for category in categories:
        source = MVTec(shared / "data" / DATA[category], category)
        train, test = (list(Reader().batches(samples)) for samples in (source.train(), source.test()))
        known = remembered(train) | remembered(test)
        for descriptor, neighbours in product(LEVELS[2:], (5, 50)):
            value = nearest_images(known, train, test, descriptor, neighbours)
            print(f"| {category} | spade | {descriptor} | K = {neighbours} | {100 * value:.1f} |", flush=True)
        for method, blocks, layers in compositions():
            pipeline = Pipeline(Remembered(known, layers), **parts(method))
            found = padimkit.evaluate(pipeline.fit(train, progress=False), test, progress=False).metrics
            values = " / ".join(f"{100 * value:.1f}" for value in found.values())
            print(f"| {category} | {method} | {blocks} | | {values} |", flush=True)


def nearest_images(
    known: dict[bytes, Features], train: list[Batch], test: list[Batch], descriptor: str, neighbours: int
) -> float:
    """Return the image AUROC of SPADE, which depends on the descriptor and on K alone."""
    normal, query = (
        torch.cat(
            [
                known[_name(image)].maps[descriptor].float().mean((2, 3))
                for batch in batches
                for image in batch.images
            ]
        )
        for batches in (train, test)
    )
    distances = NearestNeighbors(n_neighbors=neighbours).fit(normal).kneighbors(query)[0]
    labels = torch.cat([batch.labels for batch in test])
    return float(roc_auc_score(labels, (distances**2).mean(1)))


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:] or list(DATA))
