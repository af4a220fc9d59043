"""PatchCore (Roth et al. 2022): nearest neighbours in a coreset of normal patches."""

from padimkit_patchcore.patch_core import PatchCore

__all__ = ["PatchCore"]
