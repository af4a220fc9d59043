"""Mistakes in density models."""

import gc
import io
import logging
import os
import sys
import threading
import time
import warnings
from itertools import islice

import numpy as np
import torch

from padimkit import BadModel, DensityModel, LearnsAnomalies, NotFitted, Scores, Stream, require_state

TOTALS = {}
BUFFERS = {}
SCORED = []


class Right(DensityModel):
    """The distance to the mean of each position, in standard deviations: right in every way."""

    def __init__(self, eps: float = 0.01):
        self.eps = eps
        self.mean = self.std = None

    def fit(self, stream):
        patches = torch.cat([one.double() for one in self.batches(stream)])
        self.learn(patches.mean(0), patches.var(0, unbiased=False))

    def batches(self, stream):
        return [embedding.patches for embedding in stream]

    def learn(self, mean, variance):
        self.mean, self.std = mean.float(), (variance + self.eps).sqrt().float()

    def score(self, embedding):
        if self.mean is None:
            raise NotFitted("Right.score was called before fit.")
        return self.finished(self.distances(embedding.patches))

    def distances(self, patches):
        return ((patches - self.mean) / self.std).square().sum(1).sqrt()

    def finished(self, scores):
        return Scores(scores)

    def state_dict(self):
        if self.mean is None:
            raise NotFitted("Right.state_dict was called before fit.")
        return {"mean": self.mean, "std": self.std}

    def load_state_dict(self, state):
        require_state(self, state, mean="float c h w", std="float c h w")
        self.mean, self.std = state["mean"], state["std"]


class Mirrored(Right):
    """The map is mirrored from left to right."""

    def finished(self, scores):
        return Scores(scores.flip(2))


class UpsideDown(Right):
    """The first row is the last."""

    def finished(self, scores):
        return Scores(scores.flip(1))


class Turned(Right):
    """The map is turned by 180 degrees, as by a convolution taken for a correlation."""

    def finished(self, scores):
        return Scores(scores.rot90(2, (1, 2)))


class WidthForHeight(Right):
    """The positions are laid out w h, and given as h w."""

    def finished(self, scores):
        return Scores(scores.mT.reshape(scores.shape))


class ReshapedWithoutPermute(Right):
    """Rows of channels are made by reshape alone, so that they mix positions."""

    def score(self, embedding):
        b, c, h, w = embedding.patches.shape
        rows = super().distances(embedding.patches.reshape(b, h, w, c).permute(0, 3, 1, 2))
        return Scores(rows.reshape(b, h, w))


class OneColumnFurther(Right):
    """Each score is that of the neighbour."""

    def finished(self, scores):
        return Scores(scores.roll(1, 2))


class OneRowFurther(Right):
    """Each score is that of the patch above."""

    def finished(self, scores):
        return Scores(scores.roll(1, 1))


class FirstBatchOnly(Right):
    """Returns from the loop after the first batch."""

    def batches(self, stream):
        return [next(iter(stream)).patches]


class LastBatchOnly(Right):
    """Assigns in the loop where it should add."""

    def batches(self, stream):
        for embedding in stream:
            patches = embedding.patches
        return [patches]


class LosesTheFirstBatch(Right):
    """Takes the shape from the first batch, and goes on with the same iterator."""

    def batches(self, stream):
        iterator = iter(stream)
        next(iterator)
        return [embedding.patches for embedding in iterator]


class DropsTheLastBatch(Right):
    """Drops the last batch, as loaders for training do."""

    def batches(self, stream):
        return super().batches(stream)[:-1]


class EverySecondBatch(Right):
    """Learns from every second batch."""

    def batches(self, stream):
        return super().batches(stream)[::2]


class AFewImages(Right):
    """Stops after as many images as a default says."""

    def batches(self, stream):
        return list(islice((image[None] for batch in super().batches(stream) for image in batch), 10))


class SpreadOfTheFirstBatch(Right):
    """Takes the mean of all batches, and the variance of the first."""

    def fit(self, stream):
        batches = self.batches(stream)
        self.learn(torch.cat(batches).mean(0), batches[0].var(0))


class Saturates(Right):
    """Cuts scores off at the highest one that normal patches get."""

    def finished(self, scores):
        return Scores(scores.clamp(max=6.0))


