"""Checks of the weights of backbones: they can be left out, stored and loaded.

They stand apart from the other checks of backbones, since most of these have no weights to load.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from padimkit.arguments import arguments
from padimkit.contracts import NeedsWeights, Stateful, TellsWeights
from padimkit.testing.answers import ROUNDING, Result, Usage, copied, difference, layout_of, left_alone
from padimkit.testing.check import Make, NotApplicable, described, require
from padimkit.testing.inputs.images import pictures
from padimkit.testing.states import written


def goes_without_weights(make: Make) -> None:
    """NeedsWeights: without weights, maps have the names and shapes that they have with them."""
    if not isinstance(make(), NeedsWeights):
        raise NotApplicable("It reads no weights (NeedsWeights).")
    backbone, without = make(), make()
    backbone.require_weights()
    without.go_without_weights()
    without.require_weights()
    expected, found = (layout_of(part.extract(pictures("first"))) for part in (backbone, without))
    require(found == expected, f"Expected the layers {expected} without weights too, found {found}.")


def restored_weights_give_the_same_features(make: Make, usage: Usage) -> None:
    """Stateful: weights saved to a safetensors file and loaded by a fresh instance give the same features."""
    backbone, restored = _stateful(make()), make()
    restored.load_state_dict(written(backbone.state_dict()))
    changed = difference(usage.apply(restored, "first"), usage.apply(backbone, "first"))
    require(not changed, f"Expected the same features bit for bit from restored weights, found {changed}.")


def restored_weights_need_no_file(make: Make, usage: Usage) -> None:
    """Stateful: restored weights need none of the files that the arguments name."""
    given = arguments(_stateful(make()))
    named = {name: Path(value) for name, value in given.items() if _names_a_file(value)}
    if not named:
        raise NotApplicable("No argument of it names a file.")
    kind = type(make())
    with tempfile.TemporaryDirectory() as folder:
        copies = {
            name: shutil.copy(path, Path(folder) / f"{name}{path.suffix}") for name, path in named.items()
        }
        other = given | {name: type(given[name])(copy) for name, copy in copies.items()}
        try:
            backbone = kind(**other)
            expected = copied(usage.apply(backbone, "first"))
        except (
            Exception
        ) as error:  # a stranger's class may raise anything where a file beside its own is missing
            raise NotApplicable("Its files cannot be read apart from those beside them.") from error
        state = written(backbone.state_dict())
        for copy in copies.values():
            Path(copy).unlink()
        try:
            restored = kind(**other)
            restored.load_state_dict(state)
            found = usage.apply(restored, "first")
        except Exception as error:  # a stranger's class may raise anything where a file is missing
            require(False, f"Expected restored weights to need no file, found {described(error)}")
    changed = difference(found, expected, relative=ROUNDING)
    require(
        not changed, f"Expected the same features from restored weights without their file, found {changed}."
    )


def _names_a_file(value: Any) -> bool:
    return isinstance(value, str | Path) and bool(str(value)) and Path(value).is_file()


def loaded_weights_are_used(make: Make, usage: Usage) -> None:
    """Stateful: loaded weights replace those that the arguments name."""
    backbone = _stateful(make())
    before = usage.apply(backbone, "first")
    stored = written(backbone.state_dict())
    if not any(tensor.is_floating_point() for tensor in stored.values()):
        raise NotApplicable("Its state holds no numbers that could be others, such as the bytes of a file.")
    state = _altered(stored)
    backbone.load_state_dict(copied(state))
    changed = difference(backbone.state_dict(), state)
    require(not changed, f"Expected state_dict to return the loaded weights, found {changed}.")
    same = not difference(usage.apply(backbone, "first"), before)
    require(not same, "Expected other features with other weights, found the same.")


def loading_leaves_the_weights_alone(make: Make, usage: Usage) -> None:
    """Stateful: tensors passed to load_state_dict stay unchanged."""
    backbone = _stateful(make())
    state = written(backbone.state_dict())
    with left_alone(state, "the weights given to load_state_dict"):
        backbone.load_state_dict(state)
        usage.apply(backbone, "first")


def origin_of_weights_is_restored(make: Make, usage: Usage) -> None:
    """TellsWeights: a backbone that is told what an equal one said of its weights says the same."""
    backbone, restored = make(), make()
    if not isinstance(backbone, TellsWeights) or not isinstance(restored, TellsWeights):
        raise NotApplicable("It does not say where its weights come from (TellsWeights).")
    usage.apply(backbone, "first")
    origin = backbone.weights_origin()
    kept = dict(origin)
    restored.restore_weights_origin(origin)
    origin["source"] = "another"  # the caller's own
    for which, part in (("it", backbone), ("a restored one", restored)):
        found = part.weights_origin()
        require(found == kept, f"Expected {which} to say {kept} of its weights, found {found}.")


def _stateful(backbone: Any) -> Any:
    if not isinstance(backbone, Stateful):
        raise NotApplicable("It is not Stateful.")
    return backbone


def _altered(state: Result) -> Result:
    return {name: 1.01 * tensor if tensor.is_floating_point() else tensor for name, tensor in state.items()}
