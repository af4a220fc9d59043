"""Errors of jsonargparse with the near misses they lack."""

import inspect
import re

from jsonargparse import ArgumentParser

from padimkit.errors import PadimkitError
from padimkit.names import find_class, short_name
from padimkit.spelling import did_you_mean


def explained(message: str, parser: ArgumentParser) -> str:
    """The message on one line, with short names and with near misses of a key that is not known."""
    paths = re.findall(r"class_path '([\w.]+)'", message)
    unknown = re.search(r"Option '([\w.]+)' is not accepted", message)
    hint = did_you_mean(unknown[1], _arguments(paths[-1])) if unknown and paths else ""
    unknown = re.search(r"(?:[Uu]nrecognized arguments: --|does not accept option ')([\w.]+)", message)
    if unknown:
        hint = did_you_mean(unknown[1].replace(".init_args", ""), _options(parser))
    for path in paths:
        message = message.replace(f"'{path}'", f'"{_short(path)}"')
    return re.sub(r":?\s*\n\s*", ": ", message.strip()).rstrip(".") + "." + hint


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


def _options(parser: ArgumentParser) -> list[str]:
    return [option.removeprefix("--") for action in parser._actions for option in action.option_strings]
