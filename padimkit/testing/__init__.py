"""Contract checks for plugin authors: they find out if a plugin does what its family promises.

In a test module, each check becomes a test of its own:

    from padimkit.contracts import DensityModel
    from padimkit.testing.pytest import contract_checks

    @contract_checks(DensityModel)
    def test_contract(check):
        check(Flow)  # or any function that returns a fresh instance: check(lambda: Flow(steps=2))

Without pytest, `check_part(Flow)` raises a ContractViolation at the first check that fails, and
`outcomes(DensityModel, Flow)` tells what came of each.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from padimkit.testing.check import Check, ContractViolation, NotApplicable
    from padimkit.testing.recipes import Recipe, check_recipe, recipe_outcomes
    from padimkit.testing.suite import (
        Outcome,
        check_backbone,
        check_dataset,
        check_density,
        check_exporter,
        check_levels,
        check_map,
        check_metric,
        check_part,
        check_preprocessor,
        check_reducer,
        check_section,
        checks_of,
        outcomes,
    )

__all__ = [
    "check_part",
    "check_backbone",
    "check_reducer",
    "check_density",
    "check_metric",
    "check_dataset",
    "check_levels",
    "check_map",
    "check_preprocessor",
    "check_section",
    "check_exporter",
    "check_recipe",
    "recipe_outcomes",
    "Recipe",
    "checks_of",
    "outcomes",
    "Outcome",
    "Check",
    "ContractViolation",
    "NotApplicable",
]

# By module, the names here that it defines; imported when they are asked for, since the other process of the
# checks needs few of them.
_MODULES = {
    "check": "Check ContractViolation NotApplicable",
    "recipes": "Recipe check_recipe recipe_outcomes",
    "suite": (
        "Outcome check_backbone check_dataset check_density check_exporter check_levels check_map "
        "check_metric check_part check_preprocessor check_reducer check_section checks_of outcomes"
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'padimkit.testing' has no attribute {name!r}")
    return getattr(import_module(f"padimkit.testing.{_HOMES[name]}"), name)
