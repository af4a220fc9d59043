"""What the source of a class says about it, read without importing anything."""

import ast
import warnings

from padimkit.location import Location, locate

_MOST_DETOURS = 5  # from one module that only passes a class on to the next


def parsed(location: Location) -> ast.Module:
    """The syntax tree of a module; an empty one where the module is no Python file.

    Raises:
        SyntaxError, ValueError, OSError: It cannot be read.
    """
    if location.file is None or location.file.suffix != ".py":
        return ast.Module([], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those about a stranger's code are for its author
        return ast.parse(location.file.read_bytes())


def docstring(tree: ast.Module, module: str, name: str) -> str:
    """The docstring of a class of this module, or of where the module imports it from.

    It is empty where there is none, or where finding it takes more than reading.
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
    """The module that a statement in another module imports from."""
    if not statement.level:
        return statement.module or ""
    location = locate(module)
    package = module.split(".") if location and location.folders else module.split(".")[:-1]
    above = package[: len(package) - statement.level + 1]
    return ".".join([*above, *filter(None, [statement.module])])
