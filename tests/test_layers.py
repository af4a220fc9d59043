"""Imports point down only: a module imports from its own layer's package or from layers below."""

import ast
from pathlib import Path

import pytest

import padimkit

ROOT = Path(padimkit.__file__).parent
# From the top down. What stands in one tuple does not import each other, except within a package.
LAYERS = [
    ("cli", "template"),
    ("commands",),
    ("report",),
    ("benchmark",),
    ("result_table", "predictions", "progress"),
    ("settings", "storage", "testing"),
    ("config", "description", "provenance", "suggestions", "metric_labels"),
    ("expansion", "cookbook"),
    ("names", "evaluation"),
    ("pipeline", "starter"),
    ("heads", "levels", "maps", "border"),
    ("backbones", "reducers", "densities", "metrics", "datasets", "inspection", "lookup", "pooling"),
    ("registry", "buffered_moments"),
    ("shrinkage",),
    ("moments", "samples"),
    ("contracts", "source", "arguments", "manual", "files", "choices", "room", "slices", "stages"),
    ("reader",),
    ("augmentation", "yaml_file"),
    ("values", "images", "ahead", "transforms"),
    ("errors", "spelling", "importing", "location"),
]
HEIGHTS = {module: -height for height, layer in enumerate(LAYERS) for module in layer}


def modules():
    return sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def layer_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported_layers(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "padimkit":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            yield from [a.name.split(".")[1] for a in node.names if a.name.startswith("padimkit.")]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    own = layer_of(path)
    for other in imported_layers(path):
        assert other == own or HEIGHTS[other] < HEIGHTS[own], f"{own} imports {other}"


def test_the_pipeline_knows_no_concrete_part_and_no_registry():
    for name in ("pipeline.py", "heads.py", "levels.py", "maps.py"):
        layers = set(imported_layers(ROOT / name))
        assert not layers & {"registry", "backbones", "reducers", "densities", "metrics", "datasets"}


def test_built_ins_know_nothing_of_the_registry():
    for family in ("backbones", "reducers", "densities", "metrics", "datasets"):
        for path in (ROOT / family).glob("*.py"):
            assert not set(imported_layers(path)) & {"registry", "config", "names"}
