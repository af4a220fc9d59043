"""What tells data from other data."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from os.path import commonpath
from pathlib import Path

from PIL.Image import Image

from padimkit.benchmark.record import Facts
from padimkit.contracts import DataSource
from padimkit.errors import BadData
from padimkit.reader import ImageBatches, Reader, Sample
from padimkit.values import Batch

_ENDS = 4096  # bytes at either end of a file; with its size they tell images apart, and large sets stay quick


def facts_of(source: DataSource, reader: Reader) -> Facts:
    """Fingerprint and counts of a data set.

    Names, sizes and both ends of the files count, wherever they are; of a data set without files, all pixels.

    Raises:
        BadData, BadImage: The data cannot be read.
    """
    digest = hashlib.sha256()
    train, test = source.train(reader), source.test(reader)
    counts = [_take(batches, digest) for batches in (train, test)]
    (train_images, _), (test_images, anomalous) = counts
    return Facts(digest.hexdigest()[:24], train_images, test_images, anomalous)


def _take(batches: Iterable[Batch], digest: "hashlib._Hash") -> tuple[int, int]:
    """Adds the data to the digest; gives the numbers of images and of anomalous ones."""
    if isinstance(batches, ImageBatches):
        _take_files(batches.samples, digest)
        return len(batches.samples), sum(sample.anomalous is True for sample in batches.samples)
    count = anomalous = 0
    for batch in batches:
        digest.update(batch.images.contiguous().numpy().tobytes())
        count += len(batch.paths)
        anomalous += 0 if batch.labels is None else int(batch.labels.sum())
    return count, anomalous


def _take_files(samples: Sequence[Sample], digest: "hashlib._Hash") -> None:
    if not samples:
        return
    top = Path(commonpath([sample.path.parent for sample in samples]))
    for sample in samples:
        digest.update(f"{sample.path.relative_to(top).as_posix()}:{sample.anomalous}\n".encode())
        digest.update(_content(sample.path, sample.open))
        if sample.mask is not None:
            digest.update(_content(sample.mask, sample.open_mask))


def _content(path: Path, opened: Callable[[Path], Image]) -> bytes:
    """Of the file, or of the one that it is within, as a frame in a video; else the pixels of the picture."""
    file = next((one for one in (path, *path.parents) if one.is_file()), None)
    return opened(path).tobytes() if file is None else _ends(file)


def _ends(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_ENDS)
            file.seek(max(0, size - _ENDS))
            return size.to_bytes(8, "big") + head + file.read(_ENDS)
    except OSError as error:
        raise BadData(f'"{path}" cannot be read: {error.strerror}.') from error
