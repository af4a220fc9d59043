"""The arguments that a part was made with, read back from it; scikit-learn calls them parameters."""

import inspect
import textwrap
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from padimkit.errors import BadArgument, BrokenPlugin, CannotMerge

_LINE = 88  # characters


def arguments(part: object) -> dict[str, Any]:
    """Return the keyword arguments that make a new, unfitted part like this one.

    Raises:
        BrokenPlugin: The part does not store an argument under the argument's own name.
    """
    found = {}
    for name, parameter in inspect.signature(type(part)).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        try:
            found[name] = getattr(part, name)
        except AttributeError:
            raise BrokenPlugin(
                f'{type(part).__qualname__} does not keep its argument "{name}": '
                f'its __init__ must store it with "self.{name} = {name}".'
            ) from None
    return found


def shown(part: object) -> str:
    """Return the call that makes this part, without defaults, as scikit-learn shows its estimators.

    A call that does not fit on one line has one line per argument.
    """
    try:
        changed = {name: value for name, value in arguments(part).items() if _is_changed(part, name, value)}
    except BrokenPlugin:  # showing a part must not fail, least of all within the message of another error
        return object.__repr__(part)
    listed = [f"{name}={value!r}" for name, value in changed.items()]
    line = f"{type(part).__name__}({', '.join(listed)})"
    if len(line) <= _LINE and "\n" not in line:
        return line
    body = textwrap.indent(",\n".join(listed), "    ")
    return f"{type(part).__name__}(\n{body},\n)"


def _is_changed(part: object, name: str, value: object) -> bool:
    return repr(inspect.signature(type(part)).parameters[name].default) != repr(value)


def alike(own: object, other: object) -> bool:
    """Return whether two parts or values have the same class and equal arguments, at any depth."""
    return bool(_likeness(own) == _likeness(other))


def require_alike(own: object, other: object) -> None:
    """Check that two parts have the same class and equal arguments, so that one can learn from the other.

    Raises:
        CannotMerge: They are not.
    """
    if not alike(own, other):
        raise CannotMerge(
            f"{type(own).__name__} with {arguments(own)} cannot be merged with {type(other).__name__} "
            f"with {arguments(other)}. Fit both with the same arguments."
        )


def _likeness(value: Any) -> Any:
    """Return class and arguments, at any depth: equal for two parts that were made alike."""
    if value is None or isinstance(value, bool | int | float | str | Path):
        return value
    if isinstance(value, Mapping):
        return {key: _likeness(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_likeness(inner) for inner in value]
    return type(value), {name: _likeness(inner) for name, inner in arguments(value).items()}


def require_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise BadArgument if the value is not one of the choices."""
    choices = list(choices)
    if value not in choices:
        raise BadArgument(f'Expected "{name}" to be one of {", ".join(map(str, choices))}, got "{value}".')


def require_between(name: str, value: object, least: float, most: float) -> None:
    """Check that a number lies in a range, of which both ends are part.

    Raises:
        BadArgument: It does not, or it is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, Real):  # numpy's numbers are real too
        raise BadArgument(f'Expected "{name}" to be a number, got {value!r}.')
    if not float(value) >= least:  # NaN is not
        raise BadArgument(f'Expected "{name}" of at least {least}, got {value}.')
    if not float(value) <= most:
        raise BadArgument(f'Expected "{name}" of at most {most}, got {value}.')


def require_whole(name: str, value: object, least: int, most: int) -> None:
    """Check that a whole number lies in a range, of which both ends are part.

    Raises:
        BadArgument: It does not, or it is not a whole number.
    """
    require_between(name, value, least, most)
    if not isinstance(value, Integral):
        raise BadArgument(f'Expected "{name}" to be a whole number, got {value!r}.')


def require_seed(value: object) -> None:
    """Check that a seed is a whole number that all libraries take.

    Raises:
        BadArgument: It is not.
    """
    require_whole("seed", value, 0, 2**32 - 1)


def require_budget(value: object) -> None:
    """Check that a budget of memory is a number of GB, or None for no budget.

    Raises:
        BadArgument: It is not.
    """
    if value is not None and not (isinstance(value, Real) and float(value) > 0):
        raise BadArgument(f'Expected "memory_budget" above 0 GB, got {value}.')


def require_kind(name: str, value: object, kind: type[Any]) -> None:
    """Check that an argument is an instance of a contract, not its name, its class or something else.

    Raises:
        BadArgument: It is not.
    """
    if not isinstance(value, kind):
        hint = f" Make one: {value.__name__}(...)." if isinstance(value, type) else ""
        raise BadArgument(f'Expected "{name}" to be a {kind.__name__}, got {value!r}.{hint}')
