"""The search for the nearest patches of a coreset, by FAISS."""

import faiss
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit import BadArgument


def index_of(bank: Float[Tensor, "k c"], factory: str) -> faiss.Index:
    """Return an index of the coreset, made as a factory string of FAISS says.

    Raises:
        BadArgument: FAISS cannot make it.
    """
    vectors = _array(bank)
    try:
        index = faiss.index_factory(vectors.shape[1], factory)
        if not index.is_trained:
            index.train(vectors)
        index.add(vectors)
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rpartition(": ")[2]
        raise BadArgument(
            f'FAISS cannot make an "index" of "{factory}" for {len(vectors)} patches of {vectors.shape[1]} '
            f'channels: {reason}. Use "Flat".'
        ) from error
    return index


def nearest(
    index: faiss.Index, vectors: Float[Tensor, "n c"], *, count: int, factory: str
) -> Int[Tensor, "n k"]:
    """Return the numbers of the nearest patches of the coreset.

    Raises:
        BadArgument: The index, made as `factory` says, finds fewer than `count`.
    """
    _, indices = index.search(_array(vectors), count)
    if indices.min(initial=0) < 0:
        raise BadArgument(
            f'The index "{factory}" finds fewer than {count} neighbours of some patches. Use "Flat".'
        )
    return torch.from_numpy(indices).to(vectors.device)


def _array(vectors: Float[Tensor, "n c"]) -> np.ndarray:
    return np.ascontiguousarray(vectors.cpu().numpy(), dtype=np.float32)
