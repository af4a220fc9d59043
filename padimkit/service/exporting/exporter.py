"""The contract of formats that stored models are exported to, and what these are given.

It stands here and not among the other contracts, since it speaks of calibrated models.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias, final

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from padimkit.arguments import shown
from padimkit.arguments.checked import Checked
from padimkit.inspection.exported.card import Card as Card  # public here
from padimkit.inspection.exported.session import Session as Session
from padimkit.service.exporting.judged import Judged

Results: TypeAlias = tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]
Run: TypeAlias = Callable[[UInt8[np.ndarray, "b h w 3"]], Results]


@dataclass(frozen=True)
class ExportSource:
    """A model that is to be exported.

    Args:
        graph: A module of torch that takes RGB images in bytes, "b h w 3", of `card.size`, as the
            preprocessing leaves them, and returns the tensors that `graph.outputs` names: score and map, and
            p-value and verdict where the model is calibrated. `graph.example` is such a batch of images. It
            can be traced for any number of images, from 1.
        card: All that a program needs beside the graph; `card.as_text()` is made to be stored in the file.
        images: Lists functions that decode original images, "H W 3" in bytes, to find ranges of numbers on.
    """

    graph: Judged
    card: Card
    images: Callable[[], Sequence[Callable[[], UInt8[np.ndarray, "H W 3"]]]]


class Exporter(ABC):
    """A format of files that stored models are exported to, for some runtime.

    The class attribute `precisions` has the types of number that a file can be made for.
    """

    __repr__ = shown
    checked: ClassVar[Checked] = Checked()
    writes: ClassVar[tuple[str, ...]] = ()
    precisions: ClassVar[tuple[str, ...]] = ("float32",)

    @property
    @abstractmethod
    def suffix(self) -> str:
        """Return how names of its files end; usually a class attribute, `suffix = ".pte"`."""

    @abstractmethod
    def write(self, source: ExportSource, path: Path) -> None:
        """Write a model into a file, and further ones beside it whose names begin with that of the file.

        Raises:
            BadArgument: A package that this needs is not installed.
            CannotExport: The format has no form for something in the graph; the message says for what.
        """

    @abstractmethod
    def open(self, path: Path, card: Card) -> Session | None:
        """Return a session of the file that was written, by which results are compared with the model's.

        `Framed(card, run)` is one for files whose graph does not resize. None stands for a file that cannot
        be run on this machine, such as one for another processor: it is written without a comparison.
        """


@final
class Framed(Session):
    """A session of a graph that takes images as the preprocessing leaves them, which Pillow does here.

    Args:
        card: The card of the model.
        run: Returns the scores and the maps of such images.
    """

    def __init__(self, card: Card, run: Run) -> None:
        self.card = card
        self._run = run

    def run(self, images: UInt8[np.ndarray, "b H W 3"]) -> Results:
        return self.run_framed(np.stack([self.card.framing.fit(Image.fromarray(one)) for one in images]))

    def run_framed(self, pixels: UInt8[np.ndarray, "b h w 3"]) -> Results:
        return self._run(pixels)
