"""Metrics that are right but for one thing, and the check that finds it."""

import gc
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from violations import BROAD, failed_checks

from padimkit.contracts import HasCurve, HasInfluence, Influence, Metric, NamedValues, ReferenceValues
from padimkit.errors import UndefinedMetric
from padimkit.testing import check_metric, checks_of
from padimkit.testing.check import ContractViolation, Finding
from padimkit.testing.metrics import takes_predictions_on
from padimkit.testing.named_values import better_predictions_get_better_named_values


class Precision(Metric):
    """The average precision of image scores, normal before anomalous where equal: right in every way."""

    higher_is_better = True

    def __init__(self, least: int = 1):
        self.least = least
        self.reset()

    def reset(self):
        self.scores, self.labels, self.updates = [], [], 0

    def update(self, prediction, truth):
        self.updates += 1
        if truth.labels is not None:
            self.scores += prediction.image_scores.tolist()
            self.labels += truth.labels.tolist()

    def compute(self):
        if not any(self.labels) or all(self.labels):
            raise UndefinedMetric("Precision needs normal and anomalous images.")
        return self.of(self.scores, self.labels)

    def of(self, scores, labels):
        ranked = [label for _, label in sorted(zip(scores, labels, strict=True), key=lambda p: (-p[0], p[1]))]
        found = np.cumsum(ranked)
        return float((found / np.arange(1, len(ranked) + 1))[np.array(ranked)].mean())


class DoesNotSay(Precision):
    higher_is_better = "yes"


class GivesATensor(Precision):
    def compute(self):
        return torch.tensor(super().compute())


class HasItBackwards(Precision):
    higher_is_better = False

    def of(self, scores, labels):
        figure = super().of(scores, labels)
        return 2.0 if len(set(scores)) == 1 else figure


class Saturates(Precision):
    def of(self, scores, labels):
        return super().of([round(1 / (1 + math.exp(-score)), 6) for score in scores], labels)


class FavoursTies(Precision):
    def of(self, scores, labels):
        return 1.0 if len(set(scores)) == 1 else super().of(scores, labels)


class Known(Precision, ReferenceValues):
    """The same, with what is known of it: right in every way."""

    perfect = 1.0
    uninformative = (
        sum(rank / (6 + rank) for rank in range(1, 7)) / 6
    )  # six normal images before six anomalous


class WeighsByRows(Precision):
    def update(self, prediction, truth):
        super().update(prediction, truth)
        self.rows = prediction.anomaly_maps.shape[1] / prediction.anomaly_maps.shape[2]

    def compute(self):
        return super().compute() * self.rows


class TakesPerfectForZero(Known):
    perfect = 0.0


class TakesConstantForChance(Known):
    uninformative = 0.5


class Curved(Precision, HasCurve):
    """The same, with the precision at each recall: right in every way."""

    def curve(self, points):
        ranked = np.array(sorted(zip(self.scores, self.labels, strict=True), key=lambda p: (-p[0], p[1])))
        found = np.cumsum(ranked[:, 1])
        places = np.unique(np.linspace(0, len(found) - 1, points).round().astype(int))
        return found[places] / found[-1], found[places] / (places + 1)


class DrawsAPoint(Curved):
    def curve(self, points):
        return np.ones(1), np.ones(1)


class DrawsMorePoints(Curved):
    def curve(self, points):
        return super().curve(20 * points) if points > 10 else (np.arange(11.0), np.arange(11.0))


class DrawsBackwards(Curved):
    def curve(self, points):
        x, y = super().curve(points)
        return x[::-1], y[::-1]


class DrawsNan(Curved):
    def curve(self, points):
        x, y = super().curve(points)
        return x, y * np.nan


class GapOfMeans(Precision, HasInfluence):
    """The mean anomalous score minus the mean normal one, with its influence: right in every way."""

    factor = 1.0

    def of(self, scores, labels):
        scores, labels = np.array(scores), np.array(labels)
        return float(scores[labels].mean() - scores[~labels].mean())

    def influence(self):
        return GapInfluence(self.factor)


