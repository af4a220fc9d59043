"""The density: the error of each pixel after an autoencoder that has learnt from normal images."""

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from padimkit import (
    BadArgument,
    BadData,
    BadModel,
    BadShape,
    Checked,
    CostModel,
    Costs,
    DensityModel,
    Embedding,
    NotFitted,
    Problem,
    Scores,
)
from padimkit.arguments import arguments, require_between, require_seed, require_whole
from padimkit.files.checkpoint import digest, resumed
from padimkit_vae.costs import vae_costs
from padimkit_vae.network import Network, new_network
from padimkit_vae.shuffling import batches, images_of, shuffled
from padimkit_vae.training import Training

_MOST_WEIGHT = 1e12
_MOST_CHANNELS = 2**16
_RANGES = {
    "latent_channels": (1, 2**16),
    "width": (1, 2**14),
    "epochs": (1, 10**6),
    "batch_size": (2, 2**16),
    "shuffle_buffer": (1, 10**7),
}

_CHECKPOINT = "padimkit-vae checkpoint 1"
_log = logging.getLogger("padimkit_vae")


@final
class Vae(DensityModel, CostModel):
    """Reconstruction error of a variational autoencoder, to be used over the backbone `pixels`.

    A ResNet18 and its mirror image, trained from random weights by Adam. The score of a pixel is the
    distance of its colour from its reconstruction, without noise. Encoder, the 8 x 8 latent at 256 pixels,
    epochs, batch size and learning rate are those of the PaDiM paper (experimental setup). Latent channels,
    KL weight, decoder, squared error and random first weights are choices of this package: the paper does
    not state them.

    Args:
        latent_channels: Channels of the latent maps, which are 32 times smaller than the image.
        width: Channels of the first layer; 64 is ResNet18, and fewer make a smaller network.
        epochs: Number of passes over all images.
        batch_size: Images per step of training, whatever the batches of the reader are; at least 2.
        learning_rate: Adam's step size.
        kl_weight: Weight of the Kullback-Leibler divergence beside the sum of squared errors: twice the
            variance that the likelihood gives to a pixel value in [0, 1].
        seed: Fixes first weights, order of images and noise.
        shuffle_buffer: Number of images in memory to draw the next one from (256 x 256: 0.8 MB each).
        checkpoint: A file from which an interrupted training continues; written after each epoch, removed
            at the end.
    """

    writes = ("checkpoint",)
    checked = Checked(
        arguments={"latent_channels": 2, "width": 4, "epochs": 1, "batch_size": 28, "learning_rate": 0.01}
    )

    def __init__(
        self,
        latent_channels: int = 64,
        width: int = 64,
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 1e-4,
        kl_weight: float = 1.0,
        seed: int = 0,
        shuffle_buffer: int = 256,
        checkpoint: Path | None = None,
    ) -> None:
        self.latent_channels = latent_channels
        self.width = width
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.kl_weight = kl_weight
        self.seed = seed
        self.shuffle_buffer = shuffle_buffer
        self.checkpoint = checkpoint
        self._require_arguments()
        self._network: Network | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Train on all images, with one line of the log per epoch; a fit that fails changes nothing.

        The result depends on the images and their order, not on their batches. A training that continues from
        a checkpoint ends with the weights of an uninterrupted one if the stream gives the same images again.

        Raises:
            BadArgument: Training diverges, or the checkpoint was written with other arguments.
            BadData: There are fewer than two images, or others than those of the checkpoint.
            BadShape: The images do not all have the same shape.
            BadModel: The checkpoint is damaged, or is not a checkpoint.
        """
        image = next(images_of(stream), None)
        if image is None:
            raise BadData("Vae.fit was given no embeddings.")
        training = self._training(channels=len(image), device=image.device)
        given = {name: value for name, value in arguments(self).items() if name != "checkpoint"}
        data = {"shape": list(image.shape), "first image": digest({"image": image})}
        with resumed(training, self.checkpoint, kind=_CHECKPOINT, arguments=given, data=data) as write:
            while training.epochs < self.epochs:
                self._epoch(training, stream)
                write()
        training.network.zero_grad()  # gradients of the last step would be held as long as the network
        self._network = training.network.eval()

    @torch.no_grad()
    def score(self, embedding: Embedding) -> Scores:
        """Return the distance of each pixel from its reconstruction; images may have any size."""
        network, images = self._fitted(), embedding.patches
        if images.shape[1] != network.channels:
            raise BadShape(
                f"Vae was fitted on images of {network.channels} channels, got {images.shape[1]}. "
                "Use it over the backbone that it was fitted over."
            )
        if network.device != images.device:  # a look at all of its layers takes longer than a small image
            network.to(images.device)
        posterior, sizes = network.encode(images)
        return Scores((images - network.decode(posterior.mean, sizes)).square().sum(1).sqrt())

    def costs(self, problem: Problem) -> Costs:
        """Return the costs of a training without a break, and of one image."""
        return vae_costs(
            problem,
            width=self.width,
            latent_channels=self.latent_channels,
            epochs=self.epochs,
            batch_size=self.batch_size,
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return all weights and the statistics of batch normalisation."""
        return self._fitted().state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the weights.

        Raises:
            BadModel: The weights are those of another network.
        """
        try:
            first = state["decoder.exit.weight"]
            if first.ndim != 4 or not 0 < len(first) <= _MOST_CHANNELS:
                raise ValueError(f'"decoder.exit.weight" has the shape {tuple(first.shape)}')
            network = self._new_network(channels=len(first))[0]
            _require_alike(network.state_dict(), state)
            network.load_state_dict(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise BadModel(
                f'The weights do not fit a Vae of "width" {self.width} and "latent_channels" '
                f"{self.latent_channels}: {error}. Use the arguments of the Vae that was fitted."
            ) from error
        self._network = network.to(first.device).eval()

    def _require_arguments(self) -> None:
        for name, (least, most) in _RANGES.items():
            require_whole(name, getattr(self, name), least, most)
        require_seed(self.seed)
        if not 0 < self.learning_rate < float("inf"):
            raise BadArgument(f'Expected "learning_rate" above 0, got {self.learning_rate}.')
        if not 0 <= self.kl_weight < float("inf"):
            raise BadArgument(f'Expected "kl_weight" of at least 0, got {self.kl_weight}.')
        for name in ("learning_rate", "kl_weight"):
            require_between(name, getattr(self, name), 0, _MOST_WEIGHT)

    def _fitted(self) -> Network:
        if self._network is None:
            raise NotFitted("Vae was used before fit.")
        return self._network

    def _new_network(self, *, channels: int) -> tuple[Network, torch.Generator]:
        return new_network(
            channels=channels, width=self.width, latent_channels=self.latent_channels, seed=self.seed
        )

    def _training(self, *, channels: int, device: torch.device) -> Training:
        network, generator = self._new_network(channels=channels)
        return Training(
            network.to(device), generator, learning_rate=self.learning_rate, kl_weight=self.kl_weight
        )

    def _epoch(self, training: Training, stream: Iterable[Embedding]) -> None:
        started = time.perf_counter()
        images = shuffled(images_of(stream), buffer=self.shuffle_buffer, generator=training.generator)
        loss = training.epoch(batches(images, self.batch_size))
        seconds = time.perf_counter() - started
        _log.info("epoch %d of %d: loss %.6g, %.1f s", training.epochs, self.epochs, loss, seconds)


def _require_alike(needed: dict[str, Tensor], given: dict[str, Tensor]) -> None:
    """Raise ValueError where a tensor is of another kind, which would be converted, or not finite."""
    for name, tensor in needed.items():
        if name in given and given[name].is_floating_point() != tensor.is_floating_point():
            raise ValueError(f'"{name}" is {given[name].dtype}, expected {tensor.dtype}')
        if name in given and not torch.isfinite(given[name]).all():
            raise ValueError(f'"{name}" holds NaN or infinity')
