"""`padimkit plugins new`: the package of a new plugin."""

import ast
import keyword
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from padimkit.config.options import PlainParser
from padimkit.errors import BadArgument, BadOutput
from padimkit.files import new_folder
from padimkit.files.packages import is_installed, locate
from padimkit.registry.families import FAMILIES, Family, find_family
from padimkit.registry.recipes import recipes
from padimkit.registry.registry import installed


def run(words: list[str]) -> None:
    """Write a package from the template, and print the next steps."""
    parser = PlainParser(
        prog="padimkit plugins new",
        description="Write the package of a new plugin: a module that keeps its contract, or a recipe, to be "
        "changed, with entry point, test, README and CI file.",
    )
    kinds = [*(family.singular for family in FAMILIES), RECIPE.singular]
    parser.add_argument("family", help=f"One of {', '.join(kinds)}.")
    parser.add_argument("name", help="Such as my-density: the name of the package and of the plugin.")
    parser.add_argument("--output", type=Path, help="Folder to write, NAME in this folder by default.")
    known = parser.parse_args(words)
    output = known.output or Path(known.name)
    family = RECIPE if known.family in (RECIPE.singular, RECIPE.plural) else find_family(known.family)
    names = write_starter(family, known.name, output)
    print(f"Wrote {output}. Change {output / names.file}, then:")
    print(f"  pip install -e {shlex.quote(str(output))}")
    print(f"  padimkit plugins check {names.family.plural}/{names.in_settings}")


RECIPE = Family("recipes", "recipe", "")  # no family of parts: a package of YAML files
_TEMPLATE = Path(__file__).with_name("template")
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Names:
    """The names of a new plugin, in the forms that the template needs."""

    family: Family
    name: str

    @property
    def distribution(self) -> str:
        """Return the name by which pip knows it."""
        return self.name.replace("_", "-")

    @property
    def module(self) -> str:
        """Return the name of its module, which is also its short name in settings."""
        return self.name.replace("-", "_")

    @property
    def file(self) -> str:
        """Return the file that is to be changed."""
        return f"{self.module}/{self.distribution}.yaml" if self.family == RECIPE else f"{self.module}.py"

    @property
    def in_settings(self) -> str:
        """Return the name that people use."""
        return self.distribution if self.family == RECIPE else self.module

    @property
    def class_name(self) -> str:
        """Return the name of its class."""
        return "".join(word.capitalize() for word in self.module.split("_"))

    def put_into(self, text: str) -> str:
        """Return the text of the template with these names in place of its own."""
        words = {
            "my-plugin": self.distribution,
            "my_plugin": self.module,
            "MyPlugin": self.class_name,
            "padimkit>=0": f"padimkit{_fitting(version('padimkit'))}",
            "FAMILY": self.family.singular,
            "FAMILIES": self.family.plural,
            "Contract": self.family.contract,
        }
        pattern = "|".join(rf"(?<![A-Za-z]){word}(?![A-Za-z])" for word in words)
        return re.sub(pattern, lambda found: words[found[0]], text)


def _fitting(number: str) -> str:
    """Return the versions of padimkit that fit a plugin written for this one.

    >>> _fitting("1.4.2")
    '>=1.4,<2'
    >>> _fitting("0.1.0")
    '>=0.1,<0.2'
    """
    major, minor = number.split(".")[:2]
    return f">={major}.{minor},<{int(major) + 1}" if int(major) else f">=0.{minor},<0.{int(minor) + 1}"


def write_starter(family: Family, name: str, target: Path) -> Names:
    """Write the package of a new plugin into the folder `target`, whole or not at all; return its names.

    Raises:
        BadArgument: A package, a module or a class cannot have this name, or it is taken.
        BadOutput: `target` exists or cannot be written.
    """
    names = Names(family, name)
    _require_name(name)
    _require_free(names)
    if target.exists():
        raise BadOutput(f'"{target}" exists. Choose another place with --output, or remove it yourself.')
    with new_folder(target, overwrite=False, marker="pyproject.toml") as staging:
        for path, text in _files(names):
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_text(text, encoding="utf-8")
    return names


def _files(names: Names) -> Iterator[tuple[Path, str]]:
    """Yield the files of the package: those that all families share, and the module of this family.

    A recipe has files of its own, but for those of the CI and the licence.
    """
    recipe = _TEMPLATE / RECIPE.singular
    if names.family == RECIPE:
        for path in (*_files_in(recipe), *_files_in(_TEMPLATE / ".github"), _TEMPLATE / "LICENSE"):
            inside = path.relative_to(recipe if recipe in path.parents else _TEMPLATE)
            yield Path(names.put_into(str(inside))), names.put_into(path.read_text(encoding="utf-8"))
        return
    modules = {f"{family.singular}.py" for family in FAMILIES}
    for path in _files_in(_TEMPLATE):
        if recipe not in path.parents and path.name not in modules:
            inside = path.relative_to(_TEMPLATE)
            yield Path(names.put_into(str(inside))), names.put_into(path.read_text(encoding="utf-8"))
    yield Path(f"{names.module}.py"), names.put_into(_module(names.family).read_text(encoding="utf-8"))


def _files_in(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def _module(family: Family) -> Path:
    return _TEMPLATE / f"{family.singular}.py"


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        example = near if _NAME.fullmatch(near) else "my-plugin"
        raise BadArgument(
            f'"{name}" cannot be the name of a package. Expected lower-case letters and digits, words joined '
            f'by hyphens, the first a letter, such as "{example}".'
        )


def _require_free(names: Names) -> None:
    """Raise BadArgument if the module, the plugin, the distribution or the class exists already."""
    if meaning := _meaning(names):
        raise BadArgument(f'"{names.name}" is taken: {meaning}. Choose another name.')


def _meaning(names: Names) -> str:
    located = locate(names.module)
    if keyword.iskeyword(names.module) or keyword.iskeyword(names.class_name):
        return "it is a keyword of Python"
    if names.family == RECIPE and names.distribution in recipes():
        return "there is a recipe of this name"
    for plugin in installed([names.family.plural]):
        if plugin.name == names.module:
            return f'"{plugin.distribution}" has a plugin of this name in the family "{names.family.plural}"'
    if names.module in sys.stdlib_module_names or (located and located.file):
        return f'there is a module "{names.module}" already'
    if is_installed(names.distribution):
        return f'there is a distribution "{names.distribution}" already'
    if names.family != RECIPE and names.class_name in _words(_module(names.family)):
        return f'its class would be called "{names.class_name}", like a name that it uses'
    return ""


def _words(module: Path) -> set[str]:
    """Return the names that a module of the template uses."""
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    imported = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return imported | {node.id for node in nodes if isinstance(node, ast.Name)}
