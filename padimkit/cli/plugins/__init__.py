"""`padimkit plugins`: find, understand, check and start plugins; one module for each subcommand."""

import sys
from importlib import import_module

from padimkit.errors import BadArgument, did_you_mean
from padimkit.registry.modules import collector_at_rest

SUBCOMMANDS = {
    "list": "every plugin of every family, with its distribution, version and description",
    "show": "the description of one plugin with its arguments, or of installed weights",
    "check": "all checks of the contract of one plugin, one by one",
    "new": "write the package of a new plugin, ready to be installed and to be changed",
}

_USAGE = """usage: padimkit plugins [SUBCOMMAND] [ARGUMENTS]

Without a subcommand, lists all plugins.

subcommands:
{subcommands}

padimkit plugins SUBCOMMAND --help explains one of them.
"""


def run(words: list[str]) -> None:
    """Run one subcommand.

    Raises:
        BadArgument: There is none of this name.
    """
    if words[:1] in (["-h"], ["--help"]):
        sys.stdout.write(_USAGE.format(subcommands="\n".join(f"  {n:7}{t}" for n, t in SUBCOMMANDS.items())))
        return
    name, *rest = words if words and not words[0].startswith("-") else ["list", *words]
    if name not in SUBCOMMANDS:
        raise BadArgument(f'There is no subcommand "{name}".{did_you_mean(name, SUBCOMMANDS)}')
    with collector_at_rest():
        module = import_module(f"padimkit.cli.plugins.{name}")
    module.run(rest)
