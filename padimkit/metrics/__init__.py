"""Metrics: predictions and truth to one figure."""
