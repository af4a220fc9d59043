"""TIFF files of several pages, byte by byte: Pillow writes neither thumbnails nor colours of 16 bits."""

import struct
import zlib
from pathlib import Path

WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, PLACE, TURN, SAMPLES, ROWS, LENGTH = (
    *(256, 257, 258, 259, 262, 273, 274, 277, 278, 279),
)


def write_tiff(path, pages, *, order="<", big=False, tags=({},), damaged=()) -> Path:
    """Write RGB pages of 8 or 16 bits, the directory of each behind its pixels.

    `tags` are further ones for each page in turn; the pixels of `damaged` pages cannot be decoded. Pillow
    does not read the large form in the order ">".
    """
    place, entry, count = ("Q", "HHQQ", "Q") if big else ("I", "HHII", "H")
    pixels = f"{order}u{pages[0].dtype.itemsize}"
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, 0) if big else struct.pack(f"{order}HI", 42, 0)
    content = bytearray((b"II" if order == "<" else b"MM") + head)
    link = len(content) - struct.calcsize(place)
    for number, page in enumerate(pages):
        data = zlib.compress(page.astype(pixels).tobytes())
        depth = 8 * page.dtype.itemsize
        start = len(content)
        content += (b"\xff" * len(data) if number in damaged else data) + struct.pack(
            f"{order}HHH", *[depth] * 3
        )
        height, width = page.shape[:2]
        values = {WIDTH: width, HEIGHT: height, COMPRESSION: 8, COLOURS: 2, PLACE: start, SAMPLES: 3}
        values |= {ROWS: height, LENGTH: len(data)} | tags[number % len(tags)]
        listed = [(tag, 4, 1, value) for tag, value in values.items()]
        triple = (
            struct.unpack(f"{order}Q", struct.pack(f"{order}HHHH", *[depth] * 3, 0))[0]
            if big  # three shorts fit into the eight bytes of a value
            else start + len(data)
        )
        listed.append((BITS, 3, 3, triple))
        content[link : link + struct.calcsize(place)] = struct.pack(order + place, len(content))
        content += struct.pack(order + count, len(listed))
        content += b"".join(struct.pack(order + entry, *one) for one in sorted(listed))
        link = len(content)
        content += struct.pack(order + place, 0)
    path.write_bytes(content)
    return path
