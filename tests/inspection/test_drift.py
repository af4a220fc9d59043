"""Drift told from defects: the test martingale against a plain one, its promise, and what is called."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations
from statistics import median

import numpy as np
import pytest

from padimkit import BadArgument, BadData, Calibration, MapStatistics
from padimkit.inspection.drift import Cause, chance_of, find_drift, local_scores, log_capital

DRAWN = 15  # where what is found of a single draw may be off by chance


def calibrated(scores, backgrounds, **rates):
    scores, backgrounds = sorted(map(float, scores)), sorted(map(float, backgrounds))
    maps = MapStatistics(tuple(scores), tuple(backgrounds), ((0.5, 0.0),))
    return Calibration.from_scores(scores, maps, **rates)


def normal(random, count):
    """Scores and backgrounds of normal images, of which a high background goes with a high score."""
    backgrounds = random.normal(4, 0.4, count)
    return (2 * backgrounds * np.exp(random.normal(0, 0.1, count))).tolist(), backgrounds.tolist()


@pytest.fixture
def calibration(random):
    return calibrated(*normal(random, 150))


def drift(random, calibration, *, factor=1.0, defects=0, images=60, before=20, **options):
    """The drift of some images of which the maps grow as a whole, or the scores of the last ones alone."""
    scores, backgrounds = map(np.array, normal(random, images))
    scores[before:] *= factor
    backgrounds[before:] *= factor
    scores[images - defects :] *= 3
    return find_drift(scores.tolist(), backgrounds.tolist(), calibration, **options)


def plain_capital(values, known):
    """The mean of two Simple Jumpers, account by account."""
    accounts = {
        jump: {(side, power): 0.2 for side, power in [("", 0), *((s, p) for s in "<>" for p in (0.5, 0.8))]}
        for jump in (0.001, 0.01)
    }
    path, seen = [], list(known)
    for value in values:
        seen.append(value)
        shares = {
            ">": sum(other >= value for other in seen) / len(seen),
            "<": sum(other <= value for other in seen) / len(seen),
        }
        for jump, each in accounts.items():
            total = sum(each.values())
            for (side, power), money in each.items():
                bet = power * shares[side] ** (power - 1) if side else 1.0
                each[side, power] = bet * ((1 - jump) * money + jump * total / 5)
        path.append(sum(sum(each.values()) for each in accounts.values()) / 2)
    return path


def test_the_capital_is_that_of_a_plain_martingale(random):
    known, values = random.normal(0, 1, 30), np.round(random.normal(0.8, 1, 40), 1)  # with ties
    found = np.exp(log_capital(values.tolist(), known.tolist()))
    np.testing.assert_allclose(found, plain_capital(values, known), rtol=1e-9)


def test_no_values_have_no_capital():
    assert log_capital([], [1.0, 2.0]).tolist() == []


def test_exchangeable_values_keep_the_promise_whatever_their_distribution(random):
    """By Ville's inequality at most a fifth of all streams ever has five times the capital of its start."""
    highest = [
        log_capital(values[40:], values[:40]).max()
        for values in np.exp(random.normal(0, 2, (200, 100))).tolist()
    ]
    assert np.mean(np.array(highest) >= math.log(5)) <= 0.2


@pytest.mark.parametrize("seen", [range(1, 5), [1, 1, 2, 2]])
def test_the_capital_grows_on_average_by_no_more_than_nothing(seen):
    """Over all orders of the same values, known or not, which no sampling could show exactly."""
    found = [log_capital(order[2:], order[:2])[-1] for order in permutations([float(one) for one in seen])]
    assert np.exp(found).mean() <= 1


def test_equal_values_never_raise_an_alarm():
    assert (log_capital([1.0] * 200, [1.0] * 50) <= 0).all()


@pytest.mark.parametrize("factor", [0.75, 1.25])
def test_maps_that_grow_or_shrink_as_a_whole_mean_camera_or_light(random, factor):
    found = [drift(random, calibrated(*normal(random, 150)), factor=factor) for _ in range(DRAWN)]
    told = [one for one in found if one.cause is Cause.CAMERA]
    assert len(told) >= DRAWN - 2  # one in a thousand draws hides it
    assert 10 <= median(one.start for one in told) <= 25 < median(one.alarm for one in told) <= 40
    assert median(one.level for one in told) == pytest.approx(factor, rel=0.05)
    assert min(one.evidence for one in told) >= math.log(100)


def test_normal_images_mean_nothing(random, calibration):
    found = drift(random, calibration, false_alarms=1e-6)
    assert found.cause is Cause.NOTHING
    assert found.start is None and found.alarm is None and found.evidence < math.log(1e6)


def test_high_scores_on_usual_backgrounds_mean_defects(random, calibration):
    found = drift(random, calibration, defects=8)
    assert found.cause is Cause.DEFECTS
    assert found.ng >= found.local >= 8 and found.chance < 0.01


