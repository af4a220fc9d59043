"""The results of inspections on disk: a line of JSON for each image as it is done, and a table at the end."""

import csv
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, final

from padimkit.errors import BadData, BadOutput
from padimkit.files import new_file, only_holder
from padimkit.files.foreign_text import as_cell
from padimkit.files.json_text import parsed_json
from padimkit.files.regular import regular
from padimkit.files.staging import content_of
from padimkit.inspection import model_name
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.verdict import Verdict

LINES = "results.jsonl"
TABLE = "results.csv"
PICTURES = "pictures"
MAPS = "maps"
SORTED = "sorted"
SCALE = "scale.json"
_BOX = ("left", "top", "right", "bottom")
_COLUMNS = (
    *("path", "verdict", "score", "p_value", "threshold", "regions", *_BOX, "area"),
    *("background", "unseen", "model", "milliseconds", "error"),
)


@dataclass(frozen=True)
class Done:
    """What is remembered of the last line of an image.

    Args:
        verdict: That of the line.
        stamp: Size and time of the last change of its file, if a watch has written the line.
        is_sorted: True if a copy of the file is kept by its verdict.
    """

    verdict: Verdict
    stamp: tuple[int, int] | None
    is_sorted: bool

    @staticmethod
    def of(line: Mapping[str, Any]) -> "Done":
        """Return what is remembered of a line."""
        stamp = (line["bytes"], line["modified"]) if {"bytes", "modified"} <= line.keys() else None
        return Done(Verdict(line["verdict"]), stamp, "sorted" in line)


