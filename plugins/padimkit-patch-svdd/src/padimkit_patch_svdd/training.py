"""The training of the encoders, which can be stored and continued as if it had not been interrupted."""

import math
from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam

from padimkit import BadArgument
from padimkit.files.checkpoint import Resumable, load_optimizer_state, optimizer_state, under
from padimkit_patch_svdd.encoder import SLOPE, Encoder
from padimkit_patch_svdd.patches import DIRECTIONS, close_pairs, cut, disturbed, neighbour_pairs

_HIDDEN = 128  # units of each hidden layer of a classifier


@final
class Training(Resumable):
    """Adam on the sum of both losses at both sizes of patches (Yi and Yoon 2020, equations 4 to 6).

    Args:
        networks: The encoder and its classifiers.
        generator: Draws everything that is random.
        images: The training images without their mean.
        learning_rate: Adam's step size.
        svdd_weight: The weight of the distances of close patches beside the loss of the classifiers.
    """

    def __init__(
        self,
        networks: "Networks",
        generator: torch.Generator,
        images: Sequence[Float[Tensor, "c h w"]],
        *,
        learning_rate: float,
        svdd_weight: float,
    ) -> None:
        self.networks = networks.train()
        self.generator = generator
        self.images = len(images)
        self._images = images
        self._size = (images[0].shape[1], images[0].shape[2])
        self._svdd_weight = svdd_weight
        self._optimizer = Adam(networks.parameters(), lr=learning_rate)

    def epoch(self, *, patches_per_image: int, batch_size: int) -> float:
        """Learn from so many pairs of each kind of each image, in random order, and return the mean loss.

        Raises:
            BadArgument: The loss is not finite.
        """
        order = torch.randperm(self.images * patches_per_image, generator=self.generator) % self.images
        total = sum(len(part) * self._step(part.tolist()) for part in torch.split(order, batch_size))
        self.epochs += 1
        return total / len(order)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, the state of Adam and the state of the generator."""
        state = {f"networks/{name}": tensor for name, tensor in self.networks.state_dict().items()}
        state |= {f"adam/{name}": tensor for name, tensor in optimizer_state(self._optimizer).items()}
        return state | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor], *, epochs: int, images: int) -> None:
        """Continue from a state that `state_dict` returned after this many epochs."""
        self.networks.load_state_dict(under("networks/", state))
        load_optimizer_state(self._optimizer, under("adam/", state))
        self.generator.set_state(state["generator"])
        self.epochs, self.images = epochs, images

    @torch.enable_grad()
    def _step(self, numbers: list[int]) -> float:
        loss = self._loss(numbers)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise BadArgument(
                f"The loss of PatchSvdd became {value} in epoch {self.epochs + 1}: training has diverged. "
                f'Use a "learning_rate" below {self._optimizer.param_groups[0]["lr"]:g}.'
            )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return value

    def _loss(self, numbers: list[int]) -> Float[Tensor, ""]:
        encoder = self.networks.encoder
        loss = torch.zeros((), device=self._images[0].device)
        for patch, embed, classifier in (
            (2 * encoder.patch, encoder.embed_large, self.networks.large),
            (encoder.patch, encoder.embed_small, self.networks.small),
        ):
            first, second, direction = neighbour_pairs(
                len(numbers), size=self._size, patch=patch, generator=self.generator
            )
            one, other = (
                embed(disturbed(cut(self._images, numbers, place, patch), self.generator))
                for place in (first, second)
            )
            loss = loss + position_loss(classifier, one, other, direction.to(loss.device))
            places = close_pairs(len(numbers), size=self._size, patch=patch, generator=self.generator)
            one, other = (embed(cut(self._images, numbers, place, patch)) for place in places)
            loss = loss + self._svdd_weight * svdd_loss(one, other)
        return loss


@final
class Networks(nn.Module):
    """The encoder, and for each size of patches a classifier of directions, which only training needs."""

    def __init__(self, encoder: Encoder, *, dimension: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.large, self.small = _classifier(dimension), _classifier(dimension)


def svdd_loss(first: Float[Tensor, "n d"], second: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Return the mean distance of the embeddings of close patches (equation 4)."""
    apart: Tensor = (first - second).norm(dim=1)
    return apart.mean()


def position_loss(
    classifier: nn.Module,
    first: Float[Tensor, "n d"],
    second: Float[Tensor, "n d"],
    direction: Int[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy of the directions, told from differences of embeddings (equation 5)."""
    return F.cross_entropy(classifier(first - second), direction)


def new_networks(
    *, channels: int, patch: int, width: int, dimension: int, seed: int
) -> tuple[Networks, torch.Generator]:
    """Return networks with random weights, and a generator that continues after the draw of the weights.

    Layers of torch draw their weights from the global generator, whose state is restored afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs too
        encoder = Encoder(channels=channels, patch=patch, width=width, dimension=dimension)
        networks = Networks(encoder, dimension=dimension)
        generator = torch.Generator()
        generator.set_state(torch.default_generator.get_state())
    return networks, generator


def _classifier(dimension: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(dimension, _HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(_HIDDEN, _HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(_HIDDEN, len(DIRECTIONS)),
    )
