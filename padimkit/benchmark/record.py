"""The outcome of one cell of a suite: enough to run it again, and to report it."""

import base64
import math
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from padimkit import stages
from padimkit.benchmark.cell import Cell, Facts
from padimkit.benchmark.times import Spread, TimedProcess
from padimkit.inspection import verdict

FORMAT = 2
# Names in `seconds`, most of them those of stages.
FIT = "fit"
READ = stages.READ
REDUCER_FIT = stages.REDUCER_FIT
DENSITY_FIT = stages.DENSITY_FIT
PREPARE = stages.PREPARE
FIRST = "first predict 1"
PREDICT = stages.PREDICT
BACKBONE = stages.BACKBONE
EMBEDDING = stages.EMBEDDING
SCORE = stages.SCORE
MAP = stages.MAP
METRICS = stages.METRICS
CALIBRATION = stages.CALIBRATION
LATENCY = stages.LATENCY
# Names in `metrics` where a suite asks for verdicts.
FALSE_ALARMS = verdict.FALSE_ALARMS
MISSES = verdict.MISSES
# Names in `bytes`.
PEAK = "peak"
PEAK_OWN = "peak own"
PEAK_FIT = "peak fit"
PEAK_PREDICT = "peak predict"
MODEL = "model"
FITTED = "fitted"
HELD = "held"
RESIDENT = "resident"
DISK = "disk"
DEVICE = "device"
# Names in `rates`.
SINGLE = "single"
DOUBLE = "double"
MEMORY = "memory"


def of_batch(name: str, size: int) -> str:
    """Return the name of the seconds that a stage takes per image in batches of this size."""
    return f"{name} {size}"


Cause = Literal["error", "timeout", "memory", "killed"]


@dataclass(frozen=True)
class Curve:
    """Points of a curve, at most a few hundred.

    Args:
        x: Ascending.
        y: As many.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Example:
    """One test image with its map; the same images for all methods.

    Args:
        path: Its name.
        anomalous: Its label; None if unknown.
        score: Its anomaly score.
        image: JPEG in base64.
        map: Grey PNG of 8 bits in base64.
        mask: PNG in base64; None without one.
        low: The score of black in the map.
        high: The score of white in the map.
        values: By metric, its value of this image, where it has one.
    """

    path: str
    anomalous: bool | None
    score: float
    image: str
    map: str
    mask: str | None
    low: float
    high: float
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageScores:
    """The scores of all test images, in the order of the data set; numbers are float32 in base64.

    Args:
        names: Folder and name of each image.
        anomalous: A sign for each image: "1" anomalous, "0" normal, "?" unknown.
        scores: Of the images.
        influence: By metric, the derivative of its value by the weight of each image.
        values: By metric, its value of each image, where it has such; NaN for images without.
        left_out: What is missing because a number of it was not finite: "influence METRIC", "values METRIC".
    """

    names: tuple[str, ...]
    anomalous: str
    scores: str
    influence: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        texts = {"scores": self.scores} | {f"influence.{name}": text for name, text in self.influence.items()}
        counts = {"anomalous": len(self.anomalous)} | {
            name: len(_unpacked(text, name)) for name, text in texts.items()
        }
        counts |= {
            f"values.{name}": len(_unpacked(text, f"values.{name}", gaps=True))
            for name, text in self.values.items()
        }
        for name, count in counts.items():
            if count != len(self.names):
                raise TypeError(f'"record.images.{name}" has {count} entries, not {len(self.names)}')
        if set(self.anomalous) - set("01?"):
            raise TypeError('"record.images.anomalous" has other signs than 0, 1 and ?')

    @property
    def kinds(self) -> tuple[bool, ...] | None:
        """True for each anomalous image; None where a label is unknown."""
        return None if "?" in self.anomalous else tuple(sign == "1" for sign in self.anomalous)


def packed(values: Iterable[float]) -> str:
    """Return numbers as float32 in base64, four bytes each, the lowest byte first."""
    found = array("f", values)
    if sys.byteorder == "big":
        found.byteswap()
    return base64.b64encode(found.tobytes()).decode("ascii")


def unpacked(text: str, *, gaps: bool = False) -> tuple[float, ...]:
    """Return the numbers of a text that `packed` has made; with gaps, there may be NaN among them."""
    return _unpacked(text, "scores", gaps=gaps)


def _unpacked(text: str, name: str, *, gaps: bool = False) -> tuple[float, ...]:
    """Return the numbers, which are finite, or NaN where there may be gaps."""
    found = array("f")
    try:
        found.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise TypeError(f'"record.images.{name}" is {text[:20]!r}, float32 in base64 was expected') from error
    if sys.byteorder == "big":
        found.byteswap()
    if not all(math.isfinite(number) or (gaps and math.isnan(number)) for number in found):
        raise TypeError(f'"record.images.{name}" holds a number that is not finite')
    return tuple(found)


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on the test images, by a threshold that follows from the training images alone.

    Args:
        threshold: Images with a higher score raise an alarm.
        promised: At most this share of normal images that are like the training images raises one.
        normal: Number of normal test images.
        anomalous: Number of anomalous ones.
        false_alarms: The normal ones that raise an alarm.
        misses: The anomalous ones that raise none.
    """

    threshold: float
    promised: float
    normal: int
    anomalous: int
    false_alarms: int
    misses: int


