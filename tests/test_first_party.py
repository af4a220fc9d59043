"""Our plugins are built and installed as a stranger's: from their wheels, in a fresh environment.

Each plugin's own tests check its parts; these see what a wheel lacks.
"""

import zipfile

import pytest
from fresh_environment import ROOT, FreshEnvironment

PROJECTS = sorted((ROOT / "plugins").glob("padimkit-*"))
LOAD = """
import importlib.metadata as metadata, sys
for distribution in metadata.distributions():
    for point in distribution.entry_points:
        if point.group.startswith("padimkit.") and distribution.name != "padimkit":
            point.load()
            print(distribution.name, sys.modules[point.module].__file__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with the wheels of all projects, and these by the names of the projects."""
    folder = tmp_path_factory.mktemp("first-party")
    fresh = FreshEnvironment(folder / "environment")
    wheels = fresh.build(PROJECTS, folder / "wheels")
    fresh.install(wheels)
    return fresh, {wheel.name.partition("-")[0].replace("_", "-"): wheel for wheel in wheels}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_its_wheel_has_every_file(project, installed):
    _, wheels = installed
    source = project / "src"
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheels[project.name]) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {file for file in files if "__pycache__" not in file}


def test_every_part_is_loaded_from_its_wheel_and_listed(installed):
    fresh, wheels = installed
    loaded = [line.split(" ", 1) for line in fresh.run("-c", LOAD).splitlines()]
    assert {distribution for distribution, _ in loaded} == wheels.keys()
    assert all(file.startswith(str(fresh.site)) for _, file in loaded)
    listed = fresh.padimkit("plugins", "list").split()
    assert wheels.keys() <= set(listed)


def test_there_are_some():
    assert len(PROJECTS) >= 2
