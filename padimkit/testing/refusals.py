"""The check that changed states are refused: whoever wrote a model's file may have written anything.

It stands apart from the other checks of states, for which the state is as the part wrote it.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from padimkit.errors import BadModel, BadWeights
from padimkit.testing.answers import Result, copied, difference
from padimkit.testing.check import Make, described, require
from padimkit.testing.inputs.embeddings import Apply, fitted, probe
from padimkit.testing.states import written

_MOST = 48  # changes: more tensors than that could fill are those of networks, all of one kind


def changed_states_are_refused(make: Make, apply: Apply) -> None:
    """States with a tensor missing, unknown, of another kind or shape, or not finite raise BadModel."""
    state = written(fitted(make).state_dict())
    original = make()
    original.load_state_dict(copied(state))
    expected = apply(original, probe("first"))
    for change, other in _spread(list(changes(state))):
        part = make()
        try:
            part.load_state_dict(copied(other))
        except (BadModel, BadWeights):
            continue
        except Exception as error:  # a stranger's class may raise anything
            require(False, f"Expected a state with {change} to raise BadModel, found {described(error)}")
        try:
            harmless = not difference(apply(part, probe("first")), expected)
        except Exception as error:
            require(
                False,
                f"Expected a state with {change} to be refused, found that use raises {described(error)}",
            )
        require(harmless, f"Expected a state with {change} to be refused, found that it gives other results.")


def _spread(every: list[tuple[str, Result]]) -> list[tuple[str, Result]]:
    """Return all changes of a state with few tensors, and some of those of a network with many."""
    return every[:: -(-len(every) // _MOST)]


def changes(state: Result) -> Iterator[tuple[str, Result]]:
    """Yield states with one change each that a part can find, and what was changed."""
    yield "an unknown tensor", state | {"unknown": torch.zeros(2)}
    for name, tensor in state.items():
        yield f'"{name}" missing', {key: value for key, value in state.items() if key != name}
        for change, other in _changed(tensor):
            yield f'"{name}" {change}', state | {name: other}


def _changed(tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "with one more axis", tensor[None]
    if tensor.ndim:
        yield "without values", tensor[:0]
    if tensor.ndim > 1:
        yield "of one value", tensor.flatten()[:1]
    if tensor.is_floating_point():
        yield "as whole numbers", tensor.long()
        first = torch.arange(tensor.numel()).reshape(tensor.shape) == 0
        for value in (float("nan"), float("inf")):
            if tensor.numel():
                yield (
                    f"with {value}",
                    torch.where(first, value, tensor),
                )
    else:
        yield "as floating-point numbers", tensor.float()