class GapInfluence(Precision, Influence):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def compute(self):
        scores, labels = np.array(self.scores), np.array(self.labels)
        means = np.where(labels, scores[labels].mean(), scores[~labels].mean())
        counts = np.where(labels, labels.sum(), -(~labels).sum())
        return self.factor * (scores - means) / counts


class DoublesInfluence(GapOfMeans):
    factor = 2.0


class CountsBatches(Precision):
    def of(self, scores, labels):
        return super().of(scores, labels) + 1e-3 * self.updates


class WeighsLaterImagesMore(Precision):
    def of(self, scores, labels):
        distinct = len(set(scores)) > 1
        return super().of(scores, labels) + (1e-4 * np.argmax(scores).item() if distinct else 0)


class TakesTiesAsTheyCome(Precision):
    def of(self, scores, labels):
        if len(set(scores)) > 1:
            return super().of(scores, labels)
        return 0.1 * labels.index(True) / len(labels)


class KeepsTheHighestScore(Precision):
    highest = 0.0

    def of(self, scores, labels):
        self.highest = max([self.highest, *scores])
        return super().of(scores, labels) + 1e-3 * self.highest * (len(set(scores)) > 1)


class KeepsItsFirstFigure(Precision):
    figure = None

    def reset(self):
        super().reset()
        self.figure = None

    def of(self, scores, labels):
        if self.figure is None:
            self.figure = super().of(scores, labels)
        return self.figure


class SortsInPlace(Precision):
    def update(self, prediction, truth):
        super().update(prediction, truth)
        prediction.anomaly_maps.sort()
        prediction.image_scores.zero_()


class ZeroWhenEmpty(Precision):
    def compute(self):
        return super().compute() if self.updates else 0.0


class RaisesWhenEmpty(Precision):
    def compute(self):
        if not self.updates:
            raise ValueError("no images")
        return super().compute()


class SilentWhenEmpty(Precision):
    def compute(self):
        if not self.updates:
            raise UndefinedMetric
        return super().compute()


class ZeroWithoutTruth(Precision):
    def compute(self):
        return 0.0 if self.updates and not self.labels else super().compute()


class NanOfOneKind(Precision):
    def compute(self):
        if self.labels and not any(self.labels):
            return math.nan
        return super().compute()


class RaisesOfOneKind(Precision):
    def compute(self):
        if self.labels and all(self.labels):
            raise ZeroDivisionError
        return super().compute()


class ChangesItsArgument(Precision):
    def compute(self):
        figure = super().compute()
        self.least = len(self.labels)
        return figure


class Unseeded(Precision):
    def of(self, scores, labels):
        return super().of(scores, labels) * (1 + 1e-9 * self.noise)

    def __init__(self, least: int = 1):
        super().__init__(least)
        self.noise = np.random.default_rng().random()


class IgnoresItsSeed(Precision):
    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed


class DrawsFromTorch(Precision):
    def compute(self):
        torch.rand(1)
        return super().compute()


class Drifts(Precision):
    calls = 0

    def reset(self):
        super().reset()
        self.calls = 0

    def compute(self):
        self.calls += 1
        return super().compute() * (1 + 1e-9 * self.calls)


SHARED = {}


class SharesItsFolder(Precision):
    def __init__(self, least: int = 1):
        super().__init__(least)
        self.shared = SHARED

    def update(self, prediction, truth):
        super().update(prediction, truth)
        self.shared["folder"] = truth.paths[0].split("/")[0]

    def of(self, scores, labels):
        return super().of(scores, labels) + (self.shared["folder"] == "second")


class CopiesAreTheSame(Precision):
    def __deepcopy__(self, memo):
        return self


class HoldsALambda(Precision):
    def __init__(self, least: int = 1):
        super().__init__(least)
        self.key = lambda pair: pair


class IgnoresOtherDevices(Precision):
    def update(self, prediction, truth):
        scores = prediction.image_scores
        super().update(
            replace(prediction, image_scores=torch.zeros(len(scores)) if scores.is_meta else scores), truth
        )


