"""PaDiM's density: a Gaussian per patch position."""

from collections.abc import Callable, Iterable, Sequence
from operator import length_hint
from threading import Lock
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_alike, require_between, require_budget, require_choice
from padimkit.arguments.stored_state import require_state
from padimkit.contracts import (
    CostModel,
    DensityModel,
    Exportable,
    LeaveOneOut,
    LeftOut,
    MemoryForecast,
    Mergeable,
    Prepares,
    Updatable,
)
from padimkit.densities._gaussian_costs import GaussianCosts
from padimkit.densities._gaussian_memory import Forecast, Sizes
from padimkit.densities._left_out import (
    Distances,
    distances_by_formula,
    distances_by_moments,
    distances_by_number,
)
from padimkit.densities._traceable import traceable_distances
from padimkit.densities._whitening import DenseWhitening, Whitening, quickest_whitening, smallest_whitening
from padimkit.errors import BadData, BadModel, BadShape, NotFitted
from padimkit.memory import IN_MEMORY, ON_DISK, Allocator
from padimkit.moments.buffered import BufferedMoments, Dense
from padimkit.moments.ledoit_wolf import ShrunkMoments
from padimkit.moments.moments import Moments
from padimkit.values import Costs, Embedding, Problem, Pyramid, Scores

_MOST_EPS = 1e12

_FORMS: dict[str, type[Dense]] = {"empirical": Moments, "ledoit_wolf": ShrunkMoments}
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_PREPARING = Lock()  # of all Gaussians: a lock of their own could be neither copied nor pickled


