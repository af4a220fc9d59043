"""A virtual environment of its own, as a stranger has, in which nothing is downloaded."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PIP = ("-m", "pip", "--disable-pip-version-check", "--quiet")
_OFFLINE = ("--no-deps", "--no-build-isolation", "--no-index")
# In one process for all: pip would start two for each of them.
_BUILD = """
import os, sys
from hatchling.build import build_wheel
for project in sys.argv[2:]:
    os.chdir(project)
    build_wheel(sys.argv[1])
"""


class FreshEnvironment:
    """Sees what is installed here, padimkit of this checkout included, and what is installed into itself.

    Packages that are installed here in editable mode are not seen: a `.pth` file within a folder that a
    `.pth` file adds counts for nothing.
    """

    def __init__(self, folder):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        (self.site,) = folder.glob("lib/python*/site-packages")
        seen = dict.fromkeys([str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
        (self.site / "seen.pth").write_text("\n".join(seen) + "\n")

    def build(self, projects, wheels):
        """The wheels of the projects, all built by Hatchling, in a folder."""
        self.run("-c", _BUILD, wheels, *projects)
        return sorted(wheels.glob("*.whl"))

    def install(self, wheels):
        self.run(*_PIP, "install", *_OFFLINE, "--ignore-installed", *wheels)

    def padimkit(self, *words, status=0):
        return self.run("-m", "padimkit", *words, status=status)

    def run(self, *words, status=0):
        """What Python prints with these words, run in the environment's own folder."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [str(self.python), *map(str, words)],
            cwd=self.site.parent,
            env=environment | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout
