"""The contracts of plugins: one for each of the families, and optional ones for further abilities.

A class meets a contract by subclassing it. Its `__init__` stores each argument under the argument's own
name (`self.keep = keep`), so that a pipeline can be saved as settings; work happens in `fit`. Two class
attributes tell of the class: `checked` says how it is checked, and `writes` names the arguments that are
paths of files which the part writes, such as a checkpoint, which a benchmark does not take for its input.
A backbone names in `selects` the arguments that only say of which layers maps are returned.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from padimkit.arguments import shown
from padimkit.arguments.checked import Checked
from padimkit.images.preprocessor import Preprocessor as Preprocessor  # public here, defined below
from padimkit.images.resizing import Size
from padimkit.images.sample import Sample
from padimkit.images.tiles import Axis
from padimkit.values import Anomalies, Batch, Costs, Embedding, Features, Prediction, Problem, Pyramid, Scores


class Backbone(ABC):
    """A source of features: images in, feature maps out."""

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()
    selects: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        """Return the feature maps of RGB images in [0, 1], finest first, without gradients.

        The backbone normalises the images itself.
        """

    @abstractmethod
    def to(self, device: torch.device) -> None:
        """Move to this device and compute there from now on."""


class Reducer(ABC):
    """A reduction of embeddings to fewer channels."""

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn from all embeddings and forget earlier fits; the stream can be read again."""

    @abstractmethod
    def transform(self, embedding: Embedding) -> Embedding:
        """Return the reduced embedding; its descriptor stays unchanged.

        Raises:
            NotFitted: There is something to learn and `fit` has not been called.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Return everything learnt, as tensors by name."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the state of another instance with the same arguments, in place of anything learnt before."""


class DensityModel(ABC):
    """A model of normal embeddings, by which others are scored."""

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def fit(self, stream: Iterable[Embedding]) -> None:
        """Learn from all embeddings and forget earlier fits; the stream can be read again."""

    @abstractmethod
    def score(self, embedding: Embedding) -> Scores:
        """Return one score per position, without gradients; higher is more anomalous.

        Raises:
            NotFitted: `fit` has not been called.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Return everything learnt, as tensors by name."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the state of another instance with the same arguments, in place of anything learnt before."""


class Metric(ABC):
    """A measure of quality with one value for a whole test set; `NamedValues` have more."""

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def higher_is_better(self) -> bool:
        """Return true if higher values are better; usually a class attribute, `higher_is_better = True`."""

    @abstractmethod
    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add one batch of predictions, with the labels and masks of `truth`."""

    @abstractmethod
    def compute(self) -> float:
        """Return the metric value over all batches since the last reset.

        Raises:
            UndefinedMetric: The value is undefined for this test set; the message says what is missing.
        """

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""


class DataSource(ABC):
    """A data set: images to fit on, and images to test on.

    A source lists them and the pipeline, which owns the preprocessing, reads them. Images that are no files
    are samples that bring their own `open`.
    """

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def train(self) -> Sequence[Sample]:
        """List normal images only."""

    @abstractmethod
    def test(self) -> Sequence[Sample]:
        """List normal and anomalous images, with masks where they exist."""


class Levels(ABC):
    """A division of feature maps into embeddings, each with a reducer and a density of its own.

    The mapper puts the scores of all embeddings together again.
    """

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def split(self, features: Features) -> dict[str, Pyramid]:
        """Return the embeddings by name, not yet aligned, the maps of each with the finest first.

        The names, which hold no "/", and the channels are the same for all images. The descriptor of the
        images goes with each embedding. An export traces this method, or what the levels give as
        `Exportable`: no value of a tensor, and no number of images, decides which operations are done.
        """


class Mapper(ABC):
    """A way from patch scores to maps and image scores: upsampling, smoothing and the image's rule."""

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def predict(
        self,
        scores: Sequence[Scores],
        size: Size,
        axes: tuple[Axis, Axis] | None = None,
        region: Bool[Tensor, "H W"] | None = None,
    ) -> Prediction:
        """Return a map and a score of each image, on the device of the scores and without gradients.

        The score is the sum of what the densities say of the image if all levels do; otherwise it follows
        from the map. `padimkit.map_of_tiles` and `padimkit.prediction_of` do what all maps have in common.

        Args:
            scores: Of each level, whose grids may differ; all count. Of an image in tiles, the positions of
                the tiles lie side by side.
            size: Height and width of the maps in pixels.
            axes: The places of tiles along height and width; by default, the image is its only tile.
            region: False where the map is to be 0 and does not count for the image's score.
        """


class Updatable(ABC):
    """A part that can learn from more data later, with the result of a single fit on all data."""

    @abstractmethod
    def update(self, stream: Iterable[Embedding]) -> None:
        """Learn from more embeddings; the first call on a fresh instance is a fit."""


