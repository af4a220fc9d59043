"""Checks of manners: what a part leaves alone, since others in the same program rely on it.

They stand apart from the checks of the families, which share them.
"""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from padimkit.testing.answers import Usage
from padimkit.testing.check import Make, program_restored, require
from padimkit.testing.parts import in_each_step

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def leaves_the_program_alone(make: Make, usage: Usage) -> None:
    """Settings of the whole program stay: gradients, warnings, types, threads and folder."""
    in_each_step(make, usage, undisturbed)


def arguments_have_names(make: Make) -> None:
    """Each argument has a name: those of `*args` and `**kwargs` would be lost in a stored model."""
    kind = type(make())
    for parameter in inspect.signature(kind).parameters.values():
        require(
            parameter.kind not in _VARIADIC,
            f'Expected arguments with names of their own, found "{parameter}", which a stored model would '
            "lose. Write the arguments out, or take one that is a mapping.",
        )


@contextmanager
def undisturbed(step: str) -> Iterator[None]:
    """Require the settings of the whole program to stay within the block; `step` names it in the finding."""
    before = _settings()
    ignored = len(_ignoring())
    with program_restored():
        yield
        after = _settings()
        more = _ignoring()[: len(_ignoring()) - ignored]
    changed = [
        f"{name} from {before[name]} to {after[name]}" for name in before if before[name] != after[name]
    ]
    changed += ["warnings to be ignored, of all kinds"] if more else []
    require(
        not changed,
        f"Expected the settings of the program to be left alone, found {', '.join(changed)}, changed "
        f"during {step}. Change them for a block only: torch.no_grad(), warnings.catch_warnings().",
    )


def _settings() -> dict[str, Any]:
    return {
        "gradients": torch.is_grad_enabled(),
        "the default type": torch.get_default_dtype(),
        "threads of torch": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "errors of numpy": dict(np.geterr()),
        "the folder": str(Path.cwd()),
    }


def _ignoring() -> list[Any]:
    """Return the filters that ignore all warnings of a kind, whatever they say and wherever from."""
    return [one for one in warnings.filters if one[0] == "ignore" and one[1] is None and one[3] is None]


def is_made_without_arguments(make: Make) -> None:
    """It can be made without arguments, as padimkit makes it."""
    kind = type(make())
    try:
        kind()
    except TypeError as error:
        require(False, f"Expected that it can be made without arguments, found {error}.")
