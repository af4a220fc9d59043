"""Pretrained weights that installed packages carry, found by the model's name without running their code."""

from padimkit.weights.card import read_card
from padimkit.weights.catalogue import GROUP, INSTALLED, OTHERS, cards, empty_offers, find_weights
from padimkit.weights.weights import InstalledWeights

__all__ = [
    "GROUP",
    "INSTALLED",
    "OTHERS",
    "InstalledWeights",
    "cards",
    "empty_offers",
    "find_weights",
    "read_card",
]
