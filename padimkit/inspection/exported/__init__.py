"""Exported models, which run without torch."""
