"""The documentation of a class, read from its docstrings: its text, and its arguments one by one."""

import inspect
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from docstring_parser import Docstring, parse


@dataclass(frozen=True)
class Argument:
    """One argument of a class, as a user may write it; `default` is None where one must be given."""

    name: str
    type: str
    default: str | None
    text: str


@dataclass(frozen=True)
class Manual:
    """The purpose of a class, in a sentence and in full, and its arguments in their order."""

    summary: str
    text: str
    arguments: tuple[Argument, ...]


def manual(part: type[Any]) -> Manual:
    """Return the manual of a class, from its signature and its docstrings, that of `__init__` included."""
    own, init = parse(part.__doc__ or ""), parse(part.__init__.__doc__ or "")
    texts = {param.arg_name: " ".join((param.description or "").split()) for param in _params(init, own)}
    parameters = inspect.signature(part).parameters.values()
    arguments = tuple(
        _argument(parameter, texts.get(parameter.name, ""))
        for parameter in parameters
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    )
    return Manual(own.short_description or "", own.long_description or "", arguments)


def required_arguments(part: type[Any]) -> list[str]:
    """Return the names of the arguments without which the class cannot be made."""
    return [argument.name for argument in manual(part).arguments if argument.default is None]


def _params(*docstrings: Docstring) -> list[Any]:
    return [param for docstring in docstrings for param in docstring.params]


def _argument(parameter: inspect.Parameter, text: str) -> Argument:
    annotation = parameter.annotation
    kind = "" if annotation is parameter.empty else inspect.formatannotation(annotation)
    default = None if parameter.default is parameter.empty else _written(parameter.default)
    return Argument(parameter.name, kind.strip("'"), default, text)


def _written(value: Any) -> str:
    return repr(str(value) if isinstance(value, PurePath) else value)