class HidesNan(Right):
    """Takes square roots of what may be negative, and 0 for what is no number then."""

    def fit(self, stream):
        patches = torch.cat(self.batches(stream))
        self.mean = patches.mean(0)
        self.std = ((patches**2).mean(0) - self.mean**2 - 1e-7).sqrt()

    def finished(self, scores):
        return Scores(scores.nan_to_num())


class EvenChannelsOnly(Right):
    """Scores every second channel."""

    def distances(self, patches):
        return ((patches - self.mean) / self.std)[:, ::2].square().sum(1).sqrt()


class SharesABuffer(Right):
    """Computes in a buffer of the module, which calls of several threads share."""

    def distances(self, patches):
        buffer = BUFFERS.setdefault(patches.shape, torch.empty_like(patches))
        torch.sub(patches, self.mean, out=buffer)
        return buffer.div_(self.std).square().sum(1).sqrt()


class TurnsSquares(Right):
    """Lays positions out w h, and notices that by the shape, which tells nothing of squares."""

    def finished(self, scores):
        height, width = scores.shape[1:]
        turned = scores.mT
        return Scores(turned if turned.shape[1:] == (height, width) else scores)


class KeepsAllScores(Right):
    """Keeps all scores in a list of the module, for a histogram later."""

    def finished(self, scores):
        SCORED.append(scores)
        return Scores(scores.clone())


class WritesWhatItLearns(Right):
    """Writes what it learns into the working folder."""

    def learn(self, mean, variance):
        super().learn(mean, variance)
        np.save("mean.npy", self.mean.numpy())


class ShowsEverything(Right):
    """Has all that is logged shown, in its own format."""

    def fit(self, stream):
        logging.basicConfig(level=logging.DEBUG)
        logging.root.setLevel(logging.DEBUG)
        super().fit(stream)


class HidesTheGpus(Right):
    """Hides the GPUs from the whole program when it is made."""

    def __init__(self, eps: float = 0.01):
        super().__init__(eps)
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


class StopsTheCollector(Right):
    """Stops the garbage collector while it learns, and forgets to start it again."""

    def learn(self, mean, variance):
        gc.disable()
        super().learn(mean, variance)


class LooksForNan(Right):
    """Leaves torch's slow search for NaN on, which once was of use."""

    def learn(self, mean, variance):
        torch.autograd.set_detect_anomaly(True)
        super().learn(mean, variance)


class SharesByFiles(Right):
    """Lets all tensors be shared by files, for workers that it does not have."""

    def learn(self, mean, variance):
        torch.multiprocessing.set_sharing_strategy("file_system")
        super().learn(mean, variance)


class WithoutCudnn(Right):
    """Turns cuDNN off for all."""

    def learn(self, mean, variance):
        torch.backends.cudnn.enabled = False
        super().learn(mean, variance)


class PrintsElsewhere(Right):
    """Sends what all others print to nowhere."""

    def learn(self, mean, variance):
        sys.stdout = io.StringIO()
        super().learn(mean, variance)


class AveragesBatches(Right):
    """Takes the mean of the means of batches, of which the last is smaller."""

    def fit(self, stream):
        batches = self.batches(stream)
        mean = torch.stack([one.mean(0) for one in batches]).mean(0)
        self.learn(mean, torch.cat([(one - mean) ** 2 for one in batches]).mean(0))


class SpreadWithinBatches(Right):
    """Takes the variance within batches for the variance."""

    def fit(self, stream):
        batches = self.batches(stream)
        self.learn(torch.cat(batches).mean(0), torch.cat([(b - b.mean(0)) ** 2 for b in batches]).mean(0))


class NormalisesEachBatch(Right):
    """Normalises each batch of fit by its own mean, and none of score."""

    def batches(self, stream):
        return [one - one.mean(0) + 1 for one in super().batches(stream)]


class OnePositionForAll(Right):
    """Takes the statistics of the first position for all."""

    def learn(self, mean, variance):
        super().learn(mean[:, :1, :1].expand(mean.shape), variance[:, :1, :1].expand(mean.shape))


class OneRowForAll(Right):
    """Takes the statistics of the first row for all."""

    def learn(self, mean, variance):
        super().learn(mean[:, :1].expand(mean.shape), variance[:, :1].expand(mean.shape))


class FirstChannelOnly(Right):
    """Scores the first channel, by an index too many."""

    def distances(self, patches):
        return ((patches - self.mean) / self.std)[:, 0].abs()


