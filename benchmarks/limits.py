"""The limits of a machine, and the share of them that the density reaches."""

import time
from pathlib import Path

import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from benchmarks.inputs.embeddings import Source
from benchmarks.measure import best_seconds, typical_seconds
from padimkit import Embedding, Gaussian

SIDE = 2048
READ = 2**28  # numbers: more than any cache holds
BATCH = 8


def limits() -> dict[str, float]:
    """Measure GFLOP/s of large products by type, and GB/s of reading memory."""
    found = {}
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        square = torch.rand(SIDE, SIDE).to(dtype)
        seconds = best_seconds(lambda square=square: square @ square)
        found[str(dtype).removeprefix("torch.")] = 2 * SIDE**3 / seconds / 1e9
    numbers = torch.ones(READ)
    return found | {"bandwidth": numbers.nbytes / best_seconds(numbers.sum) / 1e9}


def plain(*, category: str, weights: str, channels: list[int]) -> dict[str, float]:
    """Measure seconds per image of timm's own network, in batches of 8 and of 1, and of Pillow alone."""
    network = timm.create_model("resnet18", features_only=True, out_indices=(1, 2, 3)).eval()
    network.load_state_dict(load_file(weights), strict=False)
    images = torch.rand(BATCH, 3, 224, 224)
    with torch.no_grad():
        eight = typical_seconds(lambda: network(images)) / BATCH
        one = typical_seconds(lambda: network(images[:1]))
    paths = sorted(Path(category).glob("train/good/*"))
    start = time.perf_counter()
    for path in paths:
        with Image.open(path) as picture:
            picture.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
    return {"network": eight, "network_1": one, "pillow": (time.perf_counter() - start) / len(paths)}


def density(*, images: int, channels: int, side: int, storage: str) -> dict[str, float]:
    """Measure the rates at which a fit multiplies and a score reads, from the least that they need.

    A fit on n images needs 2 n^2 d operations for the products of samples, n^3 / 3 for the Cholesky factor
    and n^2 d for the triangular solution, at each position. A score reads the factor.
    """
    source = Source(channels, side)
    batches = [
        Embedding(source.batch(start, min(BATCH, images - start))) for start in range(0, images, BATCH)
    ]
    one = Embedding(source.batch(images, 1))
    model = Gaussian(storage=storage)
    start = time.perf_counter()
    model.fit(batches)
    model.score(one)
    fit = time.perf_counter() - start
    work = side**2 * (3 * images**2 * channels + images**3 / 3)
    expected = model.forecast(images=images, channels=channels, positions=side**2)
    score = typical_seconds(lambda: model.score(one))
    return {
        "fit_seconds": fit,
        "fit_gflops": work / fit / 1e9,
        "score_seconds": score,
        "score_gigabytes": expected.factor / score / 1e9,
    }
