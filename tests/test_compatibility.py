"""Whatever else is installed, the list of plugins is shown and other pipelines run."""

import json
import subprocess
import sys
from collections import Counter

import pytest
import yaml

from padimkit.cli.main import main
from padimkit.registry.blame import blamed
from padimkit.registry.registry import Registry

LATE = """
    from pathlib import Path
    Path(__file__).with_suffix(".imported").touch()
    from padimkit.reducers.identity import Identity as Late
"""
NOISY = """
    import sys
    print("a banner of", __name__)
    sys.stdout.write("and more\\n")
    from padimkit.contracts import Reducer
    class Noisy(Reducer):
        '''Say something on import.'''
        def __init__(self, keep: int = 3): self.keep = keep
        def fit(self, stream): pass
        def transform(self, embedding): return embedding
        def state_dict(self): return {}
        def load_state_dict(self, state): pass
"""


@pytest.fixture
def menagerie(install, tmp_path, monkeypatch):
    """One distribution of each kind that the registry must live with, and a sound one."""
    twin = {"twin": "from padimkit.reducers.identity import Identity as Twin"}
    for name in ("twin", "sick", "wrong", "noisy", "late", "module", "syntax"):
        monkeypatch.delitem(sys.modules, name, raising=False)  # imported by another test
    install("first", {"twin": "twin:Twin"}, twin)
    install("second", {"twin": "twin:Twin"})
    install("sick", {"sick": "sick:Sick"}, {"sick": "import no_such_module_here\nclass Sick: pass"})
    install("wrong", {"wrong": "wrong:Wrong"}, {"wrong": "class Wrong: pass"})
    install("noisy", {"noisy": "noisy:Noisy"}, {"noisy": NOISY})
    install("late", {"late": "late:Late"}, {"late": LATE})
    install("later", {"later": "later:Later"}, {"later": LATE}, group="padimkit.reducers.v7")
    install("malformed", {"malformed": "no module: at all"})
    install("module", {"module": "module"}, {"module": ""})
    install("gone", {"gone": "gone:Gone"})
    install("syntax", {"syntax": "syntax:Syntax"}, {"syntax": "class Syntax(:"})
    install("nameless", {"nameless": "twin:Twin"})
    (tmp_path / "nameless-1.5.dist-info" / "METADATA").unlink()
    return tmp_path


def padimkit(menagerie, *words, status=0):
    """The finished process of a command that sees the menagerie."""
    start = "import sys, runpy; runpy.run_module('padimkit', None, '__main__', True)"
    code = f"import sys; sys.path.append({str(menagerie)!r}); {start}"
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done


def rows(text):
    return {line.split()[1]: line for line in text.splitlines() if line.startswith("reducers")}


def test_the_list_shows_all_of_them_and_imports_none(menagerie):
    done = padimkit(menagerie, "plugins", "list")
    found = rows(done.stdout)
    assert done.stderr == ""
    assert {"first:twin", "second:twin", "pca"} <= set(found)
    assert found["noisy"].endswith("Say something on import.")
    assert found["later"].endswith("made for contract version 7, this is 1")
    assert 'broken: its entry point "no module: at all" is not "module:Class"' in found["malformed"]
    assert found["gone"].endswith('broken: the module "gone" does not exist')
    assert "broken: invalid syntax" in found["syntax"]
    assert found["nameless"].split()[2] == "unknown"
    assert "banner" not in done.stdout
    assert not (menagerie / "late.imported").exists()


def test_what_only_an_import_can_find_is_listed_on_demand(menagerie, capsys):
    (menagerie / "late.py").write_text("from padimkit.reducers.identity import Identity as Late")
    assert main(["plugins", "list", "--import"]) == 0
    found = rows(capsys.readouterr().out)
    assert "broken:" in found["sick"] and "No module named 'no_such_module_here'" in found["sick"]
    assert "expected a subclass of padimkit.contracts.Reducer" in found["wrong"]
    assert found["noisy"].endswith("Say something on import.")
    assert "broken" not in found["pca"] + found["late"]
    assert not (menagerie / "later.imported").exists()


