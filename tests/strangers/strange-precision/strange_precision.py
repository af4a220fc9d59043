"""A metric of images: how many of the first are right."""

import torch

from padimkit import Metric, UndefinedMetric


class PrecisionAtN(Metric):
    """The share of anomalous images among the N that score highest, where N images are anomalous."""

    higher_is_better = True

    def __init__(self):
        self.reset()

    def reset(self):
        self.scores, self.labels = [], []

    def update(self, prediction, truth):
        if truth.labels is None:
            raise UndefinedMetric("precision_at_n needs a label for each test image.")
        self.scores.append(prediction.image_scores.cpu().clone())
        self.labels.append(truth.labels.cpu().clone())

    def compute(self):
        labels = torch.cat([torch.zeros(0, dtype=torch.bool), *self.labels])
        if labels.all() or not labels.any():
            raise UndefinedMetric("precision_at_n needs normal and anomalous test images.")
        scores = torch.cat(self.scores)
        least = scores.sort(descending=True).values[labels.sum() - 1]
        above, equal = scores > least, scores == least  # of equal scores any order is as good
        left = int(labels.sum() - above.sum())
        return float((labels[above].sum() + left * labels[equal].float().mean()) / labels.sum())
