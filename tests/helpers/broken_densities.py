"""Density models that are right but for one thing, and the check that finds it."""

from dataclasses import replace

import numpy as np
import torch

from padimkit.arguments.stored_state import require_state
from padimkit.contracts import (
    CostModel,
    DensityModel,
    Exportable,
    LeaveOneOut,
    MemoryForecast,
    Mergeable,
    Prepares,
    PyramidDensity,
    Updatable,
)
from padimkit.errors import NotFitted
from padimkit.values import Costs, Scores, Work


class Distance(DensityModel):
    """The distance from the mean of all training patches at the same position: right in every way."""

    def __init__(self, power: float = 1.0):
        self.power = power
        self.total = None
        self.count = 0
        self.mean = None

    def fit(self, stream):
        self.total = self.mean = None
        self.count = 0
        self.learn(stream)

    def learn(self, stream):
        for embedding in stream:
            total = embedding.patches.double().sum(0)
            self.total = total if self.total is None else self.total + total
            self.count += len(embedding.patches)
        self.mean = None

    def score(self, embedding):
        if self.total is None:
            raise NotFitted("Distance.score was called before fit.")
        if self.mean is None:
            self.mean = self.total / self.count
        distances = torch.linalg.vector_norm(embedding.patches.double() - self.mean, dim=1)
        return Scores((distances**self.power).float())

    def state_dict(self):
        if self.total is None:
            raise NotFitted("Distance.state_dict was called before fit.")
        return {"total": self.total, "count": torch.tensor(self.count)}

    def load_state_dict(self, state):
        own = {name: state[name] for name in ("total", "count") if name in state}
        require_state(self, own, total="float channels height width", count="int")
        self.total, self.count, self.mean = state["total"], int(state["count"]), None


class TrustsItsState(Distance):
    def load_state_dict(self, state):
        self.total, self.count, self.mean = state["total"], int(state["count"]), None


class Growing(Distance, Updatable, Mergeable):
    """The same, learning more: right in every way."""

    def update(self, stream):
        self.learn(stream)

    def merge(self, other):
        self.total, self.count, self.mean = self.total + other.total, self.count + other.count, None


class Layered(Distance, PyramidDensity, MemoryForecast):
    """The same, taking layers at their own resolution and knowing its bytes: right in every way."""

    def fit_pyramids(self, stream):
        self.fit(pyramid.embedding() for pyramid in stream)

    def score_pyramid(self, pyramid):
        return self.score(pyramid.embedding())

    def peak_bytes(self, *, images, channels, positions):
        return 2**16 + 8 * channels * positions  # so much is needed beside the state


class Traced(Distance, Exportable):
    """The same, which can be exported: right in every way."""

    def traceable(self):
        if self.total is None:
            raise NotFitted("Traced.traceable was called before fit.")
        mean, power = (self.total / self.count).float(), self.power

        def scores(pyramid):
            distances = torch.linalg.vector_norm(pyramid.maps[0] - mean, dim=1)
            return Scores(distances**power)

        return scores


class FixesTheNumberOfImages(Traced):
    def traceable(self):
        function = super().traceable()
        return lambda pyramid: Scores(torch.stack([*function(pyramid).patches]))  # one output for each image


class TracesTheSquare(Traced):
    def traceable(self):
        function = super().traceable()
        return lambda pyramid: Scores(function(pyramid).patches ** 2)


class TracesUnfitted(Traced):
    def traceable(self):
        return (lambda pyramid: Scores(pyramid.maps[0][:, 0])) if self.total is None else super().traceable()


class Priced(Distance, CostModel):
    """The same, with its costs: right in every way."""

    def costs(self, problem):
        total = 8 * problem.channels * problem.positions
        adding = Work(double=problem.images * total / 8)
        use = Work(double=3 * total / 8, moved=total)
        return Costs(adding, Work(double=total / 8), use, held=2 * total, stored=total)


class Leaving(Distance, LeaveOneOut):
    """The same, leaving images out: right in every way."""

    def leave_one_out(self):
        total, count = self.fitted_total(), self.count

        def score(embedding, numbers):
            patches = embedding.patches.double()
            distances = torch.linalg.vector_norm(patches - (total - patches) / (count - 1), dim=1)
            return Scores((distances**self.power).float())

        return score

    def fitted_total(self):
        if self.total is None:
            raise NotFitted("Leaving.leave_one_out was called before fit.")
        return self.total


