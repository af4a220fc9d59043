"""The training of a network, which can be stored and continued as if it had not been interrupted."""

import math
from collections.abc import Iterable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Adam

from padimkit import BadArgument, BadData
from padimkit.files.checkpoint import Resumable, load_optimizer_state, optimizer_state, under
from padimkit_vae.network import Network


@final
class Training(Resumable):
    """Adam on the negative evidence lower bound (Kingma and Welling 2014, equation 10).

    Args:
        network: The network to train; it stays in training mode.
        generator: Draws the noise and everything else that is random.
        learning_rate: Adam's step size.
        kl_weight: The weight of the divergence beside the sum of squared errors.
    """

    def __init__(
        self, network: Network, generator: torch.Generator, *, learning_rate: float, kl_weight: float
    ) -> None:
        self.network = network.train()
        self.generator = generator
        self._kl_weight = kl_weight
        self._optimizer = Adam(network.parameters(), lr=learning_rate)

    def epoch(self, batches: Iterable[Float[Tensor, "_ c h w"]]) -> float:
        """Learn from each batch, set `images` to their number, and return the mean loss of an image.

        Raises:
            BadArgument: The loss is not finite.
            BadData: There are fewer than two images, or not as many as in earlier epochs.
        """
        total, count = 0.0, 0
        for batch in batches:
            count += len(batch)
            _require_two(count)
            total += len(batch) * self._step(batch)
        _require_two(count)
        if self.images not in (0, count):
            raise BadData(
                f"There are {count} images in epoch {self.epochs + 1}, but there were {self.images} in those "
                "before. Give the same images in each; to start afresh on others, remove the checkpoint."
            )
        self.epochs += 1
        self.images = count
        return total / count

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, the state of Adam and the state of the generator."""
        state = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        state |= {f"adam/{name}": tensor for name, tensor in optimizer_state(self._optimizer).items()}
        return state | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor], *, epochs: int, images: int) -> None:
        """Continue from a state that `state_dict` returned after this many epochs over this many images.

        Raises:
            KeyError, RuntimeError: The state is that of another network.
        """
        self.network.load_state_dict(under("network/", state))
        load_optimizer_state(self._optimizer, under("adam/", state))
        self.generator.set_state(state["generator"])
        self.epochs, self.images = epochs, images

    @torch.enable_grad()
    def _step(self, batch: Float[Tensor, "b c h w"]) -> float:
        posterior, sizes = self.network.encode(batch)
        reconstruction = self.network.decode(posterior.sample(self.generator), sizes)
        loss = losses(batch, reconstruction, posterior.divergence(), kl_weight=self._kl_weight).mean()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise BadArgument(
                f"The loss of the Vae became {value} in epoch {self.epochs + 1}: training has diverged. "
                f'Use a "learning_rate" below {self._optimizer.param_groups[0]["lr"]:g}.'
            )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return value


def losses(
    images: Float[Tensor, "b c h w"],
    reconstructions: Float[Tensor, "b c h w"],
    divergences: Float[Tensor, " b"],
    *,
    kl_weight: float,
) -> Float[Tensor, " b"]:
    """Return each image's summed squared errors plus weighted divergence, divided by its number of values."""
    errors = (images - reconstructions).square().sum((1, 2, 3))
    return (errors + kl_weight * divergences) / images[0].numel()


def _require_two(count: int) -> None:
    if count < 2:  # batch normalisation learns nothing from one
        raise BadData(f"Vae.fit needs at least 2 images, found {count}.")
