"""Which checks a part fails."""

from padimkit.testing import outcomes


def failed_checks(contract, make):
    return {outcome.check.name for outcome in outcomes(contract, make) if outcome.verdict == "failed"}
