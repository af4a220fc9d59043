"""The reduction to principal components of all patches."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias, final, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_between, require_choice
from padimkit.arguments.checked import Checked
from padimkit.arguments.stored_state import require_state
from padimkit.contracts import CostModel, Exportable, LinearReducer, PyramidLearner, Reducer, Updatable
from padimkit.errors import BadArgument, BadData, BadModel, NotFitted
from padimkit.moments.moments import Moments
from padimkit.moments.nested import are_nested, nested_moments
from padimkit.values import Costs, Embedding, Problem, Pyramid, Work

Which: TypeAlias = Literal["high_variance", "low_variance", "negated"]


@final
class PCA(Reducer, LinearReducer, PyramidLearner, Updatable, CostModel, Exportable):
    """Projection onto principal components of all patches of all images, exact and in one pass.

    Args:
        keep: Number of components, or a fraction of the variance: the fewest components of highest variance
            that hold at least this much, or the most of lowest variance that hold at most this (or one).
        which: The components of highest variance, or of "low_variance"; "negated" are those of lowest
            variance as MahalanobisAD's NPCA takes them (Rippel et al. 2020, section III-C, and the program
            ORippler/gaussian-ad-mvtec): none of the directions in which fewer patches than channels do not
            vary at all, and for a fraction both components between which it lies.
    """

    checked = Checked(arguments={"keep": 3})

    def __init__(self, keep: int | float, which: Which = "high_variance") -> None:
        self.keep = keep
        self.which = which
        require_choice("which", which, get_args(Which))
        require_between("keep", keep, -math.inf, math.inf)  # a fit knows between which numbers
        self._moments: Moments | None = None
        self._components: Tensor | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn the components of all patches.

        Raises:
            BadArgument: `keep` is above the number of channels, or neither a positive integer nor a fraction.
        """
        self._moments = self._components = None
        self.update(stream)

    def update(self, stream: Iterable[Embedding]) -> None:
        """Learn from more patches: the components are then those of all patches so far."""
        for embedding in stream:
            self._learn(embedding.patches)
        self._end_of_learning()

    def fit_pyramids(self, stream: Iterable[Pyramid]) -> None:
        """Learn the components of all patches, and multiply two layers at the resolution of the coarser one.

        For the three layers of ResNet18 that takes a tenth of the operations. Layers that are aligned
        bilinearly, or whose grids do not fit into each other, are aligned first.
        """
        self._moments = self._components = None
        for pyramid in stream:
            if len(pyramid.maps) > 1 and pyramid.alignment == "nearest" and are_nested(pyramid.maps):
                self._moments_of(pyramid.maps).merge(nested_moments(pyramid.maps))
            else:
                self._learn(pyramid.embedding().patches)
        self._end_of_learning()

    def transform(self, embedding: Embedding) -> Embedding:
        """Return the embedding minus the mean of all patches, in the basis of the components."""
        components, mean = self._basis()
        return Embedding(_projected(embedding.patches, components, mean), embedding.descriptor)

    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """Return the sum of each layer's contribution to the components, aligned."""
        return _aligned(maps, *self._basis(), align)

    def traceable(self) -> Callable[[Pyramid], Pyramid]:
        """Return a function that projects layer by layer, as `transform_then_align` does."""
        components, mean = self._basis()
        return lambda pyramid: Pyramid(
            (_aligned(pyramid.maps, components, mean, pyramid.align),), pyramid.descriptor
        )

    def costs(self, problem: Problem) -> Costs:
        """Return the costs with all components where their number depends on the data.

        They are those of aligned patches; a fit on layers at their own resolutions takes less.
        """
        channels, values = problem.channels, problem.images * problem.positions * problem.channels
        kept = self.keep if isinstance(self.keep, int) else channels
        used = problem.positions * channels
        scatter = 8 * channels**2
        return Costs(
            fit=Work(double=2 * values * channels, moved=values * (4 + 4 * 8)),
            prepare=Work(double=9 * channels**3, moved=4 * scatter),
            use=Work(single=2 * used * kept, moved=4 * (used + problem.positions * kept)),
            held=scatter + 8 * channels + 4 * kept * channels,
            stored=8 * channels * (channels + 1) / 2 + 8 * channels + 8,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return the moments of all patches as tensors."""
        if self._moments is None:
            raise NotFitted("PCA.state_dict was called before fit.")
        return self._moments.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the moments that `state_dict` returned.

        Raises:
            BadModel: They are not the moments of at least `keep` channels.
        """
        sizes = require_state(self, state, count="int", mean="float 1 channels", scatter="float 1 triangle")
        if self.keep > sizes["channels"]:
            raise BadModel(f'The state of PCA has {sizes["channels"]} channels, "keep" is {self.keep}.')
        self._moments = Moments.from_state_dict(state)
        self._components = None

    def _learn(self, patches: Float[Tensor, "b c h w"]) -> None:
        rows = patches.permute(0, 2, 3, 1).reshape(-1, 1, patches.shape[1])
        self._moments_of([patches]).update(rows)

    def _end_of_learning(self) -> None:
        if self._moments is None:
            raise BadData("PCA was given no embeddings to learn from.")
        self._components = None

    def _moments_of(self, maps: Sequence[Float[Tensor, "b _ _ _"]]) -> Moments:
        """Return the moments so far, of no patches if these maps are the first."""
        if self._moments is None:
            self._moments = self._empty(sum(one.shape[1] for one in maps), maps[0].device)
        return self._moments

    def _empty(self, channels: int, device: torch.device) -> Moments:
        if not (0 < self.keep < 1 or (isinstance(self.keep, int) and 1 <= self.keep <= channels)):
            raise BadArgument(
                f'Expected "keep" from 1 to the {channels} channels of the embedding, or a fraction of the '
                f"variance between 0 and 1, got {self.keep}."
            )
        # 448 channels at 56 x 56 positions of 209 images are 655,000 vectors: float32 sums would drift.
        return Moments.empty(1, channels, dtype=torch.float64, device=device)

    def _basis(self) -> tuple[Float[Tensor, "k c"], Float[Tensor, " c"]]:
        if self._moments is None:
            raise NotFitted("PCA.transform was called before fit.")
        if self._components is None:
            self._components = _components(self._moments, self.keep, self.which)
        return self._components, self._moments.mean[0].float()


def _aligned(
    maps: Sequence[Float[Tensor, "b _ _ _"]],
    components: Float[Tensor, "k c"],
    mean: Float[Tensor, " c"],
    align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
) -> Float[Tensor, "b k h w"]:
    sizes = [feature_map.shape[1] for feature_map in maps]
    parts = zip(maps, torch.split(components, sizes, dim=1), torch.split(mean, sizes), strict=True)
    first, *others = (align(_projected(feature_map, some, centre)) for feature_map, some, centre in parts)
    return sum(others, start=first)


def _projected(
    feature_map: Float[Tensor, "b c h w"], components: Float[Tensor, "k c"], mean: Float[Tensor, " c"]
) -> Float[Tensor, "b k h w"]:
    projected: Tensor = (feature_map.permute(0, 2, 3, 1) - mean) @ components.T
    return projected.permute(0, 3, 1, 2)


def _components(moments: Moments, keep: int | float, which: Which) -> Float[Tensor, "k c"]:
    if moments.count < 2:
        raise BadData(f"PCA needs at least 2 patches, found {moments.count}.")
    variances, vectors = torch.linalg.eigh(moments.covariance()[0])  # in ascending order of variance
    if which == "negated":
        # The program keeps min(patches, channels) components. The last of as many as patches has no variance,
        # and rounding decides its direction, so that it is left out here too.
        empty = max(0, len(variances) - (moments.count - 1))
        variances, vectors = variances[empty:], vectors[:, empty:]
    kept = _count(variances, keep, which)
    if kept > len(variances):
        raise BadData(f'"keep" is {keep}, but {moments.count} patches vary in {len(variances)} directions.')
    rows: Tensor = (vectors.T.flip(0) if which == "high_variance" else vectors.T)[:kept]
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    rows = rows * largest.sign()  # the sign of an eigenvector is arbitrary: fix it
    return rows.to(torch.float32)


def _count(variances: Float[Tensor, " c"], keep: int | float, which: Which) -> int:
    """Return the number of components to keep, given their variances in ascending order."""
    if isinstance(keep, int):
        return keep
    shares = variances.clamp(min=0).cumsum(0) / variances.clamp(min=0).sum()
    if which == "high_variance":
        return len(shares) - int((shares <= 1 - keep).sum())
    within = int((shares <= keep).sum())
    return max(1, within) if which == "low_variance" else min(within + 2, len(shares))
