"""Every error that padimkit raises on purpose."""

from collections.abc import Iterable
from difflib import get_close_matches


class PadimkitError(Exception):
    """A mistake that the user can mend; the message says what was found and what to do."""

    exit_status = 2


class BadImage(PadimkitError):
    """An image or a mask cannot be used."""


class BadShape(PadimkitError):
    """A tensor does not have the promised shape."""


class BadFeatures(PadimkitError):
    """A backbone returned features that cannot be modelled, such as NaN."""


class BadScores(PadimkitError):
    """A prediction cannot be evaluated, for example because its scores are NaN."""


class BadData(PadimkitError):
    """A data set on disk does not have the expected layout, or holds too few images."""


class BadArgument(PadimkitError):
    """An argument is out of its range."""


class BadConfig(PadimkitError):
    """A configuration names an unknown key or holds a wrong value."""


class UntrustedClass(BadConfig):
    """A stored model, or a file of settings, names a class that is not an installed plugin."""


class BadModel(PadimkitError):
    """A model folder is incomplete, altered, of another format, or not trusted."""


class BadOutput(PadimkitError):
    """Results cannot be written to the given path."""


class BadWeights(PadimkitError):
    """The weights of a backbone are missing or do not fit it."""


class NotFitted(PadimkitError):
    """Something was used before it was fitted."""


class NotCalibrated(PadimkitError):
    """A verdict was asked of a model that has no calibration."""


class SingularCovariance(PadimkitError):
    """A covariance has no Cholesky factor."""


class OverBudget(PadimkitError):
    """Something needs more memory than it is allowed to take."""


class CannotMerge(PadimkitError):
    """Two parts or pipelines with different arguments or representations cannot be merged."""


class CannotExport(PadimkitError):
    """A model cannot be written in another format, or gives other results there."""


class UndefinedMetric(PadimkitError):
    """A metric is undefined for this test set, for example because all its images are normal."""


class UnknownPlugin(PadimkitError):
    """No installed plugin has this name."""


class AmbiguousPlugin(PadimkitError):
    """Several distributions provide a plugin of this name."""


class BrokenPlugin(PadimkitError):
    """A plugin is installed but cannot be imported, or is not what its entry point promises."""


class BrokenContract(PadimkitError):
    """A plugin does not keep the contract of its family."""

    exit_status = 1  # the command itself worked; it found something wrong


class FailedCells(PadimkitError):
    """Cells of a suite have failed; their records say why."""

    exit_status = 1


class FaultyRecords(PadimkitError):
    """Records are not whole, not those of their keys, or contradict each other."""

    exit_status = 1


def near_misses(name: str, choices: Iterable[str]) -> str:
    """Return a sentence that suggests similar names, or an empty text if none is similar."""
    near = get_close_matches(name, list(choices), n=3)
    return f" Did you mean {' or '.join(f'{choice!r}' for choice in near)}?" if near else ""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return a sentence that suggests similar names, or lists all choices if none is similar."""
    choices = list(choices)
    all_of_them = f" Expected one of: {', '.join(choices)}." if choices else ""
    return near_misses(name, choices) or all_of_them
