import math

import numpy as np
import pytest
from scipy.stats import linregress, t

from padimkit.errors import BadArgument
from padimkit.report.power_law import PowerLaw, local_exponents, medians


def power_law(sizes, values):
    return PowerLaw.of(zip(map(float, sizes), map(float, values), strict=True))


def test_an_exact_power_has_its_exponent_and_no_doubt(random):
    exponent, factor = random.uniform(-1, 3), random.uniform(0.1, 10)
    sizes = [25, 50, 100, 200, 400]
    law = power_law(sizes, [factor * size**exponent for size in sizes])
    found, far = law.interval(), law.at(3000.0)
    assert [found.estimate, found.lower, found.upper] == pytest.approx([exponent] * 3)
    assert [far.estimate, far.lower, far.upper] == pytest.approx([factor * 3000.0**exponent] * 3)


def test_what_does_not_grow_has_exponent_0():
    found = power_law([25, 50, 100], [7.0] * 3).interval()
    assert [found.estimate, found.lower, found.upper] == pytest.approx([0] * 3, abs=1e-9)


def test_single_values_give_the_line_of_least_squares_with_its_limits(random):
    sizes = np.array([25, 50, 100, 200, 700])
    values = sizes**1.5 * random.lognormal(0, 0.3, 5)
    expected = linregress(np.log(sizes), np.log(values))
    off = t.ppf(0.975, 3) * expected.stderr
    law = power_law(sizes, values)
    found = law.interval()
    assert found.estimate == pytest.approx(expected.slope)
    assert (found.lower, found.upper) == pytest.approx((expected.slope - off, expected.slope + off))
    x = math.log(5000)
    mean = np.log(sizes).mean()
    error = expected.stderr * math.sqrt(((np.log(sizes) - mean) ** 2).mean() + (x - mean) ** 2)
    line = expected.intercept + expected.slope * x
    far = law.at(5000.0)
    assert far.estimate == pytest.approx(math.exp(line))
    assert far.upper == pytest.approx(math.exp(line + t.ppf(0.975, 3) * error))


def test_equal_repeats_change_nothing():
    """Their mean may differ from them by a rounding, which says nothing of the noise."""
    sizes, values = (
        np.array([10, 20, 40, 80, 160, 320]),
        np.array([12001, 27333, 57021, 130003, 250007, 590011]),
    )
    once = power_law(sizes, values).interval()
    for count in (2, 3, 6, 7):
        found = power_law(np.repeat(sizes, count), np.repeat(values, count)).interval()
        assert [found.estimate, found.lower] == pytest.approx([once.estimate, once.lower], rel=1e-9)


def test_repeats_weigh_by_their_noise_and_count_as_one_size(random):
    """Beside numpy's weighted fit of the means; the variance of a size is halfway to that of all."""
    sizes, noise = np.array([10, 20, 40, 80]), np.array([0.3, 0.02, 0.05, 0.01])
    values = np.stack(
        [size**1.2 * random.lognormal(0, some, 6) for size, some in zip(sizes, noise, strict=True)]
    )
    own = np.log(values).var(axis=1, ddof=1)
    weights = 6 / (own + own.mean())
    (slope, _), covariance = np.polyfit(
        np.log(sizes), np.log(values).mean(1), 1, w=np.sqrt(weights), cov=True
    )
    found = power_law(np.repeat(sizes, 6), values.ravel()).interval()
    off = t.ppf(0.975, 2) * math.sqrt(covariance[0, 0])
    assert found.estimate == pytest.approx(slope)
    assert (found.lower, found.upper) == pytest.approx((slope - off, slope + off))


def test_intervals_hold_the_true_exponent_as_often_as_they_say(random):
    """Also where repeats of a size share what is off there, as memory and caches do."""
    sizes, held = np.repeat([25, 50, 100, 200, 400], 3), 0
    for _ in range(300):
        shared = np.repeat(random.normal(0, 0.1, 5), 3)
        found = power_law(sizes, sizes**1.3 * np.exp(shared + random.normal(0, 0.05, 15))).interval()
        held += found.lower <= 1.3 <= found.upper
    assert 0.9 <= held / 300 <= 0.99


def test_local_exponents_lead_from_one_median_to_the_next():
    points = [(2.0, 4.0), (1.0, 1.0), (4.0, 32.0), (2.0, 4.0), (2.0, 9.0)]
    assert medians(points) == [(1.0, 1.0), (2.0, 4.0), (4.0, 32.0)]
    assert local_exponents(points) == pytest.approx({2.0: 2.0, 4.0: 3.0})
    assert local_exponents([]) == {}


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([25, 50, 50, 25], [1, 2, 2, 1], "at least 3 different sizes, got 2"),
        ([25, 50], [1, 2], "At least 3 sizes were expected, got 2"),
        ([25, 50, 100], [1, 2, 0], "needs positive values, got 0"),
        ([-25, 50, 100], [1, 2, 3], "needs positive sizes, got -25"),
        ([25, 50, 100], [1, math.nan, 3], r"Among the values, those at \[1\] are not finite"),
    ],
)
def test_a_power_law_refuses_what_has_none(sizes, values, message):
    with pytest.raises(BadArgument, match=message):
        power_law(sizes, values)


def test_a_level_is_a_probability():
    with pytest.raises(BadArgument, match="level is a probability"):
        power_law([1, 2, 4], [1, 2, 4]).interval(95.0)
