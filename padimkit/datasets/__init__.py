"""Data sets: files on disk to batches."""
