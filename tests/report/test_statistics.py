import math

import pytest
import scipy.stats

from padimkit.errors import BadArgument
from padimkit.report.statistics import ranking, spread

# Demsar 2006, JMLR 7, table 6: AUC of C4.5 with m and cf tuned, on 14 data sets.
# In the last but one, cf and m+cf are both printed as 0.975 but ranked 2 and 3: one more digit tells them.
DEMSAR = {
    "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1, 0.940, 0.619, 0.972, 0.957],
    "m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1, 0.962, 0.666, 0.981, 0.978],
    "cf": [0.771, 0.590, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1, 0.965, 0.614, 0.9751, 0.946],
    "m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1, 0.962, 0.669, 0.975, 0.970],
}
DEMSAR_TIES = 1 - (60 + 6 + 6 + 6) / (14 * 60)  # of 4 methods once, of 2 methods three times


def test_a_spread_is_the_mean_and_the_sample_deviation(random):
    values = random.normal(3, 2, 7).tolist()
    mean = math.fsum(values) / 7
    found = spread(values)
    assert found.mean == pytest.approx(mean)
    assert found.deviation == pytest.approx(math.sqrt(math.fsum((v - mean) ** 2 for v in values) / 6))
    assert found.count == 7
    assert found.error == pytest.approx(scipy.stats.sem(values))


def test_one_value_has_no_spread():
    assert spread([0.9]) == spread([0.9]).__class__(0.9, 0.0, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "At least 1 values were expected, got 0."),
        ([1, math.nan, math.inf], r"those at \[1, 2\] are not"),
    ],
)
def test_a_spread_refuses_nothing_and_what_is_not_finite(values, message):
    with pytest.raises(BadArgument, match=message):
        spread(values)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, math.nan])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(BadArgument, match="level is a probability above 0 and below 1"):
        ranking(DEMSAR, level=level)


def test_ranks_are_those_of_the_published_example():
    found = ranking(DEMSAR)
    assert found.names == ("m+cf", "m", "cf", "C4.5")
    assert found.mean_ranks == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=5e-4)
    assert found.statistic * DEMSAR_TIES == pytest.approx(9.28, abs=5e-3)  # printed without the correction
    assert found.p_value == pytest.approx(scipy.stats.chi2.sf(found.statistic, 3))
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)


@pytest.mark.parametrize(
    ("methods", "quantile"),
    [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_critical_differences_are_those_published(random, methods, quantile):
    values = {f"method {index}": random.uniform(0, 1, 15).tolist() for index in range(methods)}
    expected = quantile * math.sqrt(methods * (methods + 1) / (6 * 15))
    assert ranking(values).critical_difference == pytest.approx(expected, rel=5e-4)


def test_critical_differences_at_another_level_are_those_published():
    # Demsar 2006, table 5(a): q_0.10 of four methods is 2.291.
    assert ranking(DEMSAR, level=0.9).critical_difference == pytest.approx(1.118, abs=1e-3)


def test_ranks_are_counted_by_who_is_better(random):
    values = random.integers(0, 4, (5, 8)) / 4  # with ties
    found = ranking({str(index): row.tolist() for index, row in enumerate(values)})
    better = [((values > row).sum(0) + ((values == row).sum(0) + 1) / 2).mean() for row in values]
    assert [better[int(name)] for name in found.names] == pytest.approx(found.mean_ranks)
    assert list(found.mean_ranks) == sorted(found.mean_ranks)


def test_methods_that_tie_everywhere_are_equally_good(random):
    found = ranking({name: [0.5, 0.6, 0.7, 0.8, 0.9] for name in "abc"})
    assert (found.statistic, found.p_value, found.mean_ranks) == (0.0, 1.0, (2.0, 2.0, 2.0))
    assert found.names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"a": [1] * 5, "b": [2] * 5},
            "among 3 or more methods, got 2. For two, see their paired difference",
        ),
        ({name: [1, 2, 3, 4] for name in "abc"}, 'At least 5 values of "a" were expected, got 4'),
        ({"a": [1] * 5, "b": [2] * 6, "c": [3] * 5}, '"a" 5, "b" 6, "c" 5'),
        ({"a": [1] * 5, "b": [2] * 4 + [math.nan], "c": [3] * 5}, r'values of "b", those at \[4\] are not'),
    ],
)
def test_a_ranking_refuses_what_cannot_be_ranked(values, message):
    with pytest.raises(BadArgument, match=message):
        ranking(values)
