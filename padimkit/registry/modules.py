"""The place of a module's file, found without importing anything, and imports without their prints."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Location:
    """The place of a module: its file if it has one, and the folders of its submodules if it is a package."""

    file: Path | None
    folders: tuple[Path, ...]


def locate(module: str) -> Location | None:
    """Return the place of a module, or None if it does not exist.

    `importlib.util.find_spec` would import the packages above it.
    """
    top, *below = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    found = _location(spec) if spec else None
    for depth, part in enumerate(below, 2):
        found = _below(found, ".".join(module.split(".")[:depth]), part) if found else None
    return found


def _below(package: Location, name: str, part: str) -> Location | None:
    try:
        spec = PathFinder.find_spec(name, [str(folder) for folder in package.folders])
    except KeyError:  # a package without __init__.py, below one that is not imported
        return Location(None, tuple(path for folder in package.folders if (path := folder / part).is_dir()))
    return _location(spec) if spec else None


def _location(spec: ModuleSpec) -> Location:
    folders = tuple(Path(folder) for folder in spec.submodule_search_locations or ())
    return Location(Path(spec.origin) if spec.origin else None, folders)


@contextmanager
def prints_set_aside() -> Iterator[None]:
    """Send what is printed within to standard error: standard output is the result of a command.

    The output that a compiled library writes past Python is not redirected.
    """
    with redirect_stdout(sys.stderr):
        yield
