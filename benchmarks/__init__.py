"""Measurements of padimkit: no library code stands here, and the library knows nothing of it."""
