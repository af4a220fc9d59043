"""Signatures that name shapes are checked at run time, by jaxtyping and beartype.

They are in the first calls of each function in each test, whatever ran before. Loops make most calls:
checking all of them takes a fifth of the suite's time.
"""

import functools
import inspect
import typing
from collections import Counter
from pathlib import Path

import jaxtyping

FIRST = 1

_calls: Counter = Counter()


def check_shapes_of(package: Path) -> None:
    """Have the modules of a package checked that are imported from now on and name shapes.

    Those of `service` are compiled as they are written, and `testing` calls what is checked.
    """
    modules = [
        ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for path in sorted(package.rglob("*.py"))
        if not {"service", "testing"} & set(path.parts) and "from jaxtyping import" in path.read_text("utf-8")
    ]
    jaxtyping.install_import_hook(modules, "beartype.beartype")
    jaxtyping.jaxtyped = _of_first_calls  # which the hook puts before each function and class


def count_anew() -> None:
    """Start another test."""
    _calls.clear()


def _of_first_calls(*, typechecker):
    checked = functools.partial(_jaxtyped, typechecker=typechecker)
    return lambda decorated: _decorate(decorated, checked)


_jaxtyped = jaxtyping.jaxtyped


def _decorate(decorated, checked):
    match decorated:
        case type():
            return checked(decorated)
        case classmethod() | staticmethod():
            return type(decorated)(_decorate(decorated.__func__, checked))
        case property():
            return property(*(each and _decorate(each, checked) for each in (decorated.fget, decorated.fset)))
    if not any(map(_names_shapes, decorated.__annotations__.values())):
        return decorated
    with_checks = functools.cache(lambda: checked(decorated))

    @functools.wraps(decorated)
    def call(*args, **kwargs):
        __tracebackhide__ = True
        _calls[call] += 1
        return (with_checks() if _calls[call] <= FIRST else decorated)(*args, **kwargs)

    return call


def _names_shapes(hint: object) -> bool:
    array = inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray)
    return array or any(map(_names_shapes, typing.get_args(hint)))
