"""Checks that parts of several families share."""

import copy
import inspect
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from padimkit.arguments import arguments
from padimkit.testing.answers import ROUNDING, Usage, copied, difference
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.program import global_random_state

_OTHER_SEEDS = 5  # one of them might give the same result by chance


def keeps_its_arguments(make: Make, usage: Usage) -> None:
    """Arguments are stored under their own names, never change, and make an equal part again."""
    part = make()
    given = arguments(part)
    rebuilt = type(part)(**given)
    kept = arguments(rebuilt)
    require(kept == given, f"Expected a part made from {given} to keep these arguments, found {kept}.")
    usage.fit(part, "first")
    answer = usage.apply(part, "first")
    kept = arguments(part)
    require(kept == given, f"Expected fit and use to leave the arguments {given} unchanged, found {kept}.")
    usage.fit(rebuilt, "first")
    changed = difference(usage.apply(rebuilt, "first"), answer, relative=ROUNDING)
    require(not changed, f"Expected the same result from a part made again from {given}, found {changed}.")


def same_arguments_give_the_same_result(make: Make, usage: Usage) -> None:
    """Instances made with the same arguments and used alike give the same result, bit for bit."""
    changed = difference(usage.result(make), usage.result(make))
    require(not changed, f"Expected two instances made alike to agree, found {changed}. Is a seed missing?")


def another_seed_gives_another_result(make: Make, usage: Usage) -> None:
    """Parts with an argument `seed` give another result for another seed."""
    if "seed" not in inspect.signature(type(make())).parameters:
        raise NotApplicable('It has no argument "seed".')
    expected = usage.result(make)
    for step in range(1, _OTHER_SEEDS + 1):
        fresh = make()
        given = arguments(fresh)
        other = type(fresh)(**{**given, "seed": given["seed"] + step})
        usage.fit(other, "first")
        if difference(usage.apply(other, "first"), expected):
            return
    require(False, f"Expected another result with another seed, found the same for {_OTHER_SEEDS} others.")


def leaves_global_random_state_alone(make: Make, usage: Usage) -> None:
    """Global random generators are neither drawn from nor seeded."""
    make()  # made before the check began
    in_each_step(make, usage, _undisturbed)


def in_each_step(make: Make, usage: Usage, watched: Callable[[str], AbstractContextManager[None]]) -> None:
    """Make, fit and use a part, each step within what `watched` returns for its name."""
    with watched("construction"):
        part = make()
    with watched("fit"):
        usage.fit(part, "first")
    with watched("use"):
        usage.apply(part, "first")


def repeats_itself(make: Make, usage: Usage) -> None:
    """Repeating a call gives the same result bit for bit, whatever was called in between."""
    part = usage.fitted(make)
    first = copied(usage.apply(part, "first"))
    usage.apply(part, "second")
    changed = difference(usage.apply(part, "first"), first)
    require(not changed, f"Expected the same result from a repeated call, found {changed}.")


def earlier_results_stay(make: Make, usage: Usage) -> None:
    """Results are not overwritten by later calls."""
    part = usage.fitted(make)
    earlier = usage.apply(part, "first")
    before = copied(earlier)
    usage.apply(part, "second")
    changed = difference(earlier, before)
    require(not changed, f"Expected an earlier result to stay as it was, found {changed}. Return a copy.")


def instances_share_nothing(make: Make, usage: Usage) -> None:
    """Fitting one instance does not change another."""
    part = usage.fitted(make)
    before = copied(usage.apply(part, "first"))
    usage.fitted(make, "second")
    changed = difference(usage.apply(part, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected no change by the fit of another instance, found {changed}.")


def can_be_copied(make: Make, usage: Usage) -> None:
    """Deep copies give the same result, and fitting one leaves the original unchanged."""
    part = usage.fitted(make)
    before = copied(usage.apply(part, "first"))
    duplicate = copy.deepcopy(part)
    changed = difference(usage.apply(duplicate, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected a deep copy to give the same result, found {changed}.")
    usage.fit(duplicate, "second")
    changed = difference(usage.apply(part, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected the fit of a deep copy to leave the original unchanged, found {changed}.")


def can_be_pickled(make: Make, usage: Usage) -> None:
    """Parts can be pickled with everything learnt, and so sent to a worker process."""
    part = usage.fitted(make)
    before = copied(usage.apply(part, "first"))
    arrived = pickle.loads(pickle.dumps(part))  # of this process
    changed = difference(usage.apply(arrived, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected the same result after pickling, found {changed}.")


@contextmanager
def _undisturbed(step: str) -> Iterator[None]:
    before = global_random_state()
    yield
    after = global_random_state()
    moved = [library for library in before if before[library] != after[library]]
    require(
        not moved,
        f"Expected the global random state to be left unchanged, found that of {' and '.join(moved)} changed "
        f"during {step}. Draw from a generator of your own, such as torch.Generator().manual_seed(seed).",
    )
