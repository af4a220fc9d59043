"""Metrics, each of which turns predictions and truth into one value."""
