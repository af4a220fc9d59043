"""Recipes of the variational autoencoder."""
