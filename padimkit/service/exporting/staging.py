"""Files that refer to each other by name, written completely or not at all.

Apart from the export, and from `padimkit.files`, whose files stand alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from padimkit.errors import BadOutput
from padimkit.files.staging import finish_left, staged_folder


@final
@dataclass(frozen=True)
class Staging:
    """A temporary folder beside the output, and the path in it that stands for the output."""

    folder: Path
    path: Path

    @property
    def names(self) -> list[str]:
        """The names of all files, that of the output last."""
        others = sorted(path.name for path in self.folder.iterdir() if path != self.path)
        return [*others, self.path.name]


@contextmanager
def staged(output: Path, *, overwrite: bool) -> Iterator[Staging]:
    """Yield a staging whose files come to their place when the block ends without an error.

    Raises:
        BadOutput: The output exists and is not to be overwritten, or cannot be written.
    """
    if output.is_dir():
        raise BadOutput(f'"{output}" is a folder; expected the name of a file.')
    if output.exists() and not overwrite:
        raise BadOutput(f'"{output}" exists. Choose another output or pass --overwrite.')
    where = output.absolute().parent
    finish_left(where)
    try:
        where.mkdir(parents=True, exist_ok=True)
        with staged_folder(where) as folder:
            staging = Staging(folder, folder / output.name)
            yield staging
            for name in staging.names:  # the one that is loaded comes last, when all others are there
                (folder / name).replace(where / name)
    except OSError as error:
        raise BadOutput(f'"{output}" cannot be written: {error.strerror or error}.') from error
