"""Imports point down only, and some things are never imported: who may import whom."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

import padimkit
from padimkit.registry import families

ROOT = Path(padimkit.__file__).parent
TEMPLATE = ROOT / "cli" / "plugins" / "template"
FAMILIES = tuple(family.plural for family in families.FAMILIES)
# From the top down. What stands in one row does not import each other, except within a folder.
LAYERS = [
    ("__main__",),
    ("cli",),
    ("testing",),
    ("report", "service"),
    ("benchmark",),
    ("storage",),
    ("config", "evaluation", "inspection"),
    ("pipeline", "registry", *FAMILIES),
    ("contracts", "moments", "weights"),
    ("images",),
    ("arguments", "files", "memory"),
    ("values", "stages", "errors"),
]
HEIGHTS = {name: -height for height, row in enumerate(LAYERS) for name in row}
# What a folder must not import, whatever the rows allow.
NEVER: dict[str, tuple[str, ...]] = {
    "pipeline": (*FAMILIES, "registry"),
    "registry": ("pipeline", *FAMILIES),
    "config": FAMILIES,
    "benchmark": (*FAMILIES, "testing"),
    "cli": FAMILIES,
    **{
        family: ("pipeline", "registry", *(other for other in FAMILIES if other != family))
        for family in FAMILIES
    },
    "report": ("benchmark.planning", "benchmark.running", "benchmark.cell"),
    "benchmark.planning": ("benchmark.running",),
    "report.sections": ("report.formats", "report.paper"),
    "report.plots": ("report.sections",),
}
# What plugins may import: these modules, of which names may move within the package.
PUBLIC = (
    "padimkit",
    "padimkit.arguments",
    "padimkit.files.checkpoint",
    "padimkit.errors",
    "padimkit.files",
    "padimkit.memory",
    "padimkit.moments",
    "padimkit.arguments.stored_state",
    "padimkit.report.section",
    "padimkit.service.exporting.exporter",
    "padimkit.testing",
)


def modules() -> dict[str, Path]:
    """Return the modules of `padimkit` by their dotted names in it; packages by the name of their folder."""
    paths = [path for path in ROOT.rglob("*.py") if TEMPLATE not in path.parents and path.parent != ROOT]
    paths += [path for path in ROOT.glob("*.py") if path.name != "__init__.py"]
    return {".".join(_parts(path)): path for path in paths}


def _parts(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports from `padimkit`, by their full names, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "padimkit":
            within = node.module.split(".")[1:]
            for alias in node.names:
                below = ROOT.joinpath(*within, alias.name)
                is_module = below.is_dir() or below.with_suffix(".py").is_file()
                yield f"{node.module}.{alias.name}" if is_module else node.module
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "padimkit")


@pytest.fixture(scope="module")
def imports() -> dict[str, list[str]]:
    """What each module imports from `padimkit`, by their names in it."""
    return {
        name: [full.removeprefix("padimkit").removeprefix(".") for full in imported(path)]
        for name, path in modules().items()
    }


def _is_within(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}.")


def test_imports_point_down(imports):
    wrong = [
        f"{name} imports {other or 'padimkit'}"
        for name, others in imports.items()
        for other in others
        if name.split(".")[0] != other.split(".")[0]
        and HEIGHTS[name.split(".")[0]] <= HEIGHTS.get(other.split(".")[0], 1)
    ]
    assert wrong == []


def test_some_things_are_never_imported(imports):
    wrong = [
        f"{name} imports {other}"
        for name, others in imports.items()
        for folder, never in NEVER.items()
        for other in others
        if _is_within(name, folder) and any(_is_within(other, one) for one in never)
    ]
    assert wrong == []


def test_a_private_module_is_imported_from_its_own_folder_only(imports):
    wrong = [
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in others
        if other.rpartition(".")[2].startswith("_") and other.rpartition(".")[0] != name.rpartition(".")[0]
    ]
    assert wrong == []


def test_plugins_import_public_modules_only():
    repository = ROOT.parent
    paths = [*repository.glob("plugins/padimkit-*/src/**/*.py"), *TEMPLATE.rglob("*.py")]
    wrong = [f"{path} imports {one}" for path in paths for one in imported(path) if not _is_public(one)]
    assert paths and wrong == []


def _is_public(module: str) -> bool:
    return module in PUBLIC or module.startswith("padimkit.testing.")


def test_the_report_reads_records_and_values_of_quality_and_nothing_else(imports):
    outside = {
        other
        for name, others in imports.items()
        for other in others
        if _is_within(name, "report") and not _is_within(other, "report")
    }
    values = {"inspection.quality", "inspection.verdict"}
    of_plugins = {"arguments", "arguments.checked"}  # of its sections, as all plugins have them
    records = {
        "benchmark.columns",
        "benchmark.record",
        "benchmark.seeds",
        "benchmark.times",
        "benchmark.store",
        "errors",
        "files.foreign_text",
    }
    assert outside == records | values | of_plugins


def test_a_small_module_with_one_user_says_why_it_stands_alone(imports):
    """The first sentence of its docstring says what it is, the second why it is not a part of its user."""
    wrong = [name for name in _small_modules_with_one_user(imports) if _sentences(modules()[name]) < 2]
    assert wrong == []


SMALL = 90  # lines below which a module could be a part of its only user


def _small_modules_with_one_user(imports: dict[str, list[str]]) -> list[str]:
    """Return their names without packages and entry points; a package that passes names on is not a user."""
    paths = modules()
    packages = {name for name, path in paths.items() if path.name == "__init__.py"}
    users: dict[str, set[str]] = {name: set() for name in paths}
    for name, others in imports.items():
        for other in set(others) & users.keys() - {name}:
            users[other].add(name)
    return [
        name
        for name in sorted(paths.keys() - packages - _entry_points())
        if len(users[name] - packages or users[name]) == 1 and _lines(paths[name]) < SMALL
    ]


def _entry_points() -> set[str]:
    points = distribution("padimkit").entry_points
    return {point.module.removeprefix("padimkit.") for point in points}


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _sentences(path: Path) -> int:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return len(re.findall(r"\.(?=\s|$)", docstring))
