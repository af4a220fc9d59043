"""Patch SVDD for padimkit (Yi and Yoon 2020)."""

from padimkit_patch_svdd.patch_svdd import PatchSvdd

__all__ = ["PatchSvdd"]
