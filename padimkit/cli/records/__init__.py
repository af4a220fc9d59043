"""`padimkit records`: check, merge and describe records of benchmarks; one module for each subcommand."""

import sys
from importlib import import_module

from padimkit.errors import BadArgument, did_you_mean

SUBCOMMANDS = {
    "check": "whether files are whole records, of one cell each; with --run, whether their values come again",
    "merge": "one folder of the records of several",
    "schema": "the JSON schema of a record",
}

_USAGE = """usage: padimkit records SUBCOMMAND [ARGUMENTS]

subcommands:
{subcommands}

padimkit records SUBCOMMAND --help explains one of them.
"""


def run(words: list[str]) -> int | None:
    """Run one subcommand.

    Raises:
        BadArgument: There is none of this name.
    """
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE.format(subcommands="\n".join(f"  {n:7}{t}" for n, t in SUBCOMMANDS.items())))
        return None
    if words[0] not in SUBCOMMANDS:
        raise BadArgument(f'There is no subcommand "{words[0]}".{did_you_mean(words[0], SUBCOMMANDS)}')
    status: int | None = import_module(f"padimkit.cli.records.{words[0]}").run(words[1:])
    return status
