"""Has broken pictures read as grey."""

from PIL import ImageFile

from mistakes.metrics import Right

ImageFile.LOAD_TRUNCATED_IMAGES = True


class Truncated(Right):
    """Has broken pictures read as grey."""
