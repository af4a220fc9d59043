"""What can be known to be wrong with a plugin without importing it."""

import ast
import re
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from padimkit.registry import CONTRACT_VERSION, Plugin


def fault(plugin: Plugin) -> str:
    """Why the plugin cannot be used, or an empty string if nothing is seen to be wrong.

    Looks at the contract version, the extras, the module's file and its syntax.
    """
    if plugin.contract_version != CONTRACT_VERSION:
        return f"made for contract version {plugin.contract_version}, this is {CONTRACT_VERSION}"
    missing = [name for extra in plugin.entry_point.extras for name in _missing(plugin, extra)]
    if missing:
        extras = ",".join(plugin.entry_point.extras)
        return f"needs {', '.join(missing)}: pip install '{plugin.distribution}[{extras}]'"
    return _module_fault(plugin.entry_point.module)


@dataclass(frozen=True)
class Location:
    """Where a module is: its file if it has one, and the folders of its submodules if it is a package."""

    file: Path | None
    folders: tuple[Path, ...]


def locate(module: str) -> Location | None:
    """Where a module is, or None if it does not exist; nothing is imported.

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


def _missing(plugin: Plugin, extra: str) -> list[str]:
    """Distributions that an extra requires and that are not installed."""
    missing = []
    for requirement in distribution(plugin.distribution).requires or []:
        name = re.match(r"[\w.-]+", requirement)
        if name and re.search(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""", requirement):
            try:
                distribution(name[0])
            except PackageNotFoundError:
                missing.append(name[0])
    return missing


def _module_fault(module: str) -> str:
    found = locate(module)
    if found is None:
        return f'broken: the module "{module}" does not exist'
    if found.file and found.file.suffix == ".py":
        try:
            ast.parse(found.file.read_bytes())
        except (SyntaxError, ValueError, OSError) as error:
            return f"broken: {error}"
    return ""
