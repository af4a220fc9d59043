"""The pipeline, composed of backbone, levels, reducer, density and map by their contracts only."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from operator import length_hint
from typing import final

import torch
from torch import Tensor

from padimkit.arguments import require_alike, require_kind, shown
from padimkit.contracts import (
    Backbone,
    DataSource,
    DensityModel,
    Exportable,
    ExportableMapper,
    LearnsAnomalies,
    LeaveOneOut,
    Levels,
    Mapper,
    Reducer,
    Stateful,
)
from padimkit.errors import BadArgument, BadData, BadModel, CannotMerge, NotFitted
from padimkit.images.augmentation import Augmentation, augmented
from padimkit.images.depth import Depth
from padimkit.images.inputs import Images, as_batches
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.progress import Progress
from padimkit.images.reader import ImageBatches, Reader
from padimkit.images.selection import Counted, count_of, part_of
from padimkit.pipeline.anomaly_map import AnomalyMap
from padimkit.pipeline.checks import (
    as_exportable,
    image_size,
    require_images,
    require_scores,
)
from padimkit.pipeline.embedder import Embedder
from padimkit.pipeline.fitted_levels import FittedLevels
from padimkit.pipeline.graph import Graph
from padimkit.pipeline.learning import Pyramids, Shares
from padimkit.pipeline.left_out import LeftOut, Steps, by_folds, one_by_one
from padimkit.pipeline.levels import Joint
from padimkit.pipeline.states import below, same, under
from padimkit.pipeline.tiling import Tiling
from padimkit.pipeline.view import Region, View
from padimkit.stages import MAP, READ, stage, staged
from padimkit.values import Batch, Prediction, Scores, Stream

_CONTRACTS = {
    "backbone": Backbone,
    "reducer": Reducer,
    "density": DensityModel,
    "levels": Levels,
    "map": Mapper,
    "preprocessing": Preprocessing,
    "augmentation": Augmentation,
}


@final
class Pipeline:
    """An anomaly detector made of parts, which learns from normal images and scores others.

    Args:
        backbone: Turns images into feature maps.
        reducer: Turns embeddings into smaller ones; each separate level gets its own.
        density: Turns embeddings into anomaly scores; each separate level gets its own.
        levels: Combines the layers of the backbone into embeddings.
        map: Turns patch scores into anomaly maps.
        preprocessing: Resizes, pads and crops every image before the backbone; stored with the model.
        augmentation: Random variants to learn from, in place of the training images.

    Attributes:
        learnt: Number of images, or variants of them, that it has learnt; None where that is not known.
    """

    def __init__(
        self,
        backbone: Backbone,
        reducer: Reducer,
        density: DensityModel,
        levels: Levels = Joint(),
        map: Mapper = AnomalyMap(),
        preprocessing: Preprocessing = Preprocessing(),
        augmentation: Augmentation = Augmentation(),
    ) -> None:
        self.backbone = backbone
        self.reducer = reducer
        self.density = density
        self.levels = levels
        self.map = map
        self.preprocessing = preprocessing
        self.augmentation = augmentation
        for name, contract in _CONTRACTS.items():
            require_kind(name, getattr(self, name), contract)
        self.learnt: int | None = None
        self._device = torch.device("cpu")
        self._view: View | None = None
        self._fitted_levels: FittedLevels | None = None

    __repr__ = shown

    @property
    def device(self) -> torch.device:
        """The device that the pipeline computes on."""
        return self._device

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images that the pipeline was fitted on, as it sees them.

        Raises:
            NotFitted: `fit` was not called.
        """
        return self._fitted("size")[1].size

    @property
    def region(self) -> Region:
        """True where a mask lets the pipeline look; None for everywhere.

        Raises:
            NotFitted: `fit` was not called.
        """
        return self._fitted("region")[1].region

    @property
    def fitted_preprocessing(self) -> Preprocessing:
        """The preprocessing with the bit depth that `fit` has found, where it was to find one."""
        return self.preprocessing if self._view is None else self._view.preprocessing(self.preprocessing)

    @property
    def needs_folds(self) -> bool:
        """True if `predict_left_out` needs folds whatever the reducer learns, which only a fit can tell."""
        return self.augmentation.varies or not isinstance(self.density, LeaveOneOut)

    def to(self, device: str) -> None:
        """Move the pipeline, with everything learnt, to this device and compute there from now on.

        Raises:
            BadArgument: The device cannot be used on this machine.
        """
        self._device = _usable(device)
        self.backbone.to(self._device)
        if self._view is not None:
            self._view = self._view.to(self._device)
        if self._fitted_levels is not None:
            self._load_levels(self._fitted_levels.state_dict())

    def fit(
        self,
        images: Images,
        *,
        anomalies: Images | None = None,
        batch_size: int = 8,
        workers: int | None = None,
        progress: bool = True,
    ) -> "Pipeline":
        """Learn from normal images and forget earlier fits; a fit that fails changes nothing.

        Args:
            images: A path, a folder, PIL images, arrays, tensors, the samples of a data set, or batches. They
                are read again for each pass that the reducers and densities need.
            anomalies: A few anomalous images, in any of these forms, with masks if they have some, for
                densities that can learn from them (`LearnsAnomalies`).
            batch_size: Images per batch, unless `images` are batches already.
            workers: Threads that decode ahead; by default one per CPU that may be used, at most 8.
            progress: Show a bar on a terminal or in a notebook.

        Raises:
            BadArgument: `images` can be read only once, are not understood, or cannot be augmented as wanted,
                or the density learns from no `anomalies`.
            BadData: There are fewer than two images, one is labelled anomalous, or one of `anomalies` normal.
            BadFeatures: The backbone returned NaN or infinity; the message names the image.
        """
        if isinstance(images, Iterator):  # its first images would be lost silently
            raise BadArgument("The images can be read only once. Pass a list, or what a data set returns.")
        self.require_takes(anomalies)
        reader = Reader(self.preprocessing, batch_size, workers)
        batches, depth = self._with_depth(images, self._batches(images, reader))
        batches = Progress(batches, "Fitting") if progress else batches
        batches = augmented(batches, self.augmentation)
        first = next(staged(READ, batches), None)
        if first is None:
            raise BadData("There are no training images.")
        require_images(first)
        view = View.of(self.preprocessing, image_size(first), depth).to(self._device)
        start = (first, self._embedder.embed(first, view))  # each pass begins with it; most need no more
        counted = Counted(batches)
        stream = Stream(
            lambda: self._embedder.stream(counted, view, least=2, start=start), length_hint(batches, 0)
        )
        known = self._anomalies(anomalies, view, batch_size, workers)
        self._fitted_levels = FittedLevels.fit(self.reducer, self.density, stream, known)
        self._view, self.learnt = view, counted.images
        return self

    def require_takes(self, anomalies: Images | None) -> None:
        """Check, before any work, that anomalous images can be learnt from.

        Raises:
            BadArgument: The density cannot, or they can be read only once.
        """
        if anomalies is not None and not isinstance(self.density, LearnsAnomalies):
            raise BadArgument(
                f"{type(self.density).__name__} learns from normal images alone: it is not "
                'padimkit.LearnsAnomalies. Leave "anomalies" out, or choose another density.'
            )
        if isinstance(anomalies, Iterator):
            raise BadArgument('The "anomalies" can be read only once. Pass a list.')

    def _anomalies(
        self, images: Images | None, view: View, batch_size: int, workers: int | None
    ) -> Stream[tuple[Pyramids, Shares]] | None:
        if images is None:
            return None
        reader = Reader(view.preprocessing(self.preprocessing), batch_size, workers)
        batches = self._batches(images, reader)
        return Stream(lambda: self._embedder.anomalies(batches, view), length_hint(batches, 0))

    def update(
        self, images: Images, *, batch_size: int = 8, workers: int | None = None, progress: bool = True
    ) -> None:
        """Learn from more normal images as if they had been part of the fit; reducers stay as fitted.

        An update that fails changes nothing. The arguments are those of `fit`.

        Raises:
            BadArgument: The density cannot be updated.
            NotFitted: `fit` was not called.
        """
        fitted, view = self._fitted("update")
        batches = self.read(images, batch_size, workers, "Updating" if progress else None)
        batches = augmented(batches, self.augmentation)
        fitted = deepcopy(fitted)  # else a batch that fails would leave earlier ones counted
        counted = Counted(batches)
        fitted.update(Stream(lambda: self._embedder.stream(counted, view, least=1)))
        self._fitted_levels, self.learnt = fitted, _together(self.learnt, counted.images)

    def merge(self, other: "Pipeline") -> None:
        """Add what another pipeline with the same parts has learnt from other images of the same size.

        Raises:
            BadShape: The images were not of the same size.
            CannotMerge: Arguments, weights or reducers differ.
            NotFitted: One of the two was not fitted.
            BadArgument: The density cannot be merged.
        """
        fitted, view = self._fitted("merge")
        other_fitted, other_view = other._fitted("merge")
        for part in ("preprocessing", "augmentation", "backbone", "levels", "reducer", "density", "map"):
            require_alike(getattr(self, part), getattr(other, part))
        view.require_same(other_view)
        if not _same_weights(self.backbone, other.backbone):
            raise CannotMerge(
                "The backbones of the two pipelines have different weights. Fit both with the same."
            )
        fitted.merge(other_fitted)
        self.learnt = _together(self.learnt, other.learnt)

    def predict(
        self, images: Images, *, batch_size: int = 8, workers: int | None = None, progress: bool = True
    ) -> Prediction:
        """Return the scores and maps of all images together; iterating over them gives one image at a time.

        The arguments are those of `fit`. Maps of all images are held in memory: for more than fit there, loop
        over batches with `predict_batch`.

        Raises:
            NotFitted: `fit` was not called.
            BadArgument: `images` are not understood.
            BadData: There are no images.
            BadShape: Tensors or batches do not have the size that the pipeline was fitted on.
        """
        self._fitted("predict")
        batches = self.read(images, batch_size, workers, "Predicting" if progress else None)
        found = [self.predict_batch(batch) for batch in batches]
        if not found:
            raise BadData("There are no images to score.")
        return Prediction(
            torch.cat([prediction.image_scores for prediction in found]),
            torch.cat([prediction.anomaly_maps for prediction in found]),
            tuple(path for prediction in found for path in prediction.paths),
        )

    def prepare(self) -> None:
        """Make now what the first prediction after a fit would make, such as the factors of covariances.

        Raises:
            NotFitted: The pipeline has not been fitted.
        """
        self._fitted("prepare")[0].prepare()

    def predict_batch(self, batch: Batch) -> Prediction:
        """Return the scores and maps of one batch, as `predict` does."""
        fitted, view = self._fitted("predict")
        return self._prediction(fitted.score(self._embedder.embed(batch, view)), batch, view)

    def predict_left_out(
        self,
        images: Images,
        *,
        anomalies: Images | None = None,
        folds: int = 5,
        batch_size: int = 8,
        workers: int | None = None,
        progress: bool = True,
    ) -> Iterator[LeftOut]:
        """Yield the predictions of learnt images, each as if it had not been learnt, by batches.

        That is what a fit on all other images would give. It follows from what was learnt if the density is
        `LeaveOneOut`, the reducer does not depend on the images, and there is no augmentation. Otherwise the
        images of each fold are predicted by what all other folds teach: by merging them if the density is
        `Mergeable`, else by a fit for each fold. Images then come fold by fold.

        Args:
            images: All images of the fit, in the same order.
            anomalies: The anomalous images of the fit, if there were some.
            folds: Number of folds; image i is in fold i modulo this.
            batch_size: Images per batch, unless `images` are batches already.
            workers: Threads that decode ahead; by default one per CPU that may be used, at most 8.
            progress: Show a bar on a terminal or in a notebook.

        Raises:
            NotFitted: `fit` was not called.
            BadArgument: `images` can be read only once, or there are fewer of them than folds.
            BadData: There are no images, one is labelled anomalous, or they are not those of the fit.
        """
        fitted, view = self._fitted("predict_left_out")
        if isinstance(images, Iterator):
            raise BadArgument("The images can be read only once. Pass a list, or what a data set returns.")
        if fitted.learnt_anomalies and anomalies is None:
            raise BadArgument(
                'The fit has learnt from "anomalies", as its folds have to. Pass them here too.'
            )
        self.require_takes(anomalies)
        batches = self.read(images, batch_size, workers, "Calibrating" if progress else None)
        first = next(iter(batches), None)
        if first is None:
            raise BadData("There are no images to leave out.")
        self._require_all(batches)
        steps = Steps(
            lambda batch: self._embedder.embed(batch, view),
            lambda stream: FittedLevels.fit(
                self.reducer,
                self.density,
                stream,
                self._anomalies(anomalies, view, batch_size, workers),
            ),
            lambda scores, batch: self._prediction(scores, batch, view),
        )
        fixed = not fitted.learns_representation(steps.embed(part_of(first, [0])))
        if fixed and fitted.leaves_one_out and not self.augmentation.varies:
            return one_by_one(steps, batches, fitted)
        variants = augmented(batches, self.augmentation)
        merge = fixed and fitted.merges and anomalies is None  # else each fold would bring these
        return by_folds(steps, batches, variants, folds=folds, merge=merge)

    def _require_all(self, batches: Iterable[Batch]) -> None:
        count = self.augmentation.variants_of(count_of(batches))
        if self.learnt not in (None, count):
            what = "variants of images" if self.augmentation.varies else "images"
            raise BadData(
                f"The pipeline has learnt {self.learnt} {what}, and those given make {count}. Pass all "
                "images of the fit, in the same order."
            )

    def seen(self, size: tuple[int, int]) -> float:
        """Return the share of an original image of this height and width that the model looks at.

        Raises:
            BadShape: The image does not fit the preprocessing.
            NotFitted: `fit` was not called.
        """
        return self._fitted("seen")[1].seen(self.preprocessing, size)

    def graph(self) -> Graph:
        """Return the fitted pipeline as a module that can be traced, for export.

        Raises:
            CannotExport: A part is not exportable, or not with its arguments; the message names it.
            NotFitted: `fit` was not called.
        """
        fitted, view = self._fitted("graph")
        tiling = Tiling.of(self.preprocessing.tiles, view.size, "the images")
        map = as_exportable(self.map, ExportableMapper)
        backbone = as_exportable(self.backbone, Exportable).traceable()
        return Graph(backbone, self.levels, tiling, fitted.traceable(), map, view)

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that `fit` has learnt, and the weights of the backbone if it has any."""
        fitted, view = self._fitted("state_dict")
        state = below("heads", fitted.state_dict()) | view.state_dict()
        if isinstance(self.backbone, Stateful):
            state |= below("backbone", self.backbone.state_dict())
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the state of another pipeline with the same parts.

        Raises:
            BadModel: It is not such a state; the message names the part and the tensor.
        """
        known = {"heads", "size", "region", "bits"}
        known |= {"backbone"} if isinstance(self.backbone, Stateful) else set()
        for name in state:
            if name.partition("/")[0] not in known:
                raise BadModel(f'The state has "{name}", which is of no part of this pipeline.')
        if isinstance(self.backbone, Stateful):
            self.backbone.load_state_dict(under("backbone", state))
        self._load_levels(under("heads", state))
        self.learnt = None
        self._view = View.from_state_dict(self.preprocessing, state).to(self._device)

    def read(
        self, images: Images, batch_size: int, workers: int | None, doing: str | None
    ) -> Iterable[Batch]:
        """Return batches of images in any form, as the backbone sees them; `doing` names the bar, if any."""
        batches = self._batches(images, Reader(self.fitted_preprocessing, batch_size, workers))
        return batches if doing is None else Progress(batches, doing)

    def _batches(self, images: Images, reader: Reader) -> Iterable[Batch]:
        if isinstance(images, DataSource):
            raise BadArgument(
                f'{type(images).__name__} has two lists of images. Pass its "train()" or its "test()".'
            )
        return as_batches(images, reader)

    def _with_depth(self, images: Images, batches: Iterable[Batch]) -> tuple[Iterable[Batch], Depth | None]:
        """Return the batches with the depth of their images, and that depth; None if a reader was given."""
        if self.preprocessing.bits != "auto":
            return batches, self.preprocessing.bits
        if not isinstance(batches, ImageBatches) or batches is images:
            return batches, None
        depth = batches.depth
        return batches.with_bits(depth), depth

    def _load_levels(self, state: dict[str, Tensor]) -> None:
        moved = {name: tensor.to(self._device) for name, tensor in state.items()}
        self._fitted_levels = FittedLevels.from_state_dict(self.reducer, self.density, moved)

    def _fitted(self, method: str) -> tuple[FittedLevels, View]:
        if self._fitted_levels is None or self._view is None:
            raise NotFitted(f"Pipeline.{method} was called before fit.")
        return self._fitted_levels, self._view

    def _prediction(self, scores: list[Scores], batch: Batch, view: View) -> Prediction:
        tiling = self._embedder.tiling(batch)
        for level in scores:
            require_scores(level, batch.paths, type(self.density).__name__)
            tiling.require_grid(level, type(self.density).__name__)
        with stage(MAP):
            prediction = self.map.predict(scores, view.size, tiling.axes, view.region)
        return replace(prediction, paths=batch.paths)

    @property
    def _embedder(self) -> Embedder:
        return Embedder(self.backbone, self.levels, self.preprocessing.tiles, self._device)


def _together(own: int | None, other: int | None) -> int | None:
    return None if own is None or other is None else own + other


def _same_weights(own: Backbone, other: Backbone) -> bool:
    states = [part.state_dict() if isinstance(part, Stateful) else {} for part in (own, other)]
    return same(*states)


def _usable(device: str) -> torch.device:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BadArgument(f'The device "{device}" cannot be used here: {reason}') from None
    return torch.device(device)
