"""A pipeline made only of third-party plugins goes through suite, record and report, with its section."""

import os
import subprocess
import sys

import pytest
import yaml

from padimkit.benchmark.store import read_all
from padimkit.cli.main import main
from padimkit.registry.families import FAMILIES


@pytest.fixture
def strangers(tmp_path):
    """Runs padimkit in processes that find a package of a stranger's for each family, as written by "new"."""
    site = tmp_path / "site"
    environment = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}

    def padimkit(*words):
        command = [sys.executable, "-m", "padimkit", *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    projects = [str(tmp_path / f"foreign-{family.singular}") for family in FAMILIES]
    for family, project in zip(FAMILIES, projects, strict=True):
        assert (
            main(["plugins", "new", family.singular, f"foreign-{family.singular}", "--output", project]) == 0
        )
    subprocess.run([*pip, "--target", str(site), *projects], check=True, capture_output=True)
    return padimkit


def test_a_pipeline_of_strangers_goes_through_suite_record_and_report(strangers, tmp_path, capsys):
    """The report knows records only, and needs no process that knows the strangers."""
    suite = {
        "name": "foreign",
        "pipelines": [
            {
                "name": "all foreign",
                "pipeline": {
                    "backbone": "foreign_backbone",
                    "reducer": "foreign_reducer",
                    "density": "foreign_density",
                    "levels": "foreign_levels",
                    "map": "foreign_map",
                    "preprocessing": {"first": "foreign_preprocessor", "resize": 64, "crop": 64},
                },
            }
        ],
        "datasets": ["foreign_dataset"],
        "metrics": ["foreign_metric"],
        "measure": ["quality", "time", "memory"],
        "repeats": 1,
    }
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite))
    strangers("benchmark", "suite.yaml", "--output=records")
    (record,) = read_all(tmp_path / "records")
    assert record.failure is None and 0 <= record.metrics["foreign_metric"] <= 1
    assert record.seconds["fit"].median > 0 and record.bytes["model"] > 0
    parts = [family.singular for family in FAMILIES if family.module == "padimkit.contracts"]
    assert {plugin["name"] for plugin in record.plugins} == {f"foreign_{part}" for part in parts}
    assert record.cell.versions == {f"foreign-{part}": "0.1.0" for part in parts}
    capsys.readouterr()
    assert main(["report", str(tmp_path / "records"), "--format=markdown"]) == 0
    assert "all foreign" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "records"), f"--output={tmp_path / 'page.html'}"]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "all foreign" in page and "foreign_metric" in page
    assert "Seconds of cells" not in page
    strangers("report", "records", "--output=theirs.html")
    assert "<h3>Seconds of cells</h3>" in (tmp_path / "theirs.html").read_text()
    again = strangers("benchmark", "--record", f"records/{record.key}.json")
    assert "The metric values are exactly those of the record: 1 metrics." in again
