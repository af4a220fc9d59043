"""What tiles and own aspect ratios gain over squeezing images into a square, and what they cost.

On drawn pictures: 2448 x 2048 with spots of 8 and 16 pixels, strips of 240 x 1920 with cracks of 4 pixels.
Maps are compared with the masks at the size of the original. Each run has a process of its own. The program
prints tables and writes a record.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks import machine
from benchmarks.inputs import drawn
from benchmarks.measure import measured
from padimkit import (
    PRO,
    Batch,
    FilterBank,
    Gaussian,
    Identity,
    ImageAUROC,
    MVTec,
    Pipeline,
    PixelAUROC,
    Prediction,
    Preprocessing,
    RandomChannels,
    Reader,
    Sample,
    Tiles,
    Timm,
)

RECORD = Path(__file__).parent / "records" / "tiles.json"
LARGE, STRIP, SMALL = (2048, 2448), (240, 1920), (512, 512)  # height and width
TILES = Tiles(544, 40)  # 4 x 5 of them
CHANNELS = 30
COUNTS = (40, 80, 160)
BATCH = 4


def method(name: str, weights: str) -> Pipeline:
    """Return the pipeline of a row of the tables."""
    whole = Preprocessing(resize=None, crop=None)
    squeezed = Preprocessing(resize=256, crop=None)
    own = Gaussian()
    if name.startswith("strip"):
        return Pipeline(
            FilterBank(), Identity(), own, preprocessing=squeezed if "squeezed" in name else whole
        )
    if name == "growth":
        bank = FilterBank(orientations=2)
        return Pipeline(bank, Identity(), own, preprocessing=Preprocessing(None, None, tiles=Tiles(256)))
    backbone = Timm("resnet18.tv_in1k", ["layer1", "layer2"], weights=weights, precision="bfloat16")
    tiled = Preprocessing(resize=None, crop=None, tiles=TILES)
    density = Gaussian(scope="shared") if "shared" in name else own
    return Pipeline(
        backbone, RandomChannels(CHANNELS), density, preprocessing=squeezed if "squeezed" in name else tiled
    )


def quality(name: str, category: str, weights: str) -> dict[str, float]:
    """Fit a method on a category, test it at the size of the originals, and measure time and memory."""
    torch.set_num_threads(1)
    pipeline, source = method(name, weights), MVTec(Path(category).parent, Path(category).name)
    with measured() as fit:
        pipeline.fit(source.train(), batch_size=BATCH, progress=False)
    metrics = {"image_auroc": ImageAUROC(), "pixel_auroc": PixelAUROC(), "pro": PRO()}
    count = 0
    with measured() as test:
        for prediction, truth in _predictions(pipeline, source.test()):
            count += len(truth.paths)
            for metric in metrics.values():
                metric.update(prediction, truth)
    values = {key: metric.compute() for key, metric in metrics.items()}
    state = sum(tensor.nbytes for key, tensor in pipeline.state_dict().items() if key.startswith("heads"))
    return values | {
        "fit_processor_seconds": fit.processor_seconds,
        "fit_gigabytes": fit.peak_bytes / 1e9,
        "processor_seconds_per_image": test.processor_seconds / count,
        "model_gigabytes": state / 1e9,
    }


def growth(count: str, category: str) -> dict[str, float]:
    """Fit tiles on this many images, which repeat, and measure the memory beside its forecast."""
    torch.set_num_threads(1)
    pipeline = method("growth", "")
    paths = sorted(Path(category).glob("train/good/*"))
    samples = [Sample(paths[index % len(paths)]) for index in range(int(count))]
    with measured() as fit:
        pipeline.fit(samples, batch_size=BATCH, workers=0, progress=False)
    forecast = Gaussian().peak_bytes(images=int(count), channels=27, positions=4 * 64 * 64)
    return {"images": int(count), "fit_gigabytes": fit.peak_bytes / 1e9, "forecast_gigabytes": forecast / 1e9}


def _predictions(pipeline: Pipeline, samples: list[Sample]) -> Iterator[tuple[Prediction, Batch]]:
    """Yield predictions with maps at the size of the original, and the truth."""
    masked = Reader(Preprocessing(resize=None, crop=None), BATCH, 0).batches(samples)
    for batch, truth in zip(pipeline.read(samples, BATCH, 0, None), masked, strict=True):
        found = pipeline.predict_batch(batch)
        maps = F.interpolate(found.anomaly_maps[:, None], truth.masks.shape[1:], mode="bilinear")[:, 0]
        yield Prediction(found.image_scores, maps), truth


def rows(root: Path, weights: str) -> Iterator[dict[str, float | str]]:
    """Yield what was measured, run by run."""
    strips = drawn.write(root / "strips", size=STRIP, defect="crack 4", train=40, test=30, seed=0)
    for name in ("strip, squeezed to 256 x 256", "strip, own aspect"):
        yield {"method": name, "defect": "crack 4", **_run("quality", name, str(strips), weights)}
    small = drawn.write(root / "small", size=SMALL, defect="spot 8", train=20, test=1, seed=1)
    for count in COUNTS:
        yield {"method": "growth", **_run("growth", str(count), str(small))}
    for defect in ("spot 8", "spot 16"):
        large = drawn.write(root / defect[5:], size=LARGE, defect=defect, train=10, test=10, seed=2)
        for name in ("squeezed to 256 x 256", "20 tiles, own Gaussians", "20 tiles, shared Gaussian"):
            yield {"method": name, "defect": defect, **_run("quality", name, str(large), weights)}


def _run(*words: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", "benchmarks.tiles", *words], check=True, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(weights: str) -> None:
    found = []
    with tempfile.TemporaryDirectory() as root:
        for row in rows(Path(root), weights):
            found.append(row)
            shown = [
                f"{key} {value:.3f}" if isinstance(value, float) else f"{value}" for key, value in row.items()
            ]
            print(", ".join(shown), flush=True)
    record = {"rows": found, "machine": machine.describe(), "versions": machine.versions()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        run = {"quality": quality, "growth": growth}[sys.argv[1]]
        print(json.dumps(run(*sys.argv[2:])))
    else:
        main(sys.argv[1])
