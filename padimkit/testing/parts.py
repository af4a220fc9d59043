"""Checks that the parts of every family go through."""

import copy
import inspect
import pickle
from collections.abc import Iterator
from contextlib import contextmanager

from padimkit.arguments import arguments
from padimkit.testing.answers import ROUNDING, Usage, copied, difference
from padimkit.testing.check import Make, NotApplicable, global_random_state, require

_OTHER_SEEDS = 5  # one of them might happen to give the same


def keeps_its_arguments(make: Make, usage: Usage) -> None:
    """Each argument is stored under its own name, stays what it was, and makes an equal part anew."""
    part = make()
    given = arguments(part)
    rebuilt = type(part)(**given)
    kept = arguments(rebuilt)
    require(kept == given, f"Expected a part made from {given} to keep these arguments, found {kept}.")
    usage.fit(part, "first")
    answer = usage.apply(part, "first")
    kept = arguments(part)
    require(kept == given, f"Expected its use to leave the arguments {given} alone, found {kept}.")
    usage.fit(rebuilt, "first")
    changed = difference(usage.apply(rebuilt, "first"), answer, relative=ROUNDING)
    require(not changed, f"Expected the same result from a part made anew from {given}, found {changed}.")


def same_arguments_give_the_same_result(make: Make, usage: Usage) -> None:
    """Two instances that are made and used alike give the same result, bit for bit."""
    changed = difference(usage.result(make), usage.result(make))
    require(not changed, f"Expected two instances made alike to agree, found {changed}. Is a seed missing?")


def another_seed_gives_another_result(make: Make, usage: Usage) -> None:
    """Where there is an argument `seed`, it makes a difference."""
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
    """The generators that all of the program shares are neither drawn from nor seeded."""
    with _undisturbed("it was made"):
        part = make()
    with _undisturbed("it learnt"):
        usage.fit(part, "first")
    with _undisturbed("it was used"):
        usage.apply(part, "first")


def repeats_itself(make: Make, usage: Usage) -> None:
    """The same question gets the same answer, bit for bit, whatever was asked in between."""
    part = usage.fitted(make)
    first = copied(usage.apply(part, "first"))
    usage.apply(part, "second")
    changed = difference(usage.apply(part, "first"), first)
    require(not changed, f"Expected the same answer when asked again, found {changed}.")


def earlier_results_stay(make: Make, usage: Usage) -> None:
    """A result that was handed out is not overwritten by later use."""
    part = usage.fitted(make)
    earlier = usage.apply(part, "first")
    before = copied(earlier)
    usage.apply(part, "second")
    changed = difference(earlier, before)
    require(not changed, f"Expected an earlier result to stay as it was, found {changed}. Return a copy.")


def instances_share_nothing(make: Make, usage: Usage) -> None:
    """What one instance learns does not change another."""
    part = usage.fitted(make)
    before = copied(usage.apply(part, "first"))
    usage.fitted(make, "second")
    changed = difference(usage.apply(part, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected what another instance learns to change nothing here, found {changed}.")


def can_be_copied(make: Make, usage: Usage) -> None:
    """A deep copy gives the same result, and what it learns later leaves the original alone."""
    part = usage.fitted(make)
    before = copied(usage.apply(part, "first"))
    duplicate = copy.deepcopy(part)
    changed = difference(usage.apply(duplicate, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected a deep copy to give the same result, found {changed}.")
    usage.fit(duplicate, "second")
    changed = difference(usage.apply(part, "first"), before, relative=ROUNDING)
    require(not changed, f"Expected what a deep copy learns to leave the original alone, found {changed}.")


def can_be_pickled(make: Make, usage: Usage) -> None:
    """It can be sent to a worker process, with all that it has learnt."""
    part = usage.fitted(make)
    before = copied(usage.apply(part, "first"))
    arrived = pickle.loads(pickle.dumps(part))
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
        f"Expected the global random state to be left alone, found that of {' and '.join(moved)} changed "
        f"while {step}. Draw from a generator of your own, such as torch.Generator().manual_seed(seed).",
    )