class Mergeable(ABC):
    """A part that can add what another instance with the same arguments has learnt from other data."""

    @abstractmethod
    def merge(self, other: Any) -> None:
        """Add what `other` has learnt, with the result of a single fit on both data; `other` is unchanged."""


class LearnsAnomalies(ABC):
    """A density that can also learn from a few images that are known to be anomalous."""

    @abstractmethod
    def fit_with_anomalies(self, stream: Iterable[Embedding], anomalies: Iterable[Anomalies]) -> None:
        """Learn from normal embeddings, as `fit` does, and from anomalous ones, and forget earlier fits.

        Both can be read again. Without any anomalous ones, the result is that of `fit`.
        """


class Prepares(ABC):
    """A density whose first score after a fit makes what all later ones use."""

    @abstractmethod
    def prepare(self) -> None:
        """Make now what the first score would make; once it is there, do nothing.

        Raises:
            NotFitted: `fit` has not been called.
            BadData: What has been learnt is too little to score by.
        """


# Scores learnt images, given their embeddings and the number of each image among all learnt.
LeftOut: TypeAlias = Callable[[Embedding, Sequence[int]], Scores]


class LeaveOneOut(ABC):
    """A density that can score an image that it has learnt as if it had not, without another fit."""

    @abstractmethod
    def leave_one_out(self) -> LeftOut:
        """Return a function that gives learnt images the scores that a fit on all other images would give.

        It takes embeddings that were learnt, and the number of each image among all learnt, from 0, in the
        order in which they were learnt. What it needs is prepared here, and freed with the function.

        Raises:
            NotFitted: `fit` has not been called.
            BadData: There are too few images to leave one out.
        """


class LinearReducer(ABC):
    """A reducer each of whose channels is a weighted sum of channels, plus a constant.

    Such a sum commutes with alignment. So the pipeline reduces each layer at its own resolution, and never
    holds all channels at the finest resolution.
    """

    @abstractmethod
    def transform_then_align(
        self,
        maps: Sequence[Float[Tensor, "b _ _ _"]],
        align: Callable[[Float[Tensor, "b _ _ _"]], Float[Tensor, "b _ h w"]],
    ) -> Float[Tensor, "b k h w"]:
        """Return the patches that `transform` returns for the maps aligned and concatenated.

        Args:
            maps: The channels of the embedding in their order, layer by layer, finest first.
            align: Resizes a map, of any number of channels, to the finest resolution.
        """


class PyramidReducer(ABC):
    """A reducer that works on each layer on its own, so that layers keep their resolutions."""

    @abstractmethod
    def transform_pyramid(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]]
    ) -> tuple[Float[Tensor, "b _ _ _"], ...]:
        """Return the reduced map of each layer; aligned and concatenated, they are the result of `transform`.

        Each map keeps the resolution of its layer; a layer of which no channel is kept has an empty map.
        """


class PyramidLearner(ABC):
    """A reducer that can learn from layers at their own resolutions what it learns from aligned layers."""

    @abstractmethod
    def fit_pyramids(self, stream: Iterable[Pyramid]) -> None:
        """Learn what `fit` learns from the aligned embeddings, and forget earlier fits."""


class PyramidDensity(ABC):
    """A density that can work on layers at their own resolutions, with the result of the aligned layers."""

    @abstractmethod
    def fit_pyramids(self, stream: Iterable[Pyramid]) -> None:
        """Learn what `fit` learns from the aligned embeddings, and forget earlier fits."""

    @abstractmethod
    def score_pyramid(self, pyramid: Pyramid) -> Scores:
        """Return the scores that `score` returns for the aligned embedding.

        Raises:
            NotFitted: Neither fit has been called.
        """


class Exportable(ABC):
    """A part that can be written as a graph of tensor operations, which runs without Python and torch."""

    @abstractmethod
    def traceable(self) -> Callable[[Any], Any]:
        """Return a function that gives the results of the part, in operations of torch that can be traced.

        A backbone's takes images and returns `Features`; that of levels takes these and returns what `split`
        does. A reducer's takes a `Pyramid` and returns one, reduced layer by layer or aligned to a single
        layer; a density's takes one and returns `Scores`.

        One trace serves any number of images: no value of a tensor, and no number of images, decides which
        operations are done (`shape[0]`, not `len`). Tensors that the function holds become constants. It
        computes in float32; its results are those of the part to about 1e-5 of their values.

        Raises:
            NotFitted: There is something to learn and `fit` has not been called.
            CannotExport: These arguments cannot be written as a graph; the message says which.
        """


