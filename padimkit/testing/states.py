"""Checks of states and settings, from which a stored model is restored."""

import tempfile
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml
from safetensors.torch import load, save, save_file
from torch import Tensor

from padimkit.contracts import Backbone, DensityModel, Levels, Mapper, Preprocessor, Reducer
from padimkit.testing.answers import Result, copied, difference, left_alone
from padimkit.testing.check import Make, require
from padimkit.testing.inputs.embeddings import Apply, fit, fitted, probe

_REORDERED = 1e-5  # relative


def state_is_named_tensors(make: Make, apply: Apply) -> None:
    """States hold tensors by name, and nothing else."""
    state = fitted(make).state_dict()
    require(isinstance(state, dict), f"Expected state_dict to return a dict, found {type(state).__name__}.")
    for name, value in state.items():
        require(isinstance(name, str), f"Expected names in the state to be strings, found {name!r}.")
        found = type(value).__name__
        require(isinstance(value, Tensor), f'Expected "{name}" in the state to be a tensor, found {found}.')


def restored_state_gives_the_same_result(make: Make, apply: Apply) -> None:
    """States saved to a safetensors file and loaded by a fresh instance give the same result bit for bit.

    But for rounding where the state is not contiguous: the file is, and sums over it may go in another order.
    """
    part = fitted(make)
    restored, here, state = make(), make(), _tensors(part.state_dict())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.safetensors"
        save_file(_storable(state), file)
        restored.load_state_dict(load(file.read_bytes()))  # not mapped: Windows could not remove the file
    expected = copied(apply(part, probe("first")))
    here.load_state_dict(copied(state))  # which leaves tensors laid out as they are
    reordered = any(not tensor.is_contiguous() for tensor in state.values())
    for other, relative in ((here, 0.0), (restored, _REORDERED if reordered else 0.0)):
        changed = difference(apply(other, probe("first")), expected, relative=relative)
        require(
            not changed, f"Expected the same result bit for bit from the restored state, found {changed}."
        )


def restored_state_is_written_again(make: Make, apply: Apply) -> None:
    """Restored instances return the state that they were given."""
    state = written(fitted(make).state_dict())
    restored = make()
    restored.load_state_dict(state)
    changed = difference(written(restored.state_dict()), state)
    require(
        not changed, f"Expected a restored instance to return the state that it was given, found {changed}."
    )


def loading_forgets_what_was_learnt(make: Make, apply: Apply) -> None:
    """Loading a state replaces everything learnt before."""
    state = written(fitted(make).state_dict())
    fresh, other = make(), fitted(make, "second")
    apply(other, probe("first"))  # a cache must be forgotten as well
    for part in (fresh, other):
        part.load_state_dict(copied(state))
    changed = difference(apply(other, probe("first")), apply(fresh, probe("first")))
    require(not changed, f"Expected a loaded state to replace everything learnt before, found {changed}.")


def loading_leaves_the_state_alone(make: Make, apply: Apply) -> None:
    """Tensors passed to load_state_dict stay unchanged, also if the instance is fitted later."""
    state = written(fitted(make).state_dict())
    with left_alone(state, "the state given to load_state_dict"):
        restored = make()
        restored.load_state_dict(state)
        apply(restored, probe("first"))
        fit(restored, "second")


def use_leaves_the_state_alone(make: Make, apply: Apply) -> None:
    """Using a fitted part leaves its state unchanged."""
    part = fitted(make)
    before = written(part.state_dict())
    apply(part, probe("second"))
    changed = difference(written(part.state_dict()), before)
    require(not changed, f"Expected use after fit to leave the state unchanged, found {changed}.")


def state_does_not_grow_with_each_fit(make: Make, apply: Apply) -> None:
    """States are as large after a second fit as after the first."""
    part = fitted(make)
    before = _sizes(part.state_dict())
    fit(part)
    after = _sizes(part.state_dict())
    require(after == before, f"Expected a state of {before} after a second fit too, found {after}.")


def written(state: dict[str, Tensor]) -> Result:
    """Return the state as it is read back from the file of a stored model."""
    return load(save(_storable(state)))


def _tensors(state: dict[str, Any]) -> Result:
    # Only tensors can be stored; another check finds what is not a tensor.
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def _storable(state: dict[str, Any]) -> Result:
    return {name: tensor.cpu().contiguous() for name, tensor in _tensors(state).items()}


def _sizes(state: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items() if isinstance(value, Tensor)}


_SLOTS: dict[type[Any], str] = {
    Backbone: "backbone",
    Reducer: "reducer",
    DensityModel: "density",
    Levels: "levels",
    Mapper: "map",
    Preprocessor: "preprocessing.first",
}
_OTHERS = {
    "backbone": "padimkit.backbones.pixels.Pixels",
    "reducer": "padimkit.reducers.identity.Identity",
    "density": "padimkit.densities.gaussian.Gaussian",
}


def can_be_written_down(make: Make) -> None:
    """Class and arguments can be written to YAML and read back, as they are for a stored model."""
    from padimkit.config.build import build_pipeline  # which the other process of the checks does without
    from padimkit.config.description import describe

    part = make()
    slot = next(slot for contract, slot in _SLOTS.items() if isinstance(part, contract))
    settings = describe(part)
    name, _, within = slot.partition(".")
    written = yaml.safe_dump({**_OTHERS, name: {within: settings} if within else settings})
    rebuilt = attrgetter(slot)(build_pipeline(yaml.safe_load(written)))
    found = describe(rebuilt)  # not the arguments: a part within a part is made again, and so another object
    require(found == settings, f"Expected {settings} to be read back as it was written, found {found}.")
