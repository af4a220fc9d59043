"""Batches of images from files, pictures and arrays."""
