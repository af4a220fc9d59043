"""Which checks a part fails."""

from contextlib import suppress

from padimkit.testing.check import ContractViolation, NotApplicable
from padimkit.testing.suite import checks_of


def failed_checks(contract, make, *, besides=frozenset()):
    """The names of those that it fails; those named `besides` are not run."""
    return {check.name for check in checks_of(contract) if check.name not in besides and _fails(check, make)}


def _fails(check, make):
    with suppress(NotApplicable):
        try:
            check(make)
        except ContractViolation:
            return True
    return False
