"""Mistakes of modules, which change the whole program when they are imported: one in each."""

import os
import tempfile
from importlib import import_module
from pathlib import Path

from mistakes.metrics import Right
from padimkit.testing.program import fixed_random_state, program_restored

__all__ = ["MISTAKES", "Right"]


def _imported(name):
    """The part of a module, whose changes are put back."""
    with tempfile.TemporaryDirectory() as folder, program_restored(), fixed_random_state():
        os.chdir(folder)
        module = import_module(f"mistakes.at_import.{name}")
    return next(one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__)


_NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
MISTAKES = {_imported(name): "import_leaves_the_program_alone" for name in _NAMES}
