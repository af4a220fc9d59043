"""Data sets, which list images on disk with their labels and masks."""
