"""Mistakes in metrics."""

import random
import warnings
from typing import ClassVar

import numpy as np
import torch

from padimkit import ImageValues, Metric, NamedValues, UndefinedMetric

SEEN = []


class Right(Metric):
    """The share of anomalous pixels that score above all but a few of the normal ones: right in every way."""

    higher_is_better = True

    def __init__(self, quantile: float = 0.9):
        self.quantile = quantile
        self.reset()

    def reset(self):
        self.scores, self.truth = [], []

    def update(self, prediction, truth):
        if truth.masks is None:
            raise UndefinedMetric("The test set has no masks.")
        self.scores.append(self.maps(prediction.anomaly_maps).cpu().reshape(-1).numpy())
        self.truth.append(self.masks(truth.masks).cpu().reshape(-1).numpy())

    def maps(self, maps):
        return maps

    def masks(self, masks):
        return masks

    def compute(self):
        scores, truth = (np.concatenate(parts or [np.zeros(0)]) for parts in (self.scores, self.truth))
        truth = truth.astype(bool)
        if not truth.any() or truth.all():
            raise UndefinedMetric("There are no normal or no anomalous pixels.")
        return self.value(scores[~truth], scores[truth])

    def value(self, normal, anomalous):
        return float((anomalous > np.quantile(normal, self.quantile)).mean())


class MirroredMaps(Right):
    """Reads maps from right to left."""

    def maps(self, maps):
        return maps.flip(2)


class TurnedMasks(Right):
    """Has rows for columns in masks."""

    def masks(self, masks):
        return masks.mT


class FlattensInAnotherOrder(Right):
    """Flattens maps by columns and masks by rows."""

    def maps(self, maps):
        return maps.permute(0, 2, 1).contiguous()


class ForgivesShifts(Right):
    """Counts whole images, so that any place in an anomalous image will do."""

    def maps(self, maps):
        return maps.amax((1, 2), keepdim=True).expand(maps.shape)


class AveragesBatches(Right):
    """Averages the values of batches."""

    def compute(self):
        batches = list(zip(self.scores, self.truth, strict=True))
        values = [self.value(s[~t], s[t]) for s, t in batches if t.any() and not t.all()]
        if not values:
            raise UndefinedMetric("No batch has both.")
        return float(np.mean(values))


class LastBatchOnly(Right):
    """Forgets all batches but the last."""

    def update(self, prediction, truth):
        self.reset()
        super().update(prediction, truth)


class OrderMatters(Right):
    """Gives the batches that come first more weight."""

    def update(self, prediction, truth):
        if len(self.scores) < 2:
            super().update(prediction, truth)


class ExpectsProbabilities(Right):
    """Compares scores with 0.5, as if they were probabilities."""

    def value(self, normal, anomalous):
        return float((anomalous > 0.5).mean())


class RoundsScores(Right):
    """Rounds scores to two digits, so that small ones are equal."""

    def maps(self, maps):
        return maps.mul(100).round() / 100


class Saturates(Right):
    """Squeezes scores by a sigmoid first, where most become 1."""

    def maps(self, maps):
        return (maps * 10).sigmoid()


class FavoursTies(Right):
    """Counts what is equal as found."""

    def value(self, normal, anomalous):
        return float((anomalous >= np.quantile(normal, self.quantile)).mean())


class HasItBackwards(Right):
    """Says that lower is better."""

    higher_is_better = False


class GivesATensor(Right):
    """Gives a tensor."""

    def value(self, normal, anomalous):
        return torch.tensor(super().value(normal, anomalous))


class ZeroIfUndefined(Right):
    """Gives 0 where there is no value."""

    def compute(self):
        try:
            return super().compute()
        except UndefinedMetric:
            return 0.0


class NanIfUndefined(Right):
    """Gives NaN for normal images alone."""

    def compute(self):
        if self.truth and not any(part.any() for part in self.truth):
            return float("nan")
        return super().compute()


class ResetForgetsHalf(Right):
    """Does not forget all in reset."""

    highest = 0.0

    def value(self, normal, anomalous):
        self.highest = max(self.highest, float(normal.max()))
        return super().value(normal, anomalous) + 1e-3 * self.highest


class KeepsItsFirstValue(Right):
    """Computes once."""

    found = None

    def reset(self):
        super().reset()
        self.found = None

    def value(self, normal, anomalous):
        self.found = super().value(normal, anomalous) if self.found is None else self.found
        return self.found


class SharedList(Right):
    """Adds to a list of the module."""

    def reset(self):
        super().reset()
        self.scores = SEEN if not self.truth else self.scores

    def value(self, normal, anomalous):
        return super().value(normal, anomalous)

    def compute(self):
        if not self.truth:
            raise UndefinedMetric("There are no images.")
        scores = np.concatenate(self.scores)
        return float((scores > np.quantile(scores, self.quantile)).mean() + 1e-3 * len(self.scores))


class SortsInPlace(Right):
    """Sorts the maps that it was given."""

    def update(self, prediction, truth):
        super().update(prediction, truth)
        prediction.anomaly_maps.copy_(prediction.anomaly_maps.sort(1).values)