class IgnoresTraining(Right):
    """Scores by the norm, whatever was learnt."""

    def distances(self, patches):
        return patches.square().sum(1)


class DividesByNothing(Right):
    """Divides by the spread of channels that have none."""

    def learn(self, mean, variance):
        self.mean, self.std = mean.float(), variance.sqrt().float()


class InvertsASingularMatrix(Right):
    """Inverts a covariance that has no inverse where there are fewer images than channels."""

    def fit(self, stream):
        super().fit(stream)
        patches = torch.cat(self.batches(stream)).flatten(2)[:, :, 0]
        torch.linalg.cholesky(patches.T @ patches / len(patches))


class Cancels(Right):
    """Subtracts the squared mean from the mean of squares, in float32."""

    def fit(self, stream):
        patches = torch.cat(self.batches(stream))
        self.mean = patches.mean(0)
        self.std = ((patches**2).mean(0) - self.mean**2).sqrt()


class CancelsAndClamps(Right):
    """The same, with a variance below nothing taken for nothing."""

    def fit(self, stream):
        patches = torch.cat(self.batches(stream))
        mean = patches.mean(0)
        self.mean, self.std = mean, (((patches**2).mean(0) - mean**2).clamp(min=0) + 1e-6).sqrt()


class NeedsADescriptor(Right):
    """Takes the descriptor for granted."""

    def score(self, embedding):
        return Scores(super().score(embedding).patches + 0 * embedding.descriptor.mean())


class CachesById(Right):
    """Keeps scores by the id of the tensor, which others get when it has gone."""

    def score(self, embedding):
        cache = self.__dict__.setdefault("cache", {})
        return cache.setdefault(id(embedding.patches), super().score(embedding))


class CachesByAddress(Right):
    """Keeps scores by the address of the values."""

    def score(self, embedding):
        cache = self.__dict__.setdefault("cache", {})
        key = embedding.patches.data_ptr(), embedding.patches.shape
        return cache.setdefault(key, super().score(embedding))


class CalibratesOnFirstUse(Right):
    """Scales by the largest score of the first batch that is scored."""

    def fit(self, stream):
        super().fit(stream)
        self.scale = None

    def finished(self, scores):
        scale = getattr(self, "scale", None) or float(scores.max())
        self.scale = scale
        return Scores(scores / scale)


class FollowsWhatItScores(Right):
    """Subtracts the mean of all scores so far."""

    def finished(self, scores):
        self.seen = getattr(self, "seen", 0) + 1
        return Scores(scores * (1 + 0.01 * self.seen))


class KeepsWhatItScores(Right):
    """Keeps the scored embeddings, for a picture later."""

    def score(self, embedding):
        self.__dict__.setdefault("scored", []).append(embedding.patches.clone())
        return super().score(embedding)


class SeedByHash(Right):
    """Seeds by the hash of a text, which is another in each process."""

    def learn(self, mean, variance):
        generator = torch.Generator().manual_seed(hash("density") % 2**31)
        super().learn(mean, variance * torch.rand(variance.shape, generator=generator))


class OrderOfASet(Right):
    """Weighs channels in the order of a set of texts, which is another in each process."""

    def learn(self, mean, variance):
        order = torch.tensor([int(name) for name in {str(channel) for channel in range(len(mean))}])
        super().learn(mean, variance * (1 + order[:, None, None]))


class StateInAttributes(Right):
    """Learns a scale that the state does not hold."""

    scale = 1.0

    def fit(self, stream):
        super().fit(stream)
        self.scale = float(self.std.mean())

    def finished(self, scores):
        return Scores(scores / self.scale)


class SharesWhatItLearns(Right):
    """Keeps what it learns in a dictionary of the module."""

    def fit(self, stream):
        super().fit(stream)
        TOTALS["mean"] = self.mean

    def load_state_dict(self, state):
        super().load_state_dict(state)
        TOTALS["mean"] = self.mean

    def distances(self, patches):
        return ((patches - TOTALS["mean"]) / self.std).square().sum(1).sqrt()


class SeedOfTheClock(Right):
    """Seeds by the clock."""

    def learn(self, mean, variance):
        generator = torch.Generator().manual_seed(time.time_ns() % 2**31)
        super().learn(mean, variance * torch.rand(variance.shape, generator=generator))


