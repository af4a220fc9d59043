"""Turns gradients off for the whole program."""

import torch

from mistakes.metrics import Right

torch.set_grad_enabled(False)


class NoGradients(Right):
    """Turns gradients off for the whole program."""
