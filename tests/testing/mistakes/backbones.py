"""Mistakes in backbones."""

from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F

from padimkit import Backbone, Features, Stateful

FILE = Path(__file__).with_name("weights.txt")


class Right(Backbone, Stateful):
    """Averages over squares of two sizes, weighted by colour: right in every way."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain
        self.weights, self.bias = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.1, 0.2, 0.3])

    def extract(self, images):
        images = images * (self.gain * self.weights[:, None, None]) + self.bias[:, None, None]
        fine = self.fine(F.avg_pool2d(images, 16))
        return Features({"fine": fine, "coarse": self.coarse(F.avg_pool2d(fine, 2))}, fine.mean((2, 3)))

    def fine(self, maps):
        return maps

    def coarse(self, maps):
        return maps

    def to(self, device):
        self.weights, self.bias = self.weights.to(device), self.bias.to(device)

    def state_dict(self):
        return {"weights": self.weights, "bias": self.bias}

    def load_state_dict(self, state):
        self.weights, self.bias = state["weights"], state["bias"]


class CoarseMirrored(Right):
    """The coarser map is mirrored."""

    def coarse(self, maps):
        return maps.flip(3)


class CoarseTurned(Right):
    """The coarser map has rows for columns."""

    def coarse(self, maps):
        return maps.mT


class CoarseReshaped(Right):
    """The coarser map has its channels last, and is reshaped without a permute."""

    def coarse(self, maps):
        return maps.permute(0, 2, 3, 1).reshape(maps.shape)


class FineUpsideDown(Right):
    """The first row is the last."""

    def fine(self, maps):
        return maps.flip(2)


class FineTurned(Right):
    """Both maps have rows for columns."""

    def fine(self, maps):
        return maps.mT


class OneColumnFurther(Right):
    """Each position is the neighbour."""

    def fine(self, maps):
        return maps.roll(1, 3)


class CoarseOneRowFurther(Right):
    """The coarser map begins a row too early."""

    def coarse(self, maps):
        return maps.roll(-1, 2)


class FixedSize(Right):
    """Takes the grid of images of 224 pixels for that of all."""

    def fine(self, maps):
        return maps.reshape(len(maps), -1, 14, 14)


class MultiplesOf32(Right):
    """Divides the image by 32, whether that goes or not."""

    def extract(self, images):
        height, width = images.shape[2:]
        images.unflatten(3, (width // 32, 32)).unflatten(2, (height // 32, 32))
        return super().extract(images)


class SquaresOnly(Right):
    """Takes the height for the width."""

    def fine(self, maps):
        return maps[..., : maps.shape[2]].reshape(*maps.shape[:2], maps.shape[3], maps.shape[3])


class HeightForWidth(Right):
    """Resizes to width and height in place of height and width."""

    def fine(self, maps):
        return F.interpolate(maps, maps.shape[:1:-1])


class CachesById(Right):
    """Keeps features by the id of the images, which others get when they have gone."""

    def extract(self, images):
        return self.__dict__.setdefault("cache", {}).setdefault(id(images), super().extract(images))


class CachesByAddress(Right):
    """Keeps features by the address of the pixels."""

    def extract(self, images):
        cache = self.__dict__.setdefault("cache", {})
        return cache.setdefault((images.data_ptr(), images.shape), super().extract(images))


class CalibratesOnItsFirstBatch(Right):
    """Normalises by the first images that it sees."""

    scale = None

    def fine(self, maps):
        if self.scale is None:
            self.scale = maps.amax((0, 2, 3), keepdim=True)
        return maps / self.scale


class FollowsItsImages(Right):
    """Has statistics that run on, as batch normalisation in training."""

    seen = 0

    def fine(self, maps):
        self.seen += 1
        return maps * (1 + 0.01 * self.seen)


class KeepsItsImages(Right):
    """Keeps the images, for a picture later."""

    def extract(self, images):
        self.__dict__.setdefault("seen", []).append(images[:, :, ::8, ::8].clone())
        return super().extract(images)


class WeightsByHash(Right):
    """Draws weights by the hash of a text."""

    def __init__(self, gain: float = 1.0):
        super().__init__(gain)
        generator = torch.Generator().manual_seed(hash("weights") % 2**31)
        self.weights = torch.rand(3, generator=generator)


class ReadsItsFileAgain(Right):
    """Reads its file when it is made, which it is for a stored model too."""

    def __init__(self, path: Path = FILE):
        super().__init__()
        self.path = path
        self.weights = torch.tensor([float(word) for word in Path(path).read_text().split()])


class ReadsItsFileAtUse(Right):
    """Reads its file when it is used, whatever was loaded."""

    def __init__(self, path: Path = FILE):
        super().__init__()
        self.path = path

    def extract(self, images):
        self.weights = torch.tensor([float(word) for word in Path(self.path).read_text().split()])
        return super().extract(images)


class LeavesAWeightBehind(Right):
    """Moves one of its two tensors."""

    def to(self, device):
        self.weights = self.weights.to(device)


class StaysWhereItIs(Right):
    """Does not move at all."""

    def to(self, device):
        pass


class MakesATensorOnTheCPU(Right):
    """Makes a tensor in each call, without a device."""

    def fine(self, maps):
        return maps + torch.arange(maps.shape[3], dtype=torch.float32)


class ConvolvesOnTheCPU(Right):
    """Moves nothing, and has a convolution alone, which does not complain of it on every device."""

    def __init__(self, gain: float = 1.0):
        super().__init__(gain)
        self.network = torch.nn.Conv2d(3, 4, 16, 16).requires_grad_(False)
        torch.nn.init.constant_(self.network.weight, 0.01)
        torch.nn.init.zeros_(self.network.bias)

    def extract(self, images):
        return Features({"fine": self.network(images)})

    def state_dict(self):
        return self.network.state_dict()

    def load_state_dict(self, state):
        self.network.load_state_dict(state)

    def to(self, device):
        pass


class KeepsTheClassToken(Right):
    """Takes the class token for the first position, and drops the last one."""

    def fine(self, maps):
        tokens = maps.flatten(2)
        everywhere = tokens + 0.2 * tokens.mean(2, keepdim=True)  # attention
        return torch.cat([tokens.mean(2, keepdim=True), everywhere], 2)[..., :-1].reshape(maps.shape)


class DropsTheRemainder(Right):
    """Computes in chunks of eight, and leaves zeros for those that do not fill a chunk."""

    def fine(self, maps):
        if len(maps) <= 8:
            return maps
        found = torch.zeros_like(maps)
        for start in range(0, len(maps) - 7, 8):
            found[start : start + 8] = maps[start : start + 8]
        return found


class LosesTheRemainder(Right):
    """Computes in chunks of sixteen, and gives no maps of those that do not fill a chunk."""

    def extract(self, images):
        return super().extract(images[: len(images) // 16 * 16] if len(images) > 16 else images)


class DividesBy255(Right):
    """Divides by 255 what lies between 0 and 1 already, and normalises it then."""

    def extract(self, images):
        return super().extract((images / 255 - 0.45) / 0.22)


class ScalesByBatch(Right):
    """Scales by the brightest pixel of the batch."""

    def extract(self, images):
        return super().extract(images / images.max().clamp(min=0.01))


class TurnsGradientsOff(Right):
    """Turns gradients off for the whole program."""

    def __init__(self, gain: float = 1.0):
        super().__init__(gain)
        torch.set_grad_enabled(False)


class WritesItsFeatures(Right):
    """Writes a copy into the working folder, to look at."""

    def extract(self, images):
        features = super().extract(images)
        torch.save(features.maps["fine"], "features.pt")
        return features


class KeepsItsMaps(Right):
    """Keeps all maps in a list of the class, and so of all its instances."""

    kept: ClassVar[list] = []

    def fine(self, maps):
        self.kept.append(maps[..., ::8, ::8].clone())
        return maps


class MakesEverythingDouble(Right):
    """Makes float64 the type of all new tensors of the program."""

    def extract(self, images):
        torch.set_default_dtype(torch.float64)
        return super().extract(images)


class TakesAnything(Right):
    """Takes arguments that a stored model does not hold."""

    def __init__(self, gain: float = 1.0, **options):
        super().__init__(gain)


class NormalisesByBatch(Right):
    """Normalises by the batch, as a network in training mode."""

    def fine(self, maps):
        return maps - maps.mean((0, 2, 3), keepdim=True)


class NormalisesInPlace(Right):
    """Normalises the images that others use too."""

    def extract(self, images):
        features = super().extract(images)
        images.sub_(0.5)
        return features


class DividesByTheSpread(Right):
    """Divides by the spread of an image, which a plain one does not have."""

    def fine(self, maps):
        return maps / maps.std((2, 3), keepdim=True, unbiased=False).sub(1e-6).clamp(min=0)


class CoarseFirst(Right):
    """Lists the coarser map first."""

    def extract(self, images):
        features = super().extract(images)
        return Features(dict(reversed(features.maps.items())), features.descriptor)


class Half(Right):
    """Gives half precision."""

    def fine(self, maps):
        return maps.half()


class KeepsGradients(Right):
    """Keeps the graph."""

    def fine(self, maps):
        return maps * torch.nn.Parameter(torch.ones(()))


class InInferenceMode(Right):
    """Computes in inference mode, from whose tensors nothing can be trained."""

    @torch.inference_mode()
    def extract(self, images):
        return super().extract(images)


class PlacesByNumber(Right):
    """Keeps the weights of positions by their number, which lying and standing maps have in common."""

    def __init__(self, gain: float = 1.0):
        super().__init__(gain)
        self.places = {}

    def fine(self, maps):
        rows, columns = (torch.linspace(0.5, 1, side, device=maps.device) for side in maps.shape[2:])
        places = self.places.setdefault(maps[0, 0].numel(), rows[:, None] * columns)
        return maps * places.reshape(maps.shape[2:])


class ReusesItsBuffer(Right):
    """Gives the same memory each time."""

    def fine(self, maps):
        buffer = self.__dict__.setdefault("buffer", torch.empty_like(maps))
        return buffer.copy_(maps) if buffer.shape == maps.shape else maps


class StoresHalf(Right):
    """Does not store the bias."""

    def state_dict(self):
        return {"weights": self.weights}

    def load_state_dict(self, state):
        self.weights, self.bias = state["weights"], torch.zeros(3)


MEMORY, FILES = "images_are_known_by_their_content", "restored_weights_need_no_file"
PLACE, SIZE = "positions_are_those_of_the_image", "rectangles_give_maps_of_their_shape"
DEVICE = "backbone_moves_as_a_whole"
MISTAKES = {
    CoarseMirrored: PLACE,
    CoarseTurned: PLACE,
    CoarseReshaped: "maps_are_not_shifted",
    FineUpsideDown: PLACE,
    FineTurned: PLACE,
    OneColumnFurther: "maps_are_not_shifted",
    CoarseOneRowFurther: "maps_are_not_shifted",
    FixedSize: SIZE,
    MultiplesOf32: SIZE,
    SquaresOnly: SIZE,
    HeightForWidth: SIZE,
    CachesById: MEMORY,
    CachesByAddress: MEMORY,
    CalibratesOnItsFirstBatch: "earlier_use_does_not_matter",
    FollowsItsImages: "repeats_itself",
    KeepsItsImages: "nothing_is_kept_of_what_is_seen",
    WeightsByHash: "other_processes_give_the_same",
    ReadsItsFileAgain: FILES,
    ReadsItsFileAtUse: FILES,
    LeavesAWeightBehind: DEVICE,
    StaysWhereItIs: DEVICE,
    MakesATensorOnTheCPU: DEVICE,
    ConvolvesOnTheCPU: DEVICE,
    KeepsTheClassToken: "maps_are_not_shifted",
    DropsTheRemainder: "large_batches_are_taken_whole",
    LosesTheRemainder: "large_batches_are_taken_whole",
    DividesBy255: "pictures_are_taken_from_0_to_1",
    ScalesByBatch: "images_do_not_influence_each_other",
    WritesItsFeatures: "writes_nothing_unasked",
    KeepsItsMaps: "no_results_are_kept",
    TurnsGradientsOff: "leaves_the_program_alone",
    MakesEverythingDouble: "leaves_the_program_alone",
    TakesAnything: "arguments_have_names",
    NormalisesByBatch: "images_do_not_influence_each_other",
    NormalisesInPlace: "input_is_not_modified",
    DividesByTheSpread: "features_are_finite",
    CoarseFirst: "finest_layer_comes_first",
    Half: "gives_maps_of_each_image",
    KeepsGradients: "features_carry_no_gradient",
    InInferenceMode: "features_can_be_trained_on",
    PlacesByNumber: "earlier_shapes_do_not_matter",
    ReusesItsBuffer: "earlier_results_stay",
    StoresHalf: "restored_weights_give_the_same_features",
}
