"""Checks of backbones whose weights are stored with the model."""

from typing import Any

from padimkit.contracts import Stateful
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.exercise import Exercise
from padimkit.testing.result import Result, copied, difference, left_alone
from padimkit.testing.states import written


def restored_weights_give_the_same_features(make: Make, exercise: Exercise) -> None:
    """Stateful: written to a safetensors file and read by a fresh instance, weights give the same bits."""
    backbone, restored = _stateful(make()), make()
    restored.load_state_dict(written(backbone.state_dict()))
    changed = difference(exercise.ask(restored, "usual"), exercise.ask(backbone, "usual"))
    require(not changed, f"Expected the same features bit for bit from restored weights, found {changed}.")


def loaded_weights_are_used(make: Make, exercise: Exercise) -> None:
    """Stateful: loaded weights replace those that the arguments name."""
    backbone = _stateful(make())
    before = exercise.ask(backbone, "usual")
    state = _altered(written(backbone.state_dict()))
    backbone.load_state_dict(copied(state))
    changed = difference(backbone.state_dict(), state)
    require(not changed, f"Expected the weights that were loaded, found {changed}.")
    same = not difference(exercise.ask(backbone, "usual"), before)
    require(not same, "Expected other features with other weights, found the same.")


def loading_leaves_the_weights_alone(make: Make, exercise: Exercise) -> None:
    """Stateful: the tensors that were loaded stay what they are."""
    backbone = _stateful(make())
    state = written(backbone.state_dict())
    with left_alone(state, "the weights given to load_state_dict"):
        backbone.load_state_dict(state)
        exercise.ask(backbone, "usual")


def _stateful(backbone: Any) -> Any:
    if not isinstance(backbone, Stateful):
        raise NotApplicable("It is not Stateful.")
    return backbone


def _altered(state: Result) -> Result:
    return {name: 1.01 * tensor if tensor.is_floating_point() else tensor for name, tensor in state.items()}
