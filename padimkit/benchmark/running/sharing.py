"""The features that the cells of a run share, and the folders that they are in."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

from padimkit.benchmark.cell import FeatureArguments, Planned, Shelf
from padimkit.benchmark.planning.sharing import group_of
from padimkit.errors import BadOutput
from padimkit.files.left import finish_left
from padimkit.files.staging import staged_folder

_FREE = 0.5  # of the disk, which features may take


@final
class Sharing:
    """The shelves of cells, one for each group of cells that share.

    Args:
        groups: The names of groups by the keys of their cells.
        top: The folder of all shelves.
        most_bytes: The most that they may take together.
        kept: True if they stay when no cell of this run needs them any more.
    """

    def __init__(self, groups: dict[str, str], top: Path, most_bytes: int, *, kept: bool) -> None:
        self._groups = groups
        self._left = Counter(groups.values())
        self._top = top
        self._most_bytes = most_bytes
        self._kept = kept

    def shelf_of(self, planned: Planned) -> Shelf | None:
        """Return the place of what a cell shares; None if it shares nothing."""
        group = self._groups.get(planned.key)
        return None if group is None else Shelf(str(self._top / group), self._most_bytes)

    def finish(self, key: str) -> None:
        """Remove the shelf of the cell of this key if it was the last one to need it."""
        group = self._groups.get(key, "")
        self._left[group] -= 1
        if group and not self._left[group] and not self._kept:
            shutil.rmtree(self._top / group, ignore_errors=True)


UNSHARED = Sharing({}, Path(), 0, kept=True)


@contextmanager
def sharing(planned: Iterable[Planned], features: FeatureArguments, records: Path) -> Iterator[Sharing]:
    """Yield the shelves of the cells of a run, which end with it unless a folder is named for them.

    Args:
        planned: The cells that will run.
        features: The room for what they share.
        records: The folder of their records.

    Raises:
        BadOutput: The folder that is named cannot be made.
    """
    groups = _groups(planned, least=2 if features.folder is None else 1) if features.most_gb else {}
    if not groups:
        yield UNSHARED
    elif features.folder is None:
        with staged_folder(records.absolute()) as top:  # of a run that is killed, the next one removes it
            yield Sharing(groups, top, _room(top, features), kept=False)
    else:
        top = Path(features.folder).absolute()
        try:
            top.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadOutput(
                f'"features.folder" is "{top}", which cannot be made: {error.strerror}.'
            ) from error
        for shelf in top.glob("*/"):
            finish_left(shelf)
        yield Sharing(groups, top, _room(top, features), kept=True)


def _groups(planned: Iterable[Planned], *, least: int) -> dict[str, str]:
    """Return the groups of cells by their keys, those of at least so many cells."""
    found = {one.key: group for one in planned if (group := group_of(one)) is not None}
    sizes = Counter(found.values())
    return {key: group for key, group in found.items() if sizes[group] >= least}


def _room(top: Path, features: FeatureArguments) -> int:
    return int(min(1e9 * features.most_gb, _FREE * shutil.disk_usage(top).free))
