"""What is read from a data source."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import torch

from padimkit.contracts import DataSource
from padimkit.images import Preprocessing
from padimkit.reader import Reader
from padimkit.testing.check import require
from padimkit.testing.result import Result
from padimkit.values import Batch

Subset: TypeAlias = Literal["train", "test"]
SUBSETS: tuple[Subset, ...] = ("train", "test")

READER = Reader(Preprocessing(resize=36, crop=32), batch_size=3, workers=0)
OTHER_READER = Reader(Preprocessing(resize=24, crop=24), batch_size=5, workers=0)
WHOLE = Reader(Preprocessing(resize=256, crop=256), workers=0)  # a crop or a small size could lose a defect


def batches_of(source: DataSource, subset: Subset, reader: Reader = READER) -> Iterable[Batch]:
    """What the method of this name returns."""
    return source.train(reader) if subset == "train" else source.test(reader)


def read(source: DataSource, subset: Subset, reader: Reader = READER) -> list[Batch]:
    """All batches of a subset, of which there must be one at least."""
    batches = list(batches_of(source, subset, reader))
    require(bool(batches), f"Expected images of {subset}, found none.")
    return batches


def pooled(batches: Sequence[Batch]) -> Result:
    """Images, labels and masks of all batches together."""
    tensors = {"images": [batch.images for batch in batches]}
    tensors["labels"] = [batch.labels for batch in batches if batch.labels is not None]
    tensors["masks"] = [batch.masks for batch in batches if batch.masks is not None]
    return {name: torch.cat(parts) for name, parts in tensors.items() if parts}


def paths_of(batches: Sequence[Batch]) -> list[str]:
    """The paths of all batches together."""
    return [path for batch in batches for path in batch.paths]
