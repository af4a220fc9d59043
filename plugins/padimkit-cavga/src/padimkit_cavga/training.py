"""The training of the networks, which can be stored and continued as if it had not been interrupted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.optim import Adam

from padimkit import BadArgument
from padimkit.files.checkpoint import Resumable, load_optimizer_state, optimizer_state, under
from padimkit_cavga.network import Encoded, Fresh, attention


@dataclass(frozen=True)
class Weights:
    """The weights of the parts of the loss: w_r, w_adv and w_ae."""

    reconstruction: float
    adversarial: float
    attention: float


@final
class Training(Resumable):
    """Adam on the weighted loss of the autoencoder, and in turn on that of the discriminator.

    Args:
        networks: The networks to train, and the generator of everything that is random.
        images: The standardised training images.
        learning_rate: Adam's step size, for both.
        weights: The weights of the parts of the loss.
    """

    def __init__(
        self,
        networks: Fresh,
        images: Sequence[Float[Tensor, "c h w"]],
        *,
        learning_rate: float,
        weights: Weights,
    ) -> None:
        self.images = len(images)
        self._network = networks.network.train()
        self._discriminator = networks.discriminator.train()
        self._generator = networks.generator
        self._images = images
        self._weights = weights
        self._own = Adam(self._network.parameters(), lr=learning_rate)
        self._other = Adam(self._discriminator.parameters(), lr=learning_rate)

    def epoch(self, *, batch_size: int) -> float:
        """Learn from all images in random order, and return the mean loss of the autoencoder.

        Raises:
            BadArgument: The loss is not finite.
        """
        order = torch.randperm(self.images, generator=self._generator)
        parts = list(torch.split(order, batch_size))
        if len(parts[-1]) == 1 and len(parts) > 1:  # batch normalisation needs two
            parts[-2:] = [torch.cat(parts[-2:])]
        total = 0.0
        for part in parts:
            total += len(part) * self._step(torch.stack([self._images[n] for n in part.tolist()]))
        self.epochs += 1
        return total / self.images

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights of both networks, the states of Adam and the state of the generator."""
        tensors = {
            "network/": self._network.state_dict(),
            "discriminator/": self._discriminator.state_dict(),
            "adam/": optimizer_state(self._own),
            "other adam/": optimizer_state(self._other),
        }
        state = {prefix + name: value for prefix, part in tensors.items() for name, value in part.items()}
        return state | {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor], *, epochs: int, images: int) -> None:
        """Continue from a state that `state_dict` returned after this many epochs."""
        self._network.load_state_dict(under("network/", state))
        self._discriminator.load_state_dict(under("discriminator/", state))
        load_optimizer_state(self._own, under("adam/", state))
        load_optimizer_state(self._other, under("other adam/", state))
        self._generator.set_state(state["generator"])
        self.epochs, self.images = epochs, images

    @torch.enable_grad()
    def _step(self, images: Float[Tensor, "b c h w"]) -> float:
        encoded = self._network.encode(images)
        latent = encoded.sample(self._generator)
        drawn = self._network.decoder(latent, (images.shape[2], images.shape[3]))
        self._other.zero_grad()
        discrimination(self._discriminator(images), self._discriminator(drawn.detach())).backward()  # type: ignore[no-untyped-call]
        self._other.step()
        loss = self._weights.reconstruction * evidence(images, drawn, encoded)
        loss = loss + self._weights.adversarial * deception(self._discriminator(drawn))
        loss = loss + self._weights.attention * expansion(attention(encoded, create_graph=True))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise BadArgument(
                f"The loss of Cavga became {value} in epoch {self.epochs + 1}: training has diverged. "
                f'Use a "learning_rate" below {self._own.param_groups[0]["lr"]:g}.'
            )
        self._own.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._own.step()
        return value


def evidence(
    images: Float[Tensor, "b c h w"], drawn: Float[Tensor, "b c h w"], encoded: Encoded
) -> Float[Tensor, ""]:
    """Return the mean squared error plus the divergence of the latent maps for each value of an image."""
    return F.mse_loss(drawn, images) + encoded.divergence().mean() / images[0].numel()


def discrimination(real: Float[Tensor, " b"], drawn: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Return the cross-entropy of a discriminator that gives logits to real and to drawn images."""
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def deception(drawn: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Return what a decoder loses by images told from real ones (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-drawn).mean()


def expansion(attention: Float[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """Return the attention expansion loss: the mean of what attention leaves out."""
    return (1 - attention).mean()
