"""Mistakes in reducers."""

import torch

from padimkit import Embedding, NotFitted, Pyramid, PyramidLearner, Reducer, require_state


class Right(Reducer):
    """The first channels, centred and divided by their spread: right in every way."""

    def __init__(self, keep: int = 4):
        self.keep = keep
        self.mean = self.std = None

    def fit(self, stream):
        patches = torch.cat([one.double() for one in self.batches(stream)])[:, : self.keep]
        self.learn(patches.mean((0, 2, 3)), patches.var((0, 2, 3), unbiased=False))

    def batches(self, stream):
        return [embedding.patches for embedding in stream]

    def learn(self, mean, variance):
        self.mean, self.std = mean.float(), (variance + 1e-6).sqrt().float()

    def transform(self, embedding):
        if self.mean is None:
            raise NotFitted("Right.transform was called before fit.")
        patches = (embedding.patches[:, : self.keep] - self.mean[:, None, None]) / self.std[:, None, None]
        return Embedding(self.finished(patches), embedding.descriptor)

    def finished(self, patches):
        return patches

    def state_dict(self):
        if self.mean is None:
            raise NotFitted("Right.state_dict was called before fit.")
        return {"mean": self.mean, "std": self.std}

    def load_state_dict(self, state):
        require_state(self, state, mean="float c", std="float c")
        self.mean, self.std = state["mean"], state["std"]


class Mirrored(Right):
    """The positions are mirrored."""

    def finished(self, patches):
        return patches.flip(3)


class UpsideDown(Right):
    """The first row is the last."""

    def finished(self, patches):
        return patches.flip(2)


class WidthForHeight(Right):
    """The positions are laid out w h, and given as h w."""

    def finished(self, patches):
        return patches.mT.reshape(patches.shape)


class RowsWithoutPermute(Right):
    """Rows of channels become maps by reshape alone."""

    def finished(self, patches):
        return patches.permute(0, 2, 3, 1).reshape(patches.shape)


class OneColumnFurther(Right):
    """Each patch is that of the neighbour."""

    def finished(self, patches):
        return patches.roll(1, 3)


class FirstBatchOnly(Right):
    """Returns from the loop after the first batch."""

    def batches(self, stream):
        return [next(iter(stream)).patches]


class LastBatchOnly(Right):
    """Keeps the last batch of the loop."""

    def batches(self, stream):
        return super().batches(stream)[-1:]


class AveragesBatches(Right):
    """Takes the mean of the means of batches."""

    def fit(self, stream):
        means = [one[:, : self.keep].mean((0, 2, 3)) for one in self.batches(stream)]
        self.learn(torch.stack(means).mean(0), torch.ones(self.keep))


class OnePositionForAll(Right):
    """Learns from the first position."""

    def batches(self, stream):
        return [one[:, :, :1, :1] for one in super().batches(stream)]


class NormalisesByBatch(Right):
    """Normalises each batch by itself."""

    def finished(self, patches):
        return patches - patches.mean((0, 2, 3), keepdim=True)


class CalibratesOnFirstUse(Right):
    """Scales by the first batch that it reduces."""

    def fit(self, stream):
        super().fit(stream)
        self.scale = None

    def finished(self, patches):
        self.scale = getattr(self, "scale", None) or float(patches.abs().max())
        return patches / self.scale


class CachesById(Right):
    """Keeps results by the id of the tensor."""

    def transform(self, embedding):
        cache = self.__dict__.setdefault("cache", {})
        return cache.setdefault(id(embedding.patches), super().transform(embedding))


class KeepsWhatItReduces(Right):
    """Keeps what it has reduced."""

    def finished(self, patches):
        self.__dict__.setdefault("seen", []).append(patches)
        return patches


class ProjectionByHash(Right):
    """Draws a projection by the hash of a text."""

    def learn(self, mean, variance):
        generator = torch.Generator().manual_seed(hash("projection") % 2**31)
        super().learn(mean, variance * torch.rand(variance.shape, generator=generator))


class DividesByNothing(Right):
    """Divides by the spread of channels that have none."""

    def learn(self, mean, variance):
        self.mean, self.std = mean.float(), variance.sqrt().float()


class TurnsGradientsOff(Right):
    """Turns gradients off for the whole program."""

    def fit(self, stream):
        torch.set_grad_enabled(False)
        super().fit(stream)


class TakesAnything(Right):
    """Takes arguments that a stored model does not hold."""

    def __init__(self, *channels, keep: int = 4):
        super().__init__(keep)


class DropsTheDescriptor(Right):
    """Gives the patches alone."""

    def transform(self, embedding):
        return Embedding(super().transform(embedding).patches)


class Pools(Right):
    """Halves the grid."""

    def finished(self, patches):
        return torch.nn.functional.avg_pool2d(patches, 2)


class Doubles(Right):
    """Gives float64."""

    def finished(self, patches):
        return patches.double()


class InInferenceMode(Right):
    """Computes in inference mode, from whose tensors nothing can be trained."""

    @torch.inference_mode()
    def transform(self, embedding):
        return super().transform(embedding)


class StateInAttributes(Right):
    """Learns an order of channels that the state does not hold."""

    order = (0, 1, 2, 3)

    def learn(self, mean, variance):
        super().learn(mean, variance)
        self.order = variance.argsort(descending=True).tolist()

    def finished(self, patches):
        return patches[:, list(self.order)]


class NormalisesRows(Right):
    """Each patch is divided by the length of its row of positions, an axis too far from that of channels."""

    def finished(self, patches):
        return torch.nn.functional.normalize(patches, dim=2)


