"""The patches of embeddings as the rows of matrices.

Apart from the reducer, since it knows nothing of estimators.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float32

from padimkit.errors import BadArgument, BadData
from padimkit.values import Embedding

Rows: TypeAlias = Float32[np.ndarray, "_ c"]

CHUNK = 10_000  # of 448 channels each are 18 MB
MOST = 100_000


def rows_of(embedding: Embedding) -> Rows:
    """Return copies of the patches, image by image and row by row; they may be changed in place."""
    patches = embedding.patches.detach().permute(0, 2, 3, 1)
    copied = patches.clone(memory_format=torch.contiguous_format).cpu().flatten(0, 2)
    return copied.numpy()


def first(stream: Iterable[Embedding], count: int) -> Rows:
    """Return the first patches of the first embedding."""
    return _found([rows_of(embedding)[:count] for embedding in islice(stream, 1)])[0]


def chunks(stream: Iterable[Embedding]) -> Iterator[Rows]:
    """Yield all patches in chunks of `CHUNK` rows, whatever the batches; the last may be twice as long."""
    waiting: list[Rows] = []
    for embedding in stream:
        waiting.append(rows_of(embedding))
        if sum(map(len, waiting)) >= 2 * CHUNK:
            rows = np.concatenate(waiting)
            whole = (len(rows) // CHUNK - 1) * CHUNK
            yield from np.split(rows[:whole], whole // CHUNK)
            waiting = [rows[whole:]]
    yield np.concatenate(_found(waiting))


def drawn(stream: Iterable[Embedding], count: int, *, seed: int) -> Rows:
    """Draw `count` patches, or all if there are fewer, evenly and in one pass (Vitter 1985, algorithm R)."""
    generator = torch.Generator().manual_seed(seed)
    kept, seen = np.empty((0, 0), np.float32), 0
    for embedding in stream:
        rows = rows_of(embedding)
        if seen == 0:
            kept = np.empty((count, rows.shape[1]), np.float32)
        numbers = np.arange(seen, seen + len(rows))
        places = torch.rand(len(rows), dtype=torch.float64, generator=generator).numpy() * (numbers + 1)
        places = np.where(numbers < count, numbers, places.astype(np.int64))
        kept[places[places < count]] = rows[places < count]  # if a place occurs twice, numpy takes the last
        seen += len(rows)
    return _found([kept])[0][:seen]


def gathered(stream: Iterable[Embedding], name: str) -> Rows:
    """Return all patches at once; `name` is the estimator that needs them.

    Raises:
        BadArgument: There are more than `MOST`.
    """
    waiting: list[Rows] = []
    for embedding in stream:
        waiting.append(rows_of(embedding))
        if sum(map(len, waiting)) > MOST:
            raise BadArgument(
                f"{name} cannot learn batch by batch, and there are more than {MOST:,} training patches of "
                f'{waiting[0].shape[1]} channels. Set "patches" to draw fewer at random, or choose '
                "an estimator with partial_fit, such as IncrementalPCA."
            )
    return np.concatenate(_found(waiting))


def _found(parts: list[Rows]) -> list[Rows]:
    if not sum(map(len, parts)):
        raise BadData("ScikitLearn.fit was given no embeddings.")
    return parts
