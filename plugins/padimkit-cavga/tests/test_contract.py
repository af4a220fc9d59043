"""The contract checks that every density of padimkit goes through."""

from padimkit import DensityModel
from padimkit.testing.pytest import contract_checks
from padimkit_cavga import Cavga


@contract_checks(DensityModel)
def test_contract(check):
    check(lambda: Cavga(**Cavga.checked.arguments))
