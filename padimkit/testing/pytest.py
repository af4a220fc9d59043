"""Contract checks as tests; the only module of the checks that needs pytest."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import pytest

from padimkit.errors import BadArgument
from padimkit.testing.check import Check, ContractViolation, Make, NotApplicable
from padimkit.testing.suite import checks_of, told_once

_NONE: Mapping[str, str] = MappingProxyType({})


def contract_checks(
    contract: type[Any], *, expected_failures: Mapping[str, str] = _NONE
) -> pytest.MarkDecorator:
    """Run the test once for each check of the contract, with the check as its argument `check`.

    Args:
        contract: Backbone, Reducer, DensityModel, Metric or DataSource.
        expected_failures: The reasons of known failures by name of the check; a test that passes then fails.

    Raises:
        BadArgument: There are no checks of this contract, or none of this name.
    """
    checks = checks_of(contract)
    names = [check.name for check in checks]
    for name in expected_failures:
        if name not in names:
            raise BadArgument(
                f'There is no check "{name}" of a {contract.__name__}. Expected one of {", ".join(names)}.'
            )
    return pytest.mark.parametrize("check", [_parameter(check, expected_failures) for check in checks])


def _parameter(check: Check, expected_failures: Mapping[str, str]) -> Any:
    marks = []
    if check.name in expected_failures:
        reason = expected_failures[check.name]
        marks.append(pytest.mark.xfail(reason=reason, raises=ContractViolation, strict=True))
    return pytest.param(_Skipping(check), id=check.name, marks=marks)


@final
@dataclass(frozen=True)
class _Skipping:
    """A check that skips the test if it does not apply."""

    check: Check

    def __call__(self, make: Make) -> None:
        __tracebackhide__ = True  # pytest then points to the caller
        try:
            with told_once(self.check):
                self.check(make)
        except NotApplicable as reason:
            pytest.skip(str(reason))
