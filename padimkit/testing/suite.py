"""All checks of a contract, and their outcomes for a part."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from padimkit.contracts import (
    Backbone,
    DataSource,
    DensityModel,
    Levels,
    Mapper,
    Metric,
    Preprocessor,
    Reducer,
)
from padimkit.errors import BadArgument, BadData
from padimkit.registry.families import FAMILIES, Family, find_family
from padimkit.testing.check import CannotBeChecked, Check, ContractViolation, Make, NotApplicable
from padimkit.testing.program import fixed_random_state, program_restored

_HINT = (
    "Check it with other arguments, or let its class say which, and how large the made-up data must be: "
    "checked = padimkit.Checked(arguments={...}, images=..., size=...)."
)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Args:
        check: Which it was.
        verdict: Whether it has passed.
        reason: Why it failed or was skipped.
    """

    check: Check
    verdict: Literal["passed", "failed", "skipped"]
    reason: str = ""


def checks_of(contract: type[Any]) -> tuple[Check, ...]:
    """Return the checks of a contract, the most basic ones first.

    >>> from padimkit.contracts import Metric
    >>> checks_of(Metric)[0].name
    'says_whether_higher_is_better'

    Raises:
        BadArgument: It is not the contract of a plugin family.
    """
    for family in FAMILIES:
        if family.contract == getattr(contract, "__name__", "") and family.load_contract() is contract:
            return _checks_of(family)
    raise BadArgument(f"{contract!r} has no contract checks. Expected one of {_names()}.")


def _checks_of(family: Family) -> tuple[Check, ...]:
    """Return the checks of a family; those of others are not imported, some of which take a second."""
    module = import_module(f"padimkit.testing.{family.plural}")
    found: tuple[Check, ...] = getattr(module, f"{family.singular.upper()}_CHECKS")
    return found


def outcomes(contract: type[Any], make: Make) -> Iterator[Outcome]:
    """Yield the outcome of each check of the contract as soon as it is known.

    Args:
        contract: Backbone, Reducer, DensityModel, Metric, DataSource, Levels,
            Mapper, Preprocessor, ReportSection or Exporter.
        make: Returns a fresh instance at each call; a class without required arguments will do.

    Raises:
        BadArgument: The part refuses its arguments, or the data that they name or that are made up, from the
            first check on.
    """
    return _outcomes(checks_of(contract), make)


def _outcomes(checks: Sequence[Check], make: Make) -> Iterator[Outcome]:
    """Yield outcomes, and no more than the first where no check can do anything with the part."""
    first = _outcome(checks[0], make)
    yield first
    if first.verdict != "failed" or _can_be_made(make):
        yield from (_outcome(check, make) for check in checks[1:])


def _can_be_made(make: Make) -> bool:
    try:
        with program_restored(), fixed_random_state():
            make()
    except Exception:  # a stranger's class may raise anything
        return False
    return True


def check_part(make: Make) -> None:
    """Do all checks of each contract that the part meets.

    Args:
        make: Returns a fresh instance at each call; a class whose arguments all have defaults will do.

    Raises:
        ContractViolation: The first check that fails; `outcomes` goes on and tells of all.
        BadArgument: `make` returns something that meets no contract of a plugin family, or a part that
            refuses its arguments, or the made-up data with them.
    """
    part = make()
    met = [
        contract for contract in (family.load_contract() for family in FAMILIES) if isinstance(part, contract)
    ]
    if not met:
        raise BadArgument(f'Expected "make" to return one of {_names()}, got {part!r}.')
    for contract in met:
        _do_checks(contract, make)


def check_backbone(make: Make) -> None:
    """Do all checks of a backbone, as `check_part` does, and require that it is one."""
    _do_checks(Backbone, make)


def check_reducer(make: Make) -> None:
    """Do all checks of a reducer, as `check_part` does, and require that it is one."""
    _do_checks(Reducer, make)


def check_density(make: Make) -> None:
    """Do all checks of a density model, as `check_part` does, and require that it is one."""
    _do_checks(DensityModel, make)


def check_metric(make: Make) -> None:
    """Do all checks of a metric, as `check_part` does, and require that it is one."""
    _do_checks(Metric, make)


def check_dataset(make: Make) -> None:
    """Do all checks of a data source, as `check_part` does, and require that it is one."""
    _do_checks(DataSource, make)


def check_levels(make: Make) -> None:
    """Do all checks of levels, as `check_part` does, and require that it is some."""
    _do_checks(Levels, make)


def check_map(make: Make) -> None:
    """Do all checks of a mapper, as `check_part` does, and require that it is one."""
    _do_checks(Mapper, make)


def check_preprocessor(make: Make) -> None:
    """Do all checks of a preprocessor, as `check_part` does, and require that it is one."""
    _do_checks(Preprocessor, make)


def check_section(make: Make) -> None:
    """Do all checks of a section of the report, as `check_part` does, and require that it is one."""
    _do_checks(find_family("section").load_contract(), make)


def check_exporter(make: Make) -> None:
    """Do all checks of a format to export to, as `check_part` does, and require that it is one."""
    _do_checks(find_family("exporter").load_contract(), make)


def _names() -> str:
    return ", ".join(family.contract for family in FAMILIES)


def _do_checks(contract: type[Any], make: Make) -> None:
    for check in checks_of(contract):
        with suppress(NotApplicable), told_once(check):
            check(make)


@contextmanager
def told_once(check: Check) -> Iterator[None]:
    """Let a part that cannot be checked with these arguments be told of by the first check, and skip others.

    Raises:
        BadArgument: It cannot be checked, and this is the first check of its contract.
        NotApplicable: It cannot be checked, and this is another.
    """
    try:
        yield
    except CannotBeChecked as error:
        if check.name == checks_of(check.contract)[0].name:
            raise BadArgument(f"{error} {_HINT}") from error
        raise NotApplicable(str(error)) from error


def _outcome(check: Check, make: Make) -> Outcome:
    try:
        with told_once(check):
            check(make)
    except ContractViolation as violation:
        if isinstance(violation.__cause__, BadData) and check.name == checks_of(check.contract)[0].name:
            raise BadArgument(
                f"{violation.part} cannot be checked with these data: {violation.__cause__}"
            ) from violation
        return Outcome(check, "failed", violation.finding)
    except NotApplicable as reason:
        return Outcome(check, "skipped", str(reason))
    return Outcome(check, "passed")
