"""The one table of families, and who reads it without importing torch."""

import subprocess
import sys
from pathlib import Path

import pytest

import padimkit
from padimkit.errors import BadArgument
from padimkit.registry.families import FAMILIES, find_family
from padimkit.registry.registry import Registry


def test_a_family_is_found_in_the_plural_and_in_the_singular():
    for family in FAMILIES:
        assert find_family(family.plural) is find_family(family.singular) is family


def test_what_is_no_family_is_refused_with_near_misses():
    with pytest.raises(BadArgument, match="no family \"densty\". Did you mean 'density'"):
        find_family("densty")
    with pytest.raises(BadArgument, match="Expected one of: backbone, reducer, density, metric, dataset"):
        find_family("zzzzz")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.plural)
def test_each_family_has_a_contract_a_template_and_a_built_in(family):
    root = Path(padimkit.__file__).parent
    assert family.load_contract() is getattr(padimkit, family.contract)
    assert any(plugin.is_built_in for plugin in Registry(family.plural).plugins())
    assert (root / "cli" / "plugins" / "template" / f"{family.singular}.py").is_file()


def test_knowing_the_families_imports_no_torch():
    code = "import sys, padimkit.registry; assert not {'torch', 'padimkit.contracts'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