class Clips(Right):
    """Values are clipped to three standard deviations, where defects begin."""

    def finished(self, patches):
        return patches.clamp(-3, 3)


PLACE = "changes_lie_where_the_defect_is"


class OfLayers(Right, PyramidLearner):
    """The same, learnt from layers that are not aligned: right in every way."""

    def fit_pyramids(self, stream):
        self.fit(pyramid.embedding() for pyramid in stream)


class CountsPositionsOnce(OfLayers):
    """A coarser position counts as much as one of the finest, in a mean over all layers' positions."""

    def fit_pyramids(self, stream):
        rows = [[map.permute(0, 2, 3, 1).flatten(0, 2).double() for map in one.maps] for one in stream]
        layers = [torch.cat(layer) for layer in zip(*rows, strict=True)]
        most = max(map(len, layers))
        means = [layer.sum(0) / most for layer in layers]
        spread = [layer.var(0, unbiased=False) for layer in layers]
        self.learn(torch.cat(means)[: self.keep], torch.cat(spread)[: self.keep])


class LearnsTheFinestLayer(OfLayers):
    """Coarser layers are neither centred nor scaled."""

    def fit_pyramids(self, stream):
        self.fit(pyramid.embedding() for pyramid in stream)
        finest = next(iter(stream)).maps[0].shape[1]
        self.mean[finest:], self.std[finest:] = 0, 1


class ThreeLayers(OfLayers):
    """Each pyramid has three layers, as those of the author's network."""

    def fit_pyramids(self, stream):
        fine, middle, coarse = zip(*(one.maps for one in stream), strict=True)
        self.fit(Pyramid(maps).embedding() for maps in zip(fine, middle, coarse, strict=True))


class AsksForDescriptors(OfLayers):
    """Each pyramid has a descriptor."""

    def fit_pyramids(self, stream):
        self.fit(one.embedding() for one in stream if one.descriptor.shape[1])


class KeepsViews(OfLayers):
    """A pyramid is learnt when it is first needed, from the memory that it came in."""

    seen = ()

    def fit_pyramids(self, stream):
        self.fit(stream.map(Pyramid.embedding))
        self.seen = [one.embedding() for one in stream]

    def transform(self, embedding):
        if self.seen:
            self.fit(self.seen)
        return super().transform(embedding)


class StateOfFitOnly(OfLayers):
    """The state that is stored is that of `fit`."""

    def fit(self, stream):
        super().fit(stream)
        self.stored = {"mean": self.mean, "std": self.std}

    def fit_pyramids(self, stream):
        super().fit_pyramids(stream)
        self.stored = {"mean": torch.zeros_like(self.mean), "std": torch.ones_like(self.std)}

    def state_dict(self):
        return super().state_dict() and self.stored

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.stored = dict(state)


class WithoutGradients(OfLayers):
    """Gradients stay off for the whole program after a fit on pyramids."""

    def fit_pyramids(self, stream):
        torch.set_grad_enabled(False)
        super().fit_pyramids(stream)


class LeavesTheDeviceInFit(OfLayers):
    """After `fit`, but not after `fit_pyramids`, an empty descriptor on the processor is given back."""

    empty = None

    def fit(self, stream):
        super().fit(stream)
        self.empty = torch.zeros(1, 0)

    def fit_pyramids(self, stream):
        super().fit_pyramids(stream)
        self.empty = None

    def transform(self, embedding):
        given = super().transform(embedding)
        if self.empty is None:
            return given
        return Embedding(given.patches, self.empty.expand(len(given.patches), 0))


class LearnsTheLastPyramid(OfLayers):
    """Each pyramid is learnt by a fit of its own, which forgets those before."""

    def fit_pyramids(self, stream):
        for pyramid in stream:
            self.fit([pyramid.embedding()])


MISTAKES = {
    CountsPositionsOnce: "learning_from_pyramids_equals_fit",
    LearnsTheFinestLayer: "learning_from_pyramids_equals_fit",
    ThreeLayers: "learning_from_pyramids_equals_fit",
    AsksForDescriptors: "descriptors_may_be_missing",
    KeepsViews: "learnt_images_may_be_overwritten",
    StateOfFitOnly: "restored_state_gives_the_same_result",
    LeavesTheDeviceInFit: "learning_stays_on_the_device",
    WithoutGradients: "leaves_the_program_alone",
    LearnsTheLastPyramid: "learning_from_pyramids_equals_fit",
    Mirrored: PLACE,
    UpsideDown: PLACE,
    WidthForHeight: PLACE,
    RowsWithoutPermute: PLACE,
    OneColumnFurther: PLACE,
    FirstBatchOnly: "all_batches_are_learnt",
    LastBatchOnly: "all_batches_are_learnt",
    AveragesBatches: "batches_of_fit_do_not_matter",
    OnePositionForAll: "all_positions_are_learnt",
    NormalisesByBatch: "batch_size_does_not_matter",
    CalibratesOnFirstUse: "earlier_use_does_not_matter",
    CachesById: "embeddings_are_known_by_their_content",
    KeepsWhatItReduces: "nothing_is_kept_of_what_is_seen",
    ProjectionByHash: "other_processes_give_the_same",
    DividesByNothing: "constant_channels_are_taken",
    TurnsGradientsOff: "leaves_the_program_alone",
    TakesAnything: "arguments_have_names",
    DropsTheDescriptor: "descriptor_is_left_as_it_is",
    Pools: "keeps_images_and_positions",
    Doubles: "keeps_images_and_positions",
    InInferenceMode: "embeddings_can_be_trained_on",
    StateInAttributes: "restored_state_gives_the_same_result",
    NormalisesRows: "far_patches_do_not_matter",
    Clips: "different_patches_stay_different",
}
