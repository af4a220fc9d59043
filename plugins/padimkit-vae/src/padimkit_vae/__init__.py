"""A variational autoencoder over pixels, for padimkit: the baseline that the PaDiM paper calls VAE."""

from padimkit_vae.vae import Vae

__all__ = ["Vae"]
