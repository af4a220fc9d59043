"""Our plugins are built, installed and checked as a stranger's: from their wheels, in a fresh environment."""

import configparser
import re
import zipfile

import pytest
from fresh_environment import ROOT, FreshEnvironment

from padimkit.registry.families import FAMILIES

PROJECTS = sorted((ROOT / "plugins").glob("padimkit-*"))


def entry_points(wheel):
    """Family, name and package of each plugin in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (file,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        text = archive.read(file).decode()
    groups = configparser.ConfigParser(delimiters="=")
    groups.read_string(text)
    families = [family.plural for family in FAMILIES if groups.has_section(f"padimkit.{family.plural}")]
    return [
        (family, name, re.split(r"\W", value)[0])
        for family in families
        for name, value in groups[f"padimkit.{family}"].items()
    ]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with the wheels of all projects, and these by the names of the projects."""
    folder = tmp_path_factory.mktemp("first-party")
    fresh = FreshEnvironment(folder / "environment")
    wheels = fresh.build(PROJECTS, folder / "wheels")
    fresh.install(wheels)
    return fresh, {wheel.name.partition("-")[0].replace("_", "-"): wheel for wheel in wheels}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_its_wheel_passes_every_check(project, installed):
    fresh, wheels = installed
    plugins = entry_points(wheels[project.name])
    assert plugins
    for family, name, package in plugins:
        code = f"import importlib.util; print(importlib.util.find_spec({package!r}).origin)"
        assert fresh.run("-c", code).startswith(str(fresh.site)), "it is not the wheel that is checked"
        checked = fresh.padimkit("plugins", "check", f"{family}/{name}")
        assert " 0 failed" in checked


def test_there_are_some():
    assert len(PROJECTS) >= 2