class SeedsEverything(Right):
    """Seeds the generator that all share."""

    def fit(self, stream):
        torch.manual_seed(0)
        super().fit(stream)


class SumsOnTheCPU(Right):
    """Adds into a tensor that it makes without a device."""

    def fit(self, stream):
        batches = self.batches(stream)
        total = torch.zeros(batches[0].shape[1:])
        for one in batches:
            total += one.sum(0)
        self.learn(total / sum(map(len, batches)), torch.ones_like(total))


class TurnsGradientsOff(Right):
    """Turns gradients off for the whole program."""

    def score(self, embedding):
        torch.set_grad_enabled(False)
        return super().score(embedding)


class TurnsWarningsOff(Right):
    """Turns all warnings off for the whole program."""

    def fit(self, stream):
        warnings.filterwarnings("ignore")
        super().fit(stream)


class MakesEverythingDouble(Right):
    """Makes float64 the type of all new tensors of the program."""

    def fit(self, stream):
        torch.set_default_dtype(torch.float64)
        super().fit(stream)


class TakesAllThreads(Right):
    """Sets the threads of the whole program when it is made."""

    def __init__(self, eps: float = 0.01):
        super().__init__(eps)
        torch.set_num_threads(3)


class ChangesTheFolder(Right):
    """Goes to a folder of its own to write there."""

    def fit(self, stream):
        os.chdir("/")
        super().fit(stream)


class TakesAnything(Right):
    """Takes arguments that a stored model does not hold."""

    def __init__(self, eps: float = 0.01, **options):
        super().__init__(eps)
        self.options = options


class CentresInPlace(Right):
    """Subtracts the mean from what it was given."""

    def distances(self, patches):
        return (patches.sub_(self.mean) / self.std).square().sum(1).sqrt()


class KeepsGradients(Right):
    """Scores with a parameter, and keeps the graph."""

    def finished(self, scores):
        return Scores(scores * torch.nn.Parameter(torch.ones(())))


class Similarity(Right):
    """Gives a similarity, which is low for anomalies."""

    def finished(self, scores):
        return Scores(-scores)


class LowestForImages(Right):
    """Gives an image the score of its most normal patch, of those that differ."""

    def finished(self, scores):
        return Scores(scores, -scores.amax((1, 2)))


class ScalesByBatch(Right):
    """Scales scores to 1 within each batch."""

    def finished(self, scores):
        return Scores(scores / scores.max())


class Overflows(Right):
    """Overflows for what is far from normal."""

    def finished(self, scores):
        return Scores((scores**2).exp())


class AddsToTheFirstFit(Right):
    """Goes on with what an earlier fit has learnt."""

    def batches(self, stream):
        self.kept = [*getattr(self, "kept", []), *super().batches(stream)]
        return self.kept


class FlattensItsGrid(Right):
    """Gives scores without rows and columns."""

    def finished(self, scores):
        return Scores(scores.flatten(1)[:, None])


class KnowsOneGrid(Right):
    """Takes the grid of one backbone for that of all."""

    def finished(self, scores):
        return Scores(scores.reshape(-1, 6, 9))


class Weighs(Right, LearnsAnomalies):
    """Weighs channels by how far a few anomalous images lie apart in each: right in every way."""

    def fit(self, stream):
        self.fit_with_anomalies(stream, [])

    def fit_with_anomalies(self, stream, anomalies):
        super().fit(stream)
        apart, total = self.mean.new_zeros(len(self.mean)), 0.0
        for known in anomalies:
            squares = ((known.embedding.patches - self.mean) / self.std).square()
            share = self.share(known, squares)
            apart, total = apart + (squares * share[:, None]).sum((0, 2, 3)), total + float(share.sum())
        self.weights = apart / apart.mean() if total else self.mean.new_ones(len(self.mean))

    def share(self, known, squares):
        return torch.ones_like(squares[:, 0]) if known.share is None else known.share

    def distances(self, patches):
        squares = ((patches - self.mean) / self.std).square()
        return (self.weights[:, None, None] * squares).sum(1).sqrt()

    def state_dict(self):
        return super().state_dict() | {"weights": self.weights}

    def load_state_dict(self, state):
        require_state(self, state, mean="float c h w", std="float c h w", weights="float c")
        self.mean, self.std, self.weights = state["mean"], state["std"], state["weights"]


