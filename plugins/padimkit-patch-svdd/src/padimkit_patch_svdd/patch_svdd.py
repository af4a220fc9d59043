"""The density: the distance of patches to normal ones, in a space that tells where a neighbour lies."""

import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit import BadArgument, BadModel, BadShape, Checked, DensityModel, Embedding, NotFitted, Scores
from padimkit.arguments import arguments, require_between, require_budget, require_seed, require_whole
from padimkit.arguments.stored_state import require_state
from padimkit.files.checkpoint import digest, resumed
from padimkit_patch_svdd.encoder import LARGE_STRIDE, Encoder
from padimkit_patch_svdd.images import centred
from padimkit_patch_svdd.scoring import Scale, banks
from padimkit_patch_svdd.training import Networks, Training, new_networks

_MOST_WEIGHT = 1e12
_RANGES = {
    "patch": (8, 32),
    "stride": (2, 32),
    "dimension": (1, 2**14),
    "width": (1, 2**14),
    "epochs": (1, 10**6),
    "patches_per_image": (1, 10**6),
    "batch_size": (1, 2**16),
}
_CHECKPOINT = "padimkit-patch-svdd checkpoint 1"
_TOGETHER = 4  # images that are embedded at a time

_log = logging.getLogger("padimkit_patch_svdd")


