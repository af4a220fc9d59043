"""The reduction to principal components of each position's own patches."""

from collections.abc import Callable, Iterable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_whole
from padimkit.arguments.checked import Checked
from padimkit.arguments.stored_state import require_state
from padimkit.contracts import CostModel, Exportable, Reducer
from padimkit.errors import BadArgument, BadData, BadModel, BadShape, NotFitted
from padimkit.memory import IN_MEMORY, slices
from padimkit.moments.buffered import BufferedMoments
from padimkit.moments.moments import Moments
from padimkit.values import Costs, Embedding, Problem, Pyramid, Work

_MOST_CHANNELS = 2**20
_LEAST = 1e-14  # of the largest variance; features in float32 resolve no less


@final
class PCAPerPosition(Reducer, CostModel, Exportable):
    """Projection onto principal components of the patches at each position, exact and in one pass.

    The second reading of the PaDiM paper (section III-C, Table II), which does not say whether the components
    are those of all patches, as `pca` has them, or of each position, as the Gaussians are. The model holds
    one matrix for each position: 562 MB for 100 components of 448 channels at 56 x 56 positions. While it
    learns, the patches of all images are in memory, or a covariance per position if it is smaller.

    Args:
        keep: Number of components of highest variance; fewer than the training images.
    """

    checked = Checked(arguments={"keep": 3})

    def __init__(self, keep: int) -> None:
        self.keep = keep
        require_whole("keep", keep, 1, _MOST_CHANNELS)
        self._components: Tensor | None = None
        self._mean: Tensor | None = None
        self._grid = (0, 0)

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn the components of each position.

        Raises:
            BadArgument: `keep` is above the number of channels.
            BadData: There are not more images than `keep`.
            BadShape: The embeddings differ in size.
        """
        self._components = self._mean = None
        learnt: BufferedMoments | None = None
        for embedding in stream:
            vectors = _vectors(embedding.patches).transpose(0, 1)
            if learnt is None:
                self._grid = (embedding.patches.shape[2], embedding.patches.shape[3])
                self._require_channels(vectors.shape[2])
                learnt = BufferedMoments.of(
                    Moments,
                    vectors,
                    precision=torch.float32,
                    storage=torch.float32,
                    allocator=IN_MEMORY,
                )
            else:
                self._require_grid(embedding.patches)
                learnt.update(vectors)
        if learnt is None:
            raise BadData("PCAPerPosition.fit was given no embeddings.")
        if learnt.count <= self.keep:
            raise BadData(
                f'"keep" is {self.keep}, but {learnt.count} images vary in {learnt.count - 1} directions at '
                "each position. Keep fewer components, or use pca."
            )
        self._mean, self._components = _learnt(learnt, self.keep)

    def transform(self, embedding: Embedding) -> Embedding:
        """Return the embedding minus the mean of its position, in the basis of the position's components."""
        mean, components = self._fitted("transform")
        self._require_grid(embedding.patches)
        if embedding.patches.shape[1] != mean.shape[1]:
            raise BadShape(
                f"The components were fitted on {mean.shape[1]} channels, got {embedding.patches.shape[1]}."
            )
        return Embedding(_projected(embedding.patches, mean, components), embedding.descriptor)

    def traceable(self) -> Callable[[Pyramid], Pyramid]:
        """Return a function that aligns all layers and projects each position."""
        mean, components = self._fitted("traceable")

        def project(pyramid: Pyramid) -> Pyramid:
            embedding = pyramid.embedding()
            return Pyramid((_projected(embedding.patches, mean, components),), embedding.descriptor)

        return project

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of one decomposition for each position, of the images or of the channels.

        The smaller of the two is decomposed; an eigendecomposition takes some 9 operations for each cube.
        """
        images, channels, positions = problem.images, problem.channels, problem.positions
        values, matrix = images * channels, (self.keep + 1) * channels  # of a position, with the mean
        if images <= channels:
            double = 2 * images * values + 9 * images**3 + 2 * self.keep * values
            fit = Work(double=positions * double, moved=positions * values * (2 * 4 + 4 * 8))
        else:
            single, double = 2 * values * channels, 9 * channels**3
            moved = positions * (12 * values + 5 * 8 * channels**2)
            fit = Work(single=positions * single, double=positions * double, moved=moved)
        used = Work(
            single=2 * positions * self.keep * channels,
            moved=4 * positions * (matrix + channels + self.keep),
        )
        size = 4 * positions * matrix
        form = "images" if images <= channels else "channels"
        return Costs(fit, Work(), used, held=size, stored=size, form=form)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the mean and the components of each position, and the grid of positions."""
        mean, components = self._fitted("state_dict")
        return {"mean": mean, "components": components, "grid": torch.tensor(self._grid)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load what `state_dict` returned.

        Raises:
            BadModel: It is not `keep` components for each position of a grid.
        """
        forms = {"mean": "float p c", "components": f"float p {self.keep} c", "grid": "int 2"}
        sizes = require_state(self, state, **forms)
        height, width = state["grid"].tolist()
        if min(height, width) < 1 or height * width != sizes["p"] or self.keep > sizes["c"]:
            raise BadModel(
                f"The state of PCAPerPosition has {self.keep} components of {sizes['c']} channels at "
                f'{sizes["p"]} positions, and a "grid" of {height} x {width}.'
            )
        self._grid = (height, width)
        self._mean, self._components = state["mean"], state["components"]

    def _fitted(self, method: str) -> tuple[Float[Tensor, "p c"], Float[Tensor, "p k c"]]:
        if self._mean is None or self._components is None:
            raise NotFitted(f"PCAPerPosition.{method} was called before fit.")
        return self._mean, self._components

    def _require_channels(self, channels: int) -> None:
        if self.keep > channels:
            raise BadArgument(
                f'Expected "keep" from 1 to the {channels} channels of the embedding, got {self.keep}.'
            )

    def _require_grid(self, patches: Float[Tensor, "b c h w"]) -> None:
        height, width = patches.shape[2:]
        if (height, width) != self._grid:
            raise BadShape(
                f"The components were fitted on {self._grid[0]} x {self._grid[1]} positions, got {height} x "
                f"{width}. Use images of one size, or pca."
            )


def _vectors(patches: Float[Tensor, "b c h w"]) -> Float[Tensor, "p b c"]:
    _, channels, height, width = patches.shape
    return patches.detach().permute(2, 3, 0, 1).reshape(height * width, -1, channels)


def _projected(
    patches: Float[Tensor, "b c h w"], mean: Float[Tensor, "p c"], components: Float[Tensor, "p k c"]
) -> Float[Tensor, "b k h w"]:
    _, _, height, width = patches.shape
    projected = (_vectors(patches) - mean[:, None]) @ components.transpose(1, 2)
    return projected.reshape(height, width, -1, components.shape[1]).permute(2, 3, 0, 1)


def _learnt(learnt: BufferedMoments, keep: int) -> tuple[Float[Tensor, "p c"], Float[Tensor, "p k c"]]:
    """Return mean and components of each position, worked on in portions of positions."""
    positions, channels = learnt.shape
    bytes_each = 8 * 3 * channels * max(channels, learnt.count)
    parts = [_components(learnt, chosen, keep) for chosen in slices(positions, bytes_each)]
    return torch.cat([mean for mean, _ in parts]), torch.cat([rows for _, rows in parts])


def _components(
    learnt: BufferedMoments, chosen: slice, keep: int
) -> tuple[Float[Tensor, "k c"], Float[Tensor, "k n c"]]:
    if learnt.few is None:
        mean, covariance = learnt.gaussian(chosen)
        variances, vectors = torch.linalg.eigh(covariance)  # in ascending order of variance
        rows = vectors[:, :, -keep:].transpose(1, 2)
    else:
        mean, deviations = learnt.few.at(chosen)
        # The products of all pairs of images are fewer numbers, and have the same variances times a factor.
        variances, vectors = torch.linalg.eigh(deviations @ deviations.transpose(1, 2))
        rows = torch.nn.functional.normalize(vectors[:, :, -keep:].transpose(1, 2) @ deviations, dim=2)
    # A position may vary in fewer directions than others; rounding would decide those that it lacks.
    varies = variances[:, -keep:] > _LEAST * variances[:, -1:]
    rows = (rows * varies[:, :, None]).flip(1)
    largest = rows.gather(2, rows.abs().argmax(2, keepdim=True))
    return mean.float(), (rows * largest.sign()).float()  # the sign of an eigenvector is arbitrary: fix it
