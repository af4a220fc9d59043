"""Checks of formats that models are exported to."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from padimkit.arguments import arguments
from padimkit.inspection.exported.session import Session
from padimkit.service.exporting.exporter import Exporter, Results
from padimkit.testing import imports, manners
from padimkit.testing.answers import DataSet
from padimkit.testing.check import Make, NotApplicable, checks, require
from padimkit.testing.inputs.models import Model, model_of, results_of

_PRECISIONS = ("float32", "bfloat16", "int8")
_NAME = "model"
_TOLERANCE = 1e-4  # of the largest value, as `padimkit export` has it
_THREADS = 4


@dataclass(frozen=True)
class Written:
    """A file that an exporter has written, in a folder of its own, and what was wrong on the way."""

    path: Path
    model: Model
    disturbance: str


def writes_its_file(make: Make) -> None:
    """It writes the file that it is told to, and further ones beside it whose names begin alike."""
    path = _written(make).path
    require(path.is_file() and path.stat().st_size > 0, f'Expected the file "{path.name}", found none.')
    strange = [one.name for one in path.parent.iterdir() if not one.name.startswith(_NAME)]
    require(not strange, f'Expected names that begin with "{_NAME}", found {", ".join(strange)}.')


def has_a_suffix(make: Make) -> None:
    """`suffix` is a dot with lower-case letters and digits."""
    found = make().suffix
    good = isinstance(found, str) and found[:1] == "." and found[1:].isalnum() and found == found.lower()
    require(good, f'Expected "suffix" such as ".onnx", found {found!r}.')


def has_known_precisions(make: Make) -> None:
    """`precisions` names float32, bfloat16 and int8, or some of them."""
    found = make().precisions
    known = bool(found) and isinstance(found, tuple) and set(found) <= set(_PRECISIONS)
    require(known, f'Expected "precisions" of {", ".join(_PRECISIONS)}, found {found!r}.')


def results_are_those_of_the_model(make: Make) -> None:
    """The file gives the scores and the maps of the model, for batches of 1, 3 and 8 images."""
    written = _written(make)
    session = _opened(make(), written.path, written.model)
    for size in (1, 3, 8):
        _require_same(session, written.model, size, f"in batches of {size}")


def a_copied_file_gives_the_same(make: Make) -> None:
    """The files give the same in another folder, when those first written are gone."""
    written = _written(make)
    copied = _folder("copied")
    with _hidden(written.path.parent) as there:
        shutil.copytree(there, copied, dirs_exist_ok=True)
        session = _opened(make(), copied / written.path.name, written.model)
        _require_same(session, written.model, 8, "from a copy of its files in another folder")


def files_do_not_mix(make: Make) -> None:
    """Two files give the results of two models, whatever was opened before."""
    first, second = _written(make), _written(make, "second")
    exporter = make()
    session = _opened(exporter, first.path, first.model)
    other = _opened(exporter, second.path, second.model)
    _require_same(other, second.model, 8, "from a second file")
    _require_same(session, first.model, 8, "from a first file when a second one is open")


def threads_may_share_a_session(make: Make) -> None:
    """Four threads that use one session get the results that one gets."""
    written = _written(make)
    session = _opened(make(), written.path, written.model)

    pixels, (scores, maps) = written.model.pixels, written.model.expected

    def run(start: int) -> Results:
        return session.run_framed(np.roll(pixels, start, axis=0))

    with ThreadPoolExecutor(_THREADS) as pool:
        for start, found in enumerate(pool.map(run, range(2 * _THREADS))):
            expected = np.roll(scores, start, axis=0), np.roll(maps, start, axis=0)
            _require_near(*found, expected, "from four threads")


def whole_images_are_taken(make: Make) -> None:
    """Images that are not yet resized give scores, and maps of the size that the model sees."""
    written = _written(make)
    session = _opened(make(), written.path, written.model)
    image = np.zeros((2, 33, 41, 3), np.uint8)
    scores, maps = session.run(image)
    expected = (2, *written.model.source.card.size)
    require(
        scores.shape == (2,) and maps.shape == expected,
        f"Expected scores of shape (2,) and maps of shape {expected}, found {scores.shape} and {maps.shape}.",
    )


def graph_is_left_alone(make: Make) -> None:
    """The graph that is written gives the same afterwards."""
    model = _written(make).model
    scores, maps = results_of(model.source.graph, model.pixels)
    _require_near(scores, maps, model.expected, "from the graph itself after it was written", exact=True)


def keeps_its_arguments(make: Make) -> None:
    """Arguments are stored under their own names, and make an equal exporter again."""
    exporter = make()
    given = arguments(exporter)
    kept = arguments(type(exporter)(**given))
    require(kept == given, f"Expected the arguments {given} to be kept, found {kept}.")


def leaves_the_program_alone(make: Make) -> None:
    """Settings of the whole program stay: gradients, warnings, types, threads and folder."""
    disturbance = _written(make).disturbance
    require(not disturbance, disturbance)


def _written(make: Make, data: DataSet = "first") -> Written:
    """Return what such an exporter writes, once for all checks: a trace takes seconds."""
    exporter = make()
    return _written_by(_Order(type(exporter), str(arguments(exporter)), data, exporter))


@dataclass(frozen=True)
class _Order:
    """A model for an exporter, which is known by its class and its arguments."""

    kind: type[Any]
    given: str
    data: DataSet
    exporter: Any = field(compare=False)


@cache
def _written_by(order: _Order) -> Written:
    model, folder = model_of(order.data), _folder(order.data)
    path = folder / f"{_NAME}{order.exporter.suffix}"
    with manners.disturbances("write") as found:
        order.exporter.write(model.source, path)
    return Written(path, model, " ".join(found[:1]))


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # removed when the program ends


def _folder(name: str) -> Path:
    _FOLDERS.append(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    folder = Path(_FOLDERS[-1].name) / name
    folder.mkdir()
    return folder


def _opened(exporter: Any, path: Path, model: Model) -> Session:
    session = exporter.open(path, model.source.card)
    if session is None:
        raise NotApplicable("Its files cannot be run on this machine.")
    require(isinstance(session, Session), f"Expected open to return a Session or None, found {session!r}.")
    return session  # type: ignore[no-any-return]


@contextmanager
def _hidden(folder: Path) -> Iterator[Path]:
    """Give a folder another name within the block."""
    hidden = folder.rename(folder.with_name(f"{folder.name}-hidden"))
    try:
        yield hidden
    finally:
        hidden.rename(folder)


def _require_same(session: Session, model: Model, size: int, when: str) -> None:
    parts = np.split(model.pixels, range(size, len(model.pixels), size))
    found = [session.run_framed(part) for part in parts]
    scores, maps = (np.concatenate([one[index] for one in found]) for index in (0, 1))
    _require_near(scores, maps, model.expected, when)


def _require_near(scores: Any, maps: Any, expected: Results, when: str, *, exact: bool = False) -> None:
    for name, found, other in (("scores", scores, expected[0]), ("maps", maps, expected[1])):
        found = np.asarray(found)
        require(
            found.shape == other.shape,
            f"Expected {name} of shape {other.shape} {when}, found {found.shape}.",
        )
        off = float(np.abs(found - other).max()) if np.isfinite(found).all() else np.inf
        most = 0.0 if exact else _TOLERANCE * float(np.abs(other).max())
        require(off <= most, f"Expected the {name} of the model {when}, found them to be off by {off:.3g}.")


EXPORTER_CHECKS = checks(
    Exporter,
    writes_its_file,
    has_a_suffix,
    has_known_precisions,
    manners.is_made_without_arguments,
    results_are_those_of_the_model,
    whole_images_are_taken,
    a_copied_file_gives_the_same,
    files_do_not_mix,
    threads_may_share_a_session,
    graph_is_left_alone,
    keeps_its_arguments,
    leaves_the_program_alone,
    manners.arguments_have_names,
    imports.import_leaves_the_program_alone,
)
