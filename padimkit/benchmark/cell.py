"""One comparison: a method on data with a seed, and the costs and metrics to measure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from padimkit.errors import BadArgument

Measure: TypeAlias = Literal["quality", "time", "memory"]
_FIRST = ("padimkit", "0.1.0")  # of records that do not tell versions
MEASURES: tuple[Measure, ...] = get_args(Measure)
EMBEDDINGS = "embeddings"  # the key of settings, and the name of the data set, of cells without images


@dataclass(frozen=True)
class Facts:
    """The data of a cell: a fingerprint of its files, and how many images there are.

    Args:
        fingerprint: Of the images, labels and masks.
        train_images: Number of training images that there are; a cell may learn fewer or more.
        test_images: Number of test images.
        anomalous_images: The anomalous ones among them.
        files: Fingerprint of the files that the pipeline's settings name, such as weights.
        places: What stands in the key for each text of the settings that names a file or a folder; records
            that are older do not have it.
    """

    fingerprint: str
    train_images: int
    test_images: int
    anomalous_images: int
    files: str = ""
    places: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shelf:
    """The place of features that cells share.

    Args:
        folder: That of the cells which share them.
        most_bytes: The most that it and the folders beside it may take together.
    """

    folder: str
    most_bytes: int


@dataclass(frozen=True)
class FeatureArguments:
    """Arguments of the features that cells share, of which only quality is measured.

    Args:
        most_gb: The most that they may take, in GB (1e9 bytes), and at most half of what is free on the disk;
            0 to share none.
        folder: Keep them in this folder, for further runs and suites; by default they are beside the records
            while the suite runs.
    """

    most_gb: float = 16.0
    folder: str | None = None


@dataclass(frozen=True)
class CalibrationArguments:
    """Arguments of the calibration of each cell, by its own training images; those of `padimkit calibrate`.

    Args:
        false_alarms: The share of normal images that may be called anomalous; by default 0.01, or the least
            that the number of training images can promise.
        folds: Number of folds, for methods that need them.
    """

    false_alarms: float | None = None
    folds: int = 5


@dataclass(frozen=True)
class Cell:
    """Everything that decides the outcome of a cell, but the data's files.

    Args:
        suite: The name of the suite.
        method: The name of the pipeline in the suite.
        dataset: The name of the data set.
        category: Its category, empty if it has none.
        seed: Of every part that has one.
        settings: Resolved, as `padimkit evaluate` takes them.
        measure: Any of quality, time and memory.
        repeats: How often each process measures each time.
        train_images: This many training images, repeated where there are fewer; None takes those there are.
        varied: The quantities that a complexity study varies here, by name.
        calibration: Arguments of the calibration; None for no verdicts.
        versions: Those of the distributions of all plugins that the settings name.
        processes: Number of processes that measure the times; a key does not count it, so that a record of
            fewer ones is gone on with.
        group: The group of categories, such as textures, that its category is in; empty for none.
        drawn: True if the seed draws the training images, in place of the first ones.
        seeded: False if nothing depends on the seed, so that a suite has a single one.
    """

    suite: str
    method: str
    dataset: str
    category: str
    seed: int
    settings: dict[str, Any]
    measure: tuple[Measure, ...]
    repeats: int
    train_images: int | None = None
    varied: dict[str, float] = field(default_factory=dict)
    calibration: CalibrationArguments | None = None
    versions: dict[str, str] = field(default_factory=dict)
    processes: int = 1
    group: str = ""
    drawn: bool = False
    seeded: bool = True

    @property
    def timed_alone(self) -> "Cell":
        """The cell as further processes run it: the same work, of which they measure the times alone."""
        return replace(self, measure=("time",), varied={})

    @property
    def of_embeddings(self) -> bool:
        """True if it measures reducer and density over drawn embeddings, without images and a backbone."""
        return EMBEDDINGS in self.settings

    @property
    def title(self) -> str:
        """Method, data, seed and varied quantities, for people."""
        varied = "".join(f", {name} {value:g}" for name, value in self.varied.items())
        place = f"{self.dataset}/{self.category}" if self.category else self.dataset
        return f"{self.method} on {place}, seed {self.seed}{varied}"

    def key(self, facts: Facts) -> str:
        """Return the hash that names its record: it depends on the work of the cell, not on its names.

        Nor does it depend on where files are, but on their contents. Versions count, so that a new one runs
        again.
        """
        prints = (facts.fingerprint, facts.files)
        deciding: tuple[Any, ...] = (
            _anywhere(self.settings, facts.places),
            self.measure,
            self.repeats,
            self.train_images,
            self.varied,
        )
        deciding += (prints,) if self.calibration is None else (prints, asdict(self.calibration))
        versions = {name: one for name, one in self.versions.items() if (name, one) != _FIRST}
        deciding += (versions,) if versions else ()
        deciding += ("drawn",) if self.drawn else ()
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:24]

    def older_key(self, facts: Facts) -> str:
        """Return the key by which earlier versions named its record; it depends on where files are."""
        return self.key(replace(facts, places={}))

    def write(self, path: Path) -> None:
        """Write the cell for the process that runs it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def of_fields(cls, content: dict[str, Any]) -> "Cell":
        """Return the cell of fields in plain types."""
        given = content["calibration"]
        calibration = None if given is None else CalibrationArguments(**given)
        return cls(**content | {"measure": tuple(content["measure"]), "calibration": calibration})


@dataclass(frozen=True)
class Planned:
    """A cell and its data.

    Args:
        cell: What is to run.
        facts: Its data.
    """

    cell: Cell
    facts: Facts

    @property
    def key(self) -> str:
        """Return the key of its record."""
        return self.cell.key(self.facts)


def write_cells(cells: Sequence[Cell], path: Path) -> None:
    """Write several cells for the process that runs them together."""
    path.write_text(json.dumps([asdict(cell) for cell in cells]), encoding="utf-8")


def read_cells(path: Path) -> list[Cell]:
    """Return the cells, or the single one, of a file that was written so."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [Cell.of_fields(one) for one in (content if isinstance(content, list) else [content])]


def _anywhere(settings: Any, places: Mapping[str, str]) -> Any:
    """Return the settings with contents in place of places."""
    if isinstance(settings, str):
        return f"content {places[settings]}" if settings in places else settings
    if isinstance(settings, Mapping):
        return {name: _anywhere(value, places) for name, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [_anywhere(value, places) for value in settings]
    return settings


@dataclass(frozen=True)
class Limits:
    """The time, the memory and the threads that a cell may take.

    Args:
        timeout: Seconds; None for no limit.
        memory: Bytes of resident memory; None for no limit.
        threads: Of torch and of the libraries below it; None leaves the choice to them.
    """

    timeout: float | None = None
    memory: float | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.memory is not None and not Path("/proc/self/statm").exists():
            raise BadArgument('"memory_limit" needs Linux: elsewhere the memory of a cell is not watched.')
