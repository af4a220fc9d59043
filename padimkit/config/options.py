"""The options of a command line and errors about them in one style, without jsonargparse, a slow import."""

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from padimkit.errors import BadConfig, near_misses


class PlainParser(argparse.ArgumentParser):
    """A parser for commands that must start fast; it reports mistakes as all other commands do."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.register("type", Path, _given_path)

    def error(self, message: str) -> NoReturn:
        """Raise BadConfig, where argparse would print its usage and exit."""
        raise BadConfig(with_near_options(message, self))


def path_of(text: str | Path) -> Path:
    """Return the path that a word of a command or a value of settings is.

    Raises:
        ValueError: It is empty.
    """
    if not str(text):  # else an empty variable would mean the working folder and all below it
        raise ValueError('a path is empty. Write "." for the folder itself')
    return Path(text)


def _given_path(text: str) -> Path:
    try:
        return path_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def with_near_options(message: str, parser: argparse.ArgumentParser) -> str:
    """Return the message of a parser as a sentence, with near misses of an option that it does not know."""
    text = " ".join(message.split()).rstrip(".")
    unknown = re.search(r"unrecognized arguments: (--[\w.+-]+)", message, re.IGNORECASE)
    hint = near_misses(unknown[1], _options(parser)) or f" {parser.prog} --help lists all." if unknown else ""
    return f"{text[:1].upper()}{text[1:]}.{hint}"


def _options(parser: argparse.ArgumentParser) -> list[str]:
    """Return the long options, without those that explain others."""
    names = [name for action in parser._actions for name in action.option_strings]
    return [name for name in names if re.fullmatch(r"--(?!(.*\.)?help$|print_shtab$).*[^+]", name)]
