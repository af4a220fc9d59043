"""A reducer of two passes: the mean first, then the directions in which patches differ from it."""

import torch

from padimkit import BadData, Embedding, NotFitted, Reducer, require_state


class Rotation(Reducer):
    """The channels in other axes, those of the highest variance first; nothing is dropped."""

    def __init__(self):
        self.learnt = {}

    def fit(self, stream):
        total, count = 0.0, 0
        for embedding in stream:
            total = total + embedding.patches.double().sum((0, 2, 3))
            count += embedding.patches[:, 0].numel()
        if not count:
            raise BadData("Rotation.fit was given no embeddings.")
        mean, scatter = total / count, 0.0
        for embedding in stream:
            away = embedding.patches.double() - mean[:, None, None]
            scatter = scatter + torch.einsum("bchw,bdhw->cd", away, away)
        axes = torch.linalg.eigh(scatter).eigenvectors.flip(1)
        axes = axes * axes.gather(0, axes.abs().argmax(0)[None]).sign()  # either direction would do
        self.learnt = {"mean": mean.float(), "axes": axes.float()}

    def transform(self, embedding):
        away = embedding.patches - self.state_dict()["mean"][:, None, None]
        return Embedding(torch.einsum("bchw,cd->bdhw", away, self.learnt["axes"]), embedding.descriptor)

    def state_dict(self):
        if not self.learnt:
            raise NotFitted("Rotation was used before fit.")
        return dict(self.learnt)

    def load_state_dict(self, state):
        require_state(self, state, mean="float c", axes="float c c")
        self.learnt = dict(state)
