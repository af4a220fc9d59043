"""Types of settings in words, for messages that need no knowledge of Python.

It stands alone because a type is told in the same words wherever a file holds it.
"""

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

_MOST = 80  # characters of a value in a message
_PLAIN = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    bool: ("true or false", "true or false"),
}


def in_words(kind: Any) -> str:
    """Return what a type of settings takes, as in "a list of whole numbers, or null"."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return ", or ".join("null" if one is NoneType else in_words(one) for one in inner)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin is list:
        return f"a list of {_several(inner[0])}"
    if origin is dict:
        return f"keys, each with {in_words(inner[1])}" if inner[1] is not Any else "keys and values"
    return _PLAIN[kind][0] if kind in _PLAIN else "a value"


def _several(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"any of {', '.join(map(str, get_args(kind)))}"
    return _PLAIN[kind][1] if kind in _PLAIN else "values"


def shortened(value: Any) -> str:
    """Return a value as a message shows it, its end left out where it is long."""
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[: _MOST - 3]}..."