@final
class PatchSvdd(DensityModel):
    """Distances of patches to the nearest normal ones in a learnt space (Yi and Yoon 2020), over `pixels`.

    Encoders of small patches, and of large ones by their quarters, learn that patches close to each other
    are alike and in which of eight directions a neighbour lies. The score of a pixel is the mean distance
    over the patches that cover it, multiplied over both sizes. Numbers that the paper lacks are those of the
    authors' program (nuclearboy95/Anomaly-Detection-PatchSVDD-PyTorch).

    Args:
        patch: Side of a small patch in pixels, a multiple of 4; a large one has twice the side.
        stride: Pixels between small patches when images are scored, even and a divisor of `patch`; between
            large ones there are four times as many.
        dimension: Channels of the embeddings.
        width: Channels of the first layer.
        epochs: Number of passes over all images.
        patches_per_image: Pairs of each kind that are drawn from an image in an epoch.
        batch_size: Pairs of each kind in a step of training.
        learning_rate: Adam's step size.
        svdd_weight: The paper's lambda: the weight of close patches' distances beside the loss of directions.
        seed: Fixes first weights and all draws.
        memory_budget: GB (1e9 bytes) of training images that a fit may keep in memory; others are kept in
            temporary files.
        checkpoint: A file from which an interrupted training continues; written after each epoch, removed
            at the end.
    """

    writes = ("checkpoint",)
    checked = Checked(
        arguments={
            "patch": 8,
            "stride": 2,
            "dimension": 8,
            "width": 4,
            "epochs": 1,
            "patches_per_image": 2,
        },
        size=(20, 26),
        excused={
            "changes_lie_where_the_defect_is": "a pixel has the mean over all patches that cover it, so that "
            "a change is as large one position further"
        },
    )

    def __init__(
        self,
        patch: int = 32,
        stride: int = 4,
        dimension: int = 64,
        width: int = 32,
        epochs: int = 300,
        patches_per_image: int = 100,
        batch_size: int = 64,
        learning_rate: float = 1e-4,
        svdd_weight: float = 1e-3,
        seed: int = 0,
        memory_budget: float | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        self.patch = patch
        self.stride = stride
        self.dimension = dimension
        self.width = width
        self.epochs = epochs
        self.patches_per_image = patches_per_image
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.svdd_weight = svdd_weight
        self.seed = seed
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint
        self._require_arguments()
        self._encoder: Encoder | None = None
        self._mean = self._small = self._large = torch.empty(0)

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Train on all images, with one line of the log per epoch, and keep the embeddings of their patches.

        The result depends on the images and their order, not on their batches.

        Raises:
            BadArgument: Training diverges, or the checkpoint was written with other arguments.
            BadData: There are no images, or others than those of the checkpoint.
            BadShape: The images are smaller than a large patch, or do not all have the same shape.
            BadModel: The checkpoint is damaged, or is not a checkpoint.
        """
        budget = float("inf") if self.memory_budget is None else 1e9 * self.memory_budget
        images, mean = centred(stream, budget=budget)
        self._require_room(mean)
        training = self._training(images)
        given = {name: value for name, value in arguments(self).items() if name != "checkpoint"}
        data = {"shape": list(mean.shape), "images": len(images), "mean image": digest({"mean": mean})}
        with resumed(training, self.checkpoint, kind=_CHECKPOINT, arguments=given, data=data) as write:
            while training.epochs < self.epochs:
                self._epoch(training)
                write()
        encoder = training.networks.encoder.eval()
        encoder.zero_grad(set_to_none=True)
        self._small, self._large = banks(encoder, images, stride=self.stride)
        self._encoder, self._mean = encoder, mean

    @torch.no_grad()
    def score(self, embedding: Embedding) -> Scores:
        """Return the product of both maps of distances, for images of the size of those that were learnt."""
        encoder, images = self._fitted(), embedding.patches
        if images.shape[1:] != self._mean.shape:
            raise BadShape(
                f"PatchSvdd was fitted on images of shape {tuple(self._mean.shape)}, got "
                f"{tuple(images.shape[1:])}. Resize and crop them alike."
            )
        size = (images.shape[2], images.shape[3])
        maps = []
        for part in torch.split(images - self._mean.to(images.device), _TOGETHER):
            small, large = encoder.to(images.device).embed_all(part, stride=self.stride)
            fine, coarse = self._scales
            maps.append(fine.map(small, self._small, size=size) * coarse.map(large, self._large, size=size))
        return Scores(torch.cat(maps))

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights of the encoder, the mean image and the embeddings of all normal patches."""
        weights = {f"encoder.{name}": tensor for name, tensor in self._fitted().state_dict().items()}
        return weights | {"mean": self._mean, "small": self._small, "large": self._large}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load what `state_dict` returned.

        Raises:
            BadModel: It is not of a PatchSvdd with these arguments.
        """
        channels = len(state["mean"]) if "mean" in state and state["mean"].ndim == 3 else 1
        encoder = self._networks(max(1, channels))[0].encoder
        sizes = {name: " ".join(map(str, tensor.shape)) for name, tensor in encoder.state_dict().items()}
        require_state(
            self,
            state,
            mean="float c h w",
            small=f"float n {self.dimension}",
            large=f"float m {self.dimension}",
            **{f"encoder.{name}": f"float {size}" for name, size in sizes.items()},
        )
        self._require_banks(state)
        encoder.load_state_dict({name: state[f"encoder.{name}"] for name in sizes})
        self._encoder = encoder.to(state["mean"].device).eval()
        self._mean, self._small, self._large = state["mean"], state["small"], state["large"]

    @property
    def _scales(self) -> tuple[Scale, Scale]:
        return Scale(self.patch, self.stride), Scale(2 * self.patch, LARGE_STRIDE * self.stride)

    def _require_arguments(self) -> None:
        for name, (least, most) in _RANGES.items():
            require_whole(name, getattr(self, name), least, most)
        if self.patch % 4:
            raise BadArgument(f'Expected "patch" to be a multiple of 4, got {self.patch}.')
        if self.stride % 2 or self.patch % self.stride:
            raise BadArgument(
                f'Expected "stride" to be even and to divide "patch", {self.patch}; got {self.stride}.'
            )
        require_seed(self.seed)
        require_budget(self.memory_budget)
        if not 0 < self.learning_rate < float("inf"):
            raise BadArgument(f'Expected "learning_rate" above 0, got {self.learning_rate}.')
        for name in ("learning_rate", "svdd_weight"):
            require_between(name, getattr(self, name), 0, _MOST_WEIGHT)

    def _require_room(self, image: Float[Tensor, "c h w"]) -> None:
        if min(image.shape[1:]) < 2 * self.patch:
            raise BadShape(
                f"PatchSvdd needs images of at least {2 * self.patch} x {2 * self.patch} pixels, got "
                f"{image.shape[1]} x {image.shape[2]}. Resize them to more, or use a smaller patch."
            )

    def _require_banks(self, state: dict[str, Tensor]) -> None:
        size = (state["mean"].shape[1], state["mean"].shape[2])
        numbers = set()
        for scale, name in zip(self._scales, ("small", "large"), strict=True):
            fits = min(size) >= scale.patch and len(state[name]) % scale.positions(size) == 0
            numbers.add(len(state[name]) // scale.positions(size) if fits else 0)
        if len(numbers) > 1 or 0 in numbers:
            raise BadModel(
                f"The state of PatchSvdd has {len(state['small'])} small and {len(state['large'])} large "
                f"patches, which no number of images of {size[0]} x {size[1]} pixels has."
            )

    def _fitted(self) -> Encoder:
        if self._encoder is None:
            raise NotFitted("PatchSvdd was used before fit.")
        return self._encoder

    def _networks(self, channels: int) -> tuple[Networks, torch.Generator]:
        return new_networks(
            channels=channels, patch=self.patch, width=self.width, dimension=self.dimension, seed=self.seed
        )

    def _training(self, images: Sequence[Float[Tensor, "c h w"]]) -> Training:
        networks, generator = self._networks(len(images[0]))
        return Training(
            networks.to(images[0].device),
            generator,
            images,
            learning_rate=self.learning_rate,
            svdd_weight=self.svdd_weight,
        )

    def _epoch(self, training: Training) -> None:
        started = time.perf_counter()
        loss = training.epoch(patches_per_image=self.patches_per_image, batch_size=self.batch_size)
        seconds = time.perf_counter() - started
        _log.info("epoch %d of %d: loss %.6g, %.1f s", training.epochs, self.epochs, loss, seconds)
