"""What is written into the docs from the code is up to date, and readable without building the site."""

import importlib.util
import sys
from pathlib import Path

import pytest

HOOKS = Path(__file__).parents[1] / "docs" / "hooks"


@pytest.mark.parametrize("name", ["contracts", "gallery"])
def test_a_page_is_as_the_code_says(name):
    spec = importlib.util.spec_from_file_location(f"hooks_{name}", HOOKS / f"{name}.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    page = hook.PAGE.read_text()
    assert hook.written(page) == page, f"run: {Path(sys.executable).name} docs/hooks/{name}.py"
