"""Modules and files of installed packages, found without importing anything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from padimkit.files.entry_points import entry_points


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


def is_installed(name: str) -> bool:
    """Return whether there is a distribution of this name, in any spelling."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _below(package: Location, name: str, part: str) -> Location | None:
    try:
        spec = PathFinder.find_spec(name, [str(folder) for folder in package.folders])
    except KeyError:  # a package without __init__.py, below one that is not imported
        return Location(None, tuple(path for folder in package.folders if (path := folder / part).is_dir()))
    return _location(spec) if spec else None


def _location(spec: ModuleSpec) -> Location:
    folders = tuple(Path(folder) for folder in spec.submodule_search_locations or ())
    return Location(Path(spec.origin) if spec.origin else None, folders)


@dataclass(frozen=True)
class Offer:
    """An entry point that names a package with YAML files.

    Args:
        entry_point: Its name and value, as the distribution writes them.
        distribution: The distribution of the entry point, in its own spelling.
        version: That of the distribution.
        files: The YAML files in the package; none if there is no such package.
    """

    entry_point: str
    distribution: str
    version: str
    files: tuple[Path, ...]


def offers(group: str) -> list[Offer]:
    """Return what the entry points of a group offer, in no order."""
    return [
        Offer(
            f"{entry.point.name} = {entry.point.value}",
            entry.distribution,
            entry.version,
            tuple(_yaml_files(entry.point.module)),
        )
        for entry in entry_points().groups.get(group, ())
    ]


def offered_files(group: str) -> list[tuple[Path, Offer]]:
    """Return the YAML files that the entry points of a group offer, each once for a distribution."""
    found = {(file, offer.distribution): offer for offer in offers(group) for file in offer.files}
    return [(file, offer) for (file, _), offer in found.items()]


def _yaml_files(package: str) -> Iterator[Path]:
    location = locate(package)
    for folder in location.folders if location else ():
        yield from folder.glob("*.yaml")


def canonical(distribution: str) -> str:
    """Return the one spelling of a distribution's name that all others stand for (PEP 503).

    >>> canonical("My_Pkg")
    'my-pkg'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()
