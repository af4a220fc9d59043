import math
from dataclasses import replace

import made_records
import numpy as np
import pytest

from padimkit.benchmark.record import Expectation
from padimkit.errors import BadArgument
from padimkit.report import formatting
from padimkit.report.formatting import Cost
from padimkit.report.growth import growth, growth_lines


def grown(sizes, values, **options):
    return growth(list(map(float, sizes)), list(map(float, values)), **options)


def test_an_exact_power_has_its_exponent_and_no_doubt(random):
    exponent, factor = random.uniform(-1, 3), random.uniform(0.1, 10)
    sizes = [25, 50, 100, 200, 400]
    found = grown(sizes, [factor * size**exponent for size in sizes])
    assert [found.estimate, found.lower, found.upper] == pytest.approx([exponent] * 3)


def test_what_does_not_grow_has_exponent_0():
    found = grown([25, 50, 100], [7.0] * 3)
    assert [found.estimate, found.lower, found.upper] == pytest.approx([0] * 3, abs=1e-12)


def test_an_exponent_is_the_slope_that_numpy_fits(random):
    sizes = np.repeat([25, 50, 100, 200], 3)
    values = sizes**1.5 * random.lognormal(0, 0.3, 12)
    found = grown(sizes, values)
    assert found.estimate == pytest.approx(np.polyfit(np.log(sizes), np.log(values), 1)[0])
    assert found.lower < found.estimate < found.upper


def test_an_interval_is_that_of_resampled_points(random):
    sizes = random.uniform(10, 1000, 15)
    values = sizes * random.lognormal(0, 0.5, 15)
    slopes = []
    for _ in range(2000):
        drawn = random.choice(15, 15)
        slopes.append(np.polyfit(np.log(sizes[drawn]), np.log(values[drawn]), 1)[0])
    lower, upper = np.percentile(slopes, [10, 90])
    found = grown(sizes, values, level=0.8)
    assert [found.lower, found.upper] == pytest.approx([lower, upper], abs=0.15 * (upper - lower))


@pytest.mark.parametrize(("level", "least", "most"), [(0.95, 0.8, 1.0), (0.5, 0.27, 0.67)])
def test_intervals_hold_the_true_exponent_about_as_often_as_they_say(random, level, least, most):
    hits = 0
    for seed in range(200):
        sizes = np.repeat([25, 50, 100, 200], 3)
        found = grown(sizes, sizes**1.3 * random.lognormal(0, 0.1, 12), seed=seed, level=level)
        hits += found.lower <= 1.3 <= found.upper
    assert least <= hits / 200 <= most


def test_three_points_are_enough_though_some_resamples_have_one_size():
    found = grown([1, 2, 4], [1.0, 2.2, 3.9])
    assert math.isfinite(found.lower) and found.lower < found.estimate < found.upper


def test_a_seed_fixes_the_interval(random):
    sizes, values = random.uniform(1, 9, (2, 8))
    assert grown(sizes, values, seed=1) == grown(sizes, values, seed=1)
    assert grown(sizes, values, seed=1) != grown(sizes, values, seed=2)


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([25, 50, 50, 25], [1, 2, 2, 1], "at least 3 different sizes, got 2"),
        ([25, 50], [1, 2], "At least 3 sizes were expected, got 2"),
        ([25, 50, 100], [1, 2, 0], "needs positive values, got 0"),
        ([-25, 50, 100], [1, 2, 3], "needs positive sizes, got -25"),
        ([25, 50, 100], [1, math.nan, 3], r"Among the values, those at \[1\] are not finite"),
        ([25, 50, 100], [1, 2, 3, 4], "got 4 values for 3 sizes"),
    ],
)
def test_a_growth_refuses_what_has_none(sizes, values, message):
    with pytest.raises(BadArgument, match=message):
        growth(sizes, values)


def test_a_growth_refuses_a_level_that_is_no_probability():
    with pytest.raises(BadArgument, match="level is a probability"):
        growth([1, 2, 4], [1, 2, 4], level=95.0)


EXPECTED = {"fit": Expectation(1.0, 1.0), "predict": Expectation(0.0, 2.0), "model": Expectation(1.0, 1.0)}


@pytest.fixture
def expected(random, study_of):
    """What a line of cells with these expectations expects of a cost; None makes one that failed."""

    def expected(cost, *growths):
        records = []
        for images, known in enumerate(growths, 1):
            record = made_records.varied(made_records.made("spade", "bottle", 0, random), images, random)
            record = replace(record, expected_growth={} if known is None else {"training images": known})
            records.append(made_records.failed(record) if known is None else record)
        (line,) = growth_lines(study_of(records))["training images", "products / bottle"]
        return str(line.expected("training images", cost))

    return expected


@pytest.mark.parametrize(
    ("cost", "exponent"),
    [
        (formatting.FIT, "1"),
        (formatting.ONE, "0 to 2"),
        (formatting.MANY, "0 to 2"),
        (formatting.MODEL, "1"),
        (formatting.PEAK_FIT, "None"),
        (Cost("seconds", "predict 8", ""), "0 to 2"),
    ],
)
def test_theory_is_read_from_the_records(expected, cost, exponent):
    assert expected(cost, EXPECTED, EXPECTED, None) == exponent


@pytest.mark.parametrize(
    "growths",
    [
        ({}, {}, {}),
        (EXPECTED, {}, EXPECTED),
        (EXPECTED, {"fit": Expectation(2.0, 2.0)}),
    ],
)
def test_without_theory_or_with_two_nothing_is_expected(expected, growths):
    assert expected(formatting.FIT, *growths) == "None"
