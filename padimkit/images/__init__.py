"""Batches of images from files, pictures and arrays."""

from padimkit.images.augmentation import Augmentation
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import ImageBatches, Reader, Sample

__all__ = ["Augmentation", "ImageBatches", "Preprocessing", "Reader", "Sample"]
