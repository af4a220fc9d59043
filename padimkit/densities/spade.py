"""SPADE's density: distances to the nearest images and to their nearest patches."""

from collections.abc import Callable, Iterable, Sequence
from typing import final

import faiss
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from padimkit.arguments import require_budget, require_whole
from padimkit.arguments.checked import Checked
from padimkit.contracts import (
    CostModel,
    DensityModel,
    Exportable,
    LeaveOneOut,
    LeftOut,
    MemoryForecast,
    PyramidDensity,
)
from padimkit.densities._gallery import Gallery, cell_orders
from padimkit.densities._nearest import indexed_distances, nearest_distances
from padimkit.densities._spade_costs import spade_costs
from padimkit.densities._traceable_gallery import Neighbours, traceable_scores
from padimkit.errors import BadArgument, BadData, BadFeatures, BadShape, CannotExport, NotFitted
from padimkit.values import Costs, Embedding, Problem, Pyramid, Scores

_MOST_NEIGHBOURS = 10**9


@final
class Spade(DensityModel, PyramidDensity, LeaveOneOut, MemoryForecast, CostModel, Exportable):
    """Mean squared distance to nearest neighbours (Cohen and Hoshen 2020, SPADE, sections 3.2 and 3.3).

    The descriptor of an image is compared with those of the training images, and each of its patches with all
    patches of the images with the nearest descriptors. The search is exact unless `index` says otherwise.

    Args:
        image_neighbours: The paper's K: an image's score is its mean squared distance to this many images.
        gallery_neighbours: Number of nearest images whose patches form the gallery of an image.
        patch_neighbours: The paper's kappa: a patch's score is its mean squared distance to this many.
        index: "Flat", or another factory string of FAISS for the gallery of each image, such as
            "IVF64,Flat" or "HNSW32"; all but "Flat" are trained anew for each image.
        memory_budget: GB (1e9 bytes) of features to keep in memory; further ones are kept in temporary files.
    """

    checked = Checked(arguments={"image_neighbours": 3, "gallery_neighbours": 4})

    def __init__(
        self,
        image_neighbours: int = 50,
        gallery_neighbours: int = 50,
        patch_neighbours: int = 1,
        index: str = "Flat",
        memory_budget: float | None = None,
    ) -> None:
        self.image_neighbours = image_neighbours
        self.gallery_neighbours = gallery_neighbours
        self.patch_neighbours = patch_neighbours
        self.index = index
        self.memory_budget = memory_budget
        for name in ("image_neighbours", "gallery_neighbours", "patch_neighbours"):
            require_whole(name, getattr(self, name), 1, _MOST_NEIGHBOURS)
        require_budget(memory_budget)
        _require_index(index)
        self._gallery: Gallery | None = None

    def peak_bytes(self, *, images: int, channels: int, positions: int) -> int:
        """Return the bytes of all features, aligned: an upper bound if layers keep their resolutions."""
        return 4 * images * channels * positions

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of the exact search over aligned layers, which bound all others."""
        return spade_costs(problem, gallery_neighbours=self.gallery_neighbours)

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Keep the features of all images.

        Raises:
            BadFeatures: The embeddings have no descriptor.
            BadArgument: There are fewer images or patches than neighbours.
        """
        self.fit_pyramids(_as_pyramid(embedding) for embedding in stream)

    def fit_pyramids(self, stream: Iterable[Pyramid]) -> None:
        """Keep the features of all images, each layer at its own resolution."""
        self._gallery = None
        gallery = Gallery(self._budget)
        for pyramid in stream:
            gallery.add(pyramid, _descriptor(pyramid))
        if gallery.count == 0:
            raise BadData("Spade was given no embeddings to learn from.")
        self._require_enough(gallery)
        self._gallery = gallery

    def score(self, embedding: Embedding) -> Scores:
        """Return the mean squared distances of patches and of images."""
        return self.score_pyramid(_as_pyramid(embedding))

    def score_pyramid(self, pyramid: Pyramid) -> Scores:
        """Return the same scores from layers at their own resolutions."""
        distances, nearest = self._nearest_images(_descriptor(pyramid))
        layers = self._fitted().vectors(pyramid)
        queries = ([layer[number] for layer in layers] for number in range(len(distances)))
        return self._scores(queries, distances, nearest)

    def leave_one_out(self) -> LeftOut:
        """Return a function that scores images of the gallery by all others, as a fit without each would."""
        gallery = self._fitted()
        self._require_enough(gallery, left_out=1)
        known = gallery.descriptors

        def score(embedding: Embedding, numbers: Sequence[int]) -> Scores:
            own = known[[number for number in numbers if number < gallery.count]]
            if len(own) < len(numbers) or not _alike(_descriptor(_as_pyramid(embedding)), own):
                raise BadData(
                    "These are not the images of the gallery, or not in the same order. Pass all images of "
                    "the fit in their order, or calibrate on new images as such."
                )
            distances, nearest = self._others(own, numbers)
            return self._scores((gallery.image(number) for number in numbers), distances, nearest)

        return score

    def traceable(self) -> Callable[[Pyramid], Scores]:
        """Return a function that compares with the images of the gallery one after the other.

        Raises:
            CannotExport: The search is not exact.
        """
        gallery = self._fitted()
        if self.index != "Flat":
            raise CannotExport(f'Spade is exported with the index "Flat" only, not with "{self.index}".')
        counts = Neighbours(self.image_neighbours, self.gallery_neighbours, self.patch_neighbours)
        return traceable_scores(gallery, counts, _descriptor)

    def state_dict(self) -> dict[str, Tensor]:
        """Return all features and descriptors."""
        return self._fitted().state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load all features and descriptors."""
        self._gallery = Gallery.from_state_dict(state, self._budget)

    @property
    def _budget(self) -> float:
        return float("inf") if self.memory_budget is None else 1e9 * self.memory_budget

    def _fitted(self) -> Gallery:
        if self._gallery is None:
            raise NotFitted("Spade was used before fit.")
        return self._gallery

    def _scores(
        self,
        queries: Iterable[list[Float[Tensor, "_ _"]]],
        distances: Float[Tensor, "b k"],
        nearest: Int[Tensor, "b k"],
    ) -> Scores:
        """Return the scores of images, given their vectors and their nearest images."""
        gallery = self._fitted()
        order = cell_orders(gallery.grids)[0]
        patches = torch.empty(len(distances), *gallery.grids[0], device=gallery.descriptors.device)
        chosen = nearest[:, : self.gallery_neighbours].tolist()
        for query, indices, found in zip(queries, chosen, patches.flatten(1), strict=True):
            images = [gallery.image(index) for index in indices]
            found[order] = self._distances(query, images).mean(1)
        return Scores(patches, distances[:, : self.image_neighbours].mean(1).to(patches))

    def _require_enough(self, gallery: Gallery, *, left_out: int = 0) -> None:
        count = gallery.count - left_out
        for name in ("image_neighbours", "gallery_neighbours"):
            if getattr(self, name) > count:
                others = " others if one is left out" if left_out else " training images"
                raise BadArgument(
                    f'"{name}" is {getattr(self, name)}, but there are only {count}{others}. '
                    f"Use at most {count}."
                )
        patches = self.gallery_neighbours * gallery.grids[0][0] * gallery.grids[0][1]
        if self.patch_neighbours > patches:
            raise BadArgument(
                f'"patch_neighbours" is {self.patch_neighbours}, but the gallery of an image has only '
                f"{patches} patches. Use at most {patches}."
            )

    def _nearest_images(
        self, descriptors: Float[Tensor, "b e"], *, more: int = 0
    ) -> tuple[Float[Tensor, "b k"], Int[Tensor, "b k"]]:
        """Return squared distances and indices of the nearest training images, the nearest first.

        There are as many as are needed, and `more`.
        """
        known = self._fitted().descriptors
        if descriptors.shape[1] != known.shape[1]:
            raise BadShape(
                f"Spade was fitted on descriptors of {known.shape[1]}, got {descriptors.shape[1]}."
            )
        flat = faiss.IndexFlatL2(known.shape[1])
        flat.add(_array(known))
        count = max(self.image_neighbours, self.gallery_neighbours) + more
        distances, indices = flat.search(_array(descriptors), count)
        return torch.from_numpy(distances), torch.from_numpy(indices)

    def _others(
        self, descriptors: Float[Tensor, "b e"], numbers: Sequence[int]
    ) -> tuple[Float[Tensor, "b k"], Int[Tensor, "b k"]]:
        """Return the same for images of the gallery, each without itself."""
        distances, indices = self._nearest_images(descriptors, more=1)
        itself = indices == torch.tensor(list(numbers))[:, None]
        itself[:, -1] |= ~itself.any(1)  # only among copies of it: the last stands for it
        kept = (len(distances), -1)
        return distances[~itself].reshape(kept), indices[~itself].reshape(kept)

    def _distances(
        self, query: list[Float[Tensor, "_ _"]], images: list[list[Float[Tensor, "_ _"]]]
    ) -> Float[Tensor, "p k"]:
        if self.index == "Flat":
            return nearest_distances(query, images, self.patch_neighbours)
        return indexed_distances(query, images, self.patch_neighbours, self.index)


def _as_pyramid(embedding: Embedding) -> Pyramid:
    return Pyramid((embedding.patches,), embedding.descriptor)


def _alike(descriptors: Float[Tensor, "b e"], known: Float[Tensor, "b e"]) -> bool:
    """Return whether descriptors are those of the same images, up to rounding."""
    off = (descriptors - known).square().sum(1)
    return bool((off <= 1e-4 * known.square().sum(1)).all())


def _descriptor(pyramid: Pyramid) -> Float[Tensor, "b e"]:
    if pyramid.descriptor is None:
        raise BadFeatures(
            "Spade compares images by a descriptor, but the backbone gives none. Set its option "
            '"descriptor" to a layer, such as --pipeline.backbone.descriptor=layer4.'
        )
    return pyramid.descriptor


def _require_index(index: str) -> None:
    try:
        faiss.index_factory(64, index)
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rpartition(": ")[2]
        raise BadArgument(f'FAISS cannot make an "index" of "{index}" ({reason}). Use "Flat".') from None


def _array(vectors: Float[Tensor, "n e"]) -> np.ndarray:
    return np.ascontiguousarray(vectors.cpu().numpy(), dtype=np.float32)
