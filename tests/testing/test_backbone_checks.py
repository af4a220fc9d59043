"""Backbones that are right but for one thing, and the check that finds it."""

import pytest
import torch
import torch.nn.functional as F
from violations import BROAD, failed_checks

from padimkit.contracts import Backbone, Exportable, NeedsWeights, Stateful, TellsWeights
from padimkit.errors import BadWeights
from padimkit.testing import check_backbone, checks_of
from padimkit.testing.check import Finding
from padimkit.testing.devices import computes_on
from padimkit.values import Features


class Blur(Backbone, Stateful):
    """Averages over squares of two sizes, weighted by colour: right in every way."""

    def __init__(self, layers: int = 2):
        self.layers = layers
        self.weights = torch.tensor([1.0, 2.0, 3.0])

    def extract(self, images):
        fine = F.avg_pool2d(images * self.weights[:, None, None], 16)
        maps = {"fine": fine, "coarse": F.avg_pool2d(fine, 2)}
        return Features(maps, fine.mean((2, 3)))

    def to(self, device):
        self.weights = self.weights.to(device)

    def state_dict(self):
        return {"weights": self.weights}

    def load_state_dict(self, state):
        self.weights = state["weights"]


class Traced(Blur, Exportable):
    """The same, which can be exported: right in every way."""

    def traceable(self):
        return self.extract


class TracesThreeImages(Traced):
    def traceable(self):
        return lambda images: Features({name: m[:3] for name, m in self.extract(images).maps.items()})


class Late(Blur, NeedsWeights):
    """The same, with weights that are elsewhere: right in every way."""

    def require_weights(self):
        pass

    def go_without_weights(self):
        self.weights = torch.ones(3)


class Tells(Blur, TellsWeights):
    """The same, and says where its weights come from: right in every way."""

    def __init__(self, layers: int = 2):
        super().__init__(layers)
        self.origin = {"source": "none"}

    def weights_origin(self):
        return dict(self.origin)

    def restore_weights_origin(self, origin):
        self.origin = dict(origin)


class GivesItsOriginAway(Tells):
    def weights_origin(self):
        return self.origin


class ForgetsItsOrigin(Tells):
    def restore_weights_origin(self, origin):
        self.origin = {}


class LosesALayerWithoutWeights(Late):
    bare = False

    def go_without_weights(self):
        self.bare = True

    def extract(self, images):
        features = super().extract(images)
        return Features({"fine": features.maps["fine"]}, features.descriptor) if self.bare else features


class RequiresWeightsThatItGoesWithout(Late):
    bare = False

    def go_without_weights(self):
        self.bare = True

    def require_weights(self):
        if self.bare:
            raise BadWeights("The weights are missing.")


class Spoilt(Blur):
    """Blur, with something done to the maps."""

    def extract(self, images):
        features = super().extract(images)
        return Features({name: self.spoil(map_) for name, map_ in features.maps.items()}, features.descriptor)


class NoMaps(Blur):
    def extract(self, images):
        return Features({}, super().extract(images).descriptor)


class Double(Spoilt):
    def spoil(self, map_):
        return map_.double()


class CoarseFirst(Blur):
    def extract(self, images):
        features = super().extract(images)
        return Features(dict(reversed(features.maps.items())), features.descriptor)


class FewerLayersOfBlackImages(Blur):
    def extract(self, images):
        features = super().extract(images)
        if images.any():
            return features
        return Features({"fine": features.maps["fine"]}, features.descriptor)


class Normalised(Spoilt):
    def spoil(self, map_):
        return map_ / map_.amax((1, 2, 3), keepdim=True)


class TrainingMode(Spoilt):
    def spoil(self, map_):
        return map_ - 0.5 * map_.mean(0)


class IgnoresTheImage(Blur):
    def extract(self, images):
        features = super().extract(images)
        return Features(features.maps | {"bias": torch.ones(len(images), 1, 1, 1)}, features.descriptor)


class Transposed(Spoilt):
    def spoil(self, map_):
        return map_.mT


class UpsideDown(Spoilt):
    def spoil(self, map_):
        return map_.flip(2)


class LaysOutRectanglesAsIfTurned(Spoilt):
    def spoil(self, map_):
        return map_.reshape(*map_.shape[:2], map_.shape[3], map_.shape[2])


class TakesSquaresOnly(Blur):
    def extract(self, images):
        assert images.shape[2] == images.shape[3]
        return super().extract(images)


class CentresInPlace(Blur):
    def extract(self, images):
        features = super().extract(images)
        images.sub_(0.5)
        return features


class KeepsGradients(Spoilt):
    def spoil(self, map_):
        return map_ * torch.nn.Parameter(torch.ones(()))


class RestoresRoundedWeights(Blur):
    loaded = None

    def load_state_dict(self, state):
        self.loaded = state["weights"]
        self.weights = self.loaded + 1e-5

    def state_dict(self):
        return {"weights": self.weights if self.loaded is None else self.loaded}


