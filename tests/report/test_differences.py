import math

import numpy as np
import pytest
import scipy.stats

from padimkit.errors import BadArgument
from padimkit.report.differences import (
    Estimate,
    Runs,
    all_pairs,
    are_alike,
    holm,
    image_terms,
    of_pairs,
    on_drawn_training_sets,
    on_one_test_set,
    paired,
    pairs_needed,
    simultaneous,
)
from padimkit.report.influence import auroc_influence


def drawn(random, images=60):
    """Scores of two methods for the same images, of which some tie, and the kinds of the images."""
    kinds = np.arange(images) >= images // 3
    shared = random.normal(0, 1, images) + 1.2 * kinds
    scores = np.round(shared + random.normal(0, 1, (2, images)), 1)
    return scores, kinds


def test_pairs_are_compared_by_the_test_of_student(random):
    first, second = random.normal(1, 1, (2, 7))
    found = paired(first.tolist(), second.tolist())
    known = scipy.stats.ttest_rel(first, second)
    (difference,) = simultaneous({("a", "b"): found}).values()
    low, high = known.confidence_interval()
    assert difference.p_value == pytest.approx(known.pvalue)
    assert (difference.lower, difference.upper) == pytest.approx((low, high))
    assert found.degrees == 6


def test_seeds_that_are_no_pairs_are_compared_by_the_test_of_welch(random):
    first, second = random.normal(1, 1, 5), random.normal(1, 3, 9)
    found = on_one_test_set(Runs(tuple(first)), Runs(tuple(second)), ())
    known = scipy.stats.ttest_ind(first, second, equal_var=False)
    assert found.degrees == pytest.approx(known.df)
    assert found.value / found.error == pytest.approx(known.statistic)


def test_seeds_that_draw_what_is_learnt_are_pairs_on_one_set_of_images(random):
    first, second = random.normal(0.9, 0.02, (2, 6))
    found = on_drawn_training_sets(Runs(tuple(first)), Runs(tuple(second)), ())
    known = scipy.stats.ttest_rel(first, second)
    assert found.value / found.error == pytest.approx(known.statistic)
    assert found.degrees == pytest.approx(5)
    influence, kinds = random.normal(0, 0.01, (2, 30)), np.arange(30) >= 12
    runs = [Runs(tuple(one), own) for one, own in zip((first, second), influence, strict=True)]
    whole = on_drawn_training_sets(*runs, kinds)
    parts = [(influence[0] - influence[1])[which] for which in (kinds, ~kinds)]
    variance = found.error**2 + sum(len(part) * np.var(part, ddof=1) for part in parts)
    assert whole.value == pytest.approx(found.value) and whole.error == pytest.approx(math.sqrt(variance))
    alike = [Runs(tuple(first)), Runs(tuple(first - 0.25))]
    assert on_drawn_training_sets(*alike, ()) is None
    with pytest.raises(BadArgument, match="2"):
        on_drawn_training_sets(Runs((0.9,)), Runs((0.8,)), ())


def test_image_auroc_is_compared_by_the_test_of_delong(random):
    scores, kinds = drawn(random)
    aurocs, covariance = delong(scores, kinds)
    influence = [auroc_influence(some, kinds) for some in scores]
    runs = [Runs((auroc,), some) for auroc, some in zip(aurocs, influence, strict=True)]
    found = on_one_test_set(*runs, kinds)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert found.value == pytest.approx(aurocs[0] - aurocs[1])
    assert found.error == pytest.approx(math.sqrt(variance))
    for index in range(2):
        assert sum(one for one, _ in image_terms(influence[index], kinds)) == pytest.approx(
            covariance[index, index]
        )


def delong(scores, kinds):
    """AUROCs of several methods and their covariance, by all pairs of images (DeLong et al. 1988)."""
    wins = np.stack(
        [
            (one[kinds][:, None] > one[~kinds][None]) + 0.5 * (one[kinds][:, None] == one[~kinds][None])
            for one in scores
        ]
    )
    of_anomalous, of_normal = wins.mean(2), wins.mean(1)
    covariance = np.cov(of_anomalous) / kinds.sum() + np.cov(of_normal) / (~kinds).sum()
    return wins.mean((1, 2)), covariance


def test_the_variance_over_images_is_that_of_many_samples_of_them(random):
    scores, kinds = drawn(random, images=90)
    expected = math.sqrt(sum(one for one, _ in image_terms(auroc_influence(scores[0], kinds), kinds)))
    found = []
    for _ in range(300):
        chosen = np.concatenate(
            [random.choice(np.flatnonzero(kinds == kind), sum(kinds == kind)) for kind in (0, 1)]
        )
        found.append(delong(scores[:1, chosen].repeat(2, 0), kinds[chosen])[0][0])
    assert np.std(found) == pytest.approx(expected, rel=0.2)


