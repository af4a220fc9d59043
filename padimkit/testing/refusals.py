"""The check that changed states are refused: whoever wrote a model's file may have written anything.

It stands apart from the other checks of states, for which the state is as the part wrote it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from padimkit.errors import BadModel, BadWeights
from padimkit.testing.answers import ROUNDING, Result, copied, difference
from padimkit.testing.check import Make, described, require
from padimkit.testing.inputs.embeddings import Apply, fitted, probe
from padimkit.testing.states import written

_MOST = 48  # changes
_MANY = 240  # changes: more tensors than have so many are those of networks, all of one kind
_OF_MANY = 16
Change: TypeAlias = tuple[str, Callable[[], Result]]  # what is changed, and the state with the change


def changed_states_are_refused(make: Make, apply: Apply) -> None:
    """States with a tensor missing, unknown, of another kind or shape, or not finite raise BadModel."""
    state = written(fitted(make).state_dict())
    original = make()
    original.load_state_dict(copied(state))
    expected = apply(original, probe("first"))
    for change, other in _spread(list(_changes(state))):
        part = make()
        try:
            part.load_state_dict(copied(other()))
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


def refused_states_change_nothing(make: Make, apply: Apply) -> None:
    """A part that refuses a state keeps what it has learnt, and takes nothing of that state."""
    part = fitted(make)
    own, expected = written(part.state_dict()), copied(apply(part, probe("first")))
    state = written(fitted(make, "second").state_dict())
    for name in dict.fromkeys((*list(state)[:1], *list(state)[-1:])):  # whichever is read first
        for other in (_without(state, name), _replaced(state, name, lambda one: one[None])):
            try:
                part.load_state_dict(other)
            except Exception:  # another check tells of its kind
                continue
            part.load_state_dict(copied(own))  # it may do without this tensor
    try:
        changed = difference(apply(part, probe("first")), expected, relative=ROUNDING)
    except Exception as error:  # a stranger's class may raise anything
        changed = described(error)
    require(
        not changed,
        f"Expected a refused state to change nothing, found {changed} afterwards. Look through all tensors "
        "before the first is taken.",
    )


def _spread(every: list[Change]) -> list[Change]:
    """Return all changes of a state with few tensors, and some of those of a network with many."""
    most = _OF_MANY if len(every) > _MANY else _MOST
    return every[:: -(-len(every) // most)]


def _changes(state: Result) -> Iterator[Change]:
    """Yield changes of a state that a part can find."""
    yield "an unknown tensor", lambda: state | {"unknown": torch.zeros(2)}
    for name, tensor in state.items():
        yield f'"{name}" missing', partial(_without, state, name)
        for words, change in _changed(tensor):
            yield f'"{name}" {words}', partial(_replaced, state, name, change)


def _without(state: Result, missing: str) -> Result:
    return {name: tensor for name, tensor in state.items() if name != missing}


def _replaced(state: Result, name: str, change: Callable[[Tensor], Tensor]) -> Result:
    return state | {name: change(state[name])}


def _changed(tensor: Tensor) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    yield "with one more axis", lambda one: one[None]
    if tensor.ndim:
        yield "without values", lambda one: one[:0]
    if tensor.ndim > 1:
        yield "of one value", lambda one: one.flatten()[:1]
    if not tensor.is_floating_point():
        yield "as floating-point numbers", Tensor.float
        return
    yield "as whole numbers", Tensor.long
    for value in (float("nan"), float("inf")):
        if tensor.numel():
            yield f"with {value}", partial(_beginning_with, value)


def _beginning_with(value: float, tensor: Tensor) -> Tensor:
    changed = tensor.clone(memory_format=torch.contiguous_format)
    changed.view(-1)[0] = value
    return changed
