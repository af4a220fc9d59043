"""Made-up records of a study, with everything that a report shows."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
from PIL import Image

from padimkit.benchmark.cell import Cell, Facts
from padimkit.benchmark.record import Curve, Example, Failure, Record
from padimkit.benchmark.times import Spread

METHODS = {
    "padim-rd100": (0.93, 0.020),
    "padim-pca100": (0.915, 0.024),
    "spade": (0.94, 0.31),
    "layer-sum": (0.90, 0.05),
}
CATEGORIES = ("bottle", "cable", "grid", "leather", "tile", "wood")
SEEDS = (0, 1, 2)
ENVIRONMENT = {"versions": {"python": "3.11.7", "torch": "2.14.1"}, "machine": "a machine", "threads": 1}


def made(method, category, seed, random, *, dataset="products", kind="mvtec", crop=224):
    """A finished record without examples and curves."""
    quality, seconds = METHODS.get(method, (0.9, 0.1))
    image = quality + 0.003 * (*CATEGORIES, "").index(category) + random.normal(0, 0.006)
    cell = Cell(
        suite="study",
        method=method,
        dataset=dataset,
        category=category,
        seed=seed,
        settings={
            "pipeline": {"backbone": {"class_path": "timm"}, "preprocessing": {"resize": 256, "crop": crop}},
            "data": {"class_path": kind, "init_args": {"root": "data", "category": category}},
            "metrics": [{"class_path": "image_auroc"}, {"class_path": "pro", "init_args": {"max_fpr": 0.3}}],
            "seed": seed,
        },
        measure=("quality", "time", "memory"),
        repeats=5,
    )
    return Record(
        key=re.sub(r"\W", "-", f"{method}-{dataset}-{category}-{seed}-{crop}"),
        cell=cell,
        facts=Facts(f"print-{category}", 200, 40, 25),
        metrics={"image_auroc": float(image), "pro": float(image - 0.03)},
        seconds={
            "predict 1": _spread(seconds, random),
            "predict 8": _spread(seconds / 2, random),
            "fit": _spread(seconds * 90, random),
            "backbone": _spread(seconds / 3, random),
        },
        bytes={"peak": int(4e8 + 3e9 * seconds), "model": int(1.2e8 * (1 + 9 * seconds)), "disk": int(9e7)},
        flops=3_640_000_000,
        environment=ENVIRONMENT,
        plugins=({"family": "backbones", "name": "timm", "distribution": "padimkit", "version": "0.1.0"},),
        begun="2026-11-20T10:00:00+00:00",
        took=31.4,
    )


def of_cell(record, **fields):
    """The record of a cell that has these fields instead."""
    return replace(record, cell=replace(record.cell, **fields))


def with_curves(record, random):
    """The record with an ROC and a PRO curve."""
    sharpness = 8 + 4 * random.random()
    curves = {}
    for name, end in (("roc", 1.0), ("pro", 0.3)):
        x = np.linspace(0, end, 60)
        y = 1 - np.exp(-sharpness * x / end) * (1 - x / end)
        curves[name] = Curve(tuple(map(float, x)), tuple(map(float, y)))
    return replace(record, curves=curves)


def with_examples(record, random, *, side=48):
    """The record with two test images, which depend on the category alone, and maps of its own."""
    drawn = np.random.default_rng(CATEGORIES.index(record.cell.category))
    examples = []
    for index in range(2):
        image, mask = _picture(drawn, side, index)
        noise = random.normal(0, 14, (side // 4, side // 4)).clip(0, 255)
        heat = (
            np.asarray(Image.fromarray(mask).resize((side // 4,) * 2, Image.Resampling.BOX), float) * 0.8 + 30
        )
        grey = Image.fromarray((heat + noise).clip(0, 255).astype(np.uint8)).resize(
            (side,) * 2, Image.Resampling.BICUBIC
        )
        examples.append(
            Example(
                path=f"spot/{index:03}.png",
                anomalous=True,
                score=float(20 + 10 * random.random()),
                image=encoded(Image.fromarray(image), "JPEG"),
                map=encoded(grey, "PNG"),
                mask=encoded(Image.fromarray(mask), "PNG"),
                low=2.5 + index,
                high=31.25 + 20 * index,
            )
        )
    return replace(record, examples=tuple(examples))


def failed(record):
    """The record of the same cell, had it run out of memory."""
    failure = Failure(
        "memory", "Needs 9.1 GB, 2 GB are allowed.", "Traceback: ...\nMemoryError", "density fit"
    )
    return replace(record, metrics={}, seconds={}, bytes={}, flops=None, failure=failure)


def varied(record, images, random):
    """A cell of a complexity study: the time of the fit grows as the images."""
    return replace(
        of_cell(record, suite="complexity", varied={"training images": float(images)}),
        key=f"varied-{record.key}-{images}",
        metrics={},
        seconds={
            "fit": _spread((0.004 if record.cell.method == "spade" else 0.02) * images, random),
            "predict 1": _spread(0.02, random),
        },
        bytes={
            "peak fit": int(3e8 * (1 + 0.01 * random.random())),
            "model": 2_000_000 * images if record.cell.method == "spade" else 125_000_000,
        },
    )


def study(random, *, side=48):
    """Four methods, six categories, three seeds; one cell failed, one is missing; a complexity study."""
    records = []
    for method in METHODS:
        for category in CATEGORIES:
            for seed in SEEDS:
                record = made(method, category, seed, random)
                if seed == 0 and category in CATEGORIES[:2]:
                    record = with_examples(with_curves(record, random), random, side=side)
                records.append(record)
    by_key = {record.key: record for record in records}
    lost = made("spade", "wood", 2, random).key
    by_key[lost] = failed(by_key[lost])
    del by_key[made("layer-sum", "tile", 1, random).key]
    for method in ("padim-rd100", "spade"):
        for images in (25, 50, 100, 200):
            cell = varied(made(method, "bottle", 0, random), images, random)
            by_key[cell.key] = cell
    return list(by_key.values())


def encoded(picture, form):
    """The picture as a file in base64."""
    file = io.BytesIO()
    picture.save(file, form)
    return base64.b64encode(file.getvalue()).decode()


def _spread(seconds, random):
    median = float(seconds * (1 + 0.05 * random.random()))
    return Spread(median, median * 0.97, median * 1.04, 5)


def _picture(random, side, index):
    y, x = np.mgrid[:side, :side]
    base = 128 + 45 * np.sin(x / 3 + index) * np.cos(y / 5) + random.normal(0, 8, (side, side))
    tint = random.uniform(0.6, 1.1, 3)
    image = (base[..., None] * tint).clip(0, 255)
    centre = random.integers(side // 4, 3 * side // 4, 2)
    spot = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < (side / 7) ** 2
    image[spot] = image[spot] * 0.35
    return image.astype(np.uint8), np.where(spot, 255, 0).astype(np.uint8)
