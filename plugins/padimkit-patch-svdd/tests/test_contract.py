"""The contract checks that every density of padimkit goes through."""

from padimkit import DensityModel
from padimkit.testing.pytest import contract_checks
from padimkit_patch_svdd import PatchSvdd


@contract_checks(DensityModel)
def test_contract(check):
    check(lambda: PatchSvdd(**PatchSvdd.checked.arguments))