class Preparing(Distance, Prepares):
    """The same, whose mean can be made before the first score: right in every way."""

    def prepare(self):
        if self.total is None:
            raise NotFitted("Preparing.prepare was called before fit.")
        self.mean = self.total / self.count


class PreparesTwice(Preparing):
    def prepare(self):
        super().prepare()
        self.total = self.total * 1.01


class PreparesUnfitted(Preparing):
    def prepare(self):
        if self.total is not None:
            super().prepare()


class LeavesNothingOut(Leaving):
    def leave_one_out(self):
        self.fitted_total()
        return lambda embedding, numbers: self.score(embedding)


class LeavesOutByPlaceInTheBatch(Leaving):
    def leave_one_out(self):
        score = super().leave_one_out()

        def by_place(embedding, numbers):
            places = torch.arange(len(numbers))[:, None, None]
            return Scores(score(embedding, numbers).patches * (1 + 0.1 * places))

        return by_place


class KeepsTheMeanWithoutAnImage(Leaving):
    def leave_one_out(self):
        score = super().leave_one_out()
        self.mean = self.total / (self.count - 1)
        return score


class LeavesOutUnfitted(Leaving):
    def leave_one_out(self):
        if self.total is None:
            return lambda embedding, numbers: Scores(embedding.patches.mean(1))
        return super().leave_one_out()


class HoldsThreeTimesWhatItSays(Priced):
    def costs(self, problem):
        stated = super().costs(problem)
        return replace(stated, held=stated.held / 3)


class StoresAThirdOfWhatItSays(Priced):
    def costs(self, problem):
        stated = super().costs(problem)
        return replace(stated, stored=3 * stated.stored)


class WorksBackwards(Priced):
    def costs(self, problem):
        return replace(super().costs(problem), prepare=Work(double=100 - problem.images * 10))


class Double(Distance):
    def score(self, embedding):
        return Scores(super().score(embedding).patches.double())


class Cropped(Distance):
    def score(self, embedding):
        return Scores(super().score(embedding).patches[:, :, :-1])


class DoubleForImages(Distance):
    def score(self, embedding):
        scores = super().score(embedding).patches
        return Scores(scores, scores.double().amax((1, 2)))


class TakesGridsForWide(Distance):
    def score(self, embedding):
        patches = super().score(embedding).patches
        return Scores(patches.reshape(len(patches), min(patches.shape[1:]), max(patches.shape[1:])))


class Overflowing(Distance):
    def score(self, embedding):
        scores = super().score(embedding).patches
        return Scores(scores.where(scores < 15, torch.inf))


class Inverted(Distance):
    def score(self, embedding):
        return Scores(-super().score(embedding).patches)


class InvertedForImages(Distance):
    def score(self, embedding):
        scores = super().score(embedding).patches
        return Scores(scores, -scores.amax((1, 2)))


class ScoresUnfitted(Distance):
    def score(self, embedding):
        if self.total is None:
            return Scores(embedding.patches.mean(1))
        return super().score(embedding)


class RaisesSomethingElseUnfitted(Distance):
    def score(self, embedding):
        if self.total is None:
            raise RuntimeError("no mean")
        return super().score(embedding)


class ChangesInputOfFit(Distance):
    def fit(self, stream):
        embeddings = list(stream)
        super().fit(embeddings)
        embeddings[0].patches.zero_()


class ChangesInputOfScore(Distance):
    def score(self, embedding):
        scores = super().score(embedding)
        embedding.patches.zero_()
        return scores


class ExpectsContiguousInFit(Distance):
    def learn(self, stream):
        super().learn(stream)
        for embedding in stream:
            embedding.patches.view(-1)


class ExpectsContiguous(Distance):
    def score(self, embedding):
        embedding.patches.view(-1)
        return super().score(embedding)


class ScalesByBatch(Distance):
    def score(self, embedding):
        scores = super().score(embedding).patches
        return Scores(scores + 0.1 * scores.mean())


class SpreadOfEachBatch(Distance):
    def learn(self, stream):
        super().learn(stream)
        self.total = self.total + 0 * torch.stack([e.patches.std(0) for e in stream]).sum(0)


class NeverForgets(Distance):
    def fit(self, stream):
        self.learn(stream)


