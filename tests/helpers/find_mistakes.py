"""Print which mistakes of `tests/testing/mistakes` are found, each by all checks of its family.

python tests/helpers/find_mistakes.py [FAMILY ...]
"""

import sys
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "testing"), str(TESTS / "helpers")]

import pytest  # noqa: E402, F401  # as in tests, and not in the other process of the checks
from mistakes import at_import  # noqa: E402

from padimkit.registry.families import FAMILIES  # noqa: E402
from padimkit.testing import outcomes  # noqa: E402


def main(families):
    totals = []
    for family in FAMILIES:
        if families and family.plural not in families:
            continue
        module = __import__(f"mistakes.{family.plural}", fromlist=["MISTAKES"])
        right, seconds = found(family, module.Right)
        print(f"{family.plural}: {seconds:.1f} s for a right part, which fails {right or 'nothing'}")
        caught = 0
        mistakes = module.MISTAKES | (at_import.MISTAKES if family.plural == "metrics" else {})
        for part, check in mistakes.items():
            failed, _ = found(family, part)
            caught += bool(failed)
            verdict = "found" if check in failed else "elsewhere" if failed else "MISSED"
            print(f"  {part.__name__:28} {verdict:9} {check:40} {len(failed)} checks")
        totals.append((family.plural, caught, len(mistakes)))
    for name, caught, count in totals:
        print(f"{name:10} {caught} of {count}")
    print(f"{'all':10} {sum(t[1] for t in totals)} of {sum(t[2] for t in totals)}")


def found(family, part):
    """The names of the checks that a part fails, and the seconds that all took."""
    start = time.perf_counter()
    failed = [one.check.name for one in outcomes(family.load_contract(), part) if one.verdict == "failed"]
    return failed, time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1:])
