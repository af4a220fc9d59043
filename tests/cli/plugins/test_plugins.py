"""`padimkit plugins` and its subcommands, as they are typed."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import ClassVar

import pytest

from padimkit.cli.main import main
from padimkit.cli.plugins import SUBCOMMANDS
from padimkit.cli.plugins.check import maker
from padimkit.contracts import Metric, Reducer
from padimkit.registry.plugin import Plugin
from padimkit.registry.recipes import find_recipe
from padimkit.registry.registry import find_plugin
from padimkit.testing import checks_of

BROKEN = """
    import torch
    from padimkit.contracts import Reducer
    from padimkit.values import Embedding
    class Broken(Reducer):
        def __init__(self, keep: int, note: str = ""): self.keep, self.note = keep, note
        def fit(self, stream): pass
        def transform(self, embedding):
            return Embedding(embedding.patches[:, : self.keep].double(), embedding.descriptor)
        def state_dict(self): return {}
        def load_state_dict(self, state): pass
"""


@pytest.fixture
def broken(install):
    install("stranger", {"broken": "stranger_broken:Broken"}, {"stranger_broken": BROKEN})


def fails(capsys, *words, status=2):
    assert main(["plugins", *words]) == status
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def test_without_subcommand_it_lists(capsys):
    assert main(["plugins"]) == 0
    alone = capsys.readouterr().out
    assert main(["plugins", "list"]) == 0
    assert capsys.readouterr().out == alone
    assert "\n\nRecipes of padimkit: mahalanobis-ad, " in alone


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_each_subcommand_explains_itself(subcommand, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["plugins", subcommand, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: padimkit plugins {subcommand}")


def test_an_unknown_subcommand_is_refused(capsys):
    assert "There is no subcommand \"shwo\". Did you mean 'show'?" in fails(capsys, "shwo")


def test_show_tells_family_distribution_class_and_arguments(capsys):
    assert main(["plugins", "show", "pca"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [
        ["name", "reducers/pca"],
        ["distribution", "padimkit", "0.1.0"],
        ["class", "padimkit.reducers.pca.PCA"],
    ]
    assert ["contract", "padimkit.contracts.Reducer,", "version", "1"] in lines
    (keep,) = [line for line in lines if line[:1] == ["keep"]]
    assert keep[:8] == ["keep", "int", "|", "float", "required", "Number", "of", "components,"]


class Twofold(Metric):
    """A metric with further values."""

    directions: ClassVar = {"found": True, "lost": False}


def test_show_tells_the_further_values_of_a_metric_and_their_directions(capsys, monkeypatch):
    monkeypatch.setattr(Plugin, "load", lambda self: Twofold)
    assert main(["plugins", "show", "pro"]) == 0
    assert "values        found (higher is better), lost (lower is better)\n" in capsys.readouterr().out


def test_show_says_that_there_are_no_arguments(capsys):
    assert main(["plugins", "show", "identity"]) == 0
    assert capsys.readouterr().out.endswith("It takes no arguments.\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--keep=3"],
        ["--keep", "3"],
        ["--init_args.keep=3"],
        ["--init_args={keep: 3}"],
        ["--init_args", '{"keep": 3}'],
    ],
)
def test_check_passes_what_keeps_its_contract(words, capsys):
    assert main(["plugins", "check", "random_channels", *words]) == 0
    *rows, empty, summary = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == [check.name for check in checks_of(Reducer)]
    assert empty == "" and ", 0 failed, " in summary
    assert ["update_equals_one_fit", "skipped", "It is not Updatable."] in [
        row.split(None, 2) for row in rows
    ]


def test_check_finds_what_is_broken_and_exits_with_1(broken, capsys):
    assert main(["plugins", "check", "broken", "--keep=3", "--note=hello"]) == 1
    captured = capsys.readouterr()
    (row,) = [row for row in captured.out.splitlines() if " failed  " in row]
    assert row.split()[0] == "keeps_images_and_positions"
    assert row.endswith("Expected patches of torch.float32, found torch.float64.")
    assert captured.err == (
        'padimkit plugins: error: 1 of the checks above failed: "broken" breaks its contract.\n'
    )


def test_check_makes_each_instance_with_the_arguments(broken, capsys):
    assert main(["plugins", "check", "broken", "--init_args={keep: 9}", "--keep=0"]) == 1
    assert "Expected 1 to 8 channels, found 0." in capsys.readouterr().out  # the option wins


def test_arguments_of_a_part_within_a_part_may_be_short_names(install, capsys):
    source = """
        from padimkit.contracts import Reducer
        class Outer(Reducer):
            '''Pass on to another.'''
            def __init__(self, inner: Reducer): self.inner = inner
            def fit(self, stream): self.inner.fit(stream)
            def transform(self, embedding): return self.inner.transform(embedding)
            def state_dict(self): return self.inner.state_dict()
            def load_state_dict(self, state): self.inner.load_state_dict(state)
    """
    install("stranger", {"outer": "stranger_outer:Outer"}, {"stranger_outer": source})
    words = ["check", "outer", "--init_args={inner: {class_path: random_channels, init_args: {keep: 3}}}"]
    assert main(["plugins", *words]) == 0
    assert ["can_be_written_down", "passed"] in [row.split() for row in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("words", [[], ["--note=short"]])
def test_a_plugin_that_lacks_an_argument_is_one_clear_error(broken, words, capsys):
    found = fails(capsys, "check", "broken", *words)
    said = '"broken" cannot be made without keep: pass --keep VALUE. Its meaning: padimkit plugins show'
    assert found.startswith("padimkit plugins: error: ") and said in found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep=many"], '"pca": .*key "keep": Does not validate'),
        (["--keep=3", "--kep=3"], "'kep' is not accepted. Did you mean 'keep'"),
        (["--init_args={keep: 3, kep: 3}"], "Unknown key .*kep.*Did you mean 'keep'"),
        (["--init_args=[3]"], r'"init_args" is .\[3\].; expected names and values, such as \{keep: 3\}'),
        (["--init_args={keep"], '"init_args" is not valid YAML'),
        (["--keep=3", "stray"], "stray"),
    ],
)
def test_wrong_arguments_of_a_plugin_are_one_clear_error(words, message, capsys):
    found = fails(capsys, "check", "pca", *words)
    assert re.search(message, found)
    assert found.startswith("padimkit plugins: error: ")


def test_new_says_what_to_do_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plugins", "new", "densities", "fresh-start"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Wrote fresh-start. Change fresh-start/fresh_start.py, then:",
        "  pip install -e fresh-start",
        "  padimkit plugins check densities/fresh_start",
    ]
    assert "exists. Choose another place with --output" in fails(capsys, "new", "density", "fresh-start")
    assert "There is no family \"densty\". Did you mean 'density'" in fails(capsys, "new", "densty", "x")


@pytest.mark.parametrize("words", [["list"], ["new", "metric", "fresh-start"]])
def test_what_needs_no_torch_imports_none(words, tmp_path):
    code = (
        "import sys, padimkit.cli.main\n"
        f"assert padimkit.cli.main.main({['plugins', *words]!r}) == 0\n"
        "slow = {'torch', 'numpy', 'jsonargparse', 'rich'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_on_a_terminal_long_descriptions_are_continued_in_their_column(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["plugins", "list"]) == 0
    table = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    start = table[0].index("description")
    assert max(map(len, table)) <= 100
    assert any(line[:start].strip() == "" and line[start] != " " for line in table)


def test_the_list_can_be_read_by_programs_and_put_on_a_page(install, capsys):
    install("stranger", {"mine": "nowhere|<b>:Mine"})
    assert main(["plugins", "list", "--format=json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {(row["family"], row["name"]): row for row in found["plugins"]}
    assert (
        rows["reducers", "pca"]["distribution"] == "padimkit" and "padim-r18" in found["recipes"]["padimkit"]
    )
    assert rows["reducers", "mine"]["description"].startswith("broken: ")
    assert main(["plugins", "list", "--format=markdown"]) == 0
    table = capsys.readouterr().out
    assert (
        r"| reducers | mine | stranger | 1.5 | broken: its entry point \"nowhere\|\<b\>:Mine\"".replace(
            '\\"', '"'
        )
        in table
    )
    assert all(line.count(" | ") == 4 for line in table.splitlines() if line.startswith("| "))


@pytest.mark.parametrize("name", ["padim-r18", "recipes/padim-r18"])
def test_a_recipe_is_shown_with_its_file(name, capsys):
    assert main(["plugins", "show", name]) == 0
    text, path = capsys.readouterr().out, find_recipe("padim-r18")
    assert "recipes/padim-r18" in text and str(path) in text and path.read_text().strip() in text
    assert main(["plugins", "show", "recipes/padim-r17"]) == 2
    assert "Did you mean 'padim-r18'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gausian", "neither a plugin nor a recipe. Did you mean 'gaussian'?"),
        ("padim-r18-rd10", "neither a plugin nor a recipe. Did you mean 'padim-r18-rd100'"),
        ("padimkit_patchcore", "check one of what it brings, densities/patchcore, recipes/patchcore-"),
    ],
)
def test_what_is_no_plugin_is_told_with_what_may_be_meant(name, message, capsys):
    assert main(["plugins", "check", name]) == 2
    assert message in capsys.readouterr().err


def test_data_that_are_not_there_are_told_once(capsys):
    assert main(["plugins", "check", "folder", "--normal=nowhere"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("nowhere") == 1


def test_what_a_check_draws_is_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = maker(find_plugin("synthetic"), "{}", [], tmp_path / "given")()
    assert made.root == tmp_path / "given"
    assert maker(find_plugin("synthetic"), "{}", ["--root=own"], tmp_path)().root == Path("own")


def test_a_plugin_that_cannot_be_made_and_its_warning_are_told_once(install, capsys):
    source = """
    import warnings
    from padimkit import Metric

    class Warns(Metric):
        higher_is_better = True
        def __init__(self):
            warnings.warn("slow here")
            raise ValueError("no such thing")
        def update(self, prediction, truth): pass
        def compute(self): return 0.0
        def reset(self): pass
    """
    install("warns", {"warns": "warning_parts:Warns"}, {"warning_parts": source}, "padimkit.metrics")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert main(["plugins", "check", "warns"]) == 1
    assert capsys.readouterr().out.count("no such thing") == 1
    assert [str(one.message) for one in said] == ["slow here"]
