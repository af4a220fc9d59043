"""Sets the threads of the whole program."""

import torch

from mistakes.metrics import Right

torch.set_num_threads(3)


class MoreThreads(Right):
    """Sets the threads of the whole program."""
