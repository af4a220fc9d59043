"""Checks of preprocessors, which change a picture before all else, and know the way back."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image

from padimkit.contracts import Preprocessor
from padimkit.errors import BadShape
from padimkit.images.resizing import Size
from padimkit.testing import elsewhere, imports, manners, parts, states, threads
from padimkit.testing.answers import DataSet, Result, Usage, copied, nothing_to_fit
from padimkit.testing.check import Make, checks, checks_with, require
from padimkit.testing.inputs.scale import size_or

_SIZE, _OTHER = (120, 168), (151, 97)  # height and width; lying and standing, the second one odd
_PLACES = np.array([[0.3, 0.35], [0.62, 0.4], [0.4, 0.7], [0.7, 0.65]])  # of spots, in shares of the sides
_SPOT = 4  # pixels from the middle of a spot to its edge
_NEAR = 1.5  # pixels
_SHIFT = 0.35  # pixels, of all spots alike
_FRACTION = 0.37  # of a pixel, which a part that rounds would lose
_THERE_AND_BACK = 0.01  # pixels


def pictures_have_the_size_that_it_says(make: Make) -> None:
    """Changed pictures are RGB and changed masks have one channel, both of the size that `size` says."""
    part = make()
    for size in _sizes(part):
        height, width = part.size(size)
        require(min(height, width) > 0, f"Expected a size of some pixels for {size}, found {height, width}.")
        for kind, found in (("image", part.image(_picture(size))), ("mask", part.mask(_mask(size)))):
            name = type(found).__name__
            require(isinstance(found, Image.Image), f"Expected {kind} to return a picture, found {name}.")
            expected = f"Expected {kind} to return {height} x {width} pixels (height x width)"
            require(found.size == (width, height), f"{expected}, found {found.height} x {found.width}.")
            modes = ("RGB",) if kind == "image" else ("L", "1")
            require(found.mode in modes, f"Expected {kind} of mode {modes[0]}, found {found.mode}.")


def points_lie_where_the_pixels_go(make: Make) -> None:
    """A spot in a picture is found again where `to_changed` says."""
    part = make()
    for size in _sizes(part):
        for dark in (False, True):  # a part that crops by content would put points elsewhere
            plain = np.asarray(part.image(_picture(size, dark=dark)), dtype=float)
            off = [
                _near(
                    np.abs(np.asarray(part.image(_picture(size, point, dark=dark)), dtype=float) - plain).sum(
                        2
                    ),
                    part,
                    point,
                    size,
                    "a spot in the picture",
                )
                for point in _inside(part, size)
            ]
            _require_no_shift(np.mean(off, axis=0))


def masks_lie_over_the_pictures(make: Make) -> None:
    """A mark in a mask is found again where `to_changed` says, and has the value that it had."""
    part = make()
    for size in _sizes(part):
        for point in _inside(part, size):
            marked = np.asarray(part.mask(_mask(size, point)))
            values = set(np.unique(marked.astype(int)).tolist())
            require(values <= {0, 255, 1}, f"Expected masks of 0 and 255 alone, found {sorted(values)}.")
            _near(marked.astype(float), part, point, size, "a mark in the mask")


def the_way_back_leads_back(make: Make) -> None:
    """Points that go to the changed picture and back, or the other way, are the points that they were."""
    part = make()
    for size in _sizes(part):
        points = _inside(part, size) + _FRACTION
        there = part.to_changed(points, size)
        back = part.to_original(there, size)
        off = max(
            float(np.abs(back - points).max()), float(np.abs(part.to_changed(back, size) - there).max())
        )
        require(off < _THERE_AND_BACK, f"Expected the same points again, found them off by {off:.3g}.")


def points_come_in_any_shape(make: Make) -> None:
    """Arrays of points of any shape give arrays of that shape, point by point, and stay as they were."""
    part = make()
    points = _inside(part, _sizes(part)[0])
    given, size = np.stack([points, points[::-1]]), _sizes(part)[0]
    before = given.copy()
    for name, function in (("to_changed", part.to_changed), ("to_original", part.to_original)):
        found, alone = function(given, size), np.stack([function(one, size) for one in given[0]])
        require(found.shape == given.shape, f"Expected {name} of {given.shape}, found {found.shape}.")
        same = bool(np.allclose(found[0], alone)) and bool(np.array_equal(given, before))
        require(same, f"Expected {name} to map each point on its own, and to leave it as it is.")


def points_depend_on_the_size_alone(make: Make) -> None:
    """Points lie in the same place whichever pictures have been changed before, even if none has been."""
    used = make()
    for size in _sizes(used):
        points = _inside(make(), size)
        expected = make().to_changed(points, size), make().to_original(points, size)
        for other in _sizes(used):
            used.image(_picture(other))
            found = used.to_changed(points, size), used.to_original(points, size)
            require(
                bool(np.allclose(found, expected)),
                f"Expected points of a picture of {size[0]} x {size[1]} pixels as they were before, found "
                f"others after one of {other[0]} x {other[1]}. Several threads change pictures at a time: "
                "take the size that is given.",
            )


def pictures_are_not_modified(make: Make) -> None:
    """Pictures and masks that are passed in stay unchanged."""
    part, size = make(), _sizes(make())[0]
    for kind, picture in (("image", _picture(size)), ("mask", _mask(size))):
        before = picture.tobytes()
        getattr(part, kind)(picture)
        require(
            picture.tobytes() == before, f"Expected {kind} to leave its picture unchanged, found another."
        )


def _sizes(part: Preprocessor) -> list[Size]:
    """Return the sizes of the made-up pictures that the part takes."""
    found = []
    for size in (size_or(_SIZE), _OTHER):
        try:
            part.size(size)
        except BadShape:
            continue
        found.append(size)
    require(bool(found), f"Expected pictures of {size_or(_SIZE)} or {_OTHER} to be taken, found BadShape.")
    return found


def _inside(part: Preprocessor, size: Size) -> Float[np.ndarray, "n 2"]:
    """Return places of the changed picture as points of the original, which holds spots there as a whole."""
    points = np.asarray(part.to_original(_PLACES * np.array(part.size(size)[::-1]), size))
    held = (points > 2 * _SPOT).all(1) & (points < np.array(size[::-1]) - 2 * _SPOT).all(1)
    require(
        bool(held.any()),
        f"Expected points of the changed picture to lie in the original, {size[0]} x {size[1]} pixels, found "
        f"{points.round(1).tolist()}.",
    )
    return np.asarray(points[held])


def _picture(size: Size, spot: Float[np.ndarray, "2"] | None = None, *, dark: bool = False) -> Image.Image:
    """Return a smooth picture, with a spot around a point, or one that is black but for a part of it.

    It is black and white in places without the spot too, which hardly changes contrast that follows the
    picture then.
    """
    rows, columns = np.indices(size)
    waves = 127 + 63 * np.sin(rows / 17) + 63 * np.cos(columns / 23)
    pixels = np.stack([waves, waves[::-1], waves[:, ::-1]], axis=2).astype(np.uint8)
    if dark:
        pixels[_dark(size)] = 0
    if spot is not None:
        pixels[_around(spot)] = 0 if pixels[_around(spot)].mean() > 127 else 255
    return Image.fromarray(pixels)


def _dark(size: Size) -> Bool[np.ndarray, "H W"]:
    """Return all but a part of a picture, which is off the middle and holds some of the spots."""
    dark = np.ones(size, dtype=bool)
    dark[size[0] // 5 : 4 * size[0] // 5, size[1] // 4 : 3 * size[1] // 4] = False
    return dark


def _mask(size: Size, spot: Float[np.ndarray, "2"] | None = None) -> Image.Image:
    pixels = np.zeros(size, dtype=np.uint8)
    if spot is not None:
        pixels[_around(spot)] = 255
    return Image.fromarray(pixels)


def _around(point: Float[np.ndarray, "2"]) -> tuple[slice, slice]:
    column, row = (round(value) for value in point)
    return slice(row - _SPOT, row + _SPOT), slice(column - _SPOT, column + _SPOT)


def _near(
    change: Float[np.ndarray, "H W"], part: Preprocessor, point: Float[np.ndarray, "2"], size: Size, what: str
) -> Float[np.ndarray, "2"]:
    """Return how far the change lies from where it should, which must be near."""
    expected = part.to_changed(np.round(point), size)
    require(float(change.max()) > 0, f"Expected {what} to be seen at {expected}, found nothing there.")
    weights = np.where(change > change.max() / 2, change, 0.0)
    rows, columns = np.indices(change.shape) + 0.5
    found = np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()
    off = found - expected
    require(
        bool((np.abs(off) < _NEAR).all()),
        f"Expected {what} at x {expected[0]:.1f} and y {expected[1]:.1f}, where to_changed puts it, found it "
        f"at {found[0]:.1f} and {found[1]:.1f}. Are x and y mixed up, or the way there and the way back?",
    )
    return np.asarray(off)


def _require_no_shift(off: Float[np.ndarray, "2"]) -> None:
    """Require that spots are not all off in the same direction."""
    require(
        bool((np.abs(off) < _SHIFT).all()),
        f"Expected spots in the picture where to_changed puts them, found all of them off by {off[0]:.2f} "
        f"pixels in x and {off[1]:.2f} in y. The first pixel reaches from 0 to 1.",
    )


def _apply(part: Preprocessor, data: DataSet) -> Result:
    size = size_or(_SIZE) if data == "first" else _OTHER
    try:
        points = _PLACES * np.array(part.size(size)[::-1])
    except BadShape:
        return {}
    image, mask = (
        np.array(part.image(_picture(size))),
        np.array(part.mask(_mask(size, np.array([50.0, 60.0])))),
    )
    there, back = part.to_changed(points, size), part.to_original(points, size)
    named = {"image": image, "mask": mask, "there": there, "back": back}
    return {name: torch.from_numpy(values.copy()) for name, values in named.items()}


def _of_image(part: Preprocessor, number: int) -> Result:
    return copied(_apply(part, "first" if number % 2 else "second"))


_USAGE = Usage(nothing_to_fit, _apply)

PREPROCESSOR_CHECKS = (
    *checks(
        Preprocessor,
        pictures_have_the_size_that_it_says,
        points_lie_where_the_pixels_go,
        masks_lie_over_the_pictures,
        the_way_back_leads_back,
        points_come_in_any_shape,
        points_depend_on_the_size_alone,
        pictures_are_not_modified,
        manners.arguments_have_names,
        imports.import_leaves_the_program_alone,
        states.can_be_written_down,
    ),
    *checks_with(
        Preprocessor,
        _USAGE,
        parts.keeps_its_arguments,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        manners.leaves_the_program_alone,
        manners.writes_nothing_unasked,
        manners.no_results_are_kept,
        elsewhere.other_processes_give_the_same,
        parts.earlier_results_stay,
        parts.can_be_copied,
        parts.can_be_pickled,
    ),
    *checks_with(Preprocessor, _of_image, threads.features_from_threads_equal_features_in_turn),
)
