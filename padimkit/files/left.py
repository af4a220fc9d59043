"""The rest of killed runs: what they were about to replace is finished, all else is removed."""

import os
from contextlib import suppress
from pathlib import Path

from padimkit.files.locks import left_behind
from padimkit.files.replacement import INTENT, finish_intent
from padimkit.files.staging import PREFIX, remove


def finish_left(folder: Path) -> list[Path]:
    """Finish what killed runs were about to replace in a folder, and remove what else they have left there.

    What another user owns, a running process holds, or was made in the last seconds, stays.

    Returns:
        What was finished or removed.
    """
    done: list[Path] = []
    with suppress(OSError):  # it may not be read or written: then there is nothing of ours to finish
        for intent in _begun(folder, INTENT):
            with left_behind(intent, settled=0) as left:
                done += finish_intent(intent) if left else []
        for path in _begun(folder, PREFIX):
            with left_behind(path) as left:
                if left:
                    remove(path)
                    done.append(path)
    return done


def _begun(folder: Path, prefix: str) -> list[Path]:
    with os.scandir(folder) as found:  # of folders with thousands of records, each time that one comes
        return sorted(folder / one.name for one in found if one.name.startswith(prefix))
