"""The options of a command line and errors about them in one style, without jsonargparse, a slow import."""

import argparse
import re
from typing import NoReturn

from padimkit.errors import BadConfig, near_misses


class PlainParser(argparse.ArgumentParser):
    """A parser for commands that must start fast; it reports mistakes as all other commands do."""

    def error(self, message: str) -> NoReturn:
        """Raise BadConfig, where argparse would print its usage and exit."""
        raise BadConfig(with_near_options(message, self))


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