class Neighbours(Distance):
    """The distance to the nearest training patch, which never forgets: on training data it is always 0."""

    def __init__(self):
        self.gallery = torch.empty(0)

    def fit(self, stream):
        for embedding in stream:
            self.gallery = torch.cat(
                [self.gallery.reshape(-1, *embedding.patches.shape[1:]), embedding.patches]
            )

    def score(self, embedding):
        if not len(self.gallery):
            raise NotFitted("Neighbours.score was called before fit.")
        distances = torch.linalg.vector_norm(embedding.patches[:, None] - self.gallery, dim=2)
        return Scores(distances.amin(1))

    def state_dict(self):
        return {"gallery": self.gallery}

    def load_state_dict(self, state):
        self.gallery = state["gallery"]


class Trainable(Distance):
    def score(self, embedding):
        return Scores(super().score(embedding).patches * torch.nn.Parameter(torch.ones(())))


class NotesInState(Distance):
    def state_dict(self):
        return super().state_dict() | {"note": "written by me"}


class RoundsItsState(Distance):
    def state_dict(self):
        return super().state_dict() | {"total": self.total.float()}

    def load_state_dict(self, state):
        super().load_state_dict(state | {"total": state["total"].double()})


class CountsAnewWhenRestored(Distance):
    def load_state_dict(self, state):
        super().load_state_dict({"total": state["total"] / state["count"], "count": torch.tensor(1)})


class KeepsItsMeanWhenLoaded(Distance):
    def load_state_dict(self, state):
        mean = self.mean
        super().load_state_dict(state)
        self.mean = mean


class FitsIntoTheLoadedState(Distance):
    def fit(self, stream):
        loaded = self.total
        super().fit(stream)
        if loaded is not None:
            loaded.copy_(self.total)


class CountsQuestions(Distance):
    questions = 0

    def score(self, embedding):
        self.questions += 1
        return super().score(embedding)

    def state_dict(self):
        return super().state_dict() | {"questions": torch.tensor(self.questions)}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.questions = int(state["questions"])


class KeepsAHistory(Distance):
    fits = 0

    def fit(self, stream):
        super().fit(stream)
        self.fits += 1

    def state_dict(self):
        return super().state_dict() | {"history": torch.zeros(self.fits)}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.fits = len(state["history"])


class KeepsItsMeanWhenUpdated(Growing):
    def update(self, stream):
        mean = self.mean
        super().update(stream)
        self.mean = mean


class NeedsAFitBeforeUpdates(Growing):
    def update(self, stream):
        if self.total is None:
            raise NotFitted("Update after fit.")
        super().update(stream)


class UpdatesTheLoadedState(Growing):
    def update(self, stream):
        loaded = self.total
        super().update(stream)
        if loaded is not None:
            loaded.copy_(self.total)


class MergesMeans(Growing):
    def merge(self, other):
        self.total = (self.total / self.count + other.total / other.count) / 2
        self.count, self.mean = 1, None


class MergesIntoTheOther(Growing):
    def merge(self, other):
        super().merge(other)
        other.total, other.count, other.mean = self.total, self.count, None


class FitsWithoutTheCoarsestLayer(Layered):
    def fit_pyramids(self, stream):
        super().fit_pyramids(replace(p, maps=(*p.maps[:-1], 0 * p.maps[-1])) for p in stream)


class ScoresWithoutTheCoarsestLayer(Layered):
    def score_pyramid(self, pyramid):
        return super().score_pyramid(replace(pyramid, maps=(*pyramid.maps[:-1], 0 * pyramid.maps[-1])))


class AlignsByNearestAlways(Layered):
    def fit_pyramids(self, stream):
        super().fit_pyramids(replace(pyramid, alignment="nearest") for pyramid in stream)

    def score_pyramid(self, pyramid):
        return super().score_pyramid(replace(pyramid, alignment="nearest"))