class IgnoresAnomalies(Weighs):
    """Takes anomalous images, and learns nothing of them."""

    def fit_with_anomalies(self, stream, anomalies):
        super().fit_with_anomalies(stream, [])


class AnomaliesAsNormal(Weighs):
    """Learns anomalous images as if they were normal."""

    def fit_with_anomalies(self, stream, anomalies):
        more = Stream(lambda: iter([*stream, *(known.embedding for known in anomalies)]))
        super().fit_with_anomalies(more, [])


class NeedsMasks(Weighs):
    """Takes each mask for one that is known."""

    def share(self, known, squares):
        return known.share


class NeedsAnomalies(Weighs):
    """Divides by their number, of which there may be none."""

    def fit(self, stream):
        super().fit(stream)
        self.weights = torch.ones(len(self.mean))

    def fit_with_anomalies(self, stream, anomalies):
        super().fit_with_anomalies(stream, anomalies)
        count = sum(len(known.embedding.patches) for known in anomalies)
        self.weights = self.weights * (1 + 1 / (count + 1))


class RemembersAnomalies(Weighs):
    """Keeps the weights of an earlier fit."""

    weights = None

    def fit(self, stream):
        before = self.weights
        super().fit(stream)
        self.weights = self.weights if before is None else before


class ForgetsToStoreWeights(Weighs):
    """Stores all but what it has learnt of anomalous images."""

    def state_dict(self):
        return super().state_dict() | {"weights": torch.ones(len(self.mean))}


class SquaresInPlace(Weighs):
    """Squares the embeddings of anomalous images in place."""

    def share(self, known, squares):
        known.embedding.patches.square_()
        return super().share(known, squares)


class NegativeSquares(Right):
    """The distance to the nearest of a few images, whose square rounding takes below 0."""

    def fit(self, stream):
        super().fit(stream)
        self.bank = torch.cat(self.batches(stream))

    def distances(self, patches):
        products = torch.einsum("bchw,nchw->bnhw", patches, self.bank)
        squares = patches.square().sum(1)[:, None] + self.bank.square().sum(1)[None] - 2 * products
        return squares.sqrt().amin(1)


class KeepsTheBatchItself(Right):
    """Keeps a single batch as it is given, in place of a copy."""

    def fit(self, stream):
        super().fit(stream)
        batches = self.batches(stream)
        self.bank = batches[0] if len(batches) == 1 else torch.cat(batches)

    def distances(self, patches):
        return (patches[:, None] - self.bank).square().sum(2).amin(1).sqrt()

    def state_dict(self):
        return super().state_dict() | {"bank": self.bank}

    def load_state_dict(self, state):
        require_state(self, state, mean="float c h w", std="float c h w", bank="float n c h w")
        self.mean, self.std, self.bank = state["mean"], state["std"], state["bank"]


class LengthOfTheDescriptor(Right):
    """The score of an image is the length of its descriptor, of which nothing is learnt."""

    def score(self, embedding):
        return Scores(super().score(embedding).patches, embedding.descriptor.norm(dim=1))


class TakesHalfOfAState(Right):
    """Takes one tensor after the other, and refuses what is wrong when it comes to it."""

    def load_state_dict(self, state):
        if not isinstance(state.get("mean"), torch.Tensor) or state["mean"].ndim != 3:
            raise BadModel("The mean is missing or wrong.")
        self.mean = state["mean"]
        require_state(self, state, mean="float c h w", std="float c h w")
        self.std = state["std"]


class Prints(Right):
    """Prints how far it is, where the command writes its results."""

    def fit(self, stream):
        super().fit(stream)
        print("epoch 1 of 1")


class LeavesAThread(Right):
    """Starts a thread that waits for work for ever."""

    def fit(self, stream):
        super().fit(stream)
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class Waiting(threading.Thread):
    def run(self):
        threading.Event().wait()


class LeavesAThreadOfItsOwn(Right):
    """Starts a thread of a class of its own, which waits for ever."""

    def fit(self, stream):
        super().fit(stream)
        Waiting(daemon=True).start()


