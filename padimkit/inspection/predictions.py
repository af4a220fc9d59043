"""Predictions as files: scores as CSV, maps as 16-bit PNG, and overlays to look at."""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from torch import Tensor

from padimkit.files.foreign_text import as_cell
from padimkit.images.pages import without_suffix
from padimkit.inspection.colours import in_colours, share_of
from padimkit.inspection.pictures import save_png
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Batch

SCALE = "scale.json"
_LONGEST = 240  # bytes of a name, of the 255 that file systems have
_CUT = 60  # characters, which take four bytes each at most


KINDS = ("maps", "overlays")  # folders of pictures


def write_predictions(
    pipeline: Pipeline, batches: Iterable[Batch], folder: Path, kinds: Sequence[str] = KINDS
) -> int:
    """Write `scores.csv`, `scale.json` and these kinds of pictures, and return the number of images.

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
            if kinds:
                # The common scale is known only at the end, and all maps may not fit in memory.
                np.savez(spool / f"{len(rows)}.npz", map=anomaly_map, image=_bytes_of(image))
            rows.append((path, score))
    names = _names([path for path, _ in rows])
    if kinds:
        _write_pictures(names, spool, folder, low, high, kinds)
    spool.rmdir()
    _write_table(rows, names, folder, kinds)
    (folder / SCALE).write_text(json.dumps({"minimum": low, "maximum": high}) + "\n", encoding="utf-8")
    return len(rows)


def _write_table(
    rows: Sequence[tuple[str, float]], names: Sequence[Path], folder: Path, kinds: Sequence[str]
) -> None:
    with (folder / "scores.csv").open(
        "w",
        newline="",
        encoding="utf-8",
        errors="surrogateescape",  # names of files that are not UTF-8
    ) as file:
        writer = csv.writer(file)
        writer.writerow(("path", "score", *(kind.removesuffix("s") for kind in kinds)))
        for (path, score), name in zip(rows, names, strict=True):
            writer.writerow((as_cell(path), score, *(f"{kind}/{name.as_posix()}" for kind in kinds)))


def overlay(
    image: Float[Tensor, "3 H W"], anomaly_map: Float[Tensor, "H W"], *, low: float, high: float
) -> Image.Image:
    """Return the image overlaid with its map in colours, from blue at `low` to red at `high`."""
    return _overlay(_bytes_of(image), anomaly_map.cpu().numpy(), low, high)


def _write_pictures(
    names: Sequence[Path], spool: Path, folder: Path, low: float, high: float, kinds: Sequence[str]
) -> None:
    for index, name in enumerate(names):
        file = spool / f"{index}.npz"
        with np.load(file, allow_pickle=False) as arrays:
            anomaly_map, image = arrays["map"], arrays["image"]
        file.unlink()
        for kind in kinds:
            if kind == "maps":
                shares = np.rint(65535 * share_of(anomaly_map, low=low, high=high))
                picture = Image.fromarray(shares.astype(np.uint16))
            else:
                picture = _overlay(image, anomaly_map, low, high)
            save_png(picture, folder / kind / name)


def _names(paths: list[str]) -> list[Path]:
    """Return one PNG name per image, in the images' folders; a suffix stays if it tells images apart.

    No two are equal, nor would be where case does not count.
    """
    relative = _within_one_folder(paths)
    stems = [without_suffix(path) for path in relative]
    alike = Counter(str(stem).casefold() for stem in stems)
    wanted = [
        stem if alike[str(stem).casefold()] == 1 else path for stem, path in zip(stems, relative, strict=True)
    ]
    names: list[Path] = []
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    for path in wanted:
        short = path if len(os.fsencode(path.name)) <= _LONGEST else path.with_name(path.name[:_CUT])
        name = short.with_name(f"{short.name}.png")
        while str(name).casefold() in taken:
            numbers[str(short).casefold()] += 1
            name = short.with_name(f"{short.name}-{numbers[str(short).casefold()]}.png")
        taken.add(str(name).casefold())
        names.append(name)
    return names


def _within_one_folder(paths: Iterable[str]) -> list[Path]:
    """Return the paths relative to the folder that holds all; each drive is a folder of its own."""
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100  links are not followed
    try:
        root = os.path.commonpath([path.parent for path in absolute])
    except ValueError:  # on several drives of Windows
        return [Path(path.drive.strip(":\\/") or "root", *path.parts[1:]) for path in absolute]
    return [path.relative_to(root) for path in absolute]


def _overlay(
    image: UInt8[np.ndarray, "H W 3"], anomaly_map: Float32[np.ndarray, "H W"], low: float, high: float
) -> Image.Image:
    return Image.fromarray(in_colours(image, anomaly_map, low=low, high=high))


def _bytes_of(image: Float[Tensor, "3 H W"]) -> UInt8[np.ndarray, "H W 3"]:
    return (image * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
