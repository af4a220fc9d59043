"""`padimkit plugins new`: the package of a new plugin."""

import argparse
import shlex
from pathlib import Path

from padimkit.lookup import SINGULAR, find_family
from padimkit.starter import write_starter


def run(words: list[str]) -> None:
    """Writes a package from the template, and says what to do with it."""
    parser = argparse.ArgumentParser(
        prog="padimkit plugins new",
        description="Write the package of a new plugin: a module that keeps its contract and is to be "
        "changed, with entry point, test, README and CI file.",
    )
    parser.add_argument("family", help=f"One of {', '.join(SINGULAR.values())}.")
    parser.add_argument("name", help="Such as my-density: the name of the package and of the plugin.")
    parser.add_argument("--output", type=Path, help="Folder to write, NAME in this folder by default.")
    known = parser.parse_args(words)
    output = known.output or Path(known.name)
    names = write_starter(find_family(known.family), known.name, output)
    print(f"Wrote {output}. Change {output / names.module}.py, then:")
    print(f"  pip install -e {shlex.quote(str(output))}")
    print(f"  padimkit plugins check {names.family}/{names.module}")
