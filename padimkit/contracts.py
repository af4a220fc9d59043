"""What a plugin provides: five contracts, and small optional ones for what a part can do beyond its own.

A class meets a contract by subclassing it. Its `__init__` stores each argument under the argument's own
name (`self.keep = keep`), so that a pipeline can be written down; work happens in `fit`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.arguments import shown
from padimkit.images.reader import Sample
from padimkit.values import Batch, Embedding, Features, Prediction, Pyramid, Scores


class Backbone(ABC):
    """Turns images into feature maps."""

    __repr__ = shown

    @abstractmethod
    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        """Feature maps of RGB images in [0, 1], finest first, without gradients.

        Normalisation is the backbone's own.
        """

    @abstractmethod
    def to(self, device: torch.device) -> None:
        """Computes on this device from now on."""


class Reducer(ABC):
    """Makes embeddings smaller."""

    __repr__ = shown

    @abstractmethod
    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learns from all embeddings and forgets what was learnt before; the stream can be read again."""

    @abstractmethod
    def transform(self, embedding: Embedding) -> Embedding:
        """The reduced embedding; its descriptor is left as it is.

        Raises:
            NotFitted: It has something to learn and `fit` has not been called.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """All that `fit` has learnt."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over what another instance with the same arguments has learnt."""


class DensityModel(ABC):
    """Knows what normal embeddings look like, and scores others."""

    __repr__ = shown

    @abstractmethod
    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learns from all embeddings and forgets what was learnt before; the stream can be read again."""

    @abstractmethod
    def score(self, embedding: Embedding) -> Scores:
        """One score per position, without gradients; higher is more anomalous.

        Raises:
            NotFitted: `fit` has not been called.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """All that `fit` has learnt."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over what another instance with the same arguments has learnt."""


class Metric(ABC):
    """One figure of merit over a whole test set."""

    __repr__ = shown

    @property
    @abstractmethod
    def higher_is_better(self) -> bool:
        """Whether a higher figure is a better one; usually `higher_is_better = True` in the class."""

    @abstractmethod
    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Takes in one batch of predictions with the labels and masks of `truth`."""

    @abstractmethod
    def compute(self) -> float:
        """The figure over all batches since the last reset.

        Raises:
            UndefinedMetric: The test set does not allow it; the message says what is missing.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forgets all batches."""


class DataSource(ABC):
    """Images to fit on and to test on.

    A source lists them and the pipeline, which owns the preprocessing, reads them. Images that are no files
    are samples that bring their own `open`.
    """

    __repr__ = shown

    @abstractmethod
    def train(self) -> Sequence[Sample]:
        """List normal images only."""

    @abstractmethod
    def test(self) -> Sequence[Sample]:
        """List normal and anomalous images, with masks where they exist."""


class Updatable(ABC):
    """Learns from more data without forgetting, exactly as if it had seen all of it at once."""

    @abstractmethod
    def update(self, stream: Iterable[Embedding]) -> None:
        """Learns from more embeddings; the first call on a fresh instance is a fit."""


class Mergeable(ABC):
    """Can take over what another instance with the same arguments has learnt from other data."""

    @abstractmethod
    def merge(self, other: Any) -> None:
        """Learns what `other` has learnt, exactly as if it had seen its data; `other` is left as it is."""


class LinearReducer(ABC):
    """A reducer whose every channel is a weighted sum of channels, plus a constant.

    Such a sum commutes with alignment, so that the layers of a backbone are reduced each at its own
    resolution: all their channels never exist at the finest one.
    """

    @abstractmethod
    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """The patches that `transform` makes of the maps once they are aligned and concatenated.

        Args:
            maps: The channels of the embedding in their order, layer by layer.
            align: Brings a map, of any number of channels, to the finest resolution.
        """


class PyramidReducer(ABC):
    """A reducer that reduces each layer on its own, so that the layers stay apart."""

    @abstractmethod
    def transform_pyramid(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """Return a map for each layer, at its resolution; aligned and concatenated, what `transform` returns.

        A layer of which no channel is left has a map without channels.
        """


class PyramidDensity(ABC):
    """A density that can use the layers of an embedding at their own resolution, with the same result."""

    @abstractmethod
    def fit_pyramids(self, stream: Iterable[Pyramid]) -> None:
        """What `fit` does with the aligned embeddings."""

    @abstractmethod
    def score_pyramid(self, pyramid: Pyramid) -> Scores:
        """What `score` gives for the aligned embedding."""


class MemoryForecast(ABC):
    """A density that knows what it will take before it is fitted."""

    @abstractmethod
    def peak_bytes(self, *, images: int, channels: int, positions: int) -> int:
        """Return the most bytes held at a time by a fit on this many images and by scoring afterwards.

        It is at least the size of the fitted state, descriptors apart, and never falls with more data.
        """


class ReferenceValues(ABC):
    """A metric whose figure is known beforehand where scores tell all, and where they tell nothing."""

    @property
    @abstractmethod
    def perfect(self) -> float:
        """The figure where all that is anomalous scores higher than all that is normal."""

    @property
    @abstractmethod
    def uninformative(self) -> float:
        """The figure where all scores are equal."""


class Stateful(ABC):
    """A backbone whose weights are stored with the model, so that the model needs no other file."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """The weights."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Uses these weights, and no longer looks for the ones named by its arguments."""
