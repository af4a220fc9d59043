"""What is written into the docs from the code is up to date, and readable without building the site."""

import importlib.util
import sys
from dataclasses import fields
from pathlib import Path

import pytest

HOOKS = Path(__file__).parents[1] / "docs" / "hooks"


@pytest.mark.parametrize("name", ["contracts", "gallery", "values"])
def test_a_page_is_as_the_code_says(name):
    hook = loaded(name)
    page = hook.PAGE.read_text()
    assert hook.written(page) == page, f"run: {Path(sys.executable).name} docs/hooks/{name}.py"


def test_every_field_of_a_public_value_has_its_meaning():
    hook = loaded("values")
    kinds = [kind for group in hook.listed().values() for kind in group]
    assert len(kinds) > 40 and {"Sample", "Prediction", "Record", "Table"} <= {
        kind.__name__ for kind in kinds
    }
    for kind in kinds:
        rows = [line for line in hook.table(kind).splitlines() if line.startswith("| `")]
        assert len(rows) == len(fields(kind)), kind
        assert not [row for row in rows if row.endswith("|  |")], kind


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"hooks_{name}", HOOKS / f"{name}.py")
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    return hook
