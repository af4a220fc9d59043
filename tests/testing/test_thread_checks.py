"""Parts that are right in one thread and wrong in several, and the checks that find them."""

import time

import torch
from broken_densities import Distance
from violations import failed_checks

from padimkit.contracts import Backbone, DensityModel, Metric, Reducer
from padimkit.values import Embedding, Features, Scores


class KeepsItsEmbedding(Distance):
    """Hands the embedding from one step to the next in an attribute."""

    def score(self, embedding):
        self.asked = embedding
        time.sleep(2e-3)
        return super().score(self.asked)


class PreparesWhenAsked(Distance):
    """Absorbs what waits when it is first asked, and so twice where two ask at a time."""

    def fit(self, stream):
        super().fit(stream)
        self.waiting = 1.0

    def score(self, embedding):
        if self.waiting:
            time.sleep(2e-3)
            self.scale = self.scale * 2 if hasattr(self, "scale") else 1.0
            self.waiting = 0.0
        scores = super().score(embedding)
        return Scores(scores.patches * self.scale, scores.images)

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.waiting, self.scale = 0.0, 1.0


class OneBuffer(Reducer):
    """Reduces into a buffer of its own, and returns a copy of it."""

    def __init__(self, keep: int = 3):
        self.keep = keep
        self.buffer = None

    def fit(self, stream):
        for _ in stream:
            pass

    def transform(self, embedding):
        self.buffer = embedding.patches[:, : self.keep]
        time.sleep(2e-3)
        return Embedding(self.buffer.clone(), embedding.descriptor)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class KeepsItsImages(Backbone):
    """Extracts from images that it keeps in an attribute, as a network does that hooks tap."""

    def extract(self, images):
        self.images = images
        time.sleep(5e-3)
        colours = self.images[:, :, ::4, ::4].contiguous()
        return Features({"colours": torch.cat([colours, colours.square()], dim=1)})

    def to(self, device):
        pass


TAKEN = []


class SharesItsScores(Metric):
    """The mean score, whose scores stand in a list that all instances share."""

    higher_is_better = True

    def update(self, prediction, truth):
        TAKEN.append(prediction.image_scores.clone())

    def compute(self):
        time.sleep(2e-3)
        return float(torch.cat(TAKEN).mean())

    def reset(self):
        TAKEN.clear()


def test_what_a_call_keeps_where_another_finds_it_is_found():
    name = "calls_from_threads_equal_calls_in_turn"
    assert name in failed_checks(DensityModel, KeepsItsEmbedding)
    assert name in failed_checks(DensityModel, PreparesWhenAsked)
    assert name in failed_checks(Reducer, OneBuffer)
    assert "features_from_threads_equal_features_in_turn" in failed_checks(Backbone, KeepsItsImages)


def test_what_instances_share_is_found():
    assert "instances_in_threads_equal_instances_in_turn" in failed_checks(Metric, SharesItsScores)