def test_seeds_and_images_add_up():
    kinds = np.array([False] * 4 + [True] * 4)
    influence = np.array([1.0, -1, 1, -1, 2, -2, 2, -2]) / 100
    runs = Runs((0.9, 0.92, 0.94), influence), Runs((0.8,), np.zeros(8))
    found = on_one_test_set(*runs, kinds)
    images = [4 * 4 * one**2 / 3 for one in (0.01, 0.02)]
    variances = [0.02**2 / 3, *images]
    assert found.error == pytest.approx(math.sqrt(sum(variances)))
    terms = zip(variances, (2, 3, 3), strict=True)
    assert found.degrees == pytest.approx(sum(variances) ** 2 / sum(one**2 / n for one, n in terms))


def test_what_nothing_tells_has_no_estimate():
    assert on_one_test_set(Runs((0.9,)), Runs((0.8,), np.zeros(4)), [True, False] * 2) is None


def test_seeds_that_are_all_alike_do_not_make_a_difference_certain():
    assert on_one_test_set(Runs((1.0, 1.0, 1.0)), Runs((0.9995,)), ()) is None
    assert on_one_test_set(Runs((1.0, 1.0)), Runs((0.9, 0.9)), ()) is None
    assert on_one_test_set(Runs((1.0, 1.0)), Runs((1.0,)), ()) is None
    none = np.zeros(8)  # images of which none moves an AUROC of 1
    assert on_one_test_set(Runs((1.0, 1.0), none), Runs((1.0,), none), [True, False] * 4) is None


def test_p_values_are_adjusted_as_by_holm():
    # p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") of R
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_limits_are_those_of_bonferroni_for_all_pairs():
    pairs = all_pairs("abc")
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    found = simultaneous({pair: Estimate(0.1, 0.02, 4) for pair in pairs})
    width = 0.02 * scipy.stats.t.ppf(1 - 0.025 / 3, 4)
    for difference in found.values():
        assert (difference.lower, difference.upper) == pytest.approx((0.1 - width, 0.1 + width))


def test_a_difference_that_is_the_same_in_all_pairs_is_not_certain(random):
    second = random.uniform(0, 1, 6)
    assert paired((second + 0.1).tolist(), second.tolist()) is None  # the same but for rounding
    assert paired([0.9, 0.8], [0.8, 0.7]) is None and paired([0.5] * 3, [0.5] * 3) is None


def test_differences_that_differ_by_rounding_alone_are_the_same(random):
    second = random.uniform(0, 1, 40)
    steps = np.repeat([0.1, -0.2, 0.0, 0.3], 10)
    found = of_pairs((second + steps).tolist(), second.tolist())
    assert len(set(found.tolist())) == 4 and found == pytest.approx(steps)
    assert not are_alike(found) and are_alike(found[:10])


def test_a_difference_by_rounding_alone_is_none():
    first, second = [0.1 + 0.2, 0.7, 0.8], [0.3, 0.7, 0.8]
    assert first != second and paired(first, second) is None
    assert on_one_test_set(Runs((0.3, 0.3)), Runs((0.1 + 0.2, 0.1 + 0.2)), ()) is None


@pytest.mark.parametrize(
    ("deviation", "difference", "pairs"), [(1.0, 0.5, 34), (1.0, 1.0, 10), (2.0, 0.5, 128)]
)
def test_the_pairs_needed_are_those_of_the_power_of_student(deviation, difference, pairs):
    # power.t.test(delta=, sd=, power=0.8, type="paired") of R, rounded up
    assert pairs_needed(deviation, difference) == pairs


def test_pairs_that_never_vary_do_not_tell_how_many_are_needed_and_some_are_never_enough():
    assert pairs_needed(0.0, 0.005) is None and pairs_needed(1e-17, 0.005) is None
    assert pairs_needed(1.0, 0.005) is None


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2, 3], [1, 2], "got 3 first values and 2 second ones"),
        ([1], [2], "At least 2 first values were expected, got 1"),
        ([1, 2], [2, math.nan], r"Among the second values, those at \[1\] are not finite"),
    ],
)
def test_a_difference_refuses_what_is_no_pairs(first, second, message):
    with pytest.raises(BadArgument, match=message):
        paired(first, second)


def test_a_level_that_is_no_probability_is_refused():
    with pytest.raises(BadArgument, match="level is a probability above 0 and below 1"):
        simultaneous({("a", "b"): Estimate(0.1, 0.02, 4)}, level=95.0)
