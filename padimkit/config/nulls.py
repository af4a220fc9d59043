"""Nulls in the place of values: jsonargparse lets them pass as arguments of parts, whatever these expect."""

import inspect
from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

from docstring_parser import parse
from jsonargparse import Namespace

from padimkit.config.names import import_dotted
from padimkit.errors import BadConfig


def refuse_nulls(settings: Any, key: str = "") -> None:
    """Check the arguments of all parts in parsed settings.

    Raises:
        BadConfig: A part does not take null for an argument that is null; the message says what it takes.
    """
    if isinstance(settings, list | tuple):
        for place, value in enumerate(settings):
            refuse_nulls(value, f"{key}[{place}]")
    values = vars(settings) if isinstance(settings, Namespace) else settings
    if not isinstance(values, Mapping):
        return
    arguments = values.get("init_args")
    if isinstance(values.get("class_path"), str) and isinstance(arguments, Namespace | Mapping):
        made = import_dotted(values["class_path"])
        if isinstance(made, type):  # or a function, whose module an adapter wraps
            _refuse_in_part(made, arguments, key)
        values = vars(arguments) if isinstance(arguments, Namespace) else arguments
    for name, value in values.items():
        refuse_nulls(value, f"{key}.{name}".removeprefix("."))


def _refuse_in_part(part: type[Any], arguments: Namespace | Mapping[str, Any], key: str) -> None:
    parameters, hints = inspect.signature(part).parameters, get_type_hints(part.__init__)
    values = vars(arguments) if isinstance(arguments, Namespace) else arguments
    for name, value in values.items():
        if value is None and name in hints and not _takes_null(hints[name], parameters[name].default):
            meanings = {one.arg_name: one.description for one in parse(part.__doc__ or "").params}
            text = " ".join((meanings.get(name) or "").split())
            raise BadConfig(f'"{key}.{name}" is null, which it does not take. {text}'.strip())


def _takes_null(hint: Any, default: Any) -> bool:
    return hint in (Any, object, NoneType) or NoneType in get_args(hint) or default is None
