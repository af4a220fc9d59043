"""Checks of densities that score learnt images as if they had not been learnt.

They stand apart because they concern one optional contract only, and fit once for each image left out.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import LeaveOneOut
from padimkit.testing.answers import ROUNDING, Result, copied, difference
from padimkit.testing.check import Make, NotApplicable, require, require_not_fitted
from padimkit.testing.inputs.embeddings import (
    fit,
    joined,
    part_of,
    probe,
    scores_of,
    stream,
    training,
)
from padimkit.testing.states import written
from padimkit.values import Embedding, Scores

_LEFT_OUT = (0, 7, 13, 23)  # of 24 images: the first, the last, and two of different batches
_HALF = 0.5  # of the way: a part that chooses among all patches may choose others without an image


def left_out_scores_come_close_to_refits(make: Make) -> None:
    """LeaveOneOut: learnt images get scores nearer to those of fits on all others than to those as learnt."""
    part, data = _fitted(make), training("first")
    learnt, found = _means(part.score(_chosen(data, _LEFT_OUT))), _left_out(part, data, _LEFT_OUT)
    expected = torch.cat([_means(_refitted(make, data, number)) for number in _LEFT_OUT])
    off, way = (found - expected).abs().mean(0), (learnt - expected).abs().mean(0)
    require(
        bool((off <= _HALF * way + ROUNDING * expected.mean(0)).all()),
        f"Expected scores near {_few(expected)}, those of fits on all other images, found {_few(found)}; as "
        f"learnt, the images have {_few(learnt)}.",
    )


def left_out_images_are_told_by_their_number(make: Make) -> None:
    """LeaveOneOut: images get the same scores in any order and in any batch, from a restored instance too."""
    part, data, restored = _fitted(make), training("first"), make()
    in_turn = scores_of(part.leave_one_out()(data, range(len(data.patches))))
    restored.load_state_dict(written(part.state_dict()))
    for kind, density in (("the same instance", part), ("a restored instance", restored)):
        alone = scores_of(density.leave_one_out()(_chosen(data, _LEFT_OUT[::-1]), _LEFT_OUT[::-1]))
        expected = {name: tensor[list(_LEFT_OUT[::-1])] for name, tensor in in_turn.items()}
        changed = difference(alone, expected, relative=ROUNDING)
        require(not changed, f"Expected the same scores in another order from {kind}, found {changed}.")


def leaving_out_leaves_everything_else_alone(make: Make) -> None:
    """LeaveOneOut: state and scores stay as they were, bit for bit, after images have been left out."""
    part, data = _fitted(make), training("first")
    state, scores = written(part.state_dict()), copied(_scores(part))
    _left_out(part, data, _LEFT_OUT)
    changed = difference(written(part.state_dict()), state) or difference(_scores(part), scores)
    require(not changed, f"Expected leave_one_out to leave state and scores unchanged, found {changed}.")


def refuses_to_leave_out_before_fit(make: Make) -> None:
    """LeaveOneOut: calling leave_one_out before fit raises NotFitted."""
    part = _leaving(make())
    require_not_fitted("leave_one_out", lambda: part.leave_one_out())


def _fitted(make: Make) -> Any:
    part = _leaving(make())
    fit(part)
    return part


def _leaving(part: Any) -> Any:
    if not isinstance(part, LeaveOneOut):
        raise NotApplicable("It is not LeaveOneOut.")
    return part


def _left_out(part: Any, data: Embedding, numbers: Sequence[int]) -> Float[Tensor, "n k"]:
    score: Callable[[Embedding, Sequence[int]], Scores] = part.leave_one_out()
    return torch.cat([_means(score(_chosen(data, [number]), [number])) for number in numbers])


def _refitted(make: Make, data: Embedding, number: int) -> Scores:
    part = make()
    others = joined(part_of(data, 0, number), part_of(data, number + 1, len(data.patches)))
    part.fit(stream(others))
    scores: Scores = part.score(part_of(data, number, number + 1))
    return scores


def _means(scores: Scores) -> Float[Tensor, "b k"]:
    """Return the mean of the patches of each image, and the score of the image."""
    images = scores.patches.amax((1, 2)) if scores.images is None else scores.images
    return torch.stack([scores.patches.mean((1, 2)), images], dim=1)


def _chosen(data: Embedding, numbers: Sequence[int]) -> Embedding:
    return joined(*(part_of(data, number, number + 1) for number in numbers))


def _scores(part: Any) -> Result:
    return scores_of(part.score(probe("first")))


def _few(values: Float[Tensor, "n k"]) -> str:
    return ", ".join(f"{value:.3g}" for value in values[:, -1].tolist())
