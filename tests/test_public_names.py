import subprocess
import sys

import padimkit
from padimkit.registry import installed


def test_every_public_name_is_there():
    for name in set(padimkit.__all__) - {"__version__"}:
        assert getattr(padimkit, name).__name__ == name
    assert set(padimkit.__all__) == set(dir(padimkit))


def test_the_version_is_that_of_the_distribution():
    done = subprocess.run([sys.executable, "-m", "padimkit", "--version"], capture_output=True, text=True)
    assert done.stdout == f"padimkit {padimkit.__version__}\n"


def test_every_built_in_part_can_be_imported_from_the_package():
    built_in = [plugin for plugin in installed() if plugin.distribution == "padimkit"]
    assert built_in
    for plugin in built_in:
        assert getattr(padimkit, plugin.entry_point.attr) is plugin.load()


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(padimkit, "NoSuchThing")