class AlignsByRepeating(Layered):
    """Right where the positions of each layer are a whole multiple of those of the next."""

    def fit_pyramids(self, stream):
        super().fit_pyramids(self.repeated(pyramid) for pyramid in stream)

    def score_pyramid(self, pyramid):
        return super().score_pyramid(self.repeated(pyramid))

    def repeated(self, pyramid):
        if pyramid.alignment == "bilinear":
            return pyramid
        height, width = pyramid.maps[0].shape[2:]
        maps = []
        for map in pyramid.maps:
            rows, columns = -(-height // map.shape[2]), -(-width // map.shape[3])
            maps.append(map.repeat_interleave(rows, 2).repeat_interleave(columns, 3))
        return replace(pyramid, maps=tuple(map[:, :, :height, :width] for map in maps))


class ChangesPyramidsOfFit(Layered):
    def fit_pyramids(self, stream):
        pyramids = list(stream)
        super().fit_pyramids(pyramids)
        pyramids[0].maps[-1].zero_()


class ChangesPyramidsOfScore(Layered):
    def score_pyramid(self, pyramid):
        scores = super().score_pyramid(pyramid)
        pyramid.maps[-1].zero_()
        return scores


class NeverForgetsPyramids(Layered):
    def fit_pyramids(self, stream):
        self.learn(pyramid.embedding() for pyramid in stream)


class StoresNothingOfPyramids(Layered):
    coarser = None

    def fit(self, stream):
        super().fit(stream)
        self.coarser = None

    def fit_pyramids(self, stream):
        super().fit_pyramids(stream)
        self.coarser = torch.ones(())

    def score_pyramid(self, pyramid):
        scores = super().score_pyramid(pyramid)
        if self.coarser is None:
            raise RuntimeError("no coarser layers")
        return scores


class ScoresPyramidsUnfitted(Layered):
    def score_pyramid(self, pyramid):
        if self.total is None:
            return Scores(pyramid.maps[0].mean(1))
        return super().score_pyramid(pyramid)


class ForecastsInMegabytes(Layered):
    def peak_bytes(self, *, images, channels, positions):
        return 8 * channels * positions / 1e6


class ForecastsOneLayer(Layered):
    def peak_bytes(self, *, images, channels, positions):
        return 2 * channels * positions


class ForecastsTheSameForAll(Layered):
    def peak_bytes(self, *, images, channels, positions):
        return 2**30


class ForgetsTheChannels(Layered):
    def peak_bytes(self, *, images, channels, positions):
        return 2**16 * positions


class ForecastsLessForMore(Layered):
    def peak_bytes(self, *, images, channels, positions):
        return 2**20 * channels * positions // images


class LiesAboutEverythingOptional(Layered):
    """Wrong in every optional promise, and right in all others."""

    def fit_pyramids(self, stream):
        pass

    def score_pyramid(self, pyramid):
        return Scores(0 * pyramid.maps[0].mean(1))

    def peak_bytes(self, *, images, channels, positions):
        return -images


class Unseeded(Distance):
    def learn(self, stream):
        super().learn(stream)
        generator = torch.Generator()
        generator.seed()
        self.total = self.total * (1 + 1e-5 * torch.rand(self.total.shape, generator=generator))


class IgnoresItsSeed(Distance):
    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed


class DrawsFromTorch(Distance):
    def fit(self, stream):
        super().fit(stream)
        torch.rand(1)


class DrawsFromNumpy(Distance):
    def score(self, embedding):
        np.random.rand()
        return super().score(embedding)


class SeedsTorch(Distance):
    def __init__(self, power: float = 1.0):
        super().__init__(power)
        torch.manual_seed(1)


class DriftsWithEachQuestion(Distance):
    questions = 0

    def fit(self, stream):
        super().fit(stream)
        self.questions = 0

    def score(self, embedding):
        self.questions += 1
        return Scores(super().score(embedding).patches * (1 + 1e-6 * self.questions))

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.questions = 0


class ReusesItsBuffer(Distance):
    buffer = None

    def score(self, embedding):
        scores = super().score(embedding).patches
        if self.buffer is None or len(self.buffer) < len(scores):
            self.buffer = torch.empty(scores.shape)
        self.buffer[: len(scores)] = scores
        return Scores(self.buffer[: len(scores)])


SHARED = {"scale": 1.0}


class SharesItsScale(Distance):
    def __init__(self, power: float = 1.0):
        super().__init__(power)
        self.shared = SHARED

    def learn(self, stream):
        super().learn(stream)
        self.shared["scale"] = float(self.total.max())

    def score(self, embedding):
        return Scores(super().score(embedding).patches * self.shared["scale"])


class CopiesAreTheSame(Distance):
    def __deepcopy__(self, memo):
        return self


class HoldsALambda(Distance):
    def __init__(self, power: float = 1.0):
        super().__init__(power)
        self.root = lambda x: x


class RenamesItsArgument(Distance):
    def __init__(self, exponent: float = 1.0):
        super().__init__(exponent)


class ChangesItsArgument(Distance):
    def __init__(self, images: int = 0):
        super().__init__()
        self.images = images

    def fit(self, stream):
        super().fit(stream)
        self.images = self.count


CPU = torch.device("cpu")


class TakesADevice(Distance):
    def __init__(self, device: torch.device = CPU):
        super().__init__()
        self.device = device


BROKEN = {
    TrustsItsState: "changed_states_are_refused",
    Double: "one_score_per_position",
    Cropped: "one_score_per_position",
    DoubleForImages: "one_score_per_position",
    TakesGridsForWide: "tall_grids_are_taken",
    Overflowing: "scores_are_finite",
    Inverted: "outliers_score_higher",
    InvertedForImages: "outliers_score_higher",
    ScoresUnfitted: "refuses_to_score_before_fit",
    RaisesSomethingElseUnfitted: "refuses_to_score_before_fit",
    HoldsThreeTimesWhatItSays: "stated_bytes_are_there",
    StoresAThirdOfWhatItSays: "stated_bytes_are_there",
    WorksBackwards: "stated_bytes_are_there",
    ChangesInputOfFit: "input_is_not_modified",
    ChangesInputOfScore: "input_is_not_modified",
    ExpectsContiguousInFit: "memory_layout_does_not_matter",
    ExpectsContiguous: "memory_layout_does_not_matter",
    ScalesByBatch: "batch_size_does_not_matter",
    SpreadOfEachBatch: "last_batch_may_hold_one_image",
    NeverForgets: "second_fit_forgets_the_first",
    Trainable: "results_carry_no_gradient",
    NotesInState: "state_is_named_tensors",
    RoundsItsState: "restored_state_gives_the_same_result",
    CountsAnewWhenRestored: "restored_state_is_written_again",
    KeepsItsMeanWhenLoaded: "loading_forgets_what_was_learnt",
    FitsIntoTheLoadedState: "loading_leaves_the_state_alone",
    CountsQuestions: "use_leaves_the_state_alone",
    KeepsAHistory: "state_does_not_grow_with_each_fit",
    KeepsItsMeanWhenUpdated: "update_equals_one_fit",
    NeedsAFitBeforeUpdates: "first_update_is_a_fit",
    UpdatesTheLoadedState: "restored_part_can_be_updated",
    MergesMeans: "merge_equals_one_fit",
    MergesIntoTheOther: "merge_leaves_the_other_alone",
    FitsWithoutTheCoarsestLayer: "pyramids_equal_aligned_embeddings",
    ScoresWithoutTheCoarsestLayer: "pyramids_equal_aligned_embeddings",
    AlignsByNearestAlways: "pyramids_equal_aligned_embeddings",
    AlignsByRepeating: "pyramids_equal_aligned_embeddings",
    ChangesPyramidsOfFit: "pyramids_are_not_modified",
    ChangesPyramidsOfScore: "pyramids_are_not_modified",
    NeverForgetsPyramids: "second_pyramid_fit_forgets_the_first",
    StoresNothingOfPyramids: "fit_on_pyramids_can_be_restored",
    ScoresPyramidsUnfitted: "refuses_to_score_pyramids_before_fit",
    FixesTheNumberOfImages: "traced_scores_equal_scores",
    TracesTheSquare: "traced_scores_equal_scores",
    TracesUnfitted: "refuses_to_be_traced_before_fit",
    PreparesTwice: "preparing_changes_nothing",
    PreparesUnfitted: "refuses_to_prepare_before_fit",
    LeavesNothingOut: "left_out_scores_come_close_to_refits",
    LeavesOutByPlaceInTheBatch: "left_out_images_are_told_by_their_number",
    KeepsTheMeanWithoutAnImage: "leaving_out_leaves_everything_else_alone",
    LeavesOutUnfitted: "refuses_to_leave_out_before_fit",
    ForecastsInMegabytes: "forecast_covers_the_fitted_state",
    ForecastsOneLayer: "forecast_covers_the_fitted_state",
    ForecastsTheSameForAll: "forecast_grows_with_the_data",
    ForgetsTheChannels: "forecast_grows_with_the_data",
    ForecastsLessForMore: "forecast_grows_with_the_data",
    Unseeded: "same_arguments_give_the_same_result",
    IgnoresItsSeed: "another_seed_gives_another_result",
    DrawsFromTorch: "leaves_global_random_state_alone",
    DrawsFromNumpy: "leaves_global_random_state_alone",
    SeedsTorch: "leaves_global_random_state_alone",
    DriftsWithEachQuestion: "repeats_itself",
    ReusesItsBuffer: "earlier_results_stay",
    SharesItsScale: "instances_share_nothing",
    CopiesAreTheSame: "can_be_copied",
    HoldsALambda: "can_be_pickled",
    ChangesItsArgument: "keeps_its_arguments",
    TakesADevice: "can_be_written_down",
}