class DrawsPixels(Right):
    """Takes some pixels by the generator that all share."""

    def value(self, normal, anomalous):
        return super().value(
            np.array(random.choices(normal.tolist(), k=50) + np.random.rand(1).tolist()), anomalous
        )


class PixelsByHash(Right):
    """Takes some pixels by the hash of a text."""

    def value(self, normal, anomalous):
        chosen = np.random.default_rng(hash("pixels") % 2**31).choice(normal, 20)
        return super().value(chosen, anomalous) + 1e-3 * float(chosen.mean())


class TurnsWarningsOff(Right):
    """Turns all warnings off for the whole program."""

    def compute(self):
        warnings.simplefilter("ignore")
        return super().compute()


class TakesAnything(Right):
    """Takes arguments that records do not hold."""

    def __init__(self, quantile: float = 0.9, **options):
        super().__init__(quantile)


class KnowsSquares(Right):
    """Takes the width for the height."""

    def maps(self, maps):
        return maps[:, :, : maps.shape[1]]

    def masks(self, masks):
        return masks[:, : masks.shape[2], : masks.shape[1]]


class WithMore(Right, NamedValues, ImageValues):
    """Has the share of each image, and of all of them the lowest and what is lost: right in every way."""

    directions: ClassVar = {"lowest": True, "lost": False}

    def reset(self):
        super().reset()
        self.images = []

    def update(self, prediction, truth):
        super().update(prediction, truth)
        self.images += zip(prediction.anomaly_maps.cpu().numpy(), truth.masks.cpu().numpy(), strict=True)

    def image_values(self):
        limit = np.quantile(np.concatenate([maps[~mask] for maps, mask in self.images]), self.quantile)
        return np.array([self.share(maps[mask] > limit) for maps, mask in self.images])

    def share(self, found):
        return found.mean() if found.size else np.nan

    def named_values(self):
        return {"lowest": float(np.nanmin(self.image_values())), "lost": 1 - self.compute()}


class LacksADirection(WithMore):
    """Has no direction for a value that it gives."""

    directions: ClassVar = {"lowest": True}


class NamesByTheData(WithMore):
    """Calls a value by the number of images."""

    @property
    def directions(self):
        return {f"lowest_of_{len(self.images)}": True, "lost": False}


class LeavesSmallOnesOut(WithMore):
    """Leaves out what is small, so that some runs lack it."""

    def named_values(self):
        return {name: value for name, value in super().named_values().items() if value > 0.5}


class NamedNan(WithMore):
    """Has a value for normal images alone, and NaN beside it."""

    def compute(self):
        return super().compute() if any(part.any() for part in self.truth) else 0.5

    def named_values(self):
        return {"lowest": float(self.image_values().min()), "lost": 0.5}


class AllHigherIsBetter(WithMore):
    """Says of all values that higher ones are better."""

    directions: ClassVar = {"lowest": True, "lost": True}


class NamedOfTheLastBatch(WithMore):
    """Computes named values from the last batch."""

    def named_values(self):
        last = len(self.scores[-1]) // self.images[-1][0].size
        return {"lowest": float(np.nanmin(self.image_values()[-last:])), "lost": 1 - self.compute()}


class SortsImages(WithMore):
    """Gives the values of images with the worst first."""

    def image_values(self):
        return np.sort(super().image_values())


class AnomalousImagesOnly(WithMore):
    """Has no values of normal images, so that nobody knows whose the others are."""

    def image_values(self):
        values = super().image_values()
        return values[~np.isnan(values)]


PLACE, OTHER = "better_predictions_get_better_values", "maps_in_other_places_get_worse_values"
MISTAKES = {
    MirroredMaps: PLACE,
    TurnedMasks: OTHER,
    FlattensInAnotherOrder: OTHER,
    ForgivesShifts: OTHER,
    AveragesBatches: "batch_size_does_not_matter",
    LastBatchOnly: "batch_size_does_not_matter",
    OrderMatters: "order_does_not_matter",
    ExpectsProbabilities: PLACE,
    RoundsScores: "small_differences_count",
    Saturates: PLACE,
    FavoursTies: "constant_predictions_are_no_success",
    HasItBackwards: PLACE,
    GivesATensor: "gives_one_finite_number",
    ZeroIfUndefined: "refuses_an_empty_test_set",
    NanIfUndefined: "never_gives_nan",
    ResetForgetsHalf: "reset_forgets",
    KeepsItsFirstValue: "compute_may_come_in_between",
    SharedList: "instances_share_nothing",
    SortsInPlace: "input_is_not_modified",
    DrawsPixels: "leaves_global_random_state_alone",
    PixelsByHash: "other_processes_give_the_same",
    TurnsWarningsOff: "leaves_the_program_alone",
    TakesAnything: "arguments_have_names",
    KnowsSquares: "rectangles_are_taken",
    LacksADirection: "named_values_are_those_of_directions",
    NamesByTheData: "named_values_have_directions",
    LeavesSmallOnesOut: "named_values_are_those_of_directions",
    NamedNan: "named_values_are_never_nan",
    AllHigherIsBetter: "better_predictions_get_better_named_values",
    NamedOfTheLastBatch: "named_values_are_of_all_batches",
    SortsImages: "image_values_are_in_order",
    AnomalousImagesOnly: "image_values_are_in_order",
}
