"""Reducers: embeddings to smaller embeddings."""
