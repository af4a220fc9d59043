"""Checks of densities that learn from a few anomalous images as well.

They stand apart because they concern one optional contract only.
"""

from typing import Any

import torch
from torch import Tensor

from padimkit.contracts import LearnsAnomalies
from padimkit.testing.answers import ROUNDING, copied, difference, left_alone, require_finite
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.inputs.embeddings import (
    Apply,
    defect_rows_and_columns,
    fitted,
    part_of,
    probe,
    stream,
    tensors_of,
    training,
)
from padimkit.testing.states import written
from padimkit.values import Anomalies, Embedding, Stream

_FEW = 3  # anomalous images
_FAINT = 4.0  # in standard deviations of the one channel that a known kind of defect changes


def known_anomalies_score_higher(make: Make, apply: Apply) -> None:
    """LearnsAnomalies: unseen defects of a known kind stand out more than after a fit without any."""
    found, alone = _fitted(make), fitted(make)
    unseen = part_of(probe("first"), 0, 3)  # normal ones
    before, after = _contrast(alone, unseen, apply), _contrast(found, unseen, apply)
    require(
        after > before,
        f"Expected defects like those that were learnt to stand out more than {before:.4g} standard "
        f"deviations of normal scores, as without learning them, found {after:.4g}.",
    )


def anomalies_without_masks_are_taken(make: Make, apply: Apply) -> None:
    """LearnsAnomalies: anomalous images whose masks are not known, and a single image, are taken."""
    for count, masked in ((_FEW, False), (1, True), (1, False)):
        found = apply(_fitted(make, _anomalies(count, masked=masked)), probe("first"))
        require_finite(found, "results after anomalous images without masks, or a single one")


def no_anomalies_are_a_fit(make: Make, apply: Apply) -> None:
    """LearnsAnomalies: without any anomalous image, the result is that of `fit`."""
    none = _fitted(make, Stream(lambda: iter(())))
    changed = difference(apply(none, probe("first")), apply(fitted(make), probe("first")), relative=ROUNDING)
    require(not changed, f"Expected the result of fit without anomalous images, found {changed}.")


def second_fit_forgets_anomalies(make: Make, apply: Apply) -> None:
    """LearnsAnomalies: a fit forgets anomalous images that were learnt before."""
    part = _fitted(make)
    apply(part, probe("first"))
    part.fit(stream(training("first")))
    changed = difference(apply(part, probe("first")), apply(fitted(make), probe("first")), relative=ROUNDING)
    require(not changed, f"Expected a fit to forget anomalous images, found {changed}.")


def learnt_anomalies_are_stored(make: Make, apply: Apply) -> None:
    """LearnsAnomalies: a restored state gives the results of the part that has learnt anomalous images."""
    part, other = _fitted(make), make()
    other.load_state_dict(written(part.state_dict()))
    expected = copied(apply(part, probe("first")))
    changed = difference(apply(other, probe("first")), expected, relative=ROUNDING)
    require(not changed, f"Expected the same results from a restored state, found {changed}.")


def anomalies_are_not_modified(make: Make, apply: Apply) -> None:
    """LearnsAnomalies: embeddings and shares that are passed in stay unchanged."""
    (given,) = _anomalies(_FEW)
    assert given.share is not None
    tensors = tensors_of(given.embedding) | {"share": given.share}
    with left_alone(tensors, "the anomalous embeddings given to fit"):
        _fitted(make, Stream(lambda: iter((given,))))


def _fitted(make: Make, anomalies: Stream[Anomalies] | None = None) -> Any:
    part = make()
    if not isinstance(part, LearnsAnomalies):
        raise NotApplicable("It does not learn from anomalous images (LearnsAnomalies).")
    part.fit_with_anomalies(stream(training("first")), _anomalies(_FEW) if anomalies is None else anomalies)
    return part


def _anomalies(count: int, *, masked: bool = True) -> Stream[Anomalies]:
    """Return normal images of another draw with a faint defect in one channel, and where it is."""
    given = _faint(part_of(probe("second"), 0, count))
    share = _place(given.patches) if masked else None
    return Stream(lambda: iter((Anomalies(given, share),)))


def _faint(normal: Embedding) -> Embedding:
    patches = normal.patches.clone()
    rows, columns = defect_rows_and_columns(patches.shape[2:])
    patches[:, -1, rows, columns] += _FAINT * float(training("first").patches[:, -1].std())
    return Embedding(patches, normal.descriptor)


def _place(patches: Tensor) -> Tensor:
    share = torch.zeros(len(patches), *patches.shape[2:])
    rows, columns = defect_rows_and_columns(patches.shape[2:])
    share[:, rows, columns] = 1.0
    return share


def _contrast(part: Any, normal: Embedding, apply: Apply) -> float:
    """Return how far faint defects lie above normal scores at the same places, in standard deviations."""
    rows, columns = defect_rows_and_columns(normal.patches.shape[2:])
    without = apply(part, normal)["patches"][:, rows, columns]
    found = apply(part, _faint(normal))["patches"][:, rows, columns]
    return float((found - without).mean() / without.std().clamp_min(1e-12))
