"""JSON from files that others may have written: records, manifests, calibrations and results."""

import json
from typing import Any

MOST_LEVELS = 100  # of nesting; what padimkit writes has fewer than 15
_MOST_CHARACTERS = 2**28  # records hold pictures


def parsed_json(text: str | bytes) -> Any:
    """Return what a text of JSON holds.

    Raises:
        ValueError: It is not valid JSON, or holds more than 100 levels of nesting or 256
            million characters; the message says which.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters; at most {_MOST_CHARACTERS} are read")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _require_levels(value)
    return value


def without_surrogates(value: Any) -> Any:
    r"""Return plain types with texts that every file can hold: of a lone surrogate, its escape.

    JSON may hold one, such as \udcff, which stands for a byte in the name of a file.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [
            without_surrogates(inner) if isinstance(inner, str | dict | list) else inner for inner in value
        ]
    return value


_TOO_DEEP = f"it is nested deeper than {MOST_LEVELS} levels"


def _require_levels(value: Any) -> None:
    """Refuse deep nesting, level by level: a function that calls itself would end as the parser does."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _within(outer) if isinstance(inner, dict | list)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _within(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
