"""The working folder of a cell, in which lies what its parts write, such as checkpoints.

Each cell has its own: two trainings that share a file would take each other's.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from padimkit.benchmark.cell import Cell
from padimkit.benchmark.planning.fingerprint import written_by
from padimkit.errors import BadOutput


@contextmanager
def working(cell: Cell, folder: Path) -> Iterator[Cell]:
    """Yield the cell with settings by which its parts write into this folder, if they write anything.

    Paths that lead elsewhere, absolute or by "..", get a folder of the same name before that of the file.
    Folders that are empty at the end go; after an error all stay, and the same cell goes on from there.

    Raises:
        BadOutput: A folder cannot be made.
    """
    made: list[Path] = []

    def placed(text: str) -> str:
        path = Path(text).expanduser()
        elsewhere = path.is_absolute() or ".." in path.parts
        target = (path.parent / folder.name / path.name if elsewhere else folder / path).absolute()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadOutput(f'"{target.parent}" cannot be made: {error.strerror}.') from error
        made.append(target.parent)
        return str(target)

    yield replace(cell, settings=_placed(cell.settings, placed))
    for one in (*made, folder):
        with suppress(OSError):  # it holds what a part has left, or is gone
            one.rmdir()


def _placed(settings: Any, placed: Callable[[str], str]) -> Any:
    if isinstance(settings, list):
        return [_placed(value, placed) for value in settings]
    if not isinstance(settings, Mapping):
        return settings
    found = {name: _placed(value, placed) for name, value in settings.items()}
    given = found.get("init_args")
    if isinstance(given, dict):
        for name in written_by(settings.get("class_path")):
            if isinstance(given.get(name), str) and given[name]:
                given[name] = placed(given[name])
    return found
