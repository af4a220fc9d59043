"""Mistakes that authors of maps make, each with the check that should find it."""

import torch
from torch.nn import functional as F

from padimkit import Mapper, Prediction, Scores, map_of_tiles, prediction_of


def bilinear(patches, size):
    return F.interpolate(patches[:, None], size, mode="bilinear", align_corners=False)[:, 0]


class Right(Mapper):
    """Bilinear maps, summed."""

    def upsample(self, patches, size):
        return bilinear(patches, size)

    def predict(self, scores, size, axes=None, region=None):
        maps = [map_of_tiles(level.patches, size, axes, self.upsample) for level in scores]
        return prediction_of(scores, torch.stack(maps).sum(0), region)


class Mirrored(Right):
    """Columns are counted from the right."""

    def upsample(self, patches, size):
        return bilinear(patches.flip(2), size)


class Reshaped(Right):
    """Positions are laid out as if rows were columns."""

    def upsample(self, patches, size):
        count, height, width = patches.shape
        return bilinear(patches.reshape(count, width, height).mT, size)


class Turned(Right):
    """Maps are as wide as they should be high."""

    def predict(self, scores, size, axes=None, region=None):
        found = super().predict(scores, size, axes, region)
        return Prediction(found.image_scores, found.anomaly_maps.mT)


class FirstLevel(Right):
    """All levels but the first are forgotten."""

    def predict(self, scores, size, axes=None, region=None):
        return super().predict(scores[:1], size, axes, region)


class WithoutTiles(Right):
    """Tiles are taken for one grid, whatever their overlap."""

    def predict(self, scores, size, axes=None, region=None):
        return super().predict(scores, size, None, region)


class Everywhere(Right):
    """The region of interest is ignored."""

    def predict(self, scores, size, axes=None, region=None):
        return super().predict(scores, size, axes, None)


class ScoresOfAll(Right):
    """The map is cut to the region, after the image's score was taken of all of it."""

    def predict(self, scores, size, axes=None, region=None):
        found = super().predict(scores, size, axes, None)
        maps = found.anomaly_maps if region is None else found.anomaly_maps * region.to(found.anomaly_maps)
        return Prediction(found.image_scores, maps)


class OwnRuleAlways(Right):
    """What densities say of images is ignored."""

    def predict(self, scores, size, axes=None, region=None):
        found = super().predict(scores, size, axes, region)
        return Prediction(found.anomaly_maps.amax((1, 2)), found.anomaly_maps)


class LeastPixel(Right):
    """The score of an image is the smallest of its map."""

    def predict(self, scores, size, axes=None, region=None):
        found = super().predict(scores, size, axes, region)
        if all(level.images is not None for level in scores):
            return found
        return Prediction(-found.anomaly_maps.amax((1, 2)), found.anomaly_maps)


class OfBatch(Right):
    """Maps are scaled by the highest score of the batch."""

    def upsample(self, patches, size):
        return bilinear(patches / patches.amax(), size)


class Rescaled(Right):
    """Maps are scaled by their own range, which equal scores do not have."""

    def upsample(self, patches, size):
        low, high = patches.amin((1, 2), keepdim=True), patches.amax((1, 2), keepdim=True)
        return bilinear((patches - low) / (high - low), size)


class InPlace(Right):
    """Scores are squared in their own memory."""

    def upsample(self, patches, size):
        return bilinear(patches.square_(), size)


class OnTheProcessor(Right):
    """Weights are made on the CPU, wherever the scores are."""

    def upsample(self, patches, size):
        return bilinear(patches, size) * torch.ones(size)


class Doubled(Right):
    """Maps are made in float64."""

    def upsample(self, patches, size):
        return bilinear(patches.double(), size)

    def predict(self, scores, size, axes=None, region=None):
        found = super().predict(scores, size, axes, region)
        return Prediction(found.image_scores.double(), found.anomaly_maps.double())


class LosesWhatIsBelowZero(Right):
    """Scores are taken for distances: those below 0 are 0."""

    def upsample(self, patches, size):
        return bilinear(patches.clamp(min=0), size)


class Jittered(Right):
    """Noise from the shared generator breaks ties."""

    def upsample(self, patches, size):
        return bilinear(patches + 1e-3 * torch.rand(patches.shape, device=patches.device), size)


class FourPixelsOff(Right):
    """Maps lie four pixels to the left, as after a crop that was not undone."""

    def upsample(self, patches, size):
        return bilinear(patches, size).roll(-4, 2)


class Squeezed(Right):
    """A sigmoid takes all high scores for 1."""

    def upsample(self, patches, size):
        return bilinear(patches, size).sigmoid()


class OwnMaximum(Right):
    """Each map is divided by its own maximum, so that images cannot be compared."""

    def upsample(self, patches, size):
        return bilinear(patches / patches.abs().amax((1, 2), keepdim=True).clamp(min=1e-6), size)


class TwoLevels(Right):
    """The weights of the author's two levels are all that there are, and further levels are lost."""

    def predict(self, scores, size, axes=None, region=None):
        weighted = [Scores(level.patches * weight) for level, weight in zip(scores, (1.0, 1.0), strict=False)]
        return super().predict(weighted, size, axes, region)


class GoesAround(Right):
    """Maps are blurred by neighbours of which those of the last column are the first."""

    def upsample(self, patches, size):
        maps = bilinear(patches, size)
        return sum(maps.roll(shift, 2) for shift in range(-12, 13)) / 25


MISTAKES = {
    TwoLevels: "maps_are_high_where_scores_are",
    GoesAround: "borders_do_not_meet",
    FourPixelsOff: "maps_are_not_shifted",
    Squeezed: "higher_scores_give_higher_maps",
    OwnMaximum: "higher_scores_give_higher_maps",
    Mirrored: "maps_are_high_where_scores_are",
    Reshaped: "maps_are_high_where_scores_are",
    Turned: "one_map_and_one_score_per_image",
    FirstLevel: "maps_are_high_where_scores_are",
    WithoutTiles: "tiles_lie_in_their_places",
    Everywhere: "the_region_is_heeded",
    ScoresOfAll: "the_region_is_heeded",
    OwnRuleAlways: "image_scores_of_densities_count",
    LeastPixel: "defects_raise_the_image_score",
    OfBatch: "batch_size_does_not_matter",
    Rescaled: "maps_are_finite",
    InPlace: "input_is_not_modified",
    OnTheProcessor: "predictions_stay_on_the_device",
    Doubled: "one_map_and_one_score_per_image",
    LosesWhatIsBelowZero: "scores_below_zero_count",
    Jittered: "same_arguments_give_the_same_result",
}
