"""A check of the costs that reducers and densities state: bytes against those that are there.

It stands alone because it measures a part, where the other checks of learners compare results.
"""

from typing import Any

from padimkit.contracts import CostModel, Prepares
from padimkit.memory import held_by
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import CHANNELS, Apply, part_of, probe, stream, training
from padimkit.values import Costs, Embedding, Problem, Work

_BOOKKEEPING = 1024  # bytes of numbers and grids, which no formula needs to have
_FACTOR = 2.0


def stated_bytes_are_there(make: Make, apply: Apply) -> None:
    """CostModel: bytes held and stored are those stated, within a factor of two; no work is below 0."""
    whole = training("first")
    for images in (CHANNELS - 1, len(whole.patches)):  # fewer than channels, and more
        data = part_of(whole, 0, images)
        stated = _stated(make(), data)
        part = make()
        part.fit(stream(data))
        if isinstance(part, Prepares):
            part.prepare()
        apply(part, part_of(probe("first"), 0, 1))
        _require_close("held", stated.held, held_by(part), images)
        _require_close("stored", stated.stored, sum(t.nbytes for t in part.state_dict().values()), images)
        for name in ("fit", "prepare", "use"):
            _require_work(name, getattr(stated, name))


def _stated(part: Any, data: Embedding) -> Costs:
    if not isinstance(part, CostModel):
        raise NotApplicable("It does not state its costs (CostModel).")
    images, channels, height, width = data.patches.shape
    assert data.descriptor is not None
    variance = float(data.patches.var(0).mean())
    stated = part.costs(Problem(images, channels, height * width, data.descriptor.shape[1], variance))
    found = type(stated).__name__
    require(isinstance(stated, Costs), f"Expected costs to return Costs, found {found}.")
    return stated


def _require_close(name: str, stated: float, found: int, images: int) -> None:
    close = stated <= _FACTOR * found + _BOOKKEEPING and found <= _FACTOR * stated + _BOOKKEEPING
    require(
        close,
        f'Expected "{name}" within a factor of {_FACTOR:g} of the {found} bytes that are there after a fit '
        f"on {images} images, found {stated:.0f}.",
    )


def _require_work(name: str, work: Work) -> None:
    found = type(work).__name__
    require(isinstance(work, Work), f'Expected "{name}" to be Work, found {found}.')
    for kind, value in vars(work).items():
        require(0 <= value < float("inf"), f'Expected "{name}.{kind}" of at least 0, found {value}.')
