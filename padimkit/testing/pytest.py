"""Contract checks as tests: the only module here that needs pytest."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from padimkit.errors import BadArgument
from padimkit.testing.check import Check, ContractViolation, Make, NotApplicable
from padimkit.testing.suite import checks_of

_NONE: Mapping[str, str] = MappingProxyType({})


def contract_checks(
    contract: type[Any], *, expected_failures: Mapping[str, str] = _NONE
) -> pytest.MarkDecorator:
    """Runs the test once for each check of the contract, which it gets as its argument `check`.

    Args:
        contract: Backbone, Reducer, DensityModel, Metric or DataSource.
        expected_failures: By the name of a check, why it fails; once it passes, the test fails.

    Raises:
        BadArgument: There is no such contract, or no check of such a name.
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
    return pytest.param(_skipping(check), id=check.name, marks=marks)


def _skipping(check: Check) -> Check:
    def function(make: Make) -> None:
        try:
            check.function(make)
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return replace(check, function=function)