def test_defects_that_raise_the_backgrounds_too_are_not_taken_for_another_camera(random, calibration):
    scores, backgrounds = map(np.array, normal(random, 60))
    backgrounds = backgrounds * 1.6
    assert (log_capital(backgrounds.tolist(), calibration.maps.backgrounds) > math.log(100)).any()
    assert find_drift((scores * 1.6).tolist(), backgrounds.tolist(), calibration).cause is Cause.CAMERA
    assert find_drift((scores * 4).tolist(), backgrounds.tolist(), calibration).cause is Cause.DEFECTS


def test_a_batch_of_defects_is_not_taken_for_another_camera(random, calibration):
    """Most images since its beginning are normal, so that only leaving the defects out tells."""
    scores, backgrounds = map(np.array, normal(random, 60))
    backgrounds[20:32] *= 2
    scores[20:32] *= 5
    assert (log_capital(backgrounds.tolist(), calibration.maps.backgrounds) > math.log(100)).any()
    assert find_drift(scores.tolist(), backgrounds.tolist(), calibration).cause is Cause.DEFECTS


def test_images_of_uneven_maps_are_not_taken_for_another_camera(random):
    """Few of them stand out so far that they are left out, but most are more uneven than is normal."""
    found = []
    for _ in range(DRAWN):
        calibration = calibrated(*normal(random, 150))
        scores, backgrounds = map(np.array, normal(random, 60))
        raised = (1.5 * backgrounds).tolist()
        even = find_drift((1.5 * scores).tolist(), raised, calibration)
        uneven = find_drift((1.5 * 1.15 * scores).tolist(), raised, calibration)
        found.append((even.cause, uneven.cause, uneven.local < 30))
    assert found.count((Cause.CAMERA, Cause.DEFECTS, True)) >= DRAWN - 2


def test_defects_beside_another_camera_are_counted(random, calibration):
    found = drift(random, calibration, factor=1.3, defects=5)
    assert found.cause is Cause.CAMERA and 5 <= found.local <= found.ng


def test_backgrounds_far_above_those_of_the_calibration_mean_camera_or_light_however_uneven_the_maps(
    random, calibration
):
    """A camera that is pushed far makes edges stand out more than the rest, which rises as well."""
    scores, backgrounds = map(np.array, normal(random, 60))
    for factor, cause in ((3.5, Cause.CAMERA), (1.5, Cause.DEFECTS)):
        raised = np.where(np.arange(60) < 20, backgrounds, factor * backgrounds)
        high = np.where(np.arange(60) < 20, scores, 5 * factor * scores)
        assert find_drift(high.tolist(), raised.tolist(), calibration).cause is cause


def test_a_few_such_images_among_normal_ones_are_defects(random, calibration):
    scores, backgrounds = map(np.array, normal(random, 60))
    factors = np.where(np.arange(60) % 5 == 4, 4.0, 1.0)
    found = find_drift((5 * factors * scores).tolist(), (factors * backgrounds).tolist(), calibration)
    assert found.cause is Cause.DEFECTS


def test_local_scores_are_those_on_the_usual_background(calibration):
    usual = calibration.background
    found = local_scores([6.0, 6.0, 6.0], [usual, 2 * usual, 0.0], calibration)
    assert found == pytest.approx([6.0, 3.0, math.inf])


def test_the_chance_of_false_alarms_is_that_of_all_orders():
    """Of n + m scores in any order, each way to choose the m new ones has the same probability."""
    count, images, ranks = 9, 4, 2
    calibration = calibrated(range(count), [1.0] * count, false_alarms=ranks / (count + 1))
    every = list(combinations(range(count + images), images))
    for ng in range(images + 1):
        hits = 0
        for new in every:
            known = [place for place in range(count + images) if place not in new]
            hits += sum(place > known[-ranks] for place in new) >= ng
        assert chance_of(ng, images, calibration) == pytest.approx(float(Fraction(hits, len(every))))


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_out_of_range_is_refused(random, calibration, rate):
    with pytest.raises(BadArgument, match=f'Expected "false_alarms" above 0 and below 1, got {rate:g}'):
        drift(random, calibration, false_alarms=rate)


def test_a_lower_rate_needs_more_evidence(random, calibration):
    alarms = [
        drift(np.random.default_rng(3), calibration, factor=1.25, false_alarms=p).alarm for p in (0.1, 1e-6)
    ]
    assert alarms[0] < alarms[1]


def test_no_images_are_refused(calibration):
    with pytest.raises(BadData, match="no inspected images"):
        find_drift([], [], calibration)


def test_backgrounds_of_zero_are_refused(calibration):
    maps = replace(calibration.maps, backgrounds=(0.0, 0.0, 1.0))
    with pytest.raises(BadData, match="is 0, so it cannot show a drift"):
        find_drift([1.0], [0.0], replace(calibration, maps=maps))
