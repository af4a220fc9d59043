"""Mistakes in formats that models are exported to."""

import threading
import warnings

import numpy as np
import torch

from padimkit import Exporter
from padimkit.service.exporting.exporter import Framed, Session


class Right(Exporter):
    """Traces of torch without the preprocessing: right in every way."""

    suffix = ".trace"

    def write(self, source, path):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(source.graph, source.graph.example, check_trace=False)
            path.write_bytes(traced.save_to_buffer())

    def loaded(self, path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.jit.load(str(path))

    def open(self, path, card):
        model = self.loaded(path)
        return Framed(card, lambda pixels: self.run(model, pixels))

    def run(self, model, pixels):
        with torch.no_grad():
            scores, maps, *_ = model(torch.tensor(pixels))
        return scores.numpy(), maps.numpy()


class WritesAnotherFile(Right):
    """Writes a file of the name that it likes."""

    def write(self, source, path):
        super().write(source, path.with_name("padim.trace"))


class LeavesWeightsBehind(Right):
    """Leaves a file beside it whose name says nothing of the model."""

    def write(self, source, path):
        super().write(source, path)
        path.with_name("weights.bin").write_bytes(b"weights")


class NoDot(Right):
    """Takes the name of the format for the end of a name."""

    suffix = "TRACE"


class HasHalves(Right):
    """Names a type of number that there is not."""

    precisions = ("float32", "float16")


class FixedBatch(Right):
    """Takes as many images as the example has, and no others."""

    def run(self, model, pixels):
        assert len(pixels) == 2
        return super().run(model, pixels)


class ChannelsFirst(Right):
    """Reads images as if their channels came first."""

    def run(self, model, pixels):
        turned = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).reshape(pixels.shape)
        return super().run(model, turned)


class HighestOfMaps(Right):
    """Gives the highest value of a smoothed map as score."""

    def run(self, model, pixels):
        _, maps = super().run(model, pixels)
        return maps[:, ::2, ::2].max((1, 2)), maps


class Rounds(Right):
    """Rounds to 16 bits, as a runtime does that is told to be fast."""

    def run(self, model, pixels):
        return tuple(one.astype(np.float16).astype(np.float32) for one in super().run(model, pixels))


class KeepsThePath(Right):
    """Stores the place of the tensors, and not the tensors."""

    def write(self, source, path):
        super().write(source, path.with_suffix(".tensors"))
        path.write_text(str(path.with_suffix(".tensors")))

    def loaded(self, path):
        return super().loaded(path.read_text())


class OneModelForAll(Right):
    """Loads a model once, for all files of a name."""

    known = {}  # noqa: RUF012

    def loaded(self, path):
        if path.name not in self.known:
            self.known[path.name] = super().loaded(path)
        return self.known[path.name]


class BelongsToAThread(Right):
    """Serves the thread that has opened it."""

    def open(self, path, card):
        model, owner = self.loaded(path), threading.get_ident()

        def run(pixels):
            assert threading.get_ident() == owner
            return self.run(model, pixels)

        return Framed(card, run)


class FramedOnly(Right):
    """Has no session for images that are not yet resized."""

    def open(self, path, card):
        model, outer = self.loaded(path), self

        class Own(Session):
            def run(self, images):
                return self.run_framed(images)

            def run_framed(self, pixels):
                return outer.run(model, pixels)

        return Own()


class PatchesTheGraph(Right):
    """Changes the graph for its needs, and leaves it so."""

    def write(self, source, path):
        super().write(source, path)
        forward = source.graph.forward
        source.graph.forward = lambda pixels: tuple(one.half().float() for one in forward(pixels))


class TurnsGradientsOff(Right):
    """Turns gradients off for the whole program."""

    def write(self, source, path):
        torch.set_grad_enabled(False)
        super().write(source, path)


SAME = "results_are_those_of_the_model"
MISTAKES = {
    WritesAnotherFile: "writes_its_file",
    LeavesWeightsBehind: "writes_its_file",
    NoDot: "has_a_suffix",
    HasHalves: "has_known_precisions",
    FixedBatch: SAME,
    ChannelsFirst: SAME,
    HighestOfMaps: SAME,
    Rounds: SAME,
    KeepsThePath: "a_copied_file_gives_the_same",
    OneModelForAll: "files_do_not_mix",
    BelongsToAThread: "threads_may_share_a_session",
    FramedOnly: "whole_images_are_taken",
    PatchesTheGraph: "graph_is_left_alone",
    TurnsGradientsOff: "leaves_the_program_alone",
}
