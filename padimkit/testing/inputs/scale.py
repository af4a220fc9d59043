"""The numbers and sizes of the made-up data, which a class may choose by `Checked`.

Apart from the data, since a check sets it for all of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from padimkit.arguments.checked import Checked

_USUAL = Checked()
_CHECKED: ContextVar[Checked] = ContextVar("checked", default=_USUAL)


@contextmanager
def made_up_for(checked: Checked) -> Iterator[None]:
    """Make data up as a class wants to be checked with, within the block."""
    token = _CHECKED.set(checked)
    try:
        yield
    finally:
        _CHECKED.reset(token)


def images_or(default: int) -> int:
    """Return the number of images that the class chooses, or the default."""
    chosen = _CHECKED.get().images
    return default if chosen is None else chosen


def size_or(default: tuple[int, int]) -> tuple[int, int]:
    """Return the height and the width that the class chooses, or the default."""
    chosen = _CHECKED.get().size
    return default if chosen is None else chosen


def has_chosen_size() -> bool:
    """Return whether the class chooses the size."""
    return _CHECKED.get().size is not None
