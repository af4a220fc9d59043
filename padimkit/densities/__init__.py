"""Density models: normal embeddings to anomaly scores."""
