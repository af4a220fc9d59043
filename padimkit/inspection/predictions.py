"""Predictions as files: scores as CSV, maps as 16-bit PNG, and overlays to look at."""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from torch import Tensor

from padimkit.images.pages import without_suffix
from padimkit.inspection.colours import in_colours, share_of
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Batch

SCALE = "scale.json"


def write_predictions(pipeline: Pipeline, batches: Iterable[Batch], folder: Path) -> int:
    """Write `scores.csv`, `maps/`, `overlays/` and `scale.json`, and return the number of images.

    All maps share one scale, so that pictures can be compared: a 16-bit value v stands for the score
    minimum + v / 65535 * (maximum - minimum), with the two from `scale.json`.
    """
    spool = folder / ".spool"
    spool.mkdir()
    rows: list[tuple[str, float]] = []
    low, high = np.inf, -np.inf
    for batch in batches:
        prediction = pipeline.predict_batch(batch)
        maps = prediction.anomaly_maps.cpu().numpy()
        low, high = min(low, float(maps.min())), max(high, float(maps.max()))
        for path, score, anomaly_map, image in zip(
            batch.paths, prediction.image_scores.tolist(), maps, batch.images, strict=True
        ):
            # The common scale is known only at the end, and all maps may not fit in memory.
            np.savez(spool / f"{len(rows)}.npz", map=anomaly_map, image=_bytes_of(image))
            rows.append((path, score))
    names = _names([path for path, _ in rows])
    _write_pictures(names, spool, folder, low, high)
    with (folder / "scores.csv").open(
        "w",
        newline="",
        encoding="utf-8",
        errors="surrogateescape",  # names of files that are not UTF-8
    ) as file:
        writer = csv.writer(file)
        writer.writerow(("path", "score", "map", "overlay"))
        for (path, score), name in zip(rows, names, strict=True):
            writer.writerow((path, score, f"maps/{name.as_posix()}", f"overlays/{name.as_posix()}"))
    (folder / SCALE).write_text(json.dumps({"minimum": low, "maximum": high}) + "\n", encoding="utf-8")
    return len(rows)


def overlay(
    image: Float[Tensor, "3 H W"], anomaly_map: Float[Tensor, "H W"], *, low: float, high: float
) -> Image.Image:
    """Return the image overlaid with its map in colours, from blue at `low` to red at `high`."""
    return _overlay(_bytes_of(image), anomaly_map.cpu().numpy(), low, high)


def _write_pictures(names: list[Path], spool: Path, folder: Path, low: float, high: float) -> None:
    for index, name in enumerate(names):
        file = spool / f"{index}.npz"
        with np.load(file, allow_pickle=False) as arrays:
            anomaly_map, image = arrays["map"], arrays["image"]
        file.unlink()
        for kind, picture in (
            (
                "maps",
                Image.fromarray(np.rint(65535 * share_of(anomaly_map, low=low, high=high)).astype(np.uint16)),
            ),
            ("overlays", _overlay(image, anomaly_map, low, high)),
        ):
            target = folder / kind / name
            target.parent.mkdir(parents=True, exist_ok=True)
            picture.save(target)
    spool.rmdir()


def _names(paths: list[str]) -> list[Path]:
    """Return one PNG name per image, in the images' folders; a suffix stays if it tells images apart."""
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100  links are not followed
    root = os.path.commonpath([path.parent for path in absolute])
    relative = [path.relative_to(root) for path in absolute]
    stems = [without_suffix(path) for path in relative]
    return [
        stem.with_name(f"{stem.name}.png") if stems.count(stem) == 1 else path.with_name(f"{path.name}.png")
        for stem, path in zip(stems, relative, strict=True)
    ]


def _overlay(
    image: UInt8[np.ndarray, "H W 3"], anomaly_map: Float32[np.ndarray, "H W"], low: float, high: float
) -> Image.Image:
    return Image.fromarray(in_colours(image, anomaly_map, low=low, high=high))


def _bytes_of(image: Float[Tensor, "3 H W"]) -> UInt8[np.ndarray, "H W 3"]:
    return (image * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
