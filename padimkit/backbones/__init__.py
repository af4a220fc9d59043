"""Backbones, which turn images into feature maps."""
