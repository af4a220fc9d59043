"""`padimkit clean`: remove what killed runs have left beside their outputs.

A command of its own: `main` imports it by name when it is called.
"""

from pathlib import Path

from padimkit.config.options import PlainParser
from padimkit.errors import BadArgument
from padimkit.files.foreign_text import printable
from padimkit.files.left import finish_left
from padimkit.files.staging import content_of


def run(words: list[str]) -> None:
    """Finish and remove what is left in folders, and say what that was."""
    parser = PlainParser(
        prog="padimkit clean",
        description="Remove what runs that were killed have left in folders, beside outputs and in them, and "
        "finish what they were replacing. What others own, or a process still writes, stays.",
    )
    parser.add_argument("folders", type=Path, nargs="*", default=[Path()], help="By default this one.")
    for folder in parser.parse_args(words).folders:
        if not folder.is_dir():
            raise BadArgument(f'"{folder}" is not a folder.')
        for place in _places(folder.absolute()):
            for path in finish_left(place):
                print(printable(f"{path}"))


def _places(folder: Path) -> list[Path]:
    """Return the folder and the outputs in it, which may be replaced inside."""
    try:
        return [folder, *sorted(path for path in content_of(folder) if path.is_dir())]
    except OSError as error:
        raise BadArgument(f'"{folder}" cannot be read: {error.strerror or error}.') from error
