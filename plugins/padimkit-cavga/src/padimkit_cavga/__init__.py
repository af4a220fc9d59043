"""CAVGA-RU for padimkit (Venkataramanan et al. 2020)."""

from padimkit_cavga.cavga import Cavga

__all__ = ["Cavga"]
