"""Mistakes in preprocessors."""

import sys

import numpy as np
from PIL import Image

from padimkit import Preprocessor

ONLY_HERE = "shapes"  # a module that conftest.py imports, and no part that is made in another process


class Right(Preprocessor):
    """The left quarter of the picture is cut off, and the rest is half as high."""

    resampling = Image.Resampling.NEAREST

    def size(self, size):
        return size[0] // 2, size[1] - size[1] // 4

    def image(self, picture):
        return self.changed(picture, Image.Resampling.BICUBIC)

    def mask(self, picture):
        return self.changed(picture, self.resampling)

    def changed(self, picture, resampling):
        height, width = self.size((picture.height, picture.width))
        cut = picture.crop((picture.width // 4, 0, picture.width, 2 * height))
        return cut.resize((width, height), resampling)

    def to_original(self, points, size):
        return points * np.array([1, 2]) + np.array([size[1] // 4, 0])

    def to_changed(self, points, size):
        return (points - np.array([size[1] // 4, 0])) / np.array([1, 2])


class RowsFirst(Right):
    """Points are taken for rows and columns."""

    def to_original(self, points, size):
        return super().to_original(points[..., ::-1], size)[..., ::-1]

    def to_changed(self, points, size):
        return super().to_changed(points[..., ::-1], size)[..., ::-1]


class Backwards(Right):
    """The way there and the way back are exchanged."""

    def to_original(self, points, size):
        return super().to_changed(points, size)

    def to_changed(self, points, size):
        return super().to_original(points, size)


class OneWay(Right):
    """The way back forgets what was cut off."""

    def to_original(self, points, size):
        return points * np.array([1, 2])


class MaskAsItIs(Right):
    """Masks are not changed at all."""

    def mask(self, picture):
        return picture.resize(self.size(picture.size[::-1])[::-1], Image.Resampling.NEAREST)


class SoftMask(Right):
    """Masks are resampled bicubically, to values between."""

    resampling = Image.Resampling.BICUBIC


class Turned(Right):
    """The size is that of width and height."""

    def size(self, size):
        return super().size(size)[::-1]

    def changed(self, picture, resampling):
        return Right().changed(picture, resampling)


class ColourMask(Right):
    """Masks get three channels."""

    def mask(self, picture):
        return super().mask(picture).convert("RGB")


class InPlace(Right):
    """A bar is painted over the picture that was given."""

    def image(self, picture):
        picture.paste((0, 0, 0), (0, 0, picture.width, 3))
        return super().image(picture)


class OnePoint(Right):
    """Only lists of points are understood."""

    def to_changed(self, points, size):
        return np.array([[x - size[1] // 4, y / 2] for x, y in points.reshape(-1, 2)])


class UsesWhatOthersImport(Right):
    """Takes a module for granted that others happen to have imported."""

    def image(self, picture):
        assert sys.modules[ONLY_HERE]
        return super().image(picture)


class EndsTheProgram(Right):
    """Ends the program where something is missing, in place of an error."""

    def image(self, picture):
        if ONLY_HERE not in sys.modules:
            sys.exit(f"{ONLY_HERE} is missing")
        return super().image(picture)


class WholePoints(Right):
    """Points of the original are rounded to whole pixels, as those of a box."""

    def to_original(self, points, size):
        return super().to_original(points, size).round()


class MiddlesOfPixels(Right):
    """Points are taken for middles of pixels, half a pixel from where they lie, there and back."""

    def to_original(self, points, size):
        return super().to_original(points + 0.5, size)

    def to_changed(self, points, size):
        return super().to_changed(points, size) - 0.5


class CropsToContent(Right):
    """The part of the picture that is not black is cut out, and made as large as all of it was."""

    def changed(self, picture, resampling):
        box = picture.convert("L").point(lambda value: 255 if value > 8 else 0).getbbox()
        return super().changed(picture.crop(box).resize(picture.size), resampling)

    def mask(self, picture):
        return Right().changed(picture, self.resampling)


class RemembersThePicture(Right):
    """Points are moved by what was cut off the last picture, whatever the size that is asked for."""

    cut = 0

    def image(self, picture):
        self.cut = picture.width // 4
        return super().image(picture)

    def to_original(self, points, size):
        return points * np.array([1, 2]) + np.array([self.cut, 0])

    def to_changed(self, points, size):
        return (points - np.array([self.cut, 0])) / np.array([1, 2])


MISTAKES = {
    RemembersThePicture: "points_depend_on_the_size_alone",
    WholePoints: "the_way_back_leads_back",
    MiddlesOfPixels: "points_lie_where_the_pixels_go",
    CropsToContent: "points_lie_where_the_pixels_go",
    RowsFirst: "points_lie_where_the_pixels_go",
    Backwards: "points_lie_where_the_pixels_go",
    OneWay: "the_way_back_leads_back",
    MaskAsItIs: "masks_lie_over_the_pictures",
    SoftMask: "masks_lie_over_the_pictures",
    Turned: "pictures_have_the_size_that_it_says",
    ColourMask: "pictures_have_the_size_that_it_says",
    InPlace: "pictures_are_not_modified",
    OnePoint: "points_come_in_any_shape",
    UsesWhatOthersImport: "other_processes_give_the_same",
    EndsTheProgram: "other_processes_give_the_same",
}
