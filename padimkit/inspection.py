"""What can be known to be wrong with a plugin without importing it."""

import ast
import re
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
    spec = _find(module)
    if spec is None:
        return f'broken: the module "{module}" does not exist'
    if spec.origin and spec.origin.endswith(".py"):
        try:
            ast.parse(Path(spec.origin).read_bytes())
        except (SyntaxError, ValueError, OSError) as error:
            return f"broken: {error}"
    return ""


def _find(module: str) -> ModuleSpec | None:
    """The module's spec; `importlib.util.find_spec` would import the packages above it."""
    top, *below = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    name = top
    for part in below:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec
