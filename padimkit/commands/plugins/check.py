"""`padimkit plugins check`: whether a plugin keeps its contract."""

import argparse
from collections import Counter
from collections.abc import Iterator

from padimkit.commands.plugins.columns import lines
from padimkit.commands.plugins.making import contract_of, maker
from padimkit.errors import BrokenContract
from padimkit.lookup import NAMES, find_plugin
from padimkit.testing import Outcome, checks_of, outcomes

_VERDICTS = ("passed", "failed", "skipped")


def run(words: list[str]) -> None:
    """Prints what comes of each check as soon as it is known.

    Raises:
        BrokenContract: A check failed.
        BadConfig: An argument that the plugin needs is missing, or one is unknown or wrong.
    """
    parser = argparse.ArgumentParser(
        prog="padimkit plugins check",
        usage="%(prog)s NAME [--ARGUMENT VALUE ...] [--init_args '{ARGUMENT: VALUE, ...}']",
        description="Import a plugin, make it with these arguments, and do all checks of the contract of its "
        "family. The exit status is 1 if a check fails.",
        epilog="padimkit plugins show NAME lists its arguments.",
        allow_abbrev=False,
    )
    parser.add_argument("name", help=NAMES)
    parser.add_argument("--init_args", default="{}", help="Arguments of the plugin in YAML or JSON.")
    known, rest = parser.parse_known_args(words)
    plugin = find_plugin(known.name)
    contract, make = contract_of(plugin), maker(plugin, known.init_args, rest)
    failed = _report(outcomes(contract, make), max(len(check.name) for check in checks_of(contract)))
    if failed:
        raise BrokenContract(f'{failed} of the checks above failed: "{plugin.name}" breaks its contract.')


def _report(found: Iterator[Outcome], width: int) -> int:
    """Prints a table, row by row, and returns how many checks failed."""
    counts: Counter[str] = Counter()
    for outcome in found:
        row = (outcome.check.name, outcome.verdict, outcome.reason)
        print(*lines(row, (width, max(map(len, _VERDICTS)))), sep="\n", flush=True)
        counts[outcome.verdict] += 1
    print("\n" + ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS))
    return counts["failed"]
