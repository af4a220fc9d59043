"""Checks of manners: what a part leaves alone, since others in the same program rely on it.

They stand apart from the checks of the families, which share them.
"""

import gc
import inspect
import io
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from weakref import ref

from torch import Tensor

from padimkit.arguments import arguments
from padimkit.testing.answers import DataSet, Usage
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.parts import in_each_step
from padimkit.testing.program import changed, files_in, program_restored, settings

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_PATIENCE = 0.2  # seconds for a thread that is about to end
_BLOCK = "Change them for a block only: torch.no_grad(), warnings.catch_warnings()."


def leaves_the_program_alone(make: Make, usage: Usage) -> None:
    """Settings of the program stay, no thread is left running, and nothing is printed on standard output."""
    make()  # made before the check began
    found = _disturbances(make, usage)
    if found:  # again: a library that is imported when it is first needed changes some once, and is no part
        found = _disturbances(make, usage)
    require(not found, " ".join(found[:1]))


def _disturbances(make: Make, usage: Usage) -> list[str]:
    found: list[str] = []

    @contextmanager
    def watched(step: str) -> Iterator[None]:
        with disturbances(step) as some:
            yield
        found.extend(some)

    in_each_step(make, usage, watched)
    return found


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
def disturbances(step: str) -> Iterator[list[str]]:
    """Put settings of the whole program back after the block, and collect what disturbs it, in words.

    That is, settings that changed in it, threads that were left running, and what was printed.
    """
    found: list[str] = []
    printed = io.StringIO()
    with redirect_stdout(printed):
        before: Any = settings()
        running = set(threading.enumerate())
        with program_restored():
            yield found
            if words := changed(before):
                found.append(
                    "Expected the settings of the program to be left alone, found "
                    f"{', '.join(words)}, changed during {step}. {_BLOCK}"
                )
    if left := [thread.name for thread in threading.enumerate() if thread not in running and _stays(thread)]:
        found.append(
            f'Expected threads to have ended, found "{left[0]}" still running after {step}. Join each thread '
            "where it was started."
        )
    if text := printed.getvalue().strip():
        found.append(
            f"Expected nothing on standard output, where commands write their results, found "
            f"{text.splitlines()[0][:60]!r} during {step}. Use logging."
        )


def _stays(thread: threading.Thread) -> bool:
    """Return whether the thread goes on; tqdm may keep one, which watches all bars of the program."""
    if type(thread).__module__.partition(".")[0] == "tqdm":
        return False
    thread.join(_PATIENCE)
    return thread.is_alive()


def is_made_without_arguments(make: Make) -> None:
    """It can be made without arguments, as padimkit makes it."""
    kind = type(make())
    try:
        kind()
    except TypeError as error:
        require(False, f"Expected that it can be made without arguments, found {error}.")


def writes_nothing_unasked(make: Make, usage: Usage) -> None:
    """Nothing is written into the working folder or beside the module, unless an argument says so."""
    part = make()
    given = arguments(part)
    if any(_is_relative(one) for one in _texts(given)):
        raise NotApplicable("An argument of it is a path from the working folder.")
    module = _folder_of(type(part))
    with tempfile.TemporaryDirectory() as folder, program_restored():
        os.chdir(folder)
        before = files_in(module) if module else set()
        try:
            usage.apply(usage.fitted(make), "first")
        except Exception as error:  # a part within it may have a path that is not seen
            raise NotApplicable("It cannot be used in another working folder.") from error
        found = sorted(files_in(Path(folder)) | ((files_in(module) if module else set()) - before))
    asked = {Path(one).parts[0] for one in _texts(given) if one.strip()}
    unasked = [one for one in found if one not in asked]
    require(
        not unasked,
        f"Expected nothing to be written, found {', '.join(unasked[:3])} in the working folder or beside the "
        "module. Write where an argument says, or into tempfile.TemporaryDirectory().",
    )


def _folder_of(part: type) -> Path | None:
    """Return the folder of its module; None where it was defined in a session, without a file."""
    try:
        return Path(inspect.getfile(part)).parent
    except (OSError, TypeError):
        return None


def _texts(value: Any) -> list[str]:
    """Return all texts and paths within arguments."""
    if isinstance(value, str | Path):
        return [str(value)]
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return []


def _is_relative(text: str) -> bool:
    try:
        return bool(text.strip()) and not Path(text).is_absolute() and Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def no_results_are_kept(make: Make, usage: Usage) -> None:
    """Tensors of a call are free when it ends: none are kept in a list of the module, which would grow."""
    part = usage.fitted(make)
    data: tuple[DataSet, DataSet] = ("first", "second")
    for one in data:  # what is prepared once, or cached by size, is there then
        usage.apply(part, one)
    before = _tensors()
    known = set(map(id, before))  # of tensors that are held here: no new one has a number of theirs
    for one in data * _USES:
        usage.apply(part, one)
    new = [ref(one) for one in _tensors() if id(one) not in known]
    if len(new) >= len(data) * _USES:
        gc.collect()  # which may be garbage
    kept = sum(one() is not None for one in new)
    require(
        kept < len(data) * _USES,
        f"Expected the tensors of a call to be free when it ends, found {kept} that are still there after "
        f"{len(data) * _USES} calls. Keep no results in the module or in the class.",
    )


def _tensors() -> list[Tensor]:
    """Return all tensors that live, but for those that the program has set aside (`gc.freeze`)."""
    return [one for one in gc.get_objects() if issubclass(type(one), Tensor)]


_USES = 2
