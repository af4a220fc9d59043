"""The check that an import changes nothing for the whole program, in a process that has imported all else.

Apart from the other checks of manners, which the process of the caller can do: there the module is imported
already.
"""

import os
import sys
import tempfile
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from padimkit.testing.answers import DataSet, Result, Usage, nothing_to_fit
from padimkit.testing.check import Make, NotApplicable, require
from padimkit.testing.elsewhere import answered
from padimkit.testing.program import changed, files_in, global_random_state, program_restored, settings


def import_leaves_the_program_alone(make: Make) -> None:
    """Importing its module changes no setting of the program, seeds nothing and writes nothing."""
    found = answered(make(), Usage(nothing_to_fit, _imported_again))
    if isinstance(found, str):
        raise NotApplicable("Its module cannot be imported a second time.")
    require(
        not found,
        f"Expected an import that changes nothing, found {', '.join(found)}, changed by the module of the "
        "part. Work within functions, and change settings of the program for a block only.",
    )


def _imported_again(part: Any, _: DataSet) -> Result:
    """Return in words what its module, and the packages that this lies in, change when they are imported.

    All that they import is there by now, so that whatever a library changes is not taken for theirs. The
    words are names, since results are tensors by name.
    """
    names = type(part).__module__.split(".")
    modules = [sys.modules[".".join(names[:count])] for count in range(1, len(names) + 1)]
    folder = Path(modules[-1].__file__ or "").parent
    with tempfile.TemporaryDirectory() as empty, program_restored():
        os.chdir(empty)
        before, files, random = settings(), files_in(folder), global_random_state()
        for module in modules:
            _run(module)
        found = changed(before)
        found += [
            f"the random state of {library}"
            for library, state in global_random_state().items()
            if state != random[library]
        ]
        found += [f'the file "{name}"' for name in files_in(Path(empty)) | (files_in(folder) - files)]
    return {words: torch.zeros(0) for words in found}


def _run(module: ModuleType) -> None:
    """Run the code of a module once more, and leave what it has defined before in place."""
    spec = module.__spec__
    if spec is None or spec.loader is None:
        return
    sys.modules[module.__name__] = again = module_from_spec(spec)
    try:
        spec.loader.exec_module(again)
    finally:
        sys.modules[module.__name__] = module