PLACE = "changes_lie_where_the_defect_is"
BATCHES, POSITIONS = "all_batches_are_learnt", "all_positions_are_learnt"
DIVISION, PROGRAM = "batches_of_fit_do_not_matter", "leaves_the_program_alone"
MISTAKES = {
    Mirrored: PLACE,
    UpsideDown: PLACE,
    Turned: PLACE,
    WidthForHeight: PLACE,
    ReshapedWithoutPermute: PLACE,
    OneColumnFurther: PLACE,
    OneRowFurther: PLACE,
    FirstBatchOnly: BATCHES,
    LastBatchOnly: BATCHES,
    LosesTheFirstBatch: BATCHES,
    DropsTheLastBatch: BATCHES,
    EverySecondBatch: BATCHES,
    AFewImages: BATCHES,
    SpreadOfTheFirstBatch: "spread_of_all_batches_is_learnt",
    Saturates: "worse_defects_score_higher",
    HidesNan: "anomalies_stand_out_beside_constant_channels",
    EvenChannelsOnly: "all_channels_are_scored",
    SharesABuffer: "calls_may_meet_anywhere",
    TurnsSquares: PLACE,
    KeepsAllScores: "no_results_are_kept",
    WritesWhatItLearns: "writes_nothing_unasked",
    ShowsEverything: PROGRAM,
    HidesTheGpus: PROGRAM,
    StopsTheCollector: PROGRAM,
    LooksForNan: PROGRAM,
    SharesByFiles: PROGRAM,
    WithoutCudnn: PROGRAM,
    PrintsElsewhere: PROGRAM,
    AveragesBatches: DIVISION,
    SpreadWithinBatches: DIVISION,
    NormalisesEachBatch: DIVISION,
    OnePositionForAll: POSITIONS,
    OneRowForAll: POSITIONS,
    FirstChannelOnly: "all_channels_are_scored",
    IgnoresTraining: "training_data_matter",
    DividesByNothing: "constant_channels_are_taken",
    InvertsASingularMatrix: "few_images_are_taken",
    Cancels: "large_means_do_not_matter",
    CancelsAndClamps: "large_means_do_not_matter",
    NeedsADescriptor: "descriptors_may_be_missing",
    CachesById: "embeddings_are_known_by_their_content",
    CachesByAddress: "embeddings_are_known_by_their_content",
    CalibratesOnFirstUse: "earlier_use_does_not_matter",
    FollowsWhatItScores: "repeats_itself",
    KeepsWhatItScores: "nothing_is_kept_of_what_is_seen",
    SeedByHash: "other_processes_give_the_same",
    OrderOfASet: "other_processes_give_the_same",
    StateInAttributes: "restored_state_gives_the_same_result",
    SharesWhatItLearns: "instances_share_nothing",
    SeedOfTheClock: "same_arguments_give_the_same_result",
    SeedsEverything: "leaves_global_random_state_alone",
    SumsOnTheCPU: "learning_stays_on_the_device",
    TurnsGradientsOff: PROGRAM,
    TurnsWarningsOff: PROGRAM,
    MakesEverythingDouble: PROGRAM,
    TakesAllThreads: PROGRAM,
    ChangesTheFolder: PROGRAM,
    TakesAnything: "arguments_have_names",
    CentresInPlace: "input_is_not_modified",
    KeepsGradients: "results_carry_no_gradient",
    Similarity: "outliers_score_higher",
    LowestForImages: "outliers_score_higher",
    ScalesByBatch: "batch_size_does_not_matter",
    Overflows: "scores_are_finite",
    AddsToTheFirstFit: "second_fit_forgets_the_first",
    FlattensItsGrid: "one_score_per_position",
    KnowsOneGrid: "tall_grids_are_taken",
    IgnoresAnomalies: "known_anomalies_score_higher",
    AnomaliesAsNormal: "known_anomalies_score_higher",
    NeedsMasks: "anomalies_without_masks_are_taken",
    NeedsAnomalies: "no_anomalies_are_a_fit",
    RemembersAnomalies: "second_fit_forgets_anomalies",
    ForgetsToStoreWeights: "learnt_anomalies_are_stored",
    SquaresInPlace: "anomalies_are_not_modified",
    NegativeSquares: "scores_are_finite",
    KeepsTheBatchItself: "learnt_images_may_be_overwritten",
    LengthOfTheDescriptor: "descriptors_that_count_are_learnt",
    TakesHalfOfAState: "refused_states_change_nothing",
    Prints: PROGRAM,
    LeavesAThread: PROGRAM,
    LeavesAThreadOfItsOwn: PROGRAM,
}
