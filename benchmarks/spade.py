"""`make bench-spade`: SPADE's search for nearest patches beside two plainer ones, each in its own process.

Shapes are those of Wide-ResNet50-2 at 224 pixels: 256, 512 and 1024 channels at 56, 28 and 14 positions.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median

import faiss
import numpy as np
import torch

from benchmarks import fresh, machine
from benchmarks.measure import measured
from padimkit.densities._gallery import Gallery
from padimkit.densities._nearest import nearest_distances
from padimkit.values import Pyramid

RECORD = Path(__file__).parent / "records" / "spade.json"
SHAPES = ((256, 56), (512, 28), (1024, 14))
ROWS = 16  # of the loop; the time for all follows
KINDS = ("ours", "flat", "loop")


def pyramid(images: int, shapes: list[list[int]], seed: int) -> Pyramid:
    """Draw random features; neighbouring positions are alike, as those of images are."""
    generator = torch.Generator().manual_seed(seed)
    maps = tuple(torch.randn(images, channels, side, side, generator=generator) for channels, side in shapes)
    return Pyramid(tuple(map.relu() for map in maps), torch.zeros(images, 1))


def rows_of(found: Pyramid) -> torch.Tensor:
    """Return aligned, concatenated patches, row by row of each image."""
    return found.embedding().patches.permute(0, 2, 3, 1).flatten(0, 2).contiguous()


def ours(*, neighbours: int, shapes: list[list[int]]) -> dict[str, object]:
    """Search layer by layer, each at its own resolution."""
    gallery, query = Gallery(float("inf")), pyramid(1, shapes, 1)
    gallery.add(pyramid(neighbours, shapes, 0), torch.zeros(neighbours, 1))
    vectors = [layer[0].contiguous() for layer in gallery.vectors(query)]
    with measured() as taken:
        distances = nearest_distances(vectors, [gallery.image(i) for i in range(neighbours)], 1)
    return {"seconds": taken.seconds, "bytes": taken.peak_bytes, "sorted": _summary(distances[:, 0])}


def flat(*, neighbours: int, shapes: list[list[int]]) -> dict[str, object]:
    """Search by a flat index of FAISS over aligned, concatenated features."""
    known, asked = rows_of(pyramid(neighbours, shapes, 0)).numpy(), rows_of(pyramid(1, shapes, 1)).numpy()
    with measured() as taken:
        index = faiss.IndexFlatL2(known.shape[1])
        index.add(known)
        distances, _ = index.search(asked, 1)
    found = torch.from_numpy(distances[:, 0])
    return {"seconds": taken.seconds, "bytes": taken.peak_bytes, "sorted": _summary(found)}


def loop(*, neighbours: int, shapes: list[list[int]]) -> dict[str, object]:
    """Compute the distances of one row after another to all others, as plain implementations do."""
    known, asked = rows_of(pyramid(neighbours, shapes, 0)), rows_of(pyramid(1, shapes, 1))
    with measured() as taken:
        for row in asked[:ROWS]:
            torch.pairwise_distance(known, row[None]).topk(1, largest=False)
    return {"seconds": taken.seconds * len(asked) / ROWS, "bytes": taken.peak_bytes}


def _summary(distances: torch.Tensor) -> list[float]:
    """Return a few of the sorted distances: the orders of positions differ, the distances must not."""
    ordered = distances.double().sort().values.numpy()
    return [float(value) for value in np.quantile(ordered, np.linspace(0, 1, 21))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neighbours", type=int, default=50, help="Images in the gallery.")
    parser.add_argument("--rounds", type=int, default=3, help="Number of measurements of each, in turn.")
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    arguments = {"neighbours": given.neighbours, "shapes": SHAPES}
    rounds = [
        {kind: fresh.call(sys.executable, f"benchmarks.spade:{kind}", arguments, threads=1) for kind in KINDS}
        for _ in range(given.rounds)
    ]
    for kind in KINDS:
        ratios = sorted(found[kind]["seconds"] / found["ours"]["seconds"] for found in rounds)
        seconds = median(found[kind]["seconds"] for found in rounds)
        span = f"{ratios[0]:.1f} to {ratios[-1]:.1f}"
        print(f"{kind:>5}: {seconds:9.2f} s, {median(ratios):8.1f} times ours ({span})")
    differences = [
        abs(one / other - 1)
        for found in rounds
        for one, other in zip(found["ours"]["sorted"], found["flat"]["sorted"], strict=True)
    ]
    print(f"Largest relative difference of distances to those of the flat index: {max(differences):.1e}")
    record = {"rounds": rounds, "machine": machine.describe(), "versions": machine.versions()}
    given.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
