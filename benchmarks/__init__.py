"""Measurements of padimkit: they are not part of the library, which knows nothing of them."""
