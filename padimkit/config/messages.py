"""The messages of wrong settings, on one line, with short names and near misses.

Apart from the parsers, whose library words them otherwise.
"""

import inspect
import re

from jsonargparse import ArgumentParser

from padimkit.config.names import find_class, short_name
from padimkit.config.options import with_near_options
from padimkit.errors import PadimkitError, did_you_mean


def with_suggestions(message: str, parser: ArgumentParser) -> str:
    """Return the message on one line, with short names, and with near misses of an unknown key."""
    paths = re.findall(r"class_path '([\w.]+)'", message)
    for path in paths:
        message = message.replace(f"'{path}'", f'"{_short(path)}"')
    message = re.sub(r":?\s*\n\s*", ": ", message.strip())
    unknown = re.search(r"Option '([\w.]+)' is not accepted", message)
    known = [name for path in paths for name in _arguments(path)]
    hint = did_you_mean(unknown[1], known) if unknown and paths else ""
    return with_near_options(_without_union(message), parser) + hint


def _without_union(message: str) -> str:
    """Return the message without the errors of each type that was tried, where there are several."""
    found = re.search(r'^Parser key "([\w.]+)": Does not .* Subtypes: \[(.*?)\]: Errors: ', message)
    if found is None:
        return message
    of_its_class = re.match(r"- (Problem with given class_path .*?): - Expected a", message[found.end() :])
    if of_its_class:  # a part that may be null: the form is right, and its arguments are not
        return f'Parser key "{found[1]}": {of_its_class[1]}'
    given = message.rpartition("Given value: ")[2].rstrip(".")
    nested = re.match(r"NestedArg\(key='([\w.]+)', val='(.*)'\)$", given)
    key, value = (f"{found[1]}.{nested[1]}", nested[2]) if nested else (found[1], given)
    types = re.sub(r"""<class ['"]([\w.]+)['"]>""", lambda path: _form(path[1]), found[2]).replace(
        "tuple[", "["
    )
    return f'"{key}" is {value}; "{found[1]}" is one of: {types}'


def _form(path: str) -> str:
    """Return the way in which settings write a value of this type."""
    if "." not in path:
        return "null" if path == "NoneType" else path
    names = _arguments(path) or ["class_path", "init_args"]  # a contract has no arguments
    return f"{{{', '.join(names)}}}"


def _arguments(path: str) -> list[str]:
    try:
        return list(inspect.signature(find_class(path, object)[1]).parameters)
    except PadimkitError:
        return []


def _short(path: str) -> str:
    try:
        return short_name(find_class(path, object)[1])
    except PadimkitError:
        return path
