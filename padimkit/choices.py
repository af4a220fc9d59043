"""Arguments that take one of a few values, checked also where no type checker and no parser has."""

from collections.abc import Iterable

from padimkit.errors import BadArgument


def require_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raises BadArgument unless the value is one of the choices."""
    choices = list(choices)
    if value not in choices:
        raise BadArgument(f'Expected "{name}" to be one of {", ".join(map(str, choices))}, got "{value}".')
