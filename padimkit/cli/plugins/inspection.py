"""The facts about a plugin that can be known without importing it."""

import ast
import re
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from padimkit.files.packages import Location, locate
from padimkit.registry.families import find_family
from padimkit.registry.plugin import Plugin


@dataclass(frozen=True)
class Inspection:
    """The fault for which a plugin cannot be used, empty if none is seen, and its description of itself."""

    fault: str
    description: str = ""


def inspect(plugin: Plugin) -> Inspection:
    """Inspect the contract version, the extras, the module's file, its syntax and the class's docstring."""
    if not plugin.fits:
        own = find_family(plugin.family).version
        return Inspection(f"made for contract version {plugin.contract_version}, this is {own}")
    if not plugin.has_usable_name:
        return Inspection(f'broken: "{plugin.name}" cannot be named in settings: use letters, digits and "_"')
    if not plugin.is_well_formed:
        return Inspection(f'broken: its entry point "{plugin.entry_point.value}" is not "module:Class"')
    missing = [name for extra in plugin.entry_point.extras for name in _missing(plugin, extra)]
    if missing:
        extras = ",".join(plugin.entry_point.extras)
        return Inspection(f"needs {', '.join(missing)}: pip install '{plugin.distribution}[{extras}]'")
    return _inspect_source(plugin.module, plugin.entry_point.attr)


def _missing(plugin: Plugin, extra: str) -> list[str]:
    """Return the distributions that an extra requires and that are not installed."""
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


_MOST_DETOURS = 5  # from one module that only passes a class on to the next


def parsed(location: Location) -> ast.Module:
    """Return the syntax tree of a module; an empty one where the module is not a Python file.

    Raises:
        SyntaxError, ValueError, OSError: It cannot be read.
    """
    if location.file is None or location.file.suffix != ".py":
        return ast.Module([], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those about a stranger's code are for its author
        return ast.parse(location.file.read_bytes())


def docstring(tree: ast.Module, module: str, name: str) -> str:
    """Return the docstring of a class of this module, or of the module that this one imports it from.

    It is empty where there is none, or where reading source files is not enough to find it.
    """
    for _ in range(_MOST_DETOURS):
        found = next((node for node in ast.walk(tree) if _defines(node, name)), None)
        if isinstance(found, ast.ClassDef):
            return ast.get_docstring(found) or ""
        if not isinstance(found, ast.ImportFrom):
            return ""
        alias = next(alias for alias in found.names if _known_as(alias) == name)
        module, name = _origin(found, module), alias.name
        location = locate(module)
        if location is None:
            return ""
        try:
            tree = parsed(location)
        except (SyntaxError, ValueError, OSError):
            return ""
    return ""


def _defines(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.ImportFrom):
        return any(_known_as(alias) == name for alias in node.names)
    return isinstance(node, ast.ClassDef) and node.name == name


def _known_as(alias: ast.alias) -> str:
    return alias.asname or alias.name


def _origin(statement: ast.ImportFrom, module: str) -> str:
    """Return the module that a statement in another module imports from."""
    if not statement.level:
        return statement.module or ""
    location = locate(module)
    package = module.split(".") if location and location.folders else module.split(".")[:-1]
    above = package[: len(package) - statement.level + 1]
    return ".".join([*above, *filter(None, [statement.module])])
