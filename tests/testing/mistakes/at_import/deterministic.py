"""Makes all algorithms deterministic, or fail."""

import torch

from mistakes.metrics import Right

torch.use_deterministic_algorithms(True)


class Deterministic(Right):
    """Makes all algorithms deterministic, or fail."""
