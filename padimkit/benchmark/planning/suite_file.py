"""The YAML file of a suite as typed values, before anything is made of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from padimkit.benchmark.cell import MEASURES, CalibrationArguments, FeatureArguments, Measure
from padimkit.benchmark.drawn import Drawn
from padimkit.benchmark.planning.entries import Data, Method
from padimkit.config.class_paths import check_keys
from padimkit.config.kinds import in_words, shortened
from padimkit.config.yaml_file import read_yaml
from padimkit.errors import BadConfig


@dataclass(frozen=True)
class Engine:
    """The way in which cells whose time is not measured run beside each other, through joblib.

    Each cell has a process of its own in any case: on one machine, threads are enough to wait for them. The
    processes of loky outlive a killed runner for a while. Ray returns records in rounds: those of
    the cells that run at a time, when the last of them has ended.

    Args:
        backend: threading, loky, dask or ray for a cluster at `address`, or another backend of joblib.
        jobs: Number of cells at a time; -1 for as many as there are CPUs, or workers.
        address: The address of the cluster's scheduler or head; empty for a local one.
    """

    backend: str = "threading"
    jobs: int = 1
    address: str = ""


@dataclass(frozen=True)
class SearchArguments:
    """Arguments of `padimkit search`.

    Args:
        metric: The name of the metric whose mean over all cells is to be best.
        values: By key below `pipeline`, a list of values, or a mapping of `low` and `high`, and of `step`, or
            `log: true`, where wanted.
        trials: Number of trials.
        seed: Of the sampler.
    """

    metric: str
    values: dict[str, Any]
    trials: int = 20
    seed: int = 0


@dataclass(frozen=True)
class SuiteFile:
    """The whole file of a suite.

    Args:
        name: Its name in records and reports.
        pipelines: The methods to compare.
        datasets: The data to compare them on.
        embeddings: Drawn embeddings in place of them, over which reducers and densities alone are measured.
        metrics: As `evaluate` takes them; by default image AUROC, pixel AUROC and PRO.
        seeds: One run for each; methods and data without a seed run once.
        measure: Any of quality, time, memory.
        repeats: Number of measurements of each time, in each process.
        processes: Number of processes that measure the times of a cell.
        calibration: Asks for verdicts on the test images, by a threshold from the training images.
        timeout: Seconds that a cell may take.
        memory_limit: GB (1e9 bytes) that a cell may take.
        threads: Threads of torch and of the libraries below it.
        engine: For cells whose time is not measured.
        features: The room for features that cells share.
        device: Device to compute on.
        batch_size: Images per batch.
        workers: Threads that decode images ahead.
        train_images: This many training images, the first ones, repeated if there are fewer; all by default.
        draw_train_images: True if the seed of a cell draws them in place of the first ones.
        vary: For studies of complexity: lists of values, one of which is varied at a time: `train_images`,
            `resolution` (side in pixels), or a key below `pipeline` of every method. Over embeddings: a key
            of these, or one below `pipeline`.
        search: For `padimkit search` alone.
    """

    name: str
    pipelines: list[Method]
    datasets: list[Data] = field(default_factory=list)
    embeddings: Drawn | None = None
    metrics: list[Any] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0])
    measure: list[Measure] = field(default_factory=lambda: list(MEASURES[:1]))
    repeats: int = 3
    processes: int = 1
    calibration: CalibrationArguments | None = None
    timeout: float | None = None
    memory_limit: float | None = None
    threads: int | None = None
    engine: Engine = Engine()
    features: FeatureArguments = field(default_factory=FeatureArguments)
    device: str = "cpu"
    batch_size: int = 8
    workers: int | None = None
    train_images: int | None = None
    draw_train_images: bool = False
    vary: dict[str, list[float]] = field(default_factory=dict)
    search: SearchArguments | None = None

    @classmethod
    def read(cls, path: Path) -> "SuiteFile":
        """Return the content of a file.

        Raises:
            BadConfig: A key is unknown or missing, or a value is of a wrong type; file and key are named.
        """
        content = read_yaml(path)
        try:
            _check(content, cls, "")
            content["pipelines"] = _entries(content.get("pipelines"), "pipelines", Method, "recipe")
            if ("datasets" in content) == ("embeddings" in content):
                raise BadConfig('A suite has either "datasets" or "embeddings".')
            if "datasets" in content:
                content["datasets"] = _entries(content["datasets"], "datasets", Data, "class_path")
            return _parsed(content)
        except BadConfig as error:
            raise BadConfig(f'"{path}": {" ".join(str(error).split())}') from error


def _entries(found: Any, key: str, kind: type[Any], short: str) -> list[dict[str, Any]]:
    """Return the entries as mappings; a text alone is short for one."""
    if not isinstance(found, list) or not found:
        raise BadConfig(f'"{key}" must be a list with at least one entry, found {found!r}.')
    entries = [{short: entry} if isinstance(entry, str) else entry for entry in found]
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise BadConfig(f'"{key}[{number}]" is {entry!r}; expected a name, or keys and values.')
        _check(entry, kind, f"{key}[{number}]")
    return entries


def _check(content: Mapping[str, Any], kind: type[Any], where: str) -> None:
    """Refuse unknown keys, and keys without a value that need one."""
    check_keys(content, [known.name for known in fields(kind)], where)
    optional = {known.name for known in fields(kind) if known.default is None}
    for key, value in content.items():
        if value is None and key not in optional:
            name = f"{where}.{key}" if where else key
            raise BadConfig(f'"{name}" has no value. Give it one, or leave it out.')


def _parsed(content: Mapping[str, Any]) -> SuiteFile:
    """Parse by jsonargparse, for types and their messages, all but the parts that it must not touch."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(SuiteFile)
    metrics = content.get("metrics", [])
    if not isinstance(metrics, list):
        raise BadConfig(f'"metrics" must be a list of names, found {metrics!r}.')
    for key, kind in (("engine", Engine), ("features", FeatureArguments)):
        if not isinstance(content.get(key, {}), Mapping):
            raise BadConfig(f'"{key}" is {content[key]!r}; expected keys and values.')
        _check(content.get(key, {}), kind, key)
    free: dict[str, Any] = {
        **{name: [] for name in ("pipelines", "datasets", "metrics")},
        **dict.fromkeys(("calibration", "embeddings", "search")),
    }
    parsed = _read_by(parser, {**content, **free}, SuiteFile, "")
    return SuiteFile(
        **dict(vars(parsed))
        | {
            "pipelines": [
                _entry(Method, entry, "pipelines", n) for n, entry in enumerate(content["pipelines"])
            ],
            "metrics": metrics,
            "calibration": _group(content, "calibration", CalibrationArguments),
            "embeddings": _group(content, "embeddings", Drawn),
            "search": _group(content, "search", SearchArguments, free="values"),
            "datasets": [
                _entry(Data, entry, "datasets", n) for n, entry in enumerate(content.get("datasets", ()))
            ],
        }
    )