@dataclass(frozen=True)
class Failure:
    """The reason for a cell without a result.

    Args:
        cause: One of error, timeout, memory, killed.
        message: In one sentence or more.
        traceback: That of Python, empty without one.
        stage: The last one that the cell was in.
    """

    cause: Cause
    message: str
    traceback: str
    stage: str


@dataclass(frozen=True)
class Record:
    """The outcome of one cell.

    Args:
        key: Hash of the resolved settings and of the fingerprints of data and weights; the name of the file.
        cell: The cell that has run: its names, its settings, and the measurements that were asked for.
        facts: Fingerprint and counts of the data; None where they could not be read.
        metrics: Metric values by name; with verdicts, "false_alarms" and "misses" among them. Further values
            of a metric are called by its name and theirs, as in "overlap.median".
        undefined: The reason for each metric without a value.
        lower_is_better: The metrics of which a lower value is better.
        curves: "roc" of images, and by the names of metrics the curves they are taken from, such as "pro" of
            regions; where masks and labels allow. That of a metric called "roc" is "metric roc".
        seconds: "fit", a whole one, and in it "read", "reducer fit", "density fit" and "prepare", by which
            densities make what scoring needs; "first predict 1", of the first image after it. Per image:
            "predict N" and "score N" in batches of N, warm; in the largest ones "backbone", "embedding",
            "score" and "map". Of the whole test set, where quality is measured too: "metrics". Where verdicts
            are asked for, "calibration", a whole one. "latency", from the file of one image to its score and
            map; records of earlier versions do not have it.
        repeats: By name in `seconds`, all measurements, one process or round after the other. Over drawn
            embeddings they are seconds of the processor, and "embedding" is the reduction of one image.
        processes: Those that have measured the times, over images; older records do not tell them.
        bytes: "peak" of the process in a fit and a few predictions, "peak own" of it above what its imports
            took, "peak fit" and "peak predict" above what was resident before each; "model", the state that
            is stored, "fitted" of it without the backbone, "held" by all tensors and arrays of the pipeline
            after the first scores, "resident" by the process then, above its imports, "disk" of the stored
            model, "device" peak of a GPU.
        flops: Of the backbone per image; None where they cannot be counted.
        predicted: Seconds and bytes by the names in `seconds` and `bytes`, as formulas of the parts predict
            them at the rates; where there are images, seconds of the density alone.
        form: The form that formulas give the density at this size; others have other ones. Over images they
            take the mean variance of a channel in the first two batches.
        far_forms: The form at a billion of these, "images", "channels" or "positions", all else as it is: a
            line of another form cannot be continued. Records of earlier versions do not have it.
        far_predicted: What is predicted at a billion of these, as in `predicted`: a line that bends before
            that cannot be continued either. Records of earlier versions do not have it.
        rates: Operations of products in a second, "single" and "double", and bytes in a second, "memory".
        examples: A few test images with maps.
        images: Scores of all test images; None where quality was not measured, a score is not finite, or the
            record is older than this field.
        invisible: Number of anomalous test images without an anomalous pixel in what the pipeline sees.
        verdicts: Counts of verdicts; None where the suite did not ask for them.
        failure: None where the cell has finished.
        interrupted: The failure of a further process, which was to measure times again; all numbers are of
            the processes before it. None where there was none.
        environment: Versions, machine, threads.
        plugins: Family, name, distribution and version of each plugin.
        begun: The time at which it began, in ISO 8601, UTC.
        took: Seconds of the whole process.
    """

    key: str
    cell: Cell
    facts: Facts | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    lower_is_better: tuple[str, ...] = ()
    curves: dict[str, Curve] = field(default_factory=dict)
    seconds: dict[str, Spread] = field(default_factory=dict)
    repeats: dict[str, tuple[float, ...]] = field(default_factory=dict)
    processes: tuple[TimedProcess, ...] = ()
    bytes: dict[str, int] = field(default_factory=dict)
    flops: int | None = None
    predicted: dict[str, float] = field(default_factory=dict)
    form: str = ""
    far_forms: dict[str, str] = field(default_factory=dict)
    far_predicted: dict[str, dict[str, float]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    images: ImageScores | None = None
    invisible: int = 0
    verdicts: Verdicts | None = None
    failure: Failure | None = None
    interrupted: Failure | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    plugins: tuple[dict[str, str], ...] = ()
    begun: str = ""
    took: float = 0.0
