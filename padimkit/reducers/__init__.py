"""Reducers, which turn embeddings into smaller embeddings."""
