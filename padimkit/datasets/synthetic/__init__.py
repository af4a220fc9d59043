"""Drawn images of a texture and of an object, with defects, for use without a download."""
