"""The plugin of pytest that draws fresh seeds, for `make fuzz`, and says how to repeat a failure."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DRAWS = """
    import pytest

    @pytest.fixture
    def seed():
        return 3

    @pytest.fixture(scope="session")
    def common_seed():
        return 0

    def test_that_fails_for_odd_seeds(seed):
        assert seed % 2 == 0

    def test_that_draws_twice(seed, common_seed):
        assert seed == common_seed

    def test_that_draws_nothing():
        pass
"""


@pytest.fixture
def run(tmp_path):
    """Runs pytest on a file of three tests, and gives its status and what it says."""
    (tmp_path / "test_draws.py").write_text(DRAWS.replace("\n    ", "\n"))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "helpers")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # some import PyTorch

    def run(*words):
        command = [sys.executable, "-m", "pytest", "-p", "fuzz", "-p", "no:cacheprovider", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout

    return run


def test_what_draws_is_repeated_with_seeds_in_its_name_and_the_rest_is_left_out(run):
    status, said = run("-v", "--draws=3", "--first=10")
    passed = re.findall(r"::(\S+) PASSED", said)
    assert sorted(passed) == [
        *(f"test_that_draws_twice[seed={seed}]" for seed in (10, 11, 12)),
        *(f"test_that_fails_for_odd_seeds[seed={seed}]" for seed in (10, 12)),
    ]
    assert status == 1 and "1 failed, 5 passed, 1 deselected" in said


def test_the_command_that_a_failure_names_repeats_it(run):
    _, said = run("--draws=2", "--first=10")
    (command,) = re.findall(r"^python -m pytest (.*)$", said, re.MULTILINE)
    status, again = run(*shlex.split(command))
    assert status == 1 and "test_that_fails_for_odd_seeds[seed=11]" in again and "1 failed in" in again


def test_all_processes_draw_the_same_seeds_and_the_next_run_others(run):
    first, second = (
        run("--draws=2", "-p", "xdist", f"--numprocesses={count}", "-k=twice")[1] for count in (2, 0)
    )
    assert "2 passed" in first and "2 passed" in second
    firsts = [re.search(r"--draws 2 --first (\d+)", said)[1] for said in (first, second)]
    assert firsts[0] != firsts[1]


def test_no_test_draws_what_cannot_be_drawn_again():
    unseeded = re.compile(r"import secrets|default_rng\(\)|\bRandom\(\)|\burandom\(|\.seed\(\)")
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/padimkit-*/tests/*.py")]
    found = {
        path.name for path in files if path.name != Path(__file__).name and unseeded.search(path.read_text())
    }
    broken_on_purpose = {
        "broken_densities.py",
        "test_metric_checks.py",
        "test_backbone_checks.py",
    }
    assert found == {"fuzz.py", *broken_on_purpose}
