"""Imports of modules with the collector of garbage at rest."""

import gc

import pytest

from padimkit.registry.modules import collector_at_rest


def test_garbage_is_searched_again_after_an_import_that_fails():
    assert gc.isenabled()
    with pytest.raises(ImportError):
        with collector_at_rest():
            assert not gc.isenabled()
            raise ImportError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with collector_at_rest():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
