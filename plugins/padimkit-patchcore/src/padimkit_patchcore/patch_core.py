"""PatchCore's density, distances to the nearest patches of a coreset."""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import final

import faiss
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from padimkit import (
    BadArgument,
    BadData,
    BadModel,
    BadShape,
    CannotExport,
    CostModel,
    Costs,
    DensityModel,
    Embedding,
    Exportable,
    LeaveOneOut,
    NotFitted,
    Problem,
    Pyramid,
    Scores,
    Work,
)
from padimkit.arguments import require_budget, require_seed, require_whole
from padimkit.arguments.stored_state import require_state
from padimkit.memory import IN_MEMORY, ON_DISK
from padimkit_patchcore.coreset import PROJECTED, Sketch, greedy_coreset, rows_of
from padimkit_patchcore.scoring import Distance, ImageScore, Scoring, weights
from padimkit_patchcore.search import index_of, nearest

_MOST_NEIGHBOURS = 10**9

_PREPARING = Lock()  # of all instances: a lock of their own could be neither copied nor pickled


@final
class PatchCore(DensityModel, LeaveOneOut, CostModel, Exportable):
    """Distance of each patch to the nearest in a coreset of all normal ones (Roth et al. 2022, PatchCore).

    The image's score is that of its most anomalous patch, with a weight that tells how typical the nearest
    coreset patch is of its own neighbours (section 3.3, equation 7). The authors' program
    (amazon-science/patchcore-inspection) has squared distances and no weight.

    Args:
        ratio: Fraction of all normal patches that the coreset keeps.
        neighbours: The paper's b: the number of neighbours of the nearest patch, itself included, that weigh
            the image's score.
        index: "Flat", which is exact, or another factory string of FAISS, such as "IVF64,Flat" or "HNSW32".
        seed: Fixes the coreset's projection and its first patch.
        memory_budget: GB (1e9 bytes) of patches that a fit may keep in memory until the coreset is chosen;
            further ones are kept in temporary files.
        distance: "euclidean", as in the paper, or "squared", as in the authors' program.
        image_score: "weighted", as in the paper, or the "largest" score of a patch, as in the authors'
            program.
    """

    def __init__(
        self,
        ratio: float = 0.1,
        neighbours: int = 9,
        index: str = "Flat",
        seed: int = 0,
        memory_budget: float | None = None,
        distance: Distance = "euclidean",
        image_score: ImageScore = "weighted",
    ) -> None:
        self.ratio = ratio
        self.neighbours = neighbours
        self.index = index
        self.seed = seed
        self.memory_budget = memory_budget
        self.distance = distance
        self.image_score = image_score
        self._scoring = Scoring(distance, image_score)
        if not 0 < ratio <= 1:
            raise BadArgument(f'Expected "ratio" above 0 and up to 1, got {ratio}.')
        # With the nearest alone, equation 7 weighs every image with 0.
        require_whole("neighbours", neighbours, 2, _MOST_NEIGHBOURS)
        require_seed(seed)
        require_budget(memory_budget)
        self._bank: Tensor | None = None
        self._images: Tensor | None = None
        self._search: faiss.Index | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn the coreset of all patches.

        Raises:
            BadArgument: The coreset would hold fewer patches than `neighbours`, or the index cannot be made.
        """
        self._bank = self._images = self._search = None
        parts, sketch, kept, images = [], Sketch(self.seed), 0, 0
        for embedding in stream:
            vectors = _vectors(embedding.patches)
            sketch.add(vectors)
            kept += vectors.nbytes
            images += len(embedding.patches)
            parts.append((IN_MEMORY if kept <= self._budget else ON_DISK).copy(vectors))
        if not parts:
            raise BadData("PatchCore was given no embeddings to learn from.")
        sketched = sketch.vectors()
        count = max(1, round(self.ratio * len(sketched)))
        self._require_enough(count, len(sketched))
        chosen = greedy_coreset(sketched, count=count, seed=self.seed).sort().values
        bank = rows_of(parts, chosen)
        self._search = index_of(bank, self.index)
        self._images = chosen.to(bank.device) // (len(sketched) // images)
        self._bank = bank

    def score(self, embedding: Embedding) -> Scores:
        """Return the distances of patches and the weighted distances of images."""
        return self._scores(embedding, self._fitted(), self._prepared())

    def leave_one_out(self) -> Callable[[Embedding, Sequence[int]], Scores]:
        """Return a function that scores learnt images without the patches of the coreset that are their own.

        A fit without the image would choose some patches of other images in their place: the scores are those
        of such a fit but for this. The search is exact, whatever `index` says.

        Raises:
            BadData: The model was stored by an earlier version, which did not note whose patches it kept.
        """
        bank, images = self._fitted(), self._images
        if images is None:
            raise BadData("The coreset does not say which image each patch is from. Fit the model again.")

        def score(embedding: Embedding, numbers: Sequence[int]) -> Scores:
            parts = zip(torch.split(embedding.patches, 1), numbers, strict=True)
            found = [self._without(images != number, Embedding(part), bank) for part, number in parts]
            own = [scores.images for scores in found if scores.images is not None]
            return Scores(torch.cat([scores.patches for scores in found]), torch.cat(own))

        return score

    def traceable(self) -> Callable[[Pyramid], Scores]:
        """Return a function that searches by products with the whole coreset.

        Raises:
            CannotExport: The search is not exact.
        """
        bank = self._fitted()
        if self.index != "Flat":
            raise CannotExport(f'PatchCore is exported with the index "Flat" only, not with "{self.index}".')
        lengths, neighbours, scoring = bank.square().sum(1), self.neighbours, self._scoring
        transposed = bank.T.contiguous()

        def score(pyramid: Pyramid) -> Scores:
            patches = pyramid.embedding().patches
            _, channels, height, width = patches.shape
            vectors = patches.permute(0, 2, 3, 1).reshape(-1, channels)
            close = bank.index_select(0, (lengths - 2 * (vectors @ transposed)).argmin(1))
            distances = scoring.patches(vectors, close).reshape(-1, height * width)
            farthest = distances.argmax(1, keepdim=True)
            images = distances.gather(1, farthest)[:, 0]
            if not scoring.is_weighted:
                return Scores(distances.reshape(-1, height, width), images)
            own, typical = (
                rows.reshape(-1, height * width, channels).gather(
                    1, farthest[:, :, None].expand(-1, 1, channels)
                )
                for rows in (vectors, close)
            )
            own, typical = own[:, 0], typical[:, 0]
            _, around = (lengths - 2 * (typical @ transposed)).topk(neighbours, dim=1, largest=False)
            others = bank.index_select(0, around.reshape(-1)).reshape(-1, neighbours, channels)
            images = weights(own, typical, others) * images
            return Scores(distances.reshape(-1, height, width), images)

        return score

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of the greedy coreset and of the exact search, which other indexes shorten."""
        patches = problem.images * problem.positions
        kept = max(1, round(self.ratio * patches))
        sketched = min(PROJECTED, problem.channels)
        projected = 2 * patches * problem.channels * sketched if problem.channels > PROJECTED else 0
        bank = 4 * kept * problem.channels
        searched = problem.positions + self._scoring.is_weighted
        measured = 3 * problem.positions * problem.channels
        return Costs(
            # Each choice reads all sketches, and lengths and distances of all patches.
            fit=Work(
                single=projected + kept * patches * (2 * sketched + 4),
                moved=4 * patches * (2 * problem.channels + sketched) + 4 * kept * patches * (sketched + 6),
            ),
            prepare=Work(),
            use=Work(
                single=2 * searched * kept * problem.channels + measured,
                moved=bank * (1 + self._scoring.is_weighted) + 3 * 4 * problem.positions * problem.channels,
            ),
            held=2 * bank + 8 * kept,  # the coreset, and its copy in the index
            stored=bank + 8 * kept,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return the coreset, and the number of the image that each of its patches is from."""
        owners = {} if self._images is None else {"images": self._images}
        return {"bank": self._fitted()} | owners

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the coreset.

        Raises:
            BadModel: It is not a coreset of at least `neighbours` patches.
        """
        sizes = require_state(self, state, bank="float k c", images="int k?")
        if sizes["k"] < self.neighbours or not sizes["c"]:
            raise BadModel(
                f'The coreset has {sizes["k"]} patches, fewer than "neighbours", {self.neighbours}.'
            )
        self._bank = state["bank"]
        self._images = state.get("images")
        self._search = index_of(self._bank, self.index)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_search": None}  # FAISS cannot be copied; it is remade from the coreset

    @property
    def _budget(self) -> float:
        return float("inf") if self.memory_budget is None else 1e9 * self.memory_budget

    def _fitted(self) -> Float[Tensor, "k c"]:
        if self._bank is None:
            raise NotFitted("PatchCore was used before fit.")
        return self._bank

    def _require_enough(self, count: int, patches: int) -> None:
        if self.neighbours > count:
            raise BadArgument(
                f'"neighbours" is {self.neighbours}, but a "ratio" of {self.ratio:g} keeps only {count} of '
                f"{patches} patches. Use at most {count}, or a larger ratio."
            )

    def _without(
        self, others: Bool[Tensor, " k"], embedding: Embedding, bank: Float[Tensor, "k c"]
    ) -> Scores:
        """Return the scores of one image by some patches of the coreset."""
        rest = bank[others]
        if len(rest) < self.neighbours:
            raise BadData(
                f'Without one of the images the coreset has {len(rest)} patches, fewer than "neighbours", '
                f"{self.neighbours}. Use a larger ratio, or fewer neighbours."
            )
        return self._scores(embedding, rest, index_of(rest, "Flat"))

    def _scores(self, embedding: Embedding, bank: Float[Tensor, "k c"], search: faiss.Index) -> Scores:
        batch, channels, height, width = embedding.patches.shape
        if channels != bank.shape[1]:
            raise BadShape(f"PatchCore was fitted on {bank.shape[1]} channels, got {channels}.")
        vectors = _vectors(embedding.patches)
        found = nearest(search, vectors, count=1, factory=self.index)[:, 0]
        distances = self._scoring.patches(vectors, bank[found]).reshape(batch, height * width)
        farthest = distances.argmax(1)
        images = distances.gather(1, farthest[:, None])[:, 0]
        if self._scoring.is_weighted:
            rows = torch.arange(batch, device=vectors.device) * height * width + farthest
            typical = bank[found[rows]]
            around = bank[nearest(search, typical, count=self.neighbours, factory=self.index)]
            images = weights(vectors[rows], typical, around) * images
        return Scores(distances.reshape(batch, height, width), images)

    def _prepared(self) -> faiss.Index:
        """Return the index, which a copy makes when it is first asked."""
        if self._search is None:
            with _PREPARING:
                self._search = self._search or index_of(self._fitted(), self.index)
        return self._search


def _vectors(patches: Float[Tensor, "b c h w"]) -> Float[Tensor, "n c"]:
    return patches.detach().permute(0, 2, 3, 1).flatten(0, 2)
