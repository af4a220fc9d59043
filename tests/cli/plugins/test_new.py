"""The package that `padimkit plugins new` writes is right before anything in it is changed."""

import importlib.util
import py_compile
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from fresh_environment import ROOT, FreshEnvironment

from padimkit.cli.main import main
from padimkit.cli.plugins.new import write_starter
from padimkit.errors import BadArgument, BadOutput
from padimkit.registry.families import FAMILIES, find_family
from padimkit.testing import outcomes

TEMPLATE = ROOT / "padimkit" / "cli" / "plugins" / "template"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.plural)
def test_the_written_module_passes_every_check_of_its_contract(family, tmp_path, monkeypatch):
    write_starter(family, "fresh-start", tmp_path / "package")
    spec = importlib.util.spec_from_file_location("fresh_start", tmp_path / "package" / "fresh_start.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fresh_start", module)
    spec.loader.exec_module(module)
    contract = family.load_contract()
    found = {outcome.check.name: outcome for outcome in outcomes(contract, module.FreshStart)}
    assert {name: outcome.reason for name, outcome in found.items() if outcome.verdict == "failed"} == {}
    assert sum(outcome.verdict == "passed" for outcome in found.values()) >= 10


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.plural)
def test_no_word_of_the_template_is_left(family, tmp_path):
    write_starter(family, "fresh-start", tmp_path / "package")
    files = sorted(p.relative_to(tmp_path / "package") for p in tmp_path.rglob("*") if p.is_file())
    assert list(map(str, files)) == [
        ".github/workflows/test.yml",
        "LICENSE",
        "README.md",
        "fresh_start.py",
        "pyproject.toml",
        "tests/test_fresh_start.py",
    ]
    text = "".join((tmp_path / "package" / file).read_text() for file in files)
    for word in ("my-plugin", "my_plugin", "MyPlugin", "FAMILY", "FAMILIES", "Contract)"):
        assert word not in text
    entry = f'[project.entry-points."padimkit.{family.plural}"]\nfresh_start = "fresh_start:FreshStart"\n'
    assert entry in text and f"@contract_checks({family.contract})\n" in text


def test_what_pip_compiles_on_installation_is_not_copied(tmp_path, monkeypatch):
    shutil.copytree(TEMPLATE, tmp_path / "template")
    for module in (tmp_path / "template").rglob("*.py"):
        py_compile.compile(str(module))
    monkeypatch.setattr("padimkit.cli.plugins.new._TEMPLATE", tmp_path / "template")
    write_starter(find_family("metrics"), "fresh-start", tmp_path / "package")
    assert list((tmp_path / "template").rglob("*.pyc")) and not list((tmp_path / "package").rglob("*.pyc"))


def test_a_stranger_builds_installs_and_tests_it(tmp_path):
    assert main(["plugins", "new", "density", "fresh-start", f"--output={tmp_path / 'package'}"]) == 0
    fresh = FreshEnvironment(tmp_path / "environment")
    (wheel,) = fresh.build([tmp_path / "package"], tmp_path / "wheels")
    assert wheel.name == "fresh_start-0.1.0-py3-none-any.whl"
    fresh.install([wheel])
    # Elsewhere, so that not the source but what was installed is tested.
    shutil.copytree(tmp_path / "package" / "tests", tmp_path / "elsewhere")
    found = fresh.run("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", tmp_path / "elsewhere")
    assert "54 passed, 31 skipped" in found
    assert re.search(r"fresh_start\s+fresh-start", fresh.padimkit("plugins", "list"))
    assert fresh.run("-c", "import fresh_start; print(fresh_start.__file__)").startswith(str(fresh.site))


def test_the_template_is_part_of_the_wheel_and_of_the_sdist(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    files = {path.relative_to(ROOT).as_posix() for path in TEMPLATE.rglob("*") if path.is_file()}
    files = {file for file in files if "__pycache__" not in file}
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert files <= set(wheel.namelist())
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        assert files <= {name.partition("/")[2] for name in sdist.getnames()}


def test_the_template_stands_among_the_plugins():
    assert (ROOT / "plugins" / "template").resolve() == TEMPLATE
    assert {path.stem for path in TEMPLATE.glob("*.py")} == {family.singular for family in FAMILIES}


@pytest.mark.parametrize(
    ("family", "name", "message"),
    [
        ("densities", "My Density", 'cannot be the name of a package. .* such as "my-density"'),
        ("densities", "3d", "the first a letter"),
        ("densities", "../up", "cannot be the name of a package"),
        ("densities", "class", "keyword of Python"),
        ("densities", "none", "keyword of Python"),
        ("densities", "gaussian", '"padimkit" has a plugin of this name in the family "densities"'),
        ("metrics", "json", 'there is a module "json" already'),
        ("metrics", "torch", 'there is a module "torch" already'),
        ("reducers", "pyyaml", 'there is a distribution "pyyaml" already'),
        ("densities", "density-model", 'class would be called "DensityModel"'),
        ("backbones", "features", 'class would be called "Features"'),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(family, name, message, tmp_path):
    with pytest.raises(BadArgument, match=message):
        write_starter(find_family(family), name, tmp_path / "package")
    assert list(tmp_path.iterdir()) == []


def test_a_name_may_be_used_in_another_family(tmp_path):
    write_starter(find_family("reducers"), "gaussian", tmp_path / "package")
    assert (tmp_path / "package" / "gaussian.py").is_file()


def test_an_existing_folder_is_left_as_it_is(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(BadOutput, match="exists. Choose another place with --output, or remove it yourself"):
        write_starter(find_family("metrics"), "fresh-start", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="cannot be written"):
        write_starter(find_family("metrics"), "fresh-start", tmp_path / "file" / "package")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
