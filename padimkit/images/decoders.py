"""The decoders that may see a file, chosen by its content, and the most that they may take.

Pillow has others, such as that of PostScript, which starts a program: none of these is ever asked.
"""

import struct
import time
from collections.abc import Callable
from io import BufferedReader, BytesIO
from typing import Any, TypeAlias, final

from PIL import Image, ImageFile

from padimkit.errors import BadImage

Opened: TypeAlias = BufferedReader | BytesIO

# TGA comes last, since its files do not begin with a mark.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM", "JPEG2000", "GIF", "AVIF", "TGA")
MOST_PIXELS = 178_956_970  # where Pillow refuses too
MOST_EVER = 2**31 - 1  # to which this may be raised
_MOST_SECONDS = 60.0  # for this many pixels; a photograph of that size takes 3
_MARK = 16  # bytes, by which Pillow tells formats
_OF_ANOTHER = (SyntaxError, IndexError, TypeError, struct.error)  # as decoders say so, for Pillow too


def opened_image(file: Opened, name: str, most_pixels: int = MOST_PIXELS) -> ImageFile.ImageFile | None:
    """Return the image in a file, of which only the header has been read; None if it is none of `FORMATS`.

    Decoding it ends with BadImage after a minute of processor time, or in proportion more if `most_pixels`
    is raised. Errors of Pillow are passed on.
    """
    mark = file.read(_MARK)
    longer = max(1.0, min(most_pixels, MOST_EVER) / MOST_PIXELS)
    timed = _TimedFile(file, name, _MOST_SECONDS * longer)
    for factory, accepts in _decoders():
        if accepts is None or accepts(mark) is True:  # a text tells that Pillow was built without
            file.seek(0)
            try:
                return factory(timed, "")  # type: ignore[no-any-return]
            except _OF_ANOTHER:
                continue
    return None


def other_format(content: bytes) -> str | None:
    """Return the name of a format that Pillow tells by the first bytes and that is never decoded, if any."""
    if len(content) < _MARK:  # no image; some of Pillow's tests fail for so few bytes
        return None
    Image.init()
    for name, (_, accepts) in Image.OPEN.items():
        if name not in FORMATS and accepts is not None and accepts(content[:_MARK]) is True:
            return name
    return None


def require_pixels(picture: ImageFile.ImageFile, name: str, most_pixels: int) -> None:
    """Check the size of an image before it is decoded.

    Raises:
        BadImage: It has more pixels, or none.
    """
    width, height = picture.size
    if not 0 < width * height <= most_pixels:
        raise BadImage(
            f'"{name}" has {width} x {height} pixels; at most {most_pixels} are decoded, and at least one. '
            'Replace or remove it, or raise "most_pixels" of the preprocessing.'
        )


def _decoders() -> list[tuple[Callable[..., Any], Callable[[bytes], bool | str] | None]]:
    Image.init()  # does nothing the next time
    return [Image.OPEN[name] for name in FORMATS if name in Image.OPEN]


@final
class _TimedFile:
    """A file that is read no more when its image has taken too long: all decoders read in parts.

    Seconds are those of the thread, so that a slow disk or a busy machine costs none.
    """

    def __init__(self, file: Opened, name: str, seconds: float) -> None:
        self._file = file
        self._name = name
        self._seconds = seconds
        self._end = time.thread_time() + seconds

    def read(self, size: int = -1) -> bytes:
        self._require_time()
        return self._file.read(size)

    def readline(self, size: int = -1) -> bytes:
        self._require_time()
        return self._file.readline(size)

    def seek(self, place: int, whence: int = 0) -> int:
        self._require_time()
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _require_time(self) -> None:
        if time.thread_time() > self._end:
            raise BadImage(
                f'"{self._name}" takes more than {self._seconds:g} seconds to decode. Replace or remove it, '
                'or raise "most_pixels" of the preprocessing, and the time in proportion.'
            )