class KeepsItsWeights(Blur):
    def load_state_dict(self, state):
        pass


class ScalesTheLoadedWeights(Blur):
    def load_state_dict(self, state):
        self.weights = state["weights"].clone()
        state["weights"].mul_(2)


class Unseeded(Blur):
    def __init__(self, layers: int = 2):
        super().__init__(layers)
        generator = torch.Generator()
        generator.seed()
        self.weights = self.weights + 1e-4 * torch.rand(3, generator=generator)


class IgnoresItsSeed(Blur):
    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed


class InitialisesItsWeightsAtRandom(Blur):
    def __init__(self, layers: int = 2):
        super().__init__(layers)
        torch.nn.Linear(3, 3)


class Drifts(Blur):
    calls = 0

    def extract(self, images):
        self.calls += 1
        features = super().extract(images)
        return Features({name: map_ * (1 + 1e-6 * self.calls) for name, map_ in features.maps.items()})


class ReusesItsBuffer(Blur):
    buffer = torch.empty(0)

    def extract(self, images):
        maps = super().extract(images).maps
        if self.buffer.shape != maps["fine"].shape:
            self.buffer = torch.empty_like(maps["fine"])
        return Features(maps | {"fine": self.buffer.copy_(maps["fine"])})


class CannotBeCopied(Blur):
    def __deepcopy__(self, memo):
        raise TypeError("one is enough")


class HoldsALambda(Blur):
    def __init__(self, layers: int = 2):
        super().__init__(layers)
        self.hook = lambda x: x


class DropsItsArgument(Blur):
    def __init__(self, layers: int = 2):
        super().__init__(layers=2 * layers)


class ForgetsWhenMoved(Blur):
    def to(self, device):
        self.weights = torch.ones(3)


class StaysOnTheCPU(Blur):
    def extract(self, images):
        return super().extract(torch.zeros(images.shape))

    def to(self, device):
        pass


BROKEN = {
    NoMaps: "gives_maps_of_each_image",
    TracesThreeImages: "traced_features_equal_features",
    Double: "gives_maps_of_each_image",
    CoarseFirst: "finest_layer_comes_first",
    FewerLayersOfBlackImages: "layers_are_the_same_for_all_images",
    Normalised: "features_are_finite",
    TrainingMode: "images_do_not_influence_each_other",
    IgnoresTheImage: "different_images_have_different_features",
    LaysOutRectanglesAsIfTurned: "rectangles_give_maps_of_their_shape",
    TakesSquaresOnly: "rectangles_give_maps_of_their_shape",
    Transposed: "positions_are_those_of_the_image",
    UpsideDown: "positions_are_those_of_the_image",
    LosesALayerWithoutWeights: "goes_without_weights",
    RequiresWeightsThatItGoesWithout: "goes_without_weights",
    CentresInPlace: "input_is_not_modified",
    KeepsGradients: "features_carry_no_gradient",
    RestoresRoundedWeights: "restored_weights_give_the_same_features",
    GivesItsOriginAway: "origin_of_weights_is_restored",
    ForgetsItsOrigin: "origin_of_weights_is_restored",
    KeepsItsWeights: "loaded_weights_are_used",
    ScalesTheLoadedWeights: "loading_leaves_the_weights_alone",
    Unseeded: "same_arguments_give_the_same_result",
    IgnoresItsSeed: "another_seed_gives_another_result",
    InitialisesItsWeightsAtRandom: "leaves_global_random_state_alone",
    Drifts: "repeats_itself",
    ReusesItsBuffer: "earlier_results_stay",
    CannotBeCopied: "can_be_copied",
    HoldsALambda: "can_be_pickled",
    ForgetsWhenMoved: "can_be_moved_to_the_cpu",
}


THREADS = "features_from_threads_equal_features_in_turn"  # may fail by chance; see test_thread_checks


@pytest.mark.parametrize("backbone", [Blur, Late, Tells, Traced])
def test_a_sound_backbone_passes_every_check(backbone):
    check_backbone(backbone)


@pytest.mark.parametrize("backbone", BROKEN, ids=lambda backbone: backbone.__name__)
def test_a_broken_backbone_fails_the_check_meant_for_it_alone(backbone):
    assert failed_checks(Backbone, backbone, besides={THREADS}) == {BROKEN[backbone]}


def test_an_argument_that_is_stored_otherwise_than_given_is_found():
    assert failed_checks(Backbone, DropsItsArgument) == {"keeps_its_arguments", "can_be_written_down"}


def test_features_must_be_on_the_device_of_the_images():
    computes_on(torch.device("cpu"), Blur)
    with pytest.raises(Finding, match='Expected "fine" on meta, found it on cpu'):
        computes_on(torch.device("meta"), StaysOnTheCPU)


def test_every_check_of_backbones_is_known_to_find_something():
    names = {check.name for check in checks_of(Backbone)} - BROAD
    found = {*BROKEN.values(), "keeps_its_arguments", "can_be_written_down"}
    assert names - {"computes_on_cuda", THREADS} == found
