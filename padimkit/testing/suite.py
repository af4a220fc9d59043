"""All checks of a contract, and what they found about a part."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from padimkit.contracts import Backbone, DataSource, DensityModel, Metric, Reducer
from padimkit.errors import BadArgument
from padimkit.testing.backbones import BACKBONE_CHECKS
from padimkit.testing.check import Check, ContractViolation, Make, NotApplicable
from padimkit.testing.datasets import DATASET_CHECKS
from padimkit.testing.densities import DENSITY_CHECKS
from padimkit.testing.metrics import METRIC_CHECKS
from padimkit.testing.reducers import REDUCER_CHECKS

_CHECKS: dict[type[Any], tuple[Check, ...]] = {
    Backbone: BACKBONE_CHECKS,
    Reducer: REDUCER_CHECKS,
    DensityModel: DENSITY_CHECKS,
    Metric: METRIC_CHECKS,
    DataSource: DATASET_CHECKS,
}


@dataclass(frozen=True)
class Outcome:
    """What came of one check; `reason` says why it failed or was skipped."""

    check: Check
    verdict: Literal["passed", "failed", "skipped"]
    reason: str = ""


def checks_of(contract: type[Any]) -> tuple[Check, ...]:
    """The checks of a contract, the most basic ones first.

    >>> from padimkit.contracts import Metric
    >>> checks_of(Metric)[0].name
    'says_whether_higher_is_better'

    Raises:
        BadArgument: It is no contract of a plugin family.
    """
    if contract not in _CHECKS:
        names = ", ".join(known.__name__ for known in _CHECKS)
        raise BadArgument(f"{contract!r} has no contract checks. Expected one of {names}.")
    return _CHECKS[contract]


def outcomes(contract: type[Any], make: Make) -> Iterator[Outcome]:
    """What comes of each check of the contract, as soon as it is known.

    Args:
        contract: Backbone, Reducer, DensityModel, Metric or DataSource.
        make: Returns a fresh instance at each call; a class whose arguments all have defaults will do.
    """
    return (_outcome(check, make) for check in checks_of(contract))


def check_backbone(make: Make) -> None:
    """Does all checks of a backbone.

    Raises:
        ContractViolation: The first that fails; `outcomes` goes on and tells of all.
    """
    _do_checks(Backbone, make)


def check_reducer(make: Make) -> None:
    """Does all checks of a reducer.

    Raises:
        ContractViolation: The first that fails; `outcomes` goes on and tells of all.
    """
    _do_checks(Reducer, make)


def check_density(make: Make) -> None:
    """Does all checks of a density model.

    Raises:
        ContractViolation: The first that fails; `outcomes` goes on and tells of all.
    """
    _do_checks(DensityModel, make)


def check_metric(make: Make) -> None:
    """Does all checks of a metric.

    Raises:
        ContractViolation: The first that fails; `outcomes` goes on and tells of all.
    """
    _do_checks(Metric, make)


def check_dataset(make: Make) -> None:
    """Does all checks of a data source.

    Raises:
        ContractViolation: The first that fails; `outcomes` goes on and tells of all.
    """
    _do_checks(DataSource, make)


def _do_checks(contract: type[Any], make: Make) -> None:
    for check in checks_of(contract):
        with suppress(NotApplicable):
            check(make)


def _outcome(check: Check, make: Make) -> Outcome:
    try:
        check(make)
    except ContractViolation as violation:
        return Outcome(check, "failed", violation.finding)
    except NotApplicable as reason:
        return Outcome(check, "skipped", str(reason))
    return Outcome(check, "passed")
