"""A coreset, a few vectors such that each vector is near one of them."""

import torch
from jaxtyping import Float, Int
from sklearn.random_projection import GaussianRandomProjection
from torch import Tensor

PROJECTED = 128  # dimensions in which distances are compared, as in the authors' code


class Sketch:
    """Vectors projected to few dimensions, so that the distances between all of them can be compared.

    Args:
        seed: Fixes the random projection (Johnson and Lindenstrauss); few dimensions are not projected.
    """

    def __init__(self, seed: int) -> None:
        self._projection = GaussianRandomProjection(PROJECTED, random_state=seed)
        self._parts: list[Tensor] = []

    def add(self, vectors: Float[Tensor, "n c"]) -> None:
        """Add vectors."""
        if vectors.shape[1] <= PROJECTED:
            self._parts.append(vectors.clone())
            return
        if not self._parts:
            self._projection.fit(vectors[:1].cpu().numpy())
        matrix = torch.from_numpy(self._projection.components_).to(vectors)
        self._parts.append(vectors @ matrix.T)

    def vectors(self) -> Float[Tensor, "n p"]:
        """Return all projected vectors."""
        return torch.cat(self._parts)


def greedy_coreset(vectors: Float[Tensor, "n p"], *, count: int, seed: int) -> Int[Tensor, " k"]:
    """Return indices of vectors, each the farthest from those before it (PatchCore, algorithm 1).

    Args:
        vectors: The vectors to choose from.
        count: Number of vectors to choose.
        seed: Fixes the first one.

    The largest distance of any vector from the chosen ones is at most twice the optimum (Gonzalez 1985).
    """
    first = torch.randint(len(vectors), (1,), generator=torch.Generator().manual_seed(seed))
    centred = vectors - vectors.mean(0)  # small lengths lose fewer digits below
    lengths = centred.square().sum(1)
    distances = torch.full_like(lengths, torch.inf)
    chosen = [int(first)]
    while len(chosen) < count:
        latest = chosen[-1]
        squares = torch.addmv(lengths, centred, centred[latest], alpha=-2).add_(lengths[latest])
        distances = torch.minimum(distances, squares, out=distances)
        distances[latest] = -torch.inf  # never twice, not even among copies
        chosen.append(int(distances.argmax()))
    return torch.tensor(chosen)


def rows_of(parts: list[Tensor], ascending: Int[Tensor, " k"]) -> Float[Tensor, "k c"]:
    """Return these rows of all parts, one below the other, given their numbers in ascending order."""
    rows, start = [], 0
    for part in parts:
        inside = ascending[(ascending >= start) & (ascending < start + len(part))] - start
        rows.append(part[inside.to(part.device)])
        start += len(part)
    return torch.cat(rows)