@final
class Results:
    """The results in a folder, to which lines are added; made by `new_results` or `earlier_results`.

    The lines stay on disk, since a watch may add millions.

    Args:
        folder: The folder.
        count: The number of lines in it.
        done: The images of these lines, by their paths.
        file: To which lines are added.
    """

    def __init__(self, folder: Path, count: int, done: dict[str, Done], file: TextIO) -> None:
        self.folder = folder
        self.count = count
        self.done = done
        self._file = file

    def add(self, inspection: Inspection, **more: Any) -> None:
        """Write the line of an image, so that it is there whatever happens to this process.

        Args:
            inspection: The inspection.
            more: More values for its line.
        """
        line = inspection.as_dict() | more
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()
        self.count += 1
        self.done[inspection.path] = Done.of(line)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the results in the folder, as `Inspection.as_dict` gives them."""
        with (self.folder / LINES).open("rb") as file:
            yield from map(json.loads, file)

    def write_table(self) -> None:
        """Write all lines as a table; of several regions, it has the box of the highest."""
        with (
            new_file(self.folder / TABLE, overwrite=True) as path,
            # Names of files that are not UTF-8 come back as they are.
            path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
        ):
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(map(_row, self.lines()))


@contextmanager
def new_results(folder: Path, *, overwrite: bool) -> Iterator[Results]:
    """Yield the results in a folder that is empty or new, or hold earlier results that are to be replaced.

    Raises:
        BadOutput: The folder holds something else, or is not to be overwritten, or cannot be written.
    """
    _require_folder(folder)
    if (folder / LINES).exists():
        if not overwrite:
            raise BadOutput(
                f'"{folder}" holds results. Pass --resume to go on where they end or --overwrite to replace '
                "them, or choose another output."
            )
        _require_nothing_sorted(folder)
        with only_writer(folder):
            with new_file(folder / LINES, overwrite=True):
                pass  # an empty one, which is there at one instant
            _remove_what_has_no_line(folder)
    elif folder.exists() and content_of(folder):
        raise BadOutput(f'"{folder}" is not empty and has no "{LINES}". Choose another output.')
    with _appended(folder, 0, {}) as results:
        yield results


def only_writer(folder: Path) -> AbstractContextManager[None]:
    """Return a context in which no other watch writes results into the folder.

    Raises:
        BadOutput: Another one does.
    """
    return only_holder(folder / ".running", f'Another watch is writing results to "{folder}".')


def _remove_what_has_no_line(folder: Path) -> None:
    """Remove pictures, maps and table of lines that are gone; a run that is killed here is gone on with."""
    try:
        for name in (PICTURES, MAPS):
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
        for name in (TABLE, SCALE):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:  # what stays would pass for a picture of a new line
        raise BadOutput(f'"{folder}" cannot be emptied: {error.strerror or error}.') from error


def _require_nothing_sorted(folder: Path) -> None:
    """Check that a watch has left no files, of which these may be the only copies."""
    if (folder / SORTED).is_dir() and any(path.is_file() for path in (folder / SORTED).rglob("*")):
        raise BadOutput(
            f'"{folder / SORTED}" holds images that a watch has sorted, perhaps all that is left of them. '
            "Move them elsewhere before --overwrite, or choose another output."
        )


@contextmanager
def earlier_results(folder: Path, model: str | None) -> Iterator[Results]:
    """Yield the results of a run that was stopped, to go on; those of a folder that is new are empty.

    A last line that is half written is dropped.

    Raises:
        BadOutput: The results are of another model or damaged, or the folder cannot be written.
    """
    path = folder / LINES
    _require_no_links(folder)
    if not path.exists():
        with new_results(folder, overwrite=False) as results:
            yield results
        return
    count, size, done = 0, 0, {}
    with regular(path).open("rb") as file:
        for text in file:
            if not text.endswith(b"\n"):
                break
            count, size = count + 1, size + len(text)
            line = _line(text, f'"{path}", line {count}', model)
            done[line["path"]] = Done.of(line)
    if size != path.stat().st_size:
        os.truncate(path, size)
    if not count:
        _remove_what_has_no_line(folder)
    with _appended(folder, count, done) as results:
        yield results


def read_results(path: Path, model: str) -> list[dict[str, Any]]:
    """Return the lines of finished results of a stored model, in whatever precision or form it has computed.

    Each has finite numbers or the verdict ERROR.

    Raises:
        BadData: The file is missing, empty, half written or damaged, or of another model; the message names
            the line.
    """
    try:
        content = regular(path).read_bytes()
    except OSError as error:
        raise BadData(f'"{path}" cannot be read: {error.strerror or error}.') from error
    if not content:
        raise BadData(f'"{path}" is empty: no image has been inspected.')
    if not content.endswith(b"\n"):
        raise BadData(
            f'The last line of "{path}" is half written: padimkit inspect still runs or was stopped. Wait '
            "for it, or pass --resume to it."
        )
    return [
        _judged(text, f'"{path}", line {n}', model) for n, text in enumerate(content.splitlines(), start=1)
    ]


def _judged(text: bytes, where: str, model: str) -> dict[str, Any]:
    line = _parsed(text, {"path", "verdict", "score", "background", "model"})
    if line is None or not _is_complete(line):
        raise BadData(f"{where} is not a result as padimkit inspect writes it. Inspect the images anew.")
    if model_name.stored(str(line["model"])) != model:
        raise BadData(f"{_of_another(line, where, model)} Pass the model that gave it.")
    return line


def _is_complete(line: dict[str, Any]) -> bool:
    return line["verdict"] == Verdict.ERROR.value or all(map(_is_finite, (line["score"], line["background"])))


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _require_no_links(folder: Path) -> None:
    """Check that going on with results, perhaps those of somebody else, writes nowhere else."""
    for name in (LINES, TABLE, SCALE, PICTURES, MAPS):
        if (folder / name).is_symlink():
            raise BadOutput(f'"{folder / name}" is a link, through which nothing is written. Remove it.')


def _require_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise BadOutput(f'"{folder}" is a file; expected a folder, or a name that is free.')


@contextmanager
def _appended(folder: Path, count: int, done: dict[str, Done]) -> Iterator[Results]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LINES).open("a", encoding="utf-8", newline="\n")
    except OSError as error:
        raise BadOutput(f'"{folder}" cannot be written: {error.strerror or error}.') from error
    with file:
        yield Results(folder, count, done, file)


def _line(text: bytes, where: str, model: str | None) -> dict[str, Any]:
    line = _parsed(text, {"path", "verdict", "score", "regions", "unseen", "model"})
    if line is None or line["verdict"] not in [verdict.value for verdict in Verdict]:
        raise BadOutput(f"{where} is not a result, so nothing can follow it. Choose another output.")
    if line["model"] != model:
        raise BadOutput(f"{_of_another(line, where, model)} Choose another output.")
    return line


def _parsed(text: bytes, keys: set[str]) -> dict[str, Any] | None:
    """Return the line, or None if it is not an object with these keys."""
    try:
        line = parsed_json(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and keys <= line.keys() else None


def _of_another(line: dict[str, Any], where: str, model: str | None) -> str:
    return (
        f"{where} is the result of another model, or of one with another calibration or precision "
        f"({line['model']}; this one: {model})."
    )


def _row(line: dict[str, Any]) -> dict[str, Any]:
    regions = line["regions"]
    first = regions[0] if regions else {"box": ("",) * 4, "area": ""}
    places = dict(zip(_BOX, first["box"], strict=True)) | {"area": first["area"], "regions": len(regions)}
    cells = {name: line.get(name) for name in _COLUMNS} | places
    return {name: as_cell(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
