"""The density: what the attention of an autoencoder, trained to cover normal images, leaves out."""

import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from padimkit import BadArgument, BadShape, Checked, DensityModel, Embedding, NotFitted, Scores
from padimkit.arguments import arguments, require_between, require_budget, require_seed, require_whole
from padimkit.arguments.stored_state import require_state
from padimkit.files.checkpoint import digest, resumed
from padimkit_cavga.images import kept, mean_and_deviation
from padimkit_cavga.network import Fresh, Network, fresh, left_out
from padimkit_cavga.training import Training, Weights
from padimkit_cavga.weights import load_weights

_MOST_WEIGHT = 1e12
_RANGES = {
    "latent_channels": (1, 2**16),
    "width": (1, 2**14),
    "stages": (1, 4),
    "epochs": (1, 10**6),
    "batch_size": (2, 2**16),
}
_FACTORS = ("learning_rate", "reconstruction_weight", "adversarial_weight", "attention_weight")
_CHECKPOINT = "padimkit-cavga checkpoint 1"

_NO_DISTANCE = (
    "attention falls where the encoder does not find what it has seen, and may rise with extreme values: it "
    "measures no distance from normal ones"
)
_log = logging.getLogger("padimkit_cavga")


@final
class Cavga(DensityModel):
    """What the attention of an autoencoder leaves out (Venkataramanan et al. 2020, CAVGA-RU), over `pixels`.

    An adversarial variational autoencoder with spatial latent maps over ResNet18, whose attention is trained
    to cover normal images. The score of a pixel is 1 minus its attention, that of an image the mean squared
    error of its reconstruction. The README says what is published and what was chosen.

    Args:
        weights: A file of safetensors with the weights of a ResNet18 to begin with; random ones if None.
        latent_channels: Channels of the latent maps.
        width: Channels of the first layer; 64 is ResNet18, and fewer make a smaller network.
        stages: Stages of the encoder; 4 is ResNet18, whose maps are 32 times smaller than the image.
        epochs: Number of passes over all images.
        batch_size: Images per step of training; at least 2.
        learning_rate: Adam's step size.
        reconstruction_weight: The paper's w_r: of squared errors and divergence.
        adversarial_weight: The paper's w_adv: of the discriminator's verdict.
        attention_weight: The paper's w_ae: of what attention leaves out.
        seed: Fixes first weights, order of images and noise.
        memory_budget: GB (1e9 bytes) of training images that a fit may keep in memory; others are kept in
            temporary files.
        checkpoint: A file from which an interrupted training continues; written after each epoch, removed
            at the end.
    """

    writes = ("checkpoint",)
    checked = Checked(
        arguments={"latent_channels": 2, "width": 4, "stages": 1, "epochs": 1, "learning_rate": 0.01},
        excused={
            "outliers_score_higher": _NO_DISTANCE,
            "worse_defects_score_higher": _NO_DISTANCE,
            "anomalies_stand_out_beside_constant_channels": _NO_DISTANCE,
            "changes_lie_where_the_defect_is": _NO_DISTANCE,
        },
    )

    def __init__(
        self,
        weights: Path | None = None,
        latent_channels: int = 64,
        width: int = 64,
        stages: int = 4,
        epochs: int = 150,
        batch_size: int = 16,
        learning_rate: float = 1e-4,
        reconstruction_weight: float = 1.0,
        adversarial_weight: float = 1.0,
        attention_weight: float = 0.01,
        seed: int = 0,
        memory_budget: float | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        self.weights = weights
        self.latent_channels = latent_channels
        self.width = width
        self.stages = stages
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.reconstruction_weight = reconstruction_weight
        self.adversarial_weight = adversarial_weight
        self.attention_weight = attention_weight
        self.seed = seed
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint
        self._require_arguments()
        self._network: Network | None = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Train on all images, with one line of the log per epoch; a fit that fails changes nothing.

        The result depends on the images and their order, not on their batches.

        Raises:
            BadArgument: Training diverges, or the checkpoint was written with other arguments.
            BadData: There are fewer than two images, or others than those of the checkpoint.
            BadShape: The images do not all have the same shape.
            BadWeights: The file of weights cannot be read, or is not of such an encoder.
            BadModel: The checkpoint is damaged, or is not a checkpoint.
        """
        budget = float("inf") if self.memory_budget is None else 1e9 * self.memory_budget
        images = kept(stream, budget=budget)
        networks = self._networks(images)
        network = networks.network
        for image in images:
            image.copy_(network.standardised(image[None])[0])
        factors = Weights(self.reconstruction_weight, self.adversarial_weight, self.attention_weight)
        training = Training(networks, images, learning_rate=self.learning_rate, weights=factors)
        given = {name: _plain(value) for name, value in arguments(self).items() if name != "checkpoint"}
        known = {"first image": images[0], "last image": images[-1], "mean": network.shift}
        data = {"shape": list(images[0].shape), "images": len(images), "content": digest(known)}
        with resumed(training, self.checkpoint, kind=_CHECKPOINT, arguments=given, data=data) as write:
            while training.epochs < self.epochs:
                self._epoch(training)
                write()
        network.zero_grad(set_to_none=True)
        self._network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def score(self, embedding: Embedding) -> Scores:
        """Return what attention leaves out of each pixel, and each image's mean squared error."""
        network, images = self._fitted(), embedding.patches
        if images.shape[1] != len(network.shift):
            raise BadShape(
                f"Cavga was fitted on images of {len(network.shift)} channels, got {images.shape[1]}. "
                "Use it over the backbone that it was fitted over."
            )
        size = (images.shape[2], images.shape[3])
        images = network.to(images.device).standardised(images)
        maps = network.encoder(images)
        with (
            torch.enable_grad()
        ):  # of the maps alone, whose copy belongs to this call: threads share the network
            encoded = network.encoded(maps.detach().requires_grad_())
            found = left_out(encoded).detach()
        scores = F.interpolate(found[:, None], size, mode="bilinear", align_corners=False)[:, 0]
        drawn = network.decoder(encoded.mean.detach(), size)
        return Scores(scores, (images - drawn).square().mean((1, 2, 3)))

    def state_dict(self) -> dict[str, Tensor]:
        """Return all weights, the statistics of batch normalisation and of the channels."""
        return self._fitted().state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load what `state_dict` returned.

        Raises:
            BadModel: It is not of a Cavga with these arguments.
        """
        channels = len(state["shift"]) if "shift" in state and state["shift"].ndim == 1 else 1
        network = self._new(max(1, channels)).network
        require_state(self, state, **{name: _form(tensor) for name, tensor in network.state_dict().items()})
        network.load_state_dict(state)
        self._network = network.to(state["shift"].device).eval().requires_grad_(False)

    def _require_arguments(self) -> None:
        for name, (least, most) in _RANGES.items():
            require_whole(name, getattr(self, name), least, most)
        require_seed(self.seed)
        require_budget(self.memory_budget)
        if not 0 < self.learning_rate < float("inf"):
            raise BadArgument(f'Expected "learning_rate" above 0, got {self.learning_rate}.')
        for name in _FACTORS:
            require_between(name, getattr(self, name), 0, _MOST_WEIGHT)

    def _fitted(self) -> Network:
        if self._network is None:
            raise NotFitted("Cavga was used before fit.")
        return self._network

    def _new(self, channels: int) -> Fresh:
        return fresh(
            channels=channels,
            width=self.width,
            stages=self.stages,
            latent_channels=self.latent_channels,
            seed=self.seed,
        )

    def _networks(self, images: list[Tensor]) -> Fresh:
        """Return the networks as training begins with them, on the device of the images."""
        networks = self._new(len(images[0]))
        if self.weights is not None:
            load_weights(networks.network.encoder, self.weights)
        networks.network.to(images[0].device)
        networks.discriminator.to(images[0].device)
        shift, scale = mean_and_deviation(images)
        networks.network.shift.copy_(shift)
        networks.network.scale.copy_(scale)
        return networks

    def _epoch(self, training: Training) -> None:
        started = time.perf_counter()
        loss = training.epoch(batch_size=self.batch_size)
        seconds = time.perf_counter() - started
        _log.info("epoch %d of %d: loss %.6g, %.1f s", training.epochs, self.epochs, loss, seconds)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _form(tensor: Tensor) -> str:
    kind = "float" if tensor.is_floating_point() else "int"
    return " ".join([kind, *map(str, tensor.shape)])
