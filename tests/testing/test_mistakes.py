"""Each realistic mistake is found by the check that should find it, which a right part passes."""

from contextlib import suppress

import pytest
from mistakes import (
    at_import,
    backbones,
    datasets,
    densities,
    exporters,
    levels,
    maps,
    metrics,
    preprocessors,
    reducers,
    sections,
)
from violations import BROAD

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
from padimkit.report.section import ReportSection
from padimkit.service.exporting.exporter import Exporter
from padimkit.testing import ContractViolation, NotApplicable, checks_of

FAMILIES = [
    (Backbone, backbones),
    (Reducer, reducers),
    (DensityModel, densities),
    (Metric, metrics),
    (Metric, at_import),
    (DataSource, datasets),
    (Levels, levels),
    (Mapper, maps),
    (Preprocessor, preprocessors),
    (ReportSection, sections),
    (Exporter, exporters),
]
CHECKS = {contract: {check.name: check for check in checks_of(contract)} for contract, _ in FAMILIES}
MISTAKES = [
    pytest.param(contract, part, check, id=f"{contract.__name__}-{part.__name__}")
    for contract, module in FAMILIES
    for part, check in module.MISTAKES.items()
]


@pytest.mark.parametrize(("contract", "part", "check"), MISTAKES)
def test_a_mistake_is_found_by_the_check_that_should(contract, part, check):
    with pytest.raises(ContractViolation) as found:
        CHECKS[contract][check](part)
    assert found.value.check == check


@pytest.mark.parametrize(("contract", "module"), FAMILIES)
def test_a_right_part_passes_all_the_checks_that_find_mistakes(contract, module):
    for check in sorted(
        {*module.MISTAKES.values(), *CHECKS[contract]} & ({*module.MISTAKES.values()} | BROAD)
    ):
        with suppress(NotApplicable):
            CHECKS[contract][check](module.Right)


def test_there_are_more_than_a_hundred_and_each_new_check_finds_one():
    assert len(MISTAKES) > 100
    finding = {check for _, module in FAMILIES for check in module.MISTAKES.values()}
    assert finding >= BROAD
    assert all(part.__doc__ for _, module in FAMILIES for part in module.MISTAKES)
