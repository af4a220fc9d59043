"""The files in `benchmarks/suites` as they are written; reading them as suites is tested elsewhere."""

from math import prod
from pathlib import Path

import pytest
import yaml

from padimkit.report.paper.comparison import DATASETS
from padimkit.report.paper.published import GROUPS, TABLES, published

SUITES = Path(__file__).resolve().parents[3] / "benchmarks" / "suites"
FILES = sorted(SUITES.glob("*.yaml"))
KEYS = {
    *(
        "name",
        "pipelines",
        "datasets",
        "embeddings",
        "metrics",
        "seeds",
        "measure",
        "repeats",
        "processes",
        "timeout",
        "memory_limit",
    ),
    *("threads", "engine", "device", "batch_size", "workers", "train_images", "vary"),
}
PIPELINE_KEYS = {
    *("recipe", "pipeline", "name", "set", "grid", "vary", "train_images", "seeds"),
    *("if_present", "unless_present", "otherwise"),
}
DATASET_KEYS = {
    "class_path",
    "name",
    "init_args",
    "categories",
    "grid",
    "seeded",
    "if_present",
    "unless_present",
    "otherwise",
}
NOT_IN_THE_PAPER = {"SPADE-R18", "PaDiM-filter-bank"}


def suite(name):
    return yaml.safe_load((SUITES / f"{name}.yaml").read_text(encoding="utf-8"))


def names(pipelines):
    for pipeline in pipelines:
        (key, values), *_ = [*pipeline.get("grid", {}).items(), ("", [None])]
        yield from (pipeline["name"].replace(f"{{{key}}}", str(value)) for value in values)


def cells(pipelines, datasets, seeds):
    """How many there are at least: only random channels have a seed here."""
    return sum(
        len(dataset["categories"])
        * prod(map(len, pipeline.get("grid", {}).values()))
        * (len(seeds) if "random_channels" in str(pipeline.get("pipeline")) else 1)
        for pipeline in pipelines
        for dataset in datasets
    )


def test_every_table_has_its_suite():
    stems = {path.stem for path in FILES}
    assert stems >= {"smoke", "complexity", *(f"table{table}" for table in TABLES)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_suite_is_named_as_its_file_and_has_no_unknown_keys(path):
    content = suite(path.stem)
    assert content["name"] == path.stem
    assert set(content) <= KEYS
    assert all(isinstance(entry, str) or set(entry) <= PIPELINE_KEYS for entry in content["pipelines"])
    assert all(set(entry) <= DATASET_KEYS for entry in content.get("datasets", ()))
    assert set(content["measure"]) <= {"quality", "time", "memory"}


@pytest.mark.parametrize("table", TABLES)
def test_methods_are_called_what_the_published_table_calls_them(table):
    content, known = suite(f"table{table}"), {cell.method for cell in published(table)}
    extra = {"PaDiM-R18-Rd100"} if table in (5, 6) else set()  # beside those that need other weights
    found = set(names(content["pipelines"]))
    assert found & known
    assert found <= known | NOT_IN_THE_PAPER | extra


@pytest.mark.parametrize("table", TABLES)
def test_a_table_names_the_data_of_the_paper_and_something_else_where_it_is_absent(table):
    first, *others = suite(f"table{table}")["datasets"]
    assert first["class_path"] in {DATASETS[cell.data] for cell in published(table)}
    assert first["if_present"] == [first["init_args"]["root"]]
    assert [other["class_path"] for other in others if other.get("otherwise")] == ["synthetic"]
    if table not in (4, 8):
        assert {name: set(some) for name, some in first["categories"].items()} == {
            name: set(GROUPS[name]) for name in ("textures", "objects")
        }


@pytest.mark.parametrize("path", [path for path in FILES if path.stem.startswith(("table", "smoke"))])
def test_weights_in_files_are_never_taken_for_granted(path):
    for pipeline in suite(path.stem)["pipelines"]:
        weights = pipeline.get("set", {}).get("backbone.weights", "none")
        assert weights == "none" or pipeline["if_present"] == [weights]


@pytest.mark.parametrize("path", [path for path in FILES if path.stem.startswith(("table", "smoke"))])
def test_something_runs_without_files_of_weights(path):
    assert any("if_present" not in pipeline for pipeline in suite(path.stem)["pipelines"])


@pytest.mark.parametrize("otherwise", [False, True])
def test_the_smoke_suite_has_twelve_cells_without_weights_on_real_and_on_drawn_images(otherwise):
    content = suite("smoke")
    pipelines = [pipeline for pipeline in content["pipelines"] if "if_present" not in pipeline]
    datasets = [dataset for dataset in content["datasets"] if dataset.get("otherwise", False) is otherwise]
    assert cells(pipelines, datasets, content["seeds"]) >= 12


def test_images_channels_resolution_and_neighbours_are_varied():
    varied = [pipeline["vary"] for pipeline in suite("complexity")["pipelines"]]
    assert {name for vary in varied for name in vary} == {
        "train_images",
        "resolution",
        "reducer.keep",
        "density.gallery_neighbours",
    }
    assert all(len(set(values)) >= 3 for vary in varied for values in vary.values())
