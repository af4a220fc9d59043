"""The ranges that the values of a suite's file may have, beyond their types.

It stands alone because the file is read without them: they are the values', however these were given.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from padimkit.arguments import require_between, require_whole
from padimkit.benchmark.drawn import Drawn
from padimkit.benchmark.planning.entries import Method
from padimkit.benchmark.planning.suite_file import SuiteFile
from padimkit.errors import BadArgument, did_you_mean

_SEEDS = 2**32  # all libraries take seeds below
_MOST = 10**7  # of what is counted in a suite: more is a slip
_MOST_REPEATS = 10**4


def check_suite(file: SuiteFile) -> None:
    """Raise BadArgument where a value of the file is out of range."""
    own = [method.seeds for method in file.pipelines if method.seeds is not None]
    lists: list[tuple[str, Sequence[object]]] = [("seeds", seeds) for seeds in (file.seeds, *own)]
    for key, values in (*lists, ("measure", file.measure)):
        if not values or len(set(values)) < len(values):
            raise BadArgument(f'"{key}" must be a list of different values, found {values}.')
    if not re.fullmatch(r"\w[\w. -]{0,99}", file.name):  # it names a folder
        raise BadArgument(f'Expected a "name" of at most 100 letters, digits, ".-_", got "{file.name}".')
    for key in ("repeats", "processes"):
        require_whole(key, getattr(file, key), 1, _MOST_REPEATS)
    if file.processes > 1 and ("time" not in file.measure or file.embeddings is not None):
        raise BadArgument(
            '"processes" repeats times of cells over images. Leave it out, or list "time" under "measure"; '
            '"embeddings" are measured in rounds of one process.'
        )
    for key in ("timeout", "memory_limit", "threads"):
        value = getattr(file, key)
        if value is not None and not value > 0:
            raise BadArgument(f'Expected "{key}" above 0, got {value}.')
        if value is not None:
            require_between(key, value, 0, _MOST)
    if file.engine.jobs < -1 or file.engine.jobs == 0:
        raise BadArgument(f'Expected "engine.jobs" of at least 1, or -1, got {file.engine.jobs}.')
    require_between("engine.jobs", file.engine.jobs, -1, _MOST)
    require_between("features.most_gb", file.features.most_gb, 0, _MOST)
    if file.calibration is not None and "quality" not in file.measure:
        raise BadArgument('"calibration" gives verdicts on the test images: list "quality" under "measure".')
    if file.calibration is not None and file.calibration.folds < 2:
        raise BadArgument(f'Expected "calibration.folds" of at least 2, got {file.calibration.folds}.')
    for seeds in (file.seeds, *own):
        if not all(0 <= seed < _SEEDS for seed in seeds):
            raise BadArgument(f'Expected "seeds" from 0 to 2^32 - 1, found {seeds}.')
    _check_categories(file)
    if file.embeddings is not None:
        _check_drawn(file)
    _check_sizes(file.vary, file.train_images)
    owners: tuple[SuiteFile | Method, ...] = (file, *file.pipelines)
    is_set = any(one.train_images or "train_images" in one.vary for one in owners)
    if file.draw_train_images and not is_set:
        raise BadArgument('"draw_train_images" draws some of them: give their number, "train_images".')
    for method in file.pipelines:
        _check_sizes(method.vary, method.train_images)


def _check_categories(file: SuiteFile) -> None:
    """Refuse groups without categories or with the name of a column, and a category of two groups."""
    for data in file.datasets:
        groups = data.categories if isinstance(data.categories, dict) else {}
        if any(not some for some in groups.values()):
            raise BadArgument(f'A group of "categories" of "{data.title}" is empty.')
        if "mean" in groups:
            raise BadArgument(f'A group of "categories" of "{data.title}" is called "mean", which is of all.')
        if sum(map(len, groups.values())) > len(data.groups):
            raise BadArgument(f'A category of "{data.title}" is in two groups of "categories".')


def _check_drawn(file: SuiteFile) -> None:
    """Refuse what embeddings without images do not have."""
    if "quality" in file.measure:
        raise BadArgument(
            'Drawn "embeddings" have no quality: list "time", "memory" or both under "measure".'
        )
    if file.device != "cpu":
        raise BadArgument(f'Over "embeddings" processor time is measured: expected cpu, got "{file.device}".')
    if file.train_images is not None or any(method.train_images is not None for method in file.pipelines):
        raise BadArgument('The number of "embeddings" is their "images", not "train_images".')
    sizes = [one.name for one in fields(Drawn)]
    for key in {key for vary in (file.vary, *(method.vary for method in file.pipelines)) for key in vary}:
        if key not in sizes and not key.startswith(("reducer.", "density.")):
            raise BadArgument(
                f'"vary.{key}" changes nothing over "embeddings". Vary one of {", ".join(sizes)}, or a key '
                f'of "reducer" or "density".{did_you_mean(key, sizes)}'
            )


def _check_sizes(vary: Mapping[str, Sequence[float]], train_images: int | None) -> None:
    for key, values in vary.items():
        if len(set(values)) < 3 or not all(map(math.isfinite, values)):
            raise BadArgument(f'"vary.{key}" needs at least 3 different values, found {values}.')
    for count in (*vary.get("train_images", ()), *(() if train_images is None else (train_images,))):
        if count < 1 or count != int(count):
            raise BadArgument(f'Expected whole numbers of at least 1 as "train_images", got {count:g}.')
        require_between("train_images", count, 1, _MOST)
