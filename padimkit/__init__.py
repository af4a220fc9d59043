"""Unsupervised anomaly detection and localization in images, composed from plugins."""
