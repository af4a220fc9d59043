"""Reducers that are right but for one thing, and the check that finds it."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from broken_densities import BROKEN as BROKEN_DENSITIES
from violations import BROAD, failed_checks

from padimkit.arguments.stored_state import require_state
from padimkit.contracts import Exportable, LinearReducer, PyramidLearner, PyramidReducer, Reducer
from padimkit.errors import NotFitted
from padimkit.testing import check_reducer, checks_of
from padimkit.values import Embedding, Pyramid


class Standardised(Reducer):
    """The first channels, divided by the largest value of each: right in every way."""

    def __init__(self, keep: int = 3):
        self.keep = keep
        self.largest = None

    def fit(self, stream):
        values = torch.cat([embedding.patches[:, : self.keep] for embedding in stream])
        self.largest = values.abs().amax((0, 2, 3)).clamp(min=1e-12)

    def transform(self, embedding):
        if self.largest is None:
            raise NotFitted("Standardised.transform was called before fit.")
        patches = embedding.patches[:, : self.keep] / self.largest[:, None, None]
        return Embedding(patches, embedding.descriptor)

    def state_dict(self):
        if self.largest is None:
            raise NotFitted("Standardised.state_dict was called before fit.")
        return {"largest": self.largest}

    def load_state_dict(self, state):
        require_state(
            self, {name: state[name] for name in state if name == "largest"}, largest="float channels"
        )
        self.largest = state["largest"]


class Traced(Standardised, Exportable):
    """The same, which can be exported: right in every way."""

    def traceable(self):
        if self.largest is None:
            raise NotFitted("Traced.traceable was called before fit.")
        return lambda pyramid: Pyramid((self.transform(pyramid.embedding()).patches,), pyramid.descriptor)


class TracesAnotherScale(Traced):
    def traceable(self):
        function = super().traceable()
        return lambda pyramid: Pyramid((2 * function(pyramid).maps[0],), pyramid.descriptor)


class Wrapped(Reducer):
    """Standardised, with something done to the result."""

    def __init__(self):
        self.reducer = Standardised()

    def fit(self, stream):
        self.reducer.fit(stream)

    def transform(self, embedding):
        return self.spoil(self.reducer.transform(embedding))

    def state_dict(self):
        return self.reducer.state_dict()

    def load_state_dict(self, state):
        self.reducer.load_state_dict(state)


class Double(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches.double(), reduced.descriptor)


class HalvesTheGrid(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches[:, :, ::2, ::2], reduced.descriptor)


class Repeats(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches.repeat(1, 3, 1, 1), reduced.descriptor)


class Overflows(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches.where(reduced.patches.abs() < 1.1, torch.inf), reduced.descriptor)


class DropsTheDescriptor(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches)


class ScalesTheDescriptor(Wrapped):
    def spoil(self, reduced):
        descriptor = reduced.descriptor
        return Embedding(reduced.patches, None if descriptor is None else 2 * descriptor)


class InventsADescriptor(Wrapped):
    def spoil(self, reduced):
        descriptor = reduced.patches.mean((2, 3)) if reduced.descriptor is None else reduced.descriptor
        return Embedding(reduced.patches, descriptor)


class LosesEverything(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches * 0, reduced.descriptor)


class TransformsUnfitted(Standardised):
    def transform(self, embedding):
        if self.largest is None:
            return Embedding(embedding.patches[:, : self.keep], embedding.descriptor)
        return super().transform(embedding)


class NeverForgets(Standardised):
    def fit(self, stream):
        before = self.largest
        super().fit(stream)
        if before is not None:
            self.largest = torch.maximum(self.largest, before)


class ScalesByBatch(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches / reduced.patches.abs().max(), reduced.descriptor)


class ChangesItsInput(Standardised):
    def transform(self, embedding):
        reduced = super().transform(embedding)
        embedding.patches.zero_()
        return reduced


class KeepsGradients(Wrapped):
    def spoil(self, reduced):
        return Embedding(reduced.patches * torch.nn.Parameter(torch.ones(())), reduced.descriptor)


class RestoresRounded(Standardised):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.scale = self.largest.half().float()

    def transform(self, embedding):
        reduced = super().transform(embedding)
        scale = getattr(self, "scale", self.largest)
        return Embedding(reduced.patches * (self.largest / scale)[:, None, None], reduced.descriptor)


class IgnoresItsSeed(Standardised):
    def __init__(self, keep: int = 3, seed: int = 0):
        super().__init__(keep)
        self.seed = seed


class DrawsFromTorch(Standardised):
    def fit(self, stream):
        super().fit(stream)
        torch.randperm(3)


class HoldsALambda(Standardised):
    def __init__(self, keep: int = 3):
        super().__init__(keep)
        self.key = lambda x: x


class ByLayer(Standardised, LinearReducer, PyramidReducer):
    """The same, layer by layer: right in every way."""

    def __init__(self, keep: int = 5):
        super().__init__(keep)

    def transform_then_align(self, maps, align):
        return torch.cat([align(map) for map in self.reduced(maps) if map.shape[1]], dim=1)

    def transform_pyramid(self, maps):
        return self.reduced(maps)

    def reduced(self, maps):
        starts = [sum(map.shape[1] for map in maps[:number]) for number in range(len(maps))]
        shares = [self.largest[start : start + map.shape[1]] for start, map in zip(starts, maps, strict=True)]
        return tuple(
            map[:, : len(share)] / share[:, None, None] for map, share in zip(maps, shares, strict=True)
        )


class TakesLayersForOneAnother(ByLayer):
    def transform_then_align(self, maps, align):
        whole = torch.cat([align(map) for map in maps], dim=1)
        return self.transform(Embedding(whole.flip(1))).patches


class AlignsByNearestAlways(ByLayer):
    def transform_then_align(self, maps, align):
        return super().transform_then_align(maps, Pyramid(tuple(maps)).align)


class ScalesTheCoarserLayers(ByLayer):
    def transform_pyramid(self, maps):
        finest, *coarser = super().transform_pyramid(maps)
        return (finest, *(2 * map for map in coarser))


class GivesAlignedLayers(ByLayer):
    def transform_pyramid(self, maps):
        return (Pyramid(super().transform_pyramid(maps)).embedding().patches,)


class OfLayers(Standardised, PyramidLearner):
    """The same, learnt from layers: right in every way."""

    def __init__(self, keep: int = 5):  # channels of more than the finest layer
        super().__init__(keep)

    def fit_pyramids(self, stream):
        self.fit(pyramid.embedding() for pyramid in stream)


class LearnsTheFinestLayer(OfLayers):
    def fit_pyramids(self, stream):
        super().fit_pyramids(stream)
        self.largest[next(iter(stream)).maps[0].shape[1] :] = 1


class StoresOneLayerOnly(OfLayers):
    layers = 1

    def fit_pyramids(self, stream):
        super().fit_pyramids(stream)
        self.layers = len(next(iter(stream)).maps)

    def state_dict(self):
        state = super().state_dict()
        return state if self.layers == 1 else {"largest": torch.ones_like(state["largest"])}


class AddsPyramids(OfLayers):
    def fit_pyramids(self, stream):
        known = self.largest
        super().fit_pyramids(stream)
        self.largest = self.largest if known is None else torch.maximum(self.largest, known)


class ChangesItsPyramids(OfLayers):
    def fit_pyramids(self, stream):
        self.fit(self.positive(pyramid).embedding() for pyramid in stream)

    def positive(self, pyramid):
        return replace(pyramid, maps=tuple(map.abs_() for map in pyramid.maps))


BROKEN = {
    LearnsTheFinestLayer: "learning_from_pyramids_equals_fit",
    StoresOneLayerOnly: "reduction_of_pyramids_can_be_restored",
    AddsPyramids: "learning_from_pyramids_forgets_earlier_fits",
    ChangesItsPyramids: "pyramids_that_are_learnt_are_not_modified",
    Double: "keeps_images_and_positions",
    TracesAnotherScale: "traced_reduction_equals_transform",
    HalvesTheGrid: "keeps_images_and_positions",
    Repeats: "adds_no_channels",
    Overflows: "embeddings_are_finite",
    DropsTheDescriptor: "descriptor_is_left_as_it_is",
    ScalesTheDescriptor: "descriptor_is_left_as_it_is",
    InventsADescriptor: "descriptor_is_left_as_it_is",
    LosesEverything: "different_patches_stay_different",
    TransformsUnfitted: "refuses_to_transform_before_fit",
    NeverForgets: "second_fit_forgets_the_first",
    TakesLayersForOneAnother: "aligning_last_equals_transform",
    AlignsByNearestAlways: "aligning_last_equals_transform",
    ScalesTheCoarserLayers: "transform_pyramid_equals_transform",
    GivesAlignedLayers: "transform_pyramid_equals_transform",
    ScalesByBatch: "batch_size_does_not_matter",
    ChangesItsInput: "input_is_not_modified",
    KeepsGradients: "results_carry_no_gradient",
    RestoresRounded: "restored_state_gives_the_same_result",
    IgnoresItsSeed: "another_seed_gives_another_result",
    DrawsFromTorch: "leaves_global_random_state_alone",
    HoldsALambda: "can_be_pickled",
}


# With 3 channels, no coarser layer keeps any.
REFUSALS = "changed_states_are_refused"
THREADS = "calls_from_threads_equal_calls_in_turn"  # may fail by chance; see test_thread_checks


@pytest.mark.parametrize("make", [Standardised, ByLayer, partial(ByLayer, 3), OfLayers, Traced])
def test_a_sound_reducer_passes_every_check(make):
    check_reducer(make)


@pytest.mark.parametrize("reducer", BROKEN, ids=lambda reducer: reducer.__name__)
def test_a_broken_reducer_fails_the_check_meant_for_it_alone(reducer):
    assert failed_checks(Reducer, reducer, besides={THREADS, REFUSALS}) == {BROKEN[reducer]}


def test_every_check_of_reducers_is_known_to_find_something():
    names = {check.name for check in checks_of(Reducer)} - BROAD
    shared = names & set(BROKEN_DENSITIES.values())  # the same functions, which are broken one by one there
    elsewhere = {"computes_on_cuda", THREADS}
    assert names - elsewhere == set(BROKEN.values()) | shared
    assert len(set(BROKEN.values()) - shared) >= 5
