"""The masks of images, found by the names of their files."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from padimkit.errors import BadArgument
from padimkit.images.decoding import open_mask
from padimkit.images.listing import list_masks
from padimkit.images.pages import without_suffix
from padimkit.images.sample import Sample, United

_PLACE = re.compile(r"\{(stem|name)\}")


def masked(path: Path, masks: Sequence[Path]) -> Sample:
    """Return the sample of an anomalous image with its masks, of which several are united."""
    opened: Callable[[Path], Image.Image] = open_mask if len(masks) == 1 else United(tuple(masks))
    return Sample(path, anomalous=True, mask=masks[0], open_mask=opened)


def require_pattern(pattern: str | None) -> None:
    """Check that a pattern for the names of masks says where that of the image is.

    Raises:
        BadArgument: It does not.
    """
    if pattern is not None:
        _Pattern.of(pattern)


def find_masks(images: Iterable[Path], folder: Path, patterns: Sequence[str]) -> list[dict[Path, list[Path]]]:
    """Return for each pattern the masks of each image that has any.

    Args:
        images: Paths, relative to the folder of all images.
        folder: That of the masks, in which they have the same relative paths.
        patterns: Names of masks, such as "{stem}_mask.*": of an image "7.png", "{stem}" is "7" and "{name}"
            is "7.png"; "*" stands for any characters but "/", and a last ".*" for any suffix of images. Case
            counts in the image's name only.

    Raises:
        BadData: As for `list_images`.
    """
    by_key: dict[tuple[str, str], list[Path]] = {}
    for image in images:
        for key in (("name", image.as_posix()), ("stem", without_suffix(image).as_posix())):
            by_key.setdefault(key, []).append(image)
    masks = {mask: mask.relative_to(folder) for mask in list_masks(folder)}
    return [_by_image(masks, _Pattern.of(pattern), by_key) for pattern in patterns]


def _by_image(
    masks: dict[Path, Path], pattern: "_Pattern", by_key: dict[tuple[str, str], list[Path]]
) -> dict[Path, list[Path]]:
    found: dict[Path, list[Path]] = {}
    for mask, relative in masks.items():
        for image in pattern.images_of(relative, by_key):
            found.setdefault(image, []).append(mask)
    return found


@dataclass(frozen=True)
class _Pattern:
    """A pattern around the place of the image's name, which is found by trying all ends of that name."""

    place: str
    before: str
    after: re.Pattern[str]
    depth: int
    with_suffix: bool

    @staticmethod
    def of(pattern: str) -> "_Pattern":
        parts = _PLACE.split(pattern)
        if len(parts) != 3 or re.search(r"[{}*?]", parts[0]) or re.search(r"[{}]", parts[2]):
            raise BadArgument(
                f'"mask" is "{pattern}"; expected a name with "{{stem}}" or "{{name}}" once, and "*" only '
                'after it, such as "{stem}_GT.*".'
            )
        before, place, after = parts
        with_suffix = not after.endswith(".*")
        wild = {"*": "[^/]*", "?": "[^/]"}
        text = "".join(wild.get(sign, re.escape(sign)) for sign in (after if with_suffix else after[:-2]))
        return _Pattern(
            place, before.lower(), re.compile(text, re.IGNORECASE), pattern.count("/"), with_suffix
        )

    def images_of(self, mask: Path, by_key: dict[tuple[str, str], list[Path]]) -> Iterable[Path]:
        """Return the images of a mask: of several names that fit, the longest."""
        bare = without_suffix(mask)
        suffix = re.sub(r"\[\d+\]$", "", mask.name)[len(re.sub(r"\[\d+\]$", "", bare.name)) :]
        parts = PurePosixPath(bare.as_posix() + (suffix if self.with_suffix else "")).parts
        folder, tail = parts[: -1 - self.depth], "/".join(parts[-1 - self.depth :])
        if len(parts) <= self.depth or not tail.lower().startswith(self.before):
            return ()
        for name, rest in self._splits(tail[len(self.before) :]):
            images = by_key.get((self.place, "/".join((*folder, name))))
            if images and self.after.fullmatch(rest):
                return images
        return ()

    @staticmethod
    def _splits(text: str) -> Iterator[tuple[str, str]]:
        longest = text.partition("/")[0]
        for end in range(len(longest), 0, -1):
            yield text[:end], text[end:]
