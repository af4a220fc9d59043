"""Plugins and recipes of ours that are not installed are named with what brings them."""

from importlib.metadata import PackageNotFoundError

import pytest

from padimkit.files import packages
from padimkit.registry import published
from padimkit.registry.recipes import find_recipe
from padimkit.registry.registry import Registry, find_plugin


@pytest.fixture
def bare(monkeypatch):
    """An environment in which no plugins are installed."""

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "distribution", absent)


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("cavga-ru-new", "padimkit-cavga"),
        ("patch-svdd-new", "padimkit-patch-svdd"),
        ("patchcore-new-1", "padimkit-patchcore"),
        ("semi-orthogonal-new-100", "padimkit-semiorthogonal"),
        ("vae-new", "padimkit-vae"),
        ("acme-parts:new", "acme-parts"),
    ],
)
def test_what_is_not_installed_is_named_with_what_brings_it(bare, name, provider):
    for find in (find_recipe, find_plugin, Registry("densities").find):
        with pytest.raises(Exception, match=f"It comes with {provider}: pip install {provider}."):
            find(name)


def test_of_what_is_installed_or_unknown_nothing_is_said(bare, monkeypatch):
    assert published.to_install("http://host/own.yaml") == "" == published.to_install("C:\\\\own.yaml")
    assert published.to_install("patchcorex-1") == "" and published.to_install("padim-r18") == ""
    monkeypatch.undo()
    assert published.to_install("padimkit:nothing") == ""
