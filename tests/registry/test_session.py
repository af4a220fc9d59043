"""A class of a program has a name without being installed, until the program ends."""

import sys

import pytest
import torch

from padimkit import BadArgument, BadModel, Batch, Registry, load, load_recipe, save
from padimkit.registry import registry

NOTEBOOK = """
from padimkit import DensityModel
from padimkit.densities.gaussian import Gaussian

class Mine(Gaussian):
    '''A density of a notebook.'''

class Half(DensityModel):
    '''Lacks what a density has.'''

def within():
    class Inner(Gaussian):
        pass
    return Inner
"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """The module of a program; the session is empty before and after."""
    monkeypatch.setattr(registry, "_SESSION", {})
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "notebook_module", raising=False)
    (tmp_path / "notebook_module.py").write_text(NOTEBOOK)
    import notebook_module

    return notebook_module


def test_an_added_class_is_found_and_named(notebook):
    for _ in range(2):  # as in a notebook whose cell runs again
        Registry("densities").add(notebook.Mine, "mine")
    assert Registry("densities").load("mine") is notebook.Mine
    assert Registry("densities").name_of(notebook.Mine) == "mine"
    assert Registry("densities").names().count("mine") == 1


def twin(notebook):
    return type("Mine", (notebook.Mine,), {"__module__": "notebook_module"})


@pytest.mark.parametrize(
    ("part", "name", "message"),
    [
        (lambda notebook: notebook.Mine, "gaussian", "is a plugin of padimkit. Choose another name."),
        (lambda notebook: notebook.Mine, "a:b", "cannot be named in settings"),
        (lambda notebook: notebook.Half, "half", r'lacks "fit" \(DensityModel\)'),
        (lambda notebook: Registry, "registry", "expected a subclass of padimkit.contracts.DensityModel"),
        (lambda notebook: notebook.within(), "inner", "Define the class at the top of a module"),
        (lambda notebook: notebook.Mine(), "mine", r'Expected a class for "mine" \(densities\), got .*Mine'),
        (twin, "mine", "is another class by now"),
    ],
)
def test_what_cannot_be_added_is_refused(notebook, part, name, message):
    with pytest.raises(BadArgument, match=message):
        Registry("densities").add(part(notebook), name)
    assert not registry._SESSION


def test_a_stored_model_needs_the_class_that_was_added(notebook, tmp_path):
    Registry("densities").add(notebook.Mine, "mine")
    (tmp_path / "recipe.yaml").write_text("pipeline: {backbone: pixels, reducer: identity, density: mine}\n")
    pipeline = load_recipe(tmp_path / "recipe.yaml")
    images = torch.linspace(0, 1, 4 * 3 * 64).reshape(4, 3, 8, 8)
    save(pipeline.fit([Batch(images, tuple("abcd"))]), tmp_path / "model")
    assert type(load(tmp_path / "model").density) is notebook.Mine
    registry._SESSION.clear()
    with pytest.raises(
        BadModel, match=r'Add it first: padimkit.Registry\("densities"\).add\(CLASS, "mine"\).'
    ):
        load(tmp_path / "model")


def test_a_name_is_that_of_the_plugin_that_it_means(notebook, install):
    install("acme", {"gaussian": "notebook_module:Mine"}, group="padimkit.densities")
    with pytest.raises(BadArgument, match="is a plugin of padimkit. Choose"):
        Registry("densities").add(notebook.Mine, "gaussian")


def test_a_class_of_another_family_is_told_without_advice_on_where_to_define_it(notebook):
    with pytest.raises(BadArgument, match=r"expected a subclass of padimkit.contracts.Metric\.$"):
        Registry("metrics").add(notebook.Mine, "mine")