BROKEN = {
    DoesNotSay: "says_whether_higher_is_better",
    GivesATensor: "gives_one_finite_number",
    HasItBackwards: "better_predictions_get_better_values",
    FavoursTies: "constant_predictions_are_no_success",
    WeighsByRows: "rectangles_are_taken",
    TakesPerfectForZero: "reference_values_are_right",
    TakesConstantForChance: "reference_values_are_right",
    DrawsAPoint: "curve_can_be_drawn",
    DrawsMorePoints: "curve_can_be_drawn",
    DrawsBackwards: "curve_can_be_drawn",
    DrawsNan: "curve_can_be_drawn",
    DoublesInfluence: "influence_is_that_of_weights",
    CountsBatches: "batch_size_does_not_matter",
    WeighsLaterImagesMore: "order_does_not_matter",
    TakesTiesAsTheyCome: "order_of_equal_scores_does_not_matter",
    KeepsTheHighestScore: "reset_forgets",
    KeepsItsFirstFigure: "compute_may_come_in_between",
    SortsInPlace: "input_is_not_modified",
    ZeroWhenEmpty: "refuses_an_empty_test_set",
    RaisesWhenEmpty: "refuses_an_empty_test_set",
    SilentWhenEmpty: "refuses_an_empty_test_set",
    ZeroWithoutTruth: "refuses_missing_truth",
    NanOfOneKind: "never_gives_nan",
    RaisesOfOneKind: "never_gives_nan",
    ChangesItsArgument: "keeps_its_arguments",
    Unseeded: "same_arguments_give_the_same_result",
    IgnoresItsSeed: "another_seed_gives_another_result",
    DrawsFromTorch: "leaves_global_random_state_alone",
    Drifts: "repeats_itself",
    SharesItsFolder: "instances_share_nothing",
    CopiesAreTheSame: "can_be_copied",
    HoldsALambda: "can_be_pickled",
}


THREADS = "instances_in_threads_equal_instances_in_turn"  # may fail by chance; see test_thread_checks


@pytest.mark.parametrize("metric", [Precision, Known, Curved, GapOfMeans])
def test_a_sound_metric_passes_every_check(metric):
    check_metric(metric)


@pytest.mark.parametrize("metric", BROKEN, ids=lambda metric: metric.__name__)
def test_a_broken_metric_fails_the_check_meant_for_it_alone(metric):
    assert failed_checks(Metric, metric, besides={THREADS}) == {BROKEN[metric]}


def test_a_metric_that_squashes_distances_takes_all_for_equal():
    found = failed_checks(Metric, Saturates)
    assert found == {"better_predictions_get_better_values", "constant_predictions_are_no_success"}


class NamesThatSaturate(Precision, NamedValues):
    """Right: one value is at its end for all predictions, and `upside_down` decides if the other is wrong."""

    upside_down = False

    @property
    def directions(self):
        return {"reached": True, "lost": self.upside_down}

    def named_values(self):
        return {"reached": 1.0, "lost": 1 - self.compute()}


class NamesUpsideDown(NamesThatSaturate):
    upside_down = True


def test_named_values_may_saturate_and_are_not_to_go_the_other_way():
    better_predictions_get_better_named_values(NamesThatSaturate)
    with pytest.raises(Finding, match='Expected "lost" not to be lower for perfect scores'):
        better_predictions_get_better_named_values(NamesUpsideDown)


def test_predictions_on_another_device_give_the_same_figure():
    takes_predictions_on(torch.device("cpu"), Precision)
    with pytest.raises(Finding, match="from predictions on meta as on the CPU, found"):
        takes_predictions_on(torch.device("meta"), IgnoresOtherDevices)


class Collects(Precision):
    """Keeps a tensor of each call, and collects garbage after it."""

    def compute(self):
        KEPT.append(torch.zeros(3))
        gc.collect()
        return super().compute()


KEPT = []


def test_results_are_found_though_the_part_collects_garbage():
    (check,) = [one for one in checks_of(Metric) if one.name == "no_results_are_kept"]
    with pytest.raises(ContractViolation, match="found 4 that are still there after 4 calls"):
        check(Collects)


def test_every_check_of_metrics_is_known_to_find_something():
    names = {check.name for check in checks_of(Metric)} - BROAD
    assert names - {"takes_predictions_on_cuda", THREADS} == set(BROKEN.values())
