"""What can be known about a plugin without importing it."""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from padimkit.location import locate
from padimkit.registry import CONTRACT_VERSION, Plugin
from padimkit.source import docstring, parsed


@dataclass(frozen=True)
class Inspection:
    """Why a plugin cannot be used, empty if nothing is seen to be wrong, and what it says it is for."""

    fault: str
    description: str = ""


def inspect(plugin: Plugin) -> Inspection:
    """Looks at the contract version, the extras, the module's file, its syntax and the class's docstring."""
    if plugin.contract_version != CONTRACT_VERSION:
        return Inspection(f"made for contract version {plugin.contract_version}, this is {CONTRACT_VERSION}")
    if not plugin.is_well_formed:
        return Inspection(f'broken: its entry point "{plugin.entry_point.value}" is no "module:Class"')
    missing = [name for extra in plugin.entry_point.extras for name in _missing(plugin, extra)]
    if missing:
        extras = ",".join(plugin.entry_point.extras)
        return Inspection(f"needs {', '.join(missing)}: pip install '{plugin.distribution}[{extras}]'")
    return _inspect_source(plugin.entry_point.module, plugin.entry_point.attr)


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


def _inspect_source(module: str, name: str) -> Inspection:
    location = locate(module)
    if location is None:
        return Inspection(f'broken: the module "{module}" does not exist')
    try:
        tree = parsed(location)
    except (SyntaxError, ValueError, OSError) as error:
        return Inspection(f"broken: {error}")
    text = docstring(tree, module, name)
    return Inspection("", text.splitlines()[0] if text else "")
