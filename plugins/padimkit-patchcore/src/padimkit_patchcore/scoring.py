"""The scores of patches and of images, from patches and their nearest in the coreset."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import require_choice

Distance: TypeAlias = Literal["euclidean", "squared"]
ImageScore: TypeAlias = Literal["weighted", "largest"]


@dataclass(frozen=True)
class Scoring:
    """The distance that scores a patch, and the score of the image that it is the farthest patch of.

    Args:
        distance: That of the paper, or its square, as in the authors' program.
        image_score: Equation 7 of the paper, or the largest score of a patch, as in the authors' program.
    """

    distance: Distance
    image_score: ImageScore

    def __post_init__(self) -> None:
        require_choice("distance", self.distance, get_args(Distance))
        require_choice("image_score", self.image_score, get_args(ImageScore))

    def patches(self, vectors: Float[Tensor, "n c"], nearest: Float[Tensor, "n c"]) -> Float[Tensor, " n"]:
        """Return the scores of patches.

        They are measured again: a search expands the square, which leaves few digits of small distances.
        """
        differences = vectors - nearest
        return differences.square().sum(1) if self.distance == "squared" else differences.norm(dim=1)

    @property
    def is_weighted(self) -> bool:
        """True if the score of an image asks for the neighbours of its farthest patch's nearest."""
        return self.image_score == "weighted"


def weights(
    patches: Float[Tensor, "b c"], nearest: Float[Tensor, "b c"], around: Float[Tensor, "b n c"]
) -> Float[Tensor, " b"]:
    """Return 1 minus the share of the nearest in the exponentials of the distances to its neighbours."""
    own = (patches - nearest).norm(dim=1)
    others = (patches[:, None] - around).norm(dim=2)
    share: Tensor = (own - others.logsumexp(1)).exp()
    return 1 - share
