"""The format my_plugin, to which padimkit exports models with --format my_plugin."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from padimkit import CannotExport, Exporter
from padimkit.service.exporting.exporter import Card, ExportSource, Framed


class MyPlugin(Exporter):
    """Programs of torch.export, which run wherever torch does, without padimkit."""

    suffix = ".pt2"

    def write(self, source: ExportSource, path: Path) -> None:
        """Trace the graph for any number of images, and store the card beside it."""
        batch = torch.export.Dim("b", min=1)
        try:
            program = torch.export.export(
                source.graph, (source.graph.example,), dynamic_shapes={"pixels": {0: batch}}
            )
        except Exception as error:  # of torch or of a part: none has a common class
            raise CannotExport(f"torch.export cannot write this model: {error}") from error
        torch.export.save(program, path, extra_files={"card.json": source.card.as_text()})

    def open(self, path: Path, card: Card) -> Framed:
        """Return a session that is given images as padimkit's preprocessing leaves them."""
        model: Any = torch.export.load(path).module()

        def run(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with torch.no_grad():
                scores, maps, *_ = model(torch.tensor(pixels))
            return scores.numpy(), maps.numpy()

        return Framed(card, run)