def _group(content: Mapping[str, Any], key: str, kind: type[Any], free: str = "") -> Any:
    """Return the values of a group of keys; None where the file does not have it.

    The mapping under `free` stays as it is: the parser would make objects of what it takes for classes.
    """
    if (found := content.get(key)) is None:
        return None
    if not isinstance(found, Mapping):
        raise BadConfig(f'"{key}" is {found!r}; expected keys and values, or {{}} for the usual ones.')
    _check(found, kind, key)
    hidden = {free: found[free]} if free in found else {}
    if not all(isinstance(value, Mapping) for value in hidden.values()):
        raise BadConfig(f'"{key}.{free}" is {found[free]!r}; expected keys and values.')
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind)
    given = {**found, **{name: {} for name in hidden}}
    parsed = _read_by(parser, given, kind, key).as_dict()  # a key may be called like a method, as `values` is
    return kind(**parsed | hidden)


def _entry(kind: type[Any], entry: Mapping[str, Any], key: str, number: int) -> Any:
    hidden = {
        name: value for name, value in entry.items() if name in ("pipeline", "set", "init_args", "grid")
    }
    for name, value in hidden.items():
        if not isinstance(value, Mapping):
            raise BadConfig(f'"{key}[{number}].{name}" is {value!r}; expected keys and values.')
    for name, values in hidden.get("grid", {}).items():
        if not isinstance(values, list) or not values:
            raise BadConfig(f'"{key}[{number}].grid.{name}" is {values!r}; expected a list of values.')
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind)
    given = {name: value for name, value in entry.items() if name not in hidden}
    return kind(**dict(vars(_read_by(parser, given, kind, f"{key}[{number}]"))) | hidden)


def _read_by(parser: ArgumentParser, given: Mapping[str, Any], kind: type[Any], where: str) -> Namespace:
    """Return the parsed values of a class's keys; an error names the key, what it holds and what it takes."""
    try:
        found: Namespace = parser.instantiate(parser.parse_object(dict(given)))
    except ArgumentError as error:
        raise BadConfig(_said(str(error), given, kind, where)) from error
    return found


def _said(message: str, given: Any, kind: Any, where: str) -> str:
    if missing := re.search(r"arguments are required: (.+)", message):
        named = ", ".join(f'"{where}.{one}"' if where else f'"{one}"' for one in missing[1].split(", "))
        return f"Missing: {named}."
    if not (found := re.match(r'Parser key "([\w.]+)"', message)):
        return message
    for name in found[1].split("."):
        given, kind = given[name], get_type_hints(kind)[name]
    key = f"{where}.{found[1]}" if where else found[1]
    return f'"{key}" is {shortened(given)}; expected {in_words(kind)}.'
