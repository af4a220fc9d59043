"""The tasks that are compared, and the ratios that we want to reach."""

from dataclasses import dataclass, field
from typing import Any

from benchmarks.inputs.embeddings import SIDE

OURS, THEIRS = "benchmarks.peers.ours", "benchmarks.peers.theirs"


@dataclass(frozen=True)
class Run:
    """One process: a function in the environment of one program.

    `label` names its measurements; `peer` says that it runs in the environment of the other program.
    """

    label: str
    function: str
    arguments: dict[str, Any]
    peer: bool = False


@dataclass(frozen=True)
class Row:
    """A line of the table: a measurement of ours beside one of theirs; a larger ratio is better for us."""

    title: str
    measured: str
    ours: str
    theirs: str
    reach: float
    aim: float


@dataclass(frozen=True)
class Task:
    """Runs that alternate, and the lines of the table that come of them."""

    name: str
    runs: tuple[Run, ...]
    rows: tuple[Row, ...]
    quality: tuple[str, ...] = field(default=())


def tasks(scale: "Scale", folder: str, images: dict[str, Any]) -> list[Task]:
    """Return all tasks; their inputs are in the folder."""
    return [
        _gaussian(
            scale, folder, scale.wide, {"fit": (10, 30), "full": (2.5, 4), "half": (5, 8), "full 8": (3, 6)}
        ),
        _gaussian(scale, folder, scale.narrow, {"fit": (4, 10), "full": (1.3, 2.5), "half": (2.5, 4)}),
        _metrics(scale, folder),
        Task(
            "job",
            (Run("ours", f"{OURS}:job", images), Run("anomalib", f"{THEIRS}:job", images, peer=True)),
            (Row("whole job, R18-Rd100, time", "seconds", "ours", "anomalib", 2, 4),),
            ("image_auroc", "pixel_auroc", "pro"),
        ),
    ]


@dataclass(frozen=True)
class Scale:
    """The sizes of the inputs; the defaults are those of a class of MVTec AD."""

    images: int = 209
    wide: int = 550
    narrow: int = 100
    side: int = SIDE
    maps: int = 83
    pixels: int = 900

    def embeddings(self, folder: str, channels: int) -> dict[str, Any]:
        """Return arguments of the file of embeddings."""
        return {"folder": folder, "images": self.images, "channels": channels, "side": self.side}

    def test_set(self, folder: str) -> dict[str, Any]:
        """Return arguments of the file of maps."""
        return {"folder": folder, "count": self.maps, "side": self.pixels}


def _gaussian(scale: Scale, folder: str, channels: int, targets: dict[str, tuple[float, float]]) -> Task:
    file = scale.embeddings(folder, channels)
    runs = (
        Run("full", f"{OURS}:gaussian", file | {"storage": "full"}),
        Run("anomalib", f"{THEIRS}:gaussian", file, peer=True),
        Run("half", f"{OURS}:gaussian", file | {"storage": "half"}),
    )
    name = f"d = {channels}"
    rows = [
        Row(f"fit, {name}, time", "fit_seconds", "full", "anomalib", *targets["fit"]),
        Row(f"score batch 1, {name}, float32", "score_1_seconds", "full", "anomalib", *targets["full"]),
        Row(f"score batch 1, {name}, half", "score_1_seconds", "half", "anomalib", *targets["half"]),
    ]
    if "full 8" in targets:
        rows += [
            Row(f"score batch 8, {name}, float32", "score_8_seconds", "full", "anomalib", *targets["full 8"]),
            Row(f"fit, {name}, peak memory", "fit_bytes", "full", "anomalib", 1, 1),
            Row(
                f"fit, {name}, peak above the embeddings' own",
                "fit_above_bytes",
                "full",
                "anomalib",
                4,
                10,
            ),
            Row(f"model on disk, {name}", "disk_bytes", "full", "anomalib", 2.5, 2.5),
            Row(f"model on disk, {name}, half", "disk_bytes", "half", "anomalib", 2.5, 5),
        ]
    return Task(f"gaussian-{channels}", runs, tuple(rows), ("median_deviation", "largest_deviation"))


def _metrics(scale: Scale, folder: str) -> Task:
    file = scale.test_set(folder)
    size = f"{scale.maps} x {scale.pixels} x {scale.pixels}"
    runs = (
        Run("PRO", f"{OURS}:metric", file | {"name": "pro"}),
        Run("anomalib AUPRO", f"{THEIRS}:metric", file | {"name": "pro"}, peer=True),
        Run("pixel AUROC", f"{OURS}:metric", file | {"name": "pixel_auroc"}),
        Run("torchmetrics AUROC", f"{THEIRS}:metric", file | {"name": "pixel_auroc"}, peer=True),
        Run("scikit-learn AUROC", f"{THEIRS}:scikit_learn", file, peer=True),
    )
    rows = (
        Row(f"AUPRO, {size}, time", "seconds", "PRO", "anomalib AUPRO", 8, 20),
        Row("pixel AUROC against scikit-learn", "seconds", "pixel AUROC", "scikit-learn AUROC", 5, 10),
        Row("pixel AUROC against torchmetrics", "seconds", "pixel AUROC", "torchmetrics AUROC", 1, 5),
    )
    return Task("metrics", runs, rows, ("value",))