@final
class Gaussian(
    DensityModel,
    Updatable,
    Mergeable,
    Prepares,
    LeaveOneOut,
    MemoryForecast,
    CostModel,
    Exportable,
):
    """Mahalanobis distance, with square root, to a Gaussian (PaDiM paper, sections III-B and III-D).

    Args:
        eps: Added to the diagonal of the covariance, which is singular for fewer images than channels.
        covariance: The sample covariance, divided by n - 1, or shrunk by Ledoit-Wolf.
        scope: One Gaussian per position, or one that all positions share.
        precision: Precision of sums and scores; float32 resolves variances down to 1e-6 of the largest.
        storage: "half" keeps samples in float16 and the factor that scoring reads in bfloat16: half the
            memory, disk and time. Scores change by about 0.0002 of their value, seldom by 0.01, if features
            vary about as much as the root of eps, like those of ResNets; at 50 times as much, by 0.02.
        memory_budget: GB (1e9 bytes) that fit and score may take; each of several levels has its own. Beyond
            it, samples and sums are kept in a temporary file. If that is not enough, the fit is refused,
            before it begins if the number of images is known by then.
    """

    def __init__(
        self,
        eps: float = 0.01,
        covariance: Literal["empirical", "ledoit_wolf"] = "empirical",
        scope: Literal["per_position", "shared"] = "per_position",
        precision: Literal["float32", "float64"] = "float32",
        storage: Literal["full", "half"] = "full",
        memory_budget: float | None = None,
    ) -> None:
        self.eps = eps
        self.covariance = covariance
        self.scope = scope
        self.precision = precision
        self.storage = storage
        self.memory_budget = memory_budget
        require_choice("covariance", covariance, _FORMS)
        require_choice("scope", scope, ("per_position", "shared"))
        require_choice("precision", precision, _DTYPES)
        require_choice("storage", storage, ("full", "half"))
        require_between("eps", eps, 0, _MOST_EPS)
        require_budget(memory_budget)
        self._learnt: BufferedMoments | None = None
        self._whitening: Whitening | None = None
        self._grid: tuple[int, int] | None = None

    def forecast(self, *, images: int, channels: int, positions: int) -> Forecast:
        """Return the bytes that a fit on this many images takes, by purpose."""
        shared = self.scope == "shared"
        dtype = _DTYPES[self.precision]
        return Forecast.of(
            count=images * positions if shared else images,
            positions=1 if shared else positions,
            dimensions=channels,
            keep_few=self.covariance == "empirical",
            sizes=Sizes(
                dtype.itemsize, self._sample_dtype.itemsize, 2 if self.storage == "half" else dtype.itemsize
            ),
        )

    def peak_bytes(self, *, images: int, channels: int, positions: int) -> int:
        """Return the total of the forecast."""
        return self.forecast(images=images, channels=channels, positions=positions).total

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of the form that a fit would choose: samples, or moments beyond N = d."""
        shared, half = self.scope == "shared", self.storage == "half"
        sums = _DTYPES[self.precision]
        return GaussianCosts(
            count=problem.images * problem.positions if shared else problem.images,
            positions=1 if shared else problem.positions,
            channels=problem.channels,
            variance=problem.variance,
            eps=self.eps,
            shrunk=self.covariance == "ledoit_wolf",
            sums=sums,
            samples=self._sample_dtype,
            factor=torch.bfloat16 if half else sums,
            smallest=self.memory_budget is not None,
        ).costs

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn mean and covariance in one pass, in memory that does not depend on the number of images.

        Raises:
            BadData: There are no embeddings.
            OverBudget: The fit needs more than `memory_budget`; the message names the sizes.
        """
        self._learnt = self._whitening = self._grid = None
        self.update(stream)
        if self._learnt is None:
            raise BadData("Gaussian was given no embeddings to learn from.")

    def update(self, stream: Iterable[Embedding]) -> None:
        """Learn from more embeddings, exactly as if all were in one stream."""
        batches = max(1, length_hint(stream, 1))
        for embedding in stream:
            if not len(embedding.patches):
                continue
            vectors = self._vectors(embedding.patches)
            seen = self._learnt.count if self._learnt else 0
            allocator = self._allocator(seen + batches * vectors.shape[0], *vectors.shape[1:])
            # The first batch was forecast with all that follow; these may be smaller.
            batches = 1
            self._learn(vectors, allocator)
            self._grid = self._grid_of(embedding.patches)
            self._whitening = None

    def merge(self, other: "Gaussian") -> None:
        """Learn what `other` has learnt.

        Raises:
            CannotMerge: `other` has other arguments.
            NotFitted: One of the two was not fitted.
        """
        require_alike(self, other)
        own, others = self._fitted("merge"), other._fitted("merge")
        own.move(self._allocator(own.count + others.count, *own.shape))
        own.merge(others)
        self._whitening = None

    def score(self, embedding: Embedding) -> Scores:
        """Return the distance of each patch from the normal patches at its position."""
        whitening = self._whiten()
        batch, channels, height, width = embedding.patches.shape
        if channels != whitening.mean.shape[1]:
            raise BadShape(
                f"The Gaussians were fitted on {whitening.mean.shape[1]} channels, got {channels}."
            )
        distances = whitening.distances(self._vectors(embedding.patches))
        return Scores(distances.T.reshape(batch, height, width).float())

    def prepare(self) -> None:
        """Factorise the covariances, which the first score would do otherwise."""
        self._whiten()

    def leave_one_out(self) -> LeftOut:
        """Return a function that scores learnt images exactly as a fit on all others would.

        With scope "shared", all patches of an image are left out.
        """
        distances = self._left_out()

        def score(embedding: Embedding, numbers: Sequence[int]) -> Scores:
            batch, _, height, width = embedding.patches.shape
            found = distances(self._vectors(embedding.patches), numbers)
            return Scores(found.T.reshape(batch, height, width).float())

        return score

    def traceable(self) -> Callable[[Pyramid], Scores]:
        """Return a function that gives the distances in float32, whatever `precision` and `storage` say."""
        learnt = self._enough("traceable")
        distances = traceable_distances(learnt, eps=self.eps, empirical=self.covariance == "empirical")
        shared = self.scope == "shared"

        def score(pyramid: Pyramid) -> Scores:
            patches = pyramid.embedding().patches
            _, channels, height, width = patches.shape
            vectors = patches.permute(2, 3, 0, 1)  # positions first, as the products need them
            if shared:
                found = distances(vectors.reshape(1, -1, channels))
            else:
                found = distances(vectors.reshape(height * width, -1, channels))
            return Scores(found.reshape(height, width, -1).permute(2, 0, 1))

        return score

    def state_dict(self) -> dict[str, Tensor]:
        """Return the moments, or the samples if they are few, and the grid of positions."""
        learnt = self._fitted("state_dict")
        assert self._grid is not None
        return learnt.state_dict() | {"grid": torch.tensor(self._grid)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the state that `state_dict` returned.

        Raises:
            BadModel: It does not hold the samples, or the moments, of a grid of positions.
        """
        height, width = self._checked(state)
        self._grid = (height, width)
        samples = state["samples"]
        count = samples.shape[0] + int(state.get("count", 0))
        allocator = self._allocator(count, *samples.shape[1:])
        self._learnt = BufferedMoments.from_state_dict(_FORMS[self.covariance], state, allocator)
        self._whitening = None

    def _checked(self, state: dict[str, Tensor]) -> tuple[int, int]:
        """Return the grid of a state, all of whose tensors fit together."""
        forms = {"samples": "float n* p d", "origin": "float p d", "grid": "int 2"}
        if "scatter" in state:
            forms |= {"count": "int", "mean": "float p d", "scatter": "float p triangle"}
            if self.covariance == "ledoit_wolf":
                forms |= {"cubic": "float p d", "quartic": "float p"}
        sizes = require_state(self, state, **forms)
        height, width = state["grid"].tolist()
        positions = 1 if self.scope == "shared" else height * width
        empty = not (sizes["n"] or "scatter" in state)
        if min(height, width) < 1 or positions != sizes["p"] or empty:
            raise BadModel(
                f'The state of Gaussian has {sizes["n"]} samples of {sizes["p"]} positions, and a "grid" of '
                f"{height} x {width}."
            )
        return height, width

    @property
    def _sample_dtype(self) -> torch.dtype:
        return torch.float16 if self.storage == "half" else _DTYPES[self.precision]

    def _learn(self, vectors: Float[Tensor, "n p c"], allocator: Allocator) -> None:
        if self._learnt is None:
            self._learnt = BufferedMoments.of(
                _FORMS[self.covariance],
                vectors,
                precision=_DTYPES[self.precision],
                storage=self._sample_dtype,
                allocator=allocator,
            )
        else:
            self._learnt.move(allocator)
            self._learnt.update(vectors)

    def _allocator(self, count: int, positions: int, dimensions: int) -> Allocator:
        """Return the allocator for moments of this many vectors per position."""
        if self.memory_budget is None:
            return IN_MEMORY
        expected = self.forecast(images=count, channels=dimensions, positions=positions)
        return IN_MEMORY if expected.fits(self.memory_budget * 1e9) else ON_DISK

    def _fitted(self, method: str) -> BufferedMoments:
        if self._learnt is None:
            raise NotFitted(f"Gaussian.{method} was called before fit.")
        return self._learnt

    def _enough(self, method: str) -> BufferedMoments:
        learnt = self._fitted(method)
        if learnt.count < 2:
            raise BadData(f"A Gaussian needs at least 2 samples per position, found {learnt.count}.")
        return learnt

    def _vectors(self, patches: Float[Tensor, "b c h w"]) -> Float[Tensor, "n p c"]:
        vectors = patches.detach().permute(0, 2, 3, 1)
        if self.scope == "shared":
            return vectors.reshape(-1, 1, patches.shape[1])
        grid = self._grid_of(patches)
        if self._grid is not None and grid != self._grid:
            raise BadShape(
                f"The Gaussians were fitted on {self._grid[0]} x {self._grid[1]} positions, got "
                f'{grid[0]} x {grid[1]}. Use images of one size, or scope "shared".'
            )
        return vectors.flatten(1, 2)

    def _grid_of(self, patches: Float[Tensor, "b c h w"]) -> tuple[int, int]:
        return (1, 1) if self.scope == "shared" else (patches.shape[2], patches.shape[3])

    def _whiten(self) -> Whitening:
        """Return the form in which scoring is quick, which the first call prepares."""
        whitening = self._whitening  # another thread may drop it, to leave images out
        if whitening is None:
            with _PREPARING:
                whitening = self._whitening = self._whitening or self._prepared()
        return whitening

    def _left_out(self) -> Distances:
        learnt = self._fitted("leave_one_out")
        if learnt.count < 3:
            raise BadData(f"To leave one image out, a Gaussian needs at least 3, found {learnt.count}.")
        self._whitening = None  # the memory of one form is enough
        if self.covariance == "ledoit_wolf" or self.scope == "shared":
            return distances_by_moments(learnt, eps=self.eps)
        if learnt.few:
            return distances_by_number(learnt.few.copy(), eps=self.eps)
        return distances_by_formula(learnt, eps=self.eps, allocator=self._left_out_allocator(learnt))

    def _left_out_allocator(self, learnt: BufferedMoments) -> Allocator:
        """Return the allocator for a factor that is not in half precision: rounding would grow with 1 - t."""
        if self.memory_budget is None:
            return IN_MEMORY
        positions, dimensions = learnt.shape
        expected = self.forecast(images=learnt.count, channels=dimensions, positions=positions)
        factor = expected.factor * (2 if self.storage == "half" else 1)
        fits = expected.learnt + factor + expected.workspace <= self.memory_budget * 1e9
        return IN_MEMORY if fits else ON_DISK

    def _prepared(self) -> Whitening:
        learnt = self._enough("score")
        half = self.storage == "half"
        if self.covariance == "empirical" and learnt.few:
            choose = quickest_whitening if self.memory_budget is None else smallest_whitening
            return choose(learnt.few, eps=self.eps, half=half)
        return DenseWhitening(learnt, eps=self.eps, half=half)
