"""Thresholds and p-values beside their definitions, counted one by one."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from padimkit.errors import BadArgument, BadData, BadModel, BadScores
from padimkit.inspection.calibration import Calibration, MapStatistics
from padimkit.inspection.calibration_file import as_json, from_json
from padimkit.inspection.learnt import LearntImage
from padimkit.inspection.verdict import Verdict

DIGEST = "0" * 64


def maps_of(scores):
    return MapStatistics(
        tuple(sorted(scores)), tuple(sorted(0.5 * s for s in scores)), ((0.01, 0.1), (0.5, 1.0))
    )


def calibrated(scores, **arguments):
    scores = [float(score) for score in scores]
    return Calibration.from_scores(scores, maps_of(scores), **arguments)


def test_the_p_value_counts_the_scores_at_least_as_high(random):
    scores = random.integers(0, 20, 50).astype(float)  # with ties
    found = calibrated(scores)
    for score in (-1.0, 0.0, 7.0, 7.5, 19.0, 20.0, math.inf):
        assert found.p_value(score) == (1 + sum(scores >= score)) / 51


RATES = [0.01, 0.05, 0.07, 0.25, 0.29, 0.5, 0.9]
COUNTS = [3, 19, 20, 99, 100, 137]


@pytest.mark.parametrize(("count", "rate"), [(n, r) for n in COUNTS for r in RATES if r * (n + 1) >= 1])
def test_an_image_is_ng_if_its_p_value_is_at_most_the_rate(random, count, rate):
    scores = random.normal(10, 1, count)
    found = calibrated(scores, false_alarms=rate)
    for score in (*scores, *(scores + 1e-9), 0.0, 100.0):
        assert (found.verdict(score) is Verdict.NG) == (found.p_value(score) <= rate + 1e-12)


def test_the_rate_is_kept_on_average_over_calibrations_and_images(random):
    """The promise holds for each of the ranks that a new score may take."""
    alarms = []
    for _ in range(2000):
        *scores, new = random.exponential(1, 40)
        alarms.append(calibrated(scores, false_alarms=0.1).verdict(new) is Verdict.NG)
    assert abs(np.mean(alarms) - 4 / 41) < 4 * math.sqrt(0.1 * 0.9 / 2000)


def test_verdicts_are_ok_review_and_ng_from_the_lowest_scores_up():
    found = calibrated(range(1, 100), false_alarms=0.01, review=0.1)
    assert (found.review_threshold, found.threshold) == (90.0, 99.0)
    assert [found.verdict(score) for score in (90.0, 90.5, 99.0, 99.5)] == [
        Verdict.OK,
        Verdict.REVIEW,
        Verdict.REVIEW,
        Verdict.NG,
    ]


def test_by_default_the_rate_is_a_hundredth_or_the_least_that_can_be_promised():
    assert calibrated(range(99)).false_alarms == 0.01
    assert calibrated(range(99)).review == 0.05
    few = calibrated(range(9))
    assert (few.false_alarms, few.review, few.threshold, few.review_threshold) == (0.1, 0.5, 8.0, 4.0)
    assert calibrated([3.0]).threshold == 3.0


@pytest.mark.parametrize(
    ("count", "arguments", "message"),
    [
        (
            40,
            {"false_alarms": 0.01},
            '"false_alarms" of 0.01 needs 99 normal images, and there are 40: pass more',
        ),
        (
            98,
            {"false_alarms": 0.01},
            "needs 99 normal images, and there are 98: pass more of them, or 0.011 or",
        ),
        (2, {"false_alarms": 0.3}, "needs 3 normal images, and there are 2"),
        (40, {"false_alarms": 0.0}, '"false_alarms" above 0 and below 1, got 0'),
        (40, {"false_alarms": 1.0}, '"false_alarms" above 0 and below 1, got 1'),
        (40, {"false_alarms": math.nan}, "got nan"),
        (
            40,
            {"false_alarms": 0.1, "review": 0.05},
            r'"review" from "false_alarms" \(0.1\) to below 1, got 0.05',
        ),
        (40, {"review": 1.0}, "to below 1, got 1"),
    ],
)
def test_a_rate_that_cannot_be_promised_is_refused(count, arguments, message):
    with pytest.raises(BadArgument, match=message):
        calibrated(range(count), **arguments)


def test_no_scores_and_scores_that_are_no_numbers_are_refused():
    for scores in ([], [1.0, math.nan], [math.inf]):
        with pytest.raises(BadData, match="at least one score, and finite ones"):
            Calibration.from_scores(scores, maps_of([1.0]))
    with pytest.raises(BadScores, match="NaN"):
        calibrated([1.0]).verdict(math.nan)
    with pytest.raises(BadScores, match="NaN"):
        calibrated([1.0]).p_value(math.nan)


def test_the_scale_of_colours_has_the_threshold_of_pixels_in_its_middle():
    found = calibrated(range(1, 100))
    low, high = found.map_scale
    assert low == 0.1 and (low + high) / 2 == found.pixel_threshold == 99.0
    assert found.background == 25.0


def test_suspicious_images_come_with_the_highest_score_first():
    images = [
        LearntImage(path, DIGEST, score, score > 2)
        for path, score in zip("abcd", (1.0, 3.0, 9.0, 2.0), strict=True)
    ]
    found = calibrated(range(20), images=images)
    assert [image.path for image in found.suspicious] == ["c", "b"]


def test_json_gives_the_calibration_again(random):
    found = calibrated(random.normal(3, 1, 60).astype(np.float32), review=0.2, held_out=True)
    assert from_json(as_json(found), "calibration.json") == found
    images = [LearntImage("a", DIGEST, 1.0)]
    assert from_json(as_json(found), "calibration.json", images).images == tuple(images)
    assert json.loads(as_json(found))["background"] == found.background


def changed(**values):
    return json.dumps(json.loads(as_json(calibrated(range(40)))) | values)


def without(key):
    values = json.loads(as_json(calibrated(range(40))))
    del values[key]
    return json.dumps(values)


MAPS = asdict(maps_of([1.0, 2.0]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", '"c.json" is not valid JSON'),
        ("[" * 100_000, '"c.json" is not valid JSON'),
        ("[]", "holds a list; expected an object"),
        (without("threshold"), 'has no "threshold"'),
        (changed(treshold=1.0), "unknown key \"treshold\". Did you mean 'threshold'"),
        (changed(threshold="9"), "\"threshold\" holds '9'; expected a finite number"),
        (changed(threshold=True), '"threshold" holds True'),
        (changed(threshold=math.nan), '"threshold" holds nan'),
        (changed(scores=[]), r'"scores" is \[\]; expected a list'),
        (changed(scores=[2.0, 1.0]), '"scores" does not ascend'),
        (changed(scores=[1.0, None]), '"scores" holds None'),
        (changed(held_out=0), '"held_out" is 0; expected true or false'),
        (changed(map_scale=[1.0]), r'"map_scale" holds \[1.0\]; expected two numbers'),
        (changed(maps=3), '"maps" is 3; expected an object'),
        (changed(maps=MAPS | {"peak": 1}), '"maps" has an unknown key "peak"'),
        (changed(maps=MAPS | {"quantiles": []}), r'"quantiles" is \[\]'),
        (changed(maps=MAPS | {"quantiles": [[0.5, 1.0], [0.1, 0.0]]}), '"quantiles" do not ascend'),
        (changed(maps=MAPS | {"quantiles": [[0.5]]}), "expected two numbers"),
        (changed(false_alarms=0.9), 'expected 0 < "false_alarms" <= "review" < 1, found 0.9'),
        (changed(review_threshold=1e9), '"review_threshold" is above "threshold"'),
    ],
)
def test_json_that_is_wrong_is_refused_with_file_and_key(text, message):
    with pytest.raises(BadModel, match=message):
        from_json(text, "c.json")


def test_thresholds_may_be_moved():
    moved = replace(calibrated(range(40)), threshold=100.0)
    assert from_json(as_json(moved), "c.json").verdict(50.0) is Verdict.REVIEW


def test_equal_rates_are_read_and_lists_that_do_not_ascend_are_refused():
    assert from_json(changed(false_alarms=0.1, review=0.1), "c.json").review == 0.1
    for key in ("peaks", "backgrounds"):
        with pytest.raises(BadModel, match=f'"{key}" does not ascend'):
            from_json(changed(maps=MAPS | {key: [2.0, 1.0]}), "c.json")
