from itertools import product

import numpy as np
import pytest
import scipy.stats

from padimkit.report.signed_ranks import bayesian_signed_rank, holm_wilcoxon, wilcoxon_p


def test_the_p_value_is_that_of_wilcoxon(random):
    first, second = random.normal(0.9, 0.02, (2, 12))
    assert wilcoxon_p(first.tolist(), second.tolist()) == scipy.stats.wilcoxon(first, second).pvalue
    assert wilcoxon_p([0.5] * 6, [0.5] * 6) == 1.0


def test_p_values_of_all_pairs_are_adjusted_together(random):
    values = {name: random.normal(0.9, 0.02, 9).tolist() for name in "abc"}
    plain = sorted(wilcoxon_p(values[a], values[b]) for a, b in (("a", "b"), ("a", "c"), ("b", "c")))
    found = sorted(holm_wilcoxon(values).values())
    assert found[0] == pytest.approx(min(1, 3 * plain[0]))
    assert found[2] == pytest.approx(min(1, max(3 * plain[0], 2 * plain[1], plain[2])))


def test_beliefs_are_those_of_the_posterior_drawn_plainly(random):
    differences = random.normal(0.004, 0.01, 8)
    found = bayesian_signed_rank(differences.tolist(), [0.0] * 8, equivalent=0.005)
    values = [0.0, *differences]
    counts = np.zeros(3)
    for _ in range(1500):
        weights = random.gamma([0.5, *[1.0] * 8])
        weights /= weights.sum()
        shares = np.zeros(3)
        for one, some in zip(values, weights, strict=True):
            means = (one + np.array(values)) / 2
            kinds = (means >= -0.005).astype(int) + (means > 0.005)
            np.add.at(shares, kinds, some * weights)
        counts[shares.argmax()] += 1
    assert (found.worse, found.equal, found.better) == pytest.approx(tuple(counts / 1500), abs=0.05)


def test_methods_that_hardly_differ_are_practically_equal_and_others_are_not():
    same = bayesian_signed_rank([0.901, 0.899, 0.9, 0.902, 0.898, 0.9], [0.9] * 6)
    assert same.equal > 0.99
    high, low = [0.95, 0.94, 0.96, 0.95, 0.96, 0.94], [0.9] * 6
    better = bayesian_signed_rank(high, low)
    assert better.better > 0.99 and better.worse < 0.001
    assert bayesian_signed_rank(low, high).worse == pytest.approx(better.better, abs=0.01)


def test_pairs_of_one_difference_leave_no_belief(random):
    second = random.uniform(0.5, 0.9, 6)
    for step in (0.05, 0.001, 0.0):
        assert bayesian_signed_rank((second + step).tolist(), second.tolist()) is None


@pytest.mark.parametrize(
    "differences",
    [
        [0.1] * 5,
        [0.1] * 14,
        [0, 0, 0, 0, 0.1],
        [0.1, 0.1, 0.2, 0.3, 0.1, -0.1, 0],
        [0.2, -0.2, 0.1, 0.1, 0.3],
    ],
)
def test_the_p_value_of_ties_is_the_share_of_all_signs(differences):
    known = np.array([one for one in differences if one])
    ranks = scipy.stats.rankdata(np.abs(known))
    sums = np.array([ranks @ signs for signs in product((-1, 1), repeat=len(known))])
    expected = np.mean(np.abs(sums) >= abs(ranks @ np.sign(known)))
    start = np.linspace(0.3, 0.7, len(differences))  # the ties are up to rounding
    assert wilcoxon_p((start + differences).tolist(), start.tolist()) == pytest.approx(expected)


def test_beliefs_are_those_of_another_program():
    # baycomp 1.0.3: SignedRankTest.probs(x, y, rope=0.005, nsamples=400000, prior=0.5, random_state=1)
    differences = [0.012, -0.004, 0.009, 0.003, -0.007, 0.015, 0.006]
    found = bayesian_signed_rank([0.9 + one for one in differences], [0.9] * 7)
    assert (found.better, found.equal, found.worse) == pytest.approx((0.4807, 0.5159, 0.0034), abs=0.015)
