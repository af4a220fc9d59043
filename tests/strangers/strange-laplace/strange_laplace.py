"""A density of two epochs, over embeddings that it keeps, with a file that says how far it is."""

from pathlib import Path

from padimkit import BadData, DensityModel, NotFitted, Scores, cached, require_state


class Laplace(DensityModel):
    """The distance to the mean of each position, in mean distances of each channel."""

    writes = ("progress",)

    def __init__(self, eps: float = 0.01, progress: Path | None = None):
        self.eps = eps
        self.progress = progress
        self.learnt = {}

    def fit(self, stream):
        with cached(stream, memory=2**20) as embeddings:
            mean = self.average(embeddings, lambda patches: patches)
            self.tell("1 of 2")
            scale = self.average(embeddings, lambda patches: (patches - mean).abs())
        self.learnt = {"mean": mean.float(), "scale": scale.float()}
        self.tell("2 of 2")

    def average(self, stream, function):
        total, count = 0.0, 0
        for embedding in stream:
            total, count = total + function(embedding.patches.double()).sum(0), count + len(embedding.patches)
        if not count:
            raise BadData("Laplace.fit was given no embeddings.")
        return total / count

    def tell(self, epoch):
        if self.progress is not None:
            self.progress.write_text(epoch)

    def score(self, embedding):
        away = embedding.patches - self.state_dict()["mean"]
        return Scores((away.abs() / (self.learnt["scale"] + self.eps)).sum(1))

    def state_dict(self):
        if not self.learnt:
            raise NotFitted("Laplace was used before fit.")
        return dict(self.learnt)

    def load_state_dict(self, state):
        require_state(self, state, mean="float c h w", scale="float c h w")
        self.learnt = dict(state)
