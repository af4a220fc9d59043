"""The images that a model has learnt, told by their content, and which of them are suspicious."""

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from padimkit.errors import BadImage, BadModel
from padimkit.files import file_digest
from padimkit.files.foreign_text import as_cell, of_cell
from padimkit.images.decoding import stored_channels
from padimkit.images.pages import page_of

if TYPE_CHECKING:
    from padimkit.values import Batch
else:
    Batch = object  # it needs torch, which exported models do without

_COLUMNS = ("path", "sha256", "score", "suspicious")
_CONSISTENT = 1.4826  # times the median absolute deviation is the standard deviation of normal variables
_FAR = 3.5  # Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers"


@dataclass(frozen=True)
class LearntImage:
    """An image that a model has learnt.

    Args:
        path: Its path when it was learnt, with its page if the file has several, or a name.
        sha256: Of the bytes of the file, of the pixels of a page if the file has several, or of the pixels
            that the model saw if it is not a file.
        score: Its score as if it had not been learnt, if it is known.
        suspicious: True if the score stands out from those of the others.
    """

    path: str
    sha256: str
    score: float | None = None
    suspicious: bool = False


def learnt_images(paths: Sequence[str], digests: Sequence[str], scores: Sequence[float]) -> list[LearntImage]:
    """Return the images with their scores, and which of them are suspicious."""
    marks = outliers(scores)
    return [LearntImage(*known) for known in zip(paths, digests, scores, marks, strict=True)]


def outliers(scores: Sequence[float]) -> list[bool]:
    """Return which scores are suspiciously high.

    These are the scores whose logarithm is more than 3.5 robust standard deviations above the median: the
    rule of Iglewicz and Hoaglin (1993), with 1.4826 times the median absolute deviation. Scores of normal
    images are far from symmetric, their logarithms less so.
    """
    smallest = min((score for score in scores if score > 0), default=1.0)
    logarithms = [math.log(max(score, smallest)) for score in scores]
    centre = median(logarithms)
    spread = _CONSISTENT * median(abs(value - centre) for value in logarithms)
    return [spread > 0 and value - centre > _FAR * spread for value in logarithms]


def digests(batch: Batch) -> Iterator[str]:
    """Yield the sha256 of each image: of the bytes of its file, or of its pixels if no file holds it."""
    for file, image in zip(batch.files or [None] * len(batch.paths), batch.images, strict=True):
        yield _pixel_digest(_in_bytes(image.detach().cpu().numpy())) if file is None else digest_of(file)


def digest_of(file: Path) -> str:
    """Return the sha256 of the bytes of an image file, or of all that a page of one holds.

    Raises:
        BadImage: It cannot be read.
    """
    if page_of(file).number is not None:
        return _content_digest(stored_channels(file))
    try:
        return file_digest(file)
    except OSError as error:
        raise BadImage(f'"{file}" cannot be read: {error.strerror}.') from error


def _content_digest(channels: Iterable[Image.Image]) -> str:
    digest = hashlib.sha256()
    for channel in channels:
        digest.update(f"{channel.mode} {channel.size}".encode())
        digest.update(channel.tobytes())
    return digest.hexdigest()


def _in_bytes(image: np.ndarray) -> UInt8[np.ndarray, "3 H W"]:
    return np.ascontiguousarray(np.rint(image * np.float32(255)).astype(np.uint8))


def _pixel_digest(pixels: UInt8[np.ndarray, "3 H W"]) -> str:
    digest = hashlib.sha256(repr(tuple(pixels.shape)).encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()


def as_csv(images: Iterable[LearntImage]) -> str:
    """Return the images as lines of a table."""
    text = io.StringIO()
    images = list(images)
    special = any("\r" in image.path for image in images)  # which would not be quoted
    quoting: Literal[0, 1] = csv.QUOTE_ALL if special else csv.QUOTE_MINIMAL
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerow(_COLUMNS)
    for image in images:
        score = "" if image.score is None else repr(image.score)
        writer.writerow((as_cell(image.path), image.sha256, score, "true" if image.suspicious else "false"))
    return text.getvalue()


def from_csv(text: str, name: str) -> tuple[LearntImage, ...]:
    """Return the images in such a table.

    Raises:
        BadModel: A line is not as `as_csv` writes it; the message holds `name`, line and column.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        if tuple(header) != _COLUMNS:
            raise BadModel(f'"{name}" has the columns {", ".join(header)}; expected {", ".join(_COLUMNS)}.')
        return tuple(_image(row, f'"{name}", line {reader.line_num}') for row in reader)
    except csv.Error as error:
        raise BadModel(f'"{name}", line {reader.line_num}: {error}.') from error


def _image(row: list[str], where: str) -> LearntImage:
    if len(row) != len(_COLUMNS):
        raise BadModel(f"{where} has {len(row)} columns; expected {len(_COLUMNS)}.")
    path, sha256, score, suspicious = row
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise BadModel(f'{where}: "sha256" is "{sha256}"; expected 64 hexadecimal digits.')
    if suspicious not in ("true", "false"):
        raise BadModel(f'{where}: "suspicious" is "{suspicious}"; expected true or false.')
    return LearntImage(of_cell(path), sha256, _score(score, where), suspicious == "true")


def _score(text: str, where: str) -> float | None:
    try:
        score = float(text) if text else None
    except ValueError:
        score = math.nan
    if score is not None and not math.isfinite(score):
        raise BadModel(f'{where}: "score" is "{text}"; expected a finite number, or nothing.')
    return score
