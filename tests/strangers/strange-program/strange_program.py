"""Traced programs of torch without a word of the model they come from."""

import io
import warnings

import torch

from padimkit import CannotExport, Exporter
from padimkit.service.exporting.exporter import Framed


class Program(Exporter):
    """Traced programs, which take images as the preprocessing leaves them."""

    suffix = ".traced"

    def write(self, source, path):
        content = io.BytesIO()
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.jit.save(
                    torch.jit.trace(source.graph, (source.graph.example,), check_trace=False), content
                )
        except (RuntimeError, TypeError, ValueError) as error:
            raise CannotExport(f"It cannot be traced: {error}") from error
        path.write_bytes(content.getvalue())

    def open(self, path, card):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.jit.load(str(path))

        def run(pixels):
            with torch.no_grad():
                scores, maps, *_ = program(torch.tensor(pixels))
            return scores.numpy(), maps.numpy()

        return Framed(card, run)
