"""Density models, which learn from normal embeddings and score others."""
