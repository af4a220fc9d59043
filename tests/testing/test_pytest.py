"""The decorator for test modules of plugin authors, tried on such a module."""

import pytest

from padimkit.contracts import Reducer
from padimkit.errors import BadArgument
from padimkit.testing import checks_of
from padimkit.testing.pytest import contract_checks

pytest_plugins = ["pytester"]

MODULE = """
from padimkit.contracts import Reducer
from padimkit.reducers.identity import Identity
from padimkit.testing.pytest import contract_checks
from padimkit.values import Embedding

class Lossy(Identity.__base__):
    def fit(self, stream): pass
    def transform(self, embedding): return Embedding(embedding.patches)
    def state_dict(self): return {}
    def load_state_dict(self, state): pass

@contract_checks(Reducer)
def test_identity(check):
    check(Identity)

@contract_checks(Reducer)
def test_lossy(check):
    check(Lossy)

EXPECTED = {"descriptor_is_left_as_it_is": "descriptors cost memory"}

@contract_checks(Reducer, expected_failures=EXPECTED)
def test_lossy_on_purpose(check):
    check(Lossy)

@contract_checks(Reducer, expected_failures=EXPECTED)
def test_expected_in_vain(check):
    check(lambda: Identity())
"""


@pytest.fixture
def report(pytester):
    pytester.makepyfile(MODULE)
    return pytester.runpytest_inprocess("-ra", "-v", "--no-header")


def test_each_check_is_a_test_of_its_own(report):
    report.stdout.fnmatch_lines(
        [
            "*::test_identity?keeps_images_and_positions? PASSED*",
            "*::test_identity?descriptor_is_left_as_it_is? PASSED*",
            "*::test_identity?merge_equals_one_fit? SKIPPED*",
            "*::test_lossy?descriptor_is_left_as_it_is? FAILED*",
            "*::test_lossy_on_purpose?descriptor_is_left_as_it_is? XFAIL*",
            "*::test_expected_in_vain?descriptor_is_left_as_it_is? FAILED*",
            '*Lossy fails the check "descriptor_is_left_as_it_is": Expected the descriptor to stay*',
            "*XPASS(strict)* descriptors cost memory*",
        ]
    )
    counts = report.parseoutcomes()
    assert (counts["failed"], counts["xfailed"]) == (2, 1)
    assert sum(counts.values()) == 4 * len(checks_of(Reducer))


def test_an_expected_failure_of_no_check_is_refused():
    with pytest.raises(BadArgument, match='no check "merge" of a Reducer. Expected one of keeps_'):
        contract_checks(Reducer, expected_failures={"merge": "cannot"})