class ExportableMapper(ABC):
    """A mapper that can be written as a graph of tensor operations, as `Exportable` parts are."""

    @abstractmethod
    def traceable(
        self, examples: Sequence[Scores], axes: tuple[Axis, Axis], region: Bool[Tensor, "H W"] | None
    ) -> Callable[[Sequence[Scores]], Prediction]:
        """Return a function that gives what `predict` gives, in operations of torch that can be traced.

        It is given scores on the grids of these examples, of any number of images; tensors that it holds
        become constants.

        Raises:
            CannotExport: These arguments cannot be written as a graph; the message says which.
        """


class MemoryForecast(ABC):
    """A density that can forecast the memory that it will take before it is fitted."""

    @abstractmethod
    def peak_bytes(self, *, images: int, channels: int, positions: int) -> int:
        """Return the most bytes held at a time by a fit on this many images and by scoring afterwards.

        It is at least the size of the fitted state, descriptors apart, and never falls with more data.
        """


class CostModel(ABC):
    """A reducer or a density whose costs are known as formulas of the sizes of a problem."""

    @abstractmethod
    def costs(self, problem: Problem) -> Costs:
        """Return the costs with the arguments that the part has, without a fit.

        Bytes are to be right within a factor of two. Work is that of the algorithm as it is written: a report
        shows which share of the machine's rates it reaches, and asks for the form at sizes up to a billion.
        """


class ReferenceValues(ABC):
    """A metric that knows its value for perfect scores and for uninformative (constant) scores."""

    @property
    @abstractmethod
    def perfect(self) -> float:
        """Return the metric value if everything anomalous scores higher than everything normal."""

    @property
    @abstractmethod
    def uninformative(self) -> float:
        """Return the metric value if all scores are equal."""


class NamedValues(ABC):
    """A metric with further values beside that of `compute`, each with a name and a direction of its own.

    A record calls them by the metric's name and theirs, as in "overlap.median".
    """

    @property
    @abstractmethod
    def directions(self) -> Mapping[str, bool]:
        """Name the further values, with true for those of which higher ones are better.

        Usually a class attribute, `directions = {"median": True, "lost": False}`: the same for all test
        sets, in letters, digits and "_".
        """

    @abstractmethod
    def named_values(self) -> dict[str, float]:
        """Return the further values over all batches since the last reset.

        A value that is undefined for this test set is left out. Where `compute` gives no value, there is
        none.
        """


class ImageValues(ABC):
    """A metric that has a value for each image too, which records keep and reports show beside the maps."""

    @abstractmethod
    def image_values(self) -> Float64[np.ndarray, " n"]:
        """Return a value for each image since the last reset, in the order of the updates.

        It is NaN for images that have none, such as normal ones where a mask is needed. Where `compute`
        gives a value there are these.
        """


class HasCurve(ABC):
    """A metric that is taken from a curve, such as the area under it."""

    @abstractmethod
    def curve(self, points: int) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Return the x and the y of at most this many points over all batches since the last reset.

        x ascends. Where `compute` gives a value there is a curve.
        """


class Influence(ABC):
    """The influence of each image of a test set on a metric value, collected batch by batch."""

    @abstractmethod
    def update(self, prediction: Prediction, truth: Batch) -> None:
        """Add one batch of predictions, with the labels and masks of `truth`."""

    @abstractmethod
    def compute(self) -> Float64[np.ndarray, " n"]:
        """Return the derivative of the metric value by the weight of each image, in the order of the updates.

        All weights are 1, and only their ratios matter: the derivatives add up to 0. Of them follows how
        much the value would vary over other test images.

        Raises:
            UndefinedMetric: The metric is undefined for this test set.
        """


class HasInfluence(ABC):
    """A metric that can tell how much each image moves its value, at the cost of more memory."""

    @abstractmethod
    def influence(self) -> Influence:
        """Return a fresh collector of influences, to be given the same batches as a metric like this one."""


class Stateful(ABC):
    """A backbone whose weights are stored with the model, so that no other file is needed to load it."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, as tensors by name."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Use these weights in place of those that the arguments name, which are no longer looked for."""


class TellsWeights(ABC):
    """A backbone that can say which weights it was made with, which a stored model then says too."""

    @abstractmethod
    def weights_origin(self) -> dict[str, str]:
        """Return where the weights came from, such as distribution, file and sha256; empty if not known."""

    @abstractmethod
    def restore_weights_origin(self, origin: dict[str, str]) -> None:
        """Take what an equal backbone returned, when it is restored from a stored model."""


class NeedsWeights(ABC):
    """A backbone that reads weights from elsewhere when it first uses them, not when it is made."""

    @abstractmethod
    def require_weights(self) -> None:
        """Check that the weights which it will use are there, without reading or downloading them.

        Raises:
            BadWeights: They are not there; the message names them.
        """

    @abstractmethod
    def go_without_weights(self) -> None:
        """Use arbitrary weights from now on, and read none: maps get their shapes, but no meaning."""
