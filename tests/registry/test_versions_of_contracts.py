"""A plugin for the last version of a contract works with a notice; older and later ones are refused."""

from dataclasses import replace

import pytest
import torch

from padimkit import Gaussian, Pipeline, Pixels, Registry, load, save
from padimkit.cli.plugins.inspection import inspect
from padimkit.errors import BrokenPlugin
from padimkit.registry import families
from padimkit.registry.plugin import _tell_age

STRANGER = """
from padimkit import {base} as Base

class Stranger(Base):
    pass
"""
NOTICE = (
    'Plugin "former" (reducers) of stranger 1.5 is made for the last version of the contracts, which this '
    "padimkit still takes and the next one will not: upgrade stranger."
)


@pytest.fixture
def version(monkeypatch):
    """Sets the version of the contract of reducers, as another padimkit has it."""

    def version(number):
        found = [replace(f, version=number) if f.plural == "reducers" else f for f in families.FAMILIES]
        monkeypatch.setattr(families, "FAMILIES", tuple(found))

    _tell_age.cache_clear()
    return version


@pytest.fixture
def stranger(install):
    def stranger(version, base="RandomChannels", module="former_module"):
        group = "padimkit.reducers" + ("" if version == 1 else f".v{version}")
        source = {module: STRANGER.format(base=base)}
        install("stranger", {"former": f"{module}:Stranger"}, source, group=group)

    return stranger


def test_a_plugin_for_the_version_before_works_and_is_told_once(stranger, version, caplog):
    stranger(1)
    assert Registry("reducers").load("former").__name__ == "Stranger"
    assert caplog.messages == []
    version(2)
    for _ in range(2):
        assert Registry("reducers").load("former").__name__ == "Stranger"
    assert caplog.messages == [NOTICE]
    (plugin,) = [one for one in Registry("reducers").plugins() if one.name == "former"]
    assert inspect(plugin).fault == ""


@pytest.mark.parametrize(("made_for", "ours", "upgrade"), [(3, 2, "padimkit"), (1, 3, "stranger")])
def test_others_are_refused_in_a_sentence(stranger, version, made_for, ours, upgrade):
    stranger(made_for)
    version(ours)
    said = f"made for version {made_for} of the contracts, and this padimkit has version {ours}"
    with pytest.raises(BrokenPlugin) as error:
        Registry("reducers").load("former")
    assert str(error.value) == f'Plugin "former" (reducers) of stranger 1.5 is {said}: upgrade {upgrade}.'


def test_of_two_versions_of_one_distribution_ours_is_used(stranger, version, tmp_path, caplog):
    stranger(1)
    entries = tmp_path / "stranger-1.5.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "[padimkit.reducers.v2]\nformer = padimkit:PCA\n")
    assert Registry("reducers").load("former").__name__ == "Stranger"
    version(2)
    assert Registry("reducers").load("former").__name__ == "PCA"
    version(3)
    assert Registry("reducers").load("former").__name__ == "PCA"
    assert len(caplog.messages) == 1


def test_a_stored_model_of_the_version_before_loads(stranger, version, tmp_path, caplog, generator):
    stranger(1)
    images = torch.rand(4, 3, 16, 16, generator=generator)
    pipeline = Pipeline(Pixels(), Registry("reducers").load("former")(keep=2), Gaussian())
    pipeline.fit(images, progress=False)
    save(pipeline, tmp_path / "model")
    before = pipeline.predict(images, progress=False)
    version(2)
    after = load(tmp_path / "model").predict(images, progress=False)
    assert torch.equal(after.anomaly_maps, before.anomaly_maps)
    assert NOTICE in caplog.messages
