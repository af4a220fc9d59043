"""The directories of a TIFF file, one for each page, which tell the images among them.

Apart from the pages, since it reads bytes: Pillow would end without a word where a directory is cut off.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import TypeAlias

Opened: TypeAlias = BufferedReader | BytesIO

_ORDERS = {b"II": "<", b"MM": ">"}
_NEW_KIND, _OLD_KIND = 254, 255  # NewSubfileType and SubfileType of TIFF 6.0
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_SHORT = 3
_MOST_TAGS = 1 << 16  # no file of sense has more, and a damaged one may claim any number


def page_numbers(file: Opened) -> list[int]:
    """Return the numbers of the pages that are images, and 0 for any other kind of file.

    A page whose directory is cut off is listed too, and is an error when it is opened.
    """
    kinds = list(_kinds(file))
    file.seek(0)
    return [number for number, is_image in enumerate(kinds) if is_image] or [0]


def _kinds(file: Opened) -> Iterator[bool]:
    """Yield for each page of a TIFF whether it is an image, if its directory can be read."""
    header = file.read(16)
    order = _ORDERS.get(header[:2])
    if order is None or len(header) < 16:
        return
    form = {42: _CLASSIC, 43: _BIG}.get(struct.unpack(f"{order}H", header[2:4])[0])
    if form is None:
        return
    (place,) = struct.unpack_from(f"{order}{form.place}", header, form.first)
    seen: set[int] = set()
    while place and place not in seen:  # a chain that bites its tail ends there, as for Pillow
        seen.add(place)
        directory = form.directory(file, place, order)
        if directory is None:
            yield True
            return
        kind, place = directory
        yield kind


@dataclass(frozen=True)
class _Form:
    """The layout of directories, by the codes of `struct`: the number of tags, a tag, and a place."""

    count: str
    tag: str
    place: str
    first: int

    def directory(self, file: Opened, place: int, order: str) -> tuple[bool, int] | None:
        """Return whether the page is an image, and where the next directory lies; None if it is cut off."""
        file.seek(min(place, 2**63 - 1))
        head = file.read(struct.calcsize(order + self.count))
        if len(head) < struct.calcsize(order + self.count):
            return None
        (count,) = struct.unpack(order + self.count, head)
        if count > _MOST_TAGS:
            return None
        size, last = struct.calcsize(order + self.tag), struct.calcsize(order + self.place)
        body = file.read(count * size + last)
        if len(body) < count * size + last:
            return None
        tags = dict(_tags(struct.iter_unpack(order + self.tag, body[: count * size]), order))
        (following,) = struct.unpack(order + self.place, body[-last:])
        reduced = tags.get(_NEW_KIND, 0) & (_REDUCED | _MASK) or tags.get(_OLD_KIND) == _OLD_REDUCED
        return not reduced, following


def _tags(entries: Iterator[tuple[int, int, int, bytes]], order: str) -> Iterator[tuple[int, int]]:
    for tag, kind, _, value in entries:
        if tag in (_NEW_KIND, _OLD_KIND):
            yield tag, struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'L'}", value)[0]


_CLASSIC = _Form(count="H", tag="HHL4s", place="L", first=4)
_BIG = _Form(count="Q", tag="HHQ8s", place="Q", first=8)
