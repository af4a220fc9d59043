"""Near misses of a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def near_misses(name: str, choices: Iterable[str]) -> str:
    """A sentence with the near misses of a name, empty where none is near."""
    near = get_close_matches(name, list(choices), n=3)
    return f" Did you mean {' or '.join(f'{choice!r}' for choice in near)}?" if near else ""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A sentence with the near misses of a name, or with all choices where none is near."""
    choices = list(choices)
    all_of_them = f" Expected one of: {', '.join(choices)}." if choices else ""
    return near_misses(name, choices) or all_of_them