def test_another_pipeline_runs_among_them(menagerie, stripes):
    result = menagerie / "result.json"
    source = ["--data=mvtec", f"--data.root={stripes}", "--data.category=stripes"]
    words = ["evaluate", "padim-filter-bank", *source, "--pipeline.reducer=noisy", f"--output={result}"]
    done = padimkit(menagerie, *words)
    assert json.loads(result.read_text())["metrics"].keys() >= {"image_auroc"}
    assert done.stdout.startswith("metric ")
    assert Counter(done.stderr.splitlines())["a banner of noisy"] == 1
    assert not (menagerie / "late.imported").exists()


def test_what_a_plugin_prints_on_import_is_no_part_of_the_output(menagerie, capsys, monkeypatch):
    words = ["evaluate", "padim-filter-bank", "--data=synthetic", "--pipeline.reducer"]
    for reducer in ("noisy", "noisy.Noisy"):
        monkeypatch.delitem(sys.modules, "noisy", raising=False)
        with pytest.raises(SystemExit, match="0"):
            main([*words, reducer, "--print_config"])
        captured = capsys.readouterr()
        assert yaml.safe_load(captured.out)["pipeline"]["reducer"]["class_path"] == "noisy"
        assert captured.err.splitlines()[:2] == ["a banner of noisy", "and more"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "twin",
            'There are several plugins "twin". Use one of "reducers/first:twin", "reducers/second:twin"',
        ),
        ("sick", '"sick" (reducers) of sick 1.5 cannot be imported: ModuleNotFoundError: No module named'),
        ("wrong", "is <class 'wrong.Wrong'>; expected a subclass of padimkit.contracts.Reducer"),
        (
            "later",
            "is made for version 7 of the contracts, and this padimkit has version 1",
        ),
        ("malformed", 'its entry point "no module: at all" is not "module:Class"'),
        ("module", 'its entry point "module" is not "module:Class"'),
    ],
)
@pytest.mark.parametrize("subcommand", ["show", "check"])
def test_using_one_of_them_says_what_is_wrong(subcommand, name, message, menagerie, capsys):
    assert main(["plugins", subcommand, name]) == 2
    assert message in capsys.readouterr().err


def test_names_and_errors_of_others_are_told_among_them(menagerie, capsys):
    assert main(["plugins", "check", "nothing-of-this-name"]) == 2
    assert '"nothing-of-this-name" is neither a plugin nor a recipe.' in capsys.readouterr().err
    assert blamed(ValueError("of nobody")) == ""
    with pytest.raises(ValueError) as raised:
        exec("raise ValueError('none')", {"__name__": "noisy"})
    expected = 'Plugin "noisy" (reducers) of noisy 1.5 failed in <module>: ValueError: none.'
    assert blamed(raised.value) == expected


def test_a_full_name_tells_two_of_one_name_apart(menagerie, capsys):
    assert main(["plugins", "show", "second:twin"]) == 0
    assert "second 1.5" in capsys.readouterr().out
    assert main(["plugins", "check", "reducers/first:twin"]) == 0
    assert " 0 failed" in capsys.readouterr().out


def test_two_of_one_name_in_one_distribution_are_for_their_author(menagerie, install, capsys):
    install("doubled", {"doubled": "twin:Twin"})
    info = menagerie / "doubled-1.5.dist-info" / "entry_points.txt"
    info.write_text("[padimkit.reducers]\ndup = twin:Twin\ndup = noisy:Noisy\n")
    said = '"doubled:dup" (reducers) stands for "twin:Twin" and "noisy:Noisy" in one distribution'
    for name in ("dup", "doubled:dup", "reducers/dup"):
        assert main(["plugins", "show", name]) == 2
        assert said in capsys.readouterr().err


def test_what_a_plugin_prints_goes_to_standard_error(install, capsys):
    install("chatty", {"chatty": "chatty:Chatty"}, {"chatty": NOISY.replace("Noisy", "Chatty")})
    Registry("reducers").load("chatty")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "a banner of chatty\nand more\n")
