"""Every error that padimkit raises on purpose."""

from collections.abc import Iterable
from difflib import get_close_matches


class PadimkitError(Exception):
    """A mistake that the user can mend; the message says what was found and what to do."""

    exit_status = 2


class BadImage(PadimkitError):
    """An image or a mask cannot be used."""


class BadShape(PadimkitError):
    """A tensor has not the shape that was promised."""


class BadFeatures(PadimkitError):
    """A backbone returned features that cannot be modelled, such as NaN."""


class BadScores(PadimkitError):
    """A prediction cannot be measured, for example because its scores are NaN."""


class BadData(PadimkitError):
    """A data set on disk is not laid out as expected, or holds too little."""


class BadArgument(PadimkitError):
    """An argument is out of its range."""


class BadConfig(PadimkitError):
    """A configuration names an unknown key or holds a wrong value."""


class UntrustedClass(PadimkitError):
    """A stored model names a class that is not an installed plugin."""


class BadModel(PadimkitError):
    """A model folder is incomplete, altered, of another format, or not to be trusted."""


class BadOutput(PadimkitError):
    """Results cannot be written where they were asked for."""


class BadWeights(PadimkitError):
    """The weights of a backbone are missing or do not fit it."""


class NotFitted(PadimkitError):
    """Something was used before it was fitted."""


class SingularCovariance(PadimkitError):
    """A covariance has no Cholesky factor."""


class OverBudget(PadimkitError):
    """Something takes more memory than it is allowed to."""


class CannotMerge(PadimkitError):
    """Two things that learnt different representations cannot be merged."""


class UndefinedMetric(PadimkitError):
    """The test set does not allow this metric, for example because it has one class only."""


class UnknownPlugin(PadimkitError):
    """No installed plugin has this name."""


class AmbiguousPlugin(PadimkitError):
    """Several distributions provide a plugin of this name."""


class BrokenPlugin(PadimkitError):
    """A plugin is installed but cannot be imported, or is not what its entry point says."""


class BrokenContract(PadimkitError):
    """A plugin does not keep the contract of its family."""

    exit_status = 1  # the command did what was asked; what it looked at is not right


class FailedCells(PadimkitError):
    """Cells of a suite have failed; their records say why."""

    exit_status = 1


def near_misses(name: str, choices: Iterable[str]) -> str:
    """A sentence with the near misses of a name, empty where none is near."""
    near = get_close_matches(name, list(choices), n=3)
    return f" Did you mean {' or '.join(f'{choice!r}' for choice in near)}?" if near else ""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A sentence with the near misses of a name, or with all choices where none is near."""
    choices = list(choices)
    all_of_them = f" Expected one of: {', '.join(choices)}." if choices else ""
    return near_misses(name, choices) or all_of_them
