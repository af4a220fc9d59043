"""Drawn images of a texture and of an object, with defects, so that nothing has to be downloaded."""
