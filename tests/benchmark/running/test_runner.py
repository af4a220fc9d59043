import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest
from joblib.parallel import ThreadingBackend, register_parallel_backend

from padimkit.benchmark.cell import Limits
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.planning.suite_file import Engine
from padimkit.benchmark.running.engine import records_beside
from padimkit.benchmark.running.fork_server import COMMAND
from padimkit.benchmark.running.runner import adopt_names, only_runner, remaining, run_suite
from padimkit.benchmark.store import paths, read_all, write
from padimkit.errors import BadArgument, BadOutput


def run(path, folder, *, retry_failed=False):
    suite = Suite.read(path)
    folder.mkdir(exist_ok=True)
    adopt_names(suite, folder)
    return list(run_suite(suite, remaining(suite, folder, retry_failed=retry_failed), folder))


def test_what_has_a_record_is_not_run_again(suite, tmp_path, in_this_process):
    path, folder = suite(), tmp_path / "records"
    first = run(path, folder)
    assert {record.cell.seed for record in first} == {0, 1} and read_all(folder) == sorted(
        first, key=lambda r: r.cell.seed
    )
    (folder / f"{first[0].key}.json").unlink()
    assert [record.key for record in run(path, folder)] == [first[0].key]
    assert run(path, folder) == []


def test_the_same_work_under_another_name_is_only_renamed(suite, tmp_path, in_this_process):
    folder = tmp_path / "records"
    run(suite(seeds=[0]), folder)
    (found,) = read_all(folder)
    assert run(suite(seeds=[0], name="renamed"), folder) == []
    assert [(record.cell.suite, record.metrics) for record in read_all(folder)] == [
        ("renamed", found.metrics)
    ]


def test_data_that_were_moved_are_not_run_again(suite, stripes, tmp_path, in_this_process):
    folder, moved = tmp_path / "records", tmp_path / "moved"
    run(suite(seeds=[0]), folder)
    shutil.move(stripes, moved)
    data = [{"class_path": "mvtec", "init_args": {"root": str(moved)}, "categories": ["stripes"]}]
    assert run(suite(seeds=[0], datasets=data), folder) == []
    (found,) = read_all(folder)
    assert found.cell.settings["data"]["init_args"]["root"] == str(moved)  # where --record looks for them
    assert found.facts.places == {str(moved): ""}


def test_records_of_earlier_versions_get_their_new_keys(suite, tmp_path, in_this_process):
    """Their keys hold where files were, and their facts no places."""
    path, folder = suite(seeds=[0]), tmp_path / "records"
    (record,) = run(path, folder)
    (folder / f"{record.key}.json").unlink()
    older = replace(record, key=record.cell.older_key(record.facts), facts=replace(record.facts, places={}))
    write(older, folder)
    assert older.key == older.cell.key(older.facts) != record.key
    assert run(path, folder) == [] and read_all(folder) == [record]
    write(older, folder)  # as a run leaves it that is killed when the new one has been written
    assert run(path, folder) == [] and read_all(folder) == [record]


def test_a_record_under_the_names_of_the_suite_is_left_as_it_is(suite, tmp_path, in_this_process):
    path, folder = (
        suite(seeds=[0], vary={"train_images": [4, 8, 12]}, measure=["memory"]),
        tmp_path / "records",
    )
    run(path, folder)
    before = {file: file.stat().st_mtime_ns for file in paths(folder)}
    assert len(before) == 3 and run(path, folder) == []
    assert {file: file.stat().st_mtime_ns for file in paths(folder)} == before


def test_failures_are_tried_again_where_that_is_asked_for_and_end_nothing(
    suite, broken, tmp_path, in_this_process
):
    folder = tmp_path / "records"
    path = suite(pipelines=[broken("raises"), broken("well")], seeds=[0])
    found = run(path, folder)
    assert sorted(record.failure is None for record in found) == [False, True]
    assert run(path, folder) == []
    again = run(path, folder, retry_failed=True)
    assert [record.cell.method for record in again] == ["raises"]


def test_timed_cells_run_alone(suite, tmp_path, idle_cells):
    path = suite(seeds=[0, 1, 2], measure=["time"], repeats=1, engine={"backend": "loky", "jobs": 3})
    records = run(path, tmp_path / "records")
    begun = [datetime.fromisoformat(record.begun) for record in records]
    assert begun == sorted(begun) and (begun[-1] - begun[0]).total_seconds() >= 0  # one after another
    assert sorted(record.cell.seed for record in records) == [0, 1, 2]
    assert all(len(record.processes) == 1 for record in records)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_other_cells_run_beside_each_other(suite, backend, idle_cells):
    planned = Suite.read(suite()).planned
    found = list(records_beside(planned, Limits(threads=1), Engine(backend, 2)))
    assert {record.key for record in found} == {one.key for one in planned}
    assert all(record.failure is None for record in found)


CLUSTER = """
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
        print(len(cluster.scheduler.workers), flush=True)
"""


def test_a_dask_cluster_of_two_worker_processes_runs_cells(suite, tmp_path, idle_cells):
    """In processes of its own: what distributed imports changes importlib's entry points for good."""
    (tmp_path / "cluster.py").write_text(CLUSTER)
    command = [sys.executable, str(tmp_path / "cluster.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        address = cluster.stdout.readline().strip()
        path = suite(engine={"backend": "dask", "address": address})
        said, errors = start(path, tmp_path / "records").communicate(timeout=120)
        workers, _ = cluster.communicate("\n")
    assert said.count("image_auroc 1.0000") == 2, errors
    assert workers.strip() == "2"
    assert {record.cell.seed for record in read_all(tmp_path / "records")} == {0, 1}


def test_ray_runs_cells(suite, tmp_path, idle_cells):
    pytest.importorskip("ray", reason="needs the extra ray")
    path = suite(seeds=[0, 1, 2], engine={"backend": "ray", "jobs": 2})
    said, errors = start(path, tmp_path / "records").communicate(timeout=120)
    assert said.count("image_auroc 1.0000") == 3, errors
    assert {record.cell.seed for record in read_all(tmp_path / "records")} == {0, 1, 2}


@pytest.mark.parametrize(("one_by_one", "expected"), [(False, [0, 2]), (True, [0])])
def test_only_a_backend_that_gives_all_results_at_once_is_given_rounds(
    suite, one_by_one, expected, in_this_process
):
    rounds = []

    class Backend(ThreadingBackend):
        supports_return_generator = one_by_one

        def configure(self, *args, **arguments):
            rounds.append(len(found))
            return super().configure(*args, **arguments)

    register_parallel_backend("mine", Backend)
    planned, found = Suite.read(suite(seeds=[0, 1, 2])).planned, []
    for record in records_beside(planned, Limits(threads=1), Engine("mine", jobs=2)):
        found.append(record)
    assert rounds == expected and {record.cell.seed for record in found} == {0, 1, 2}
    assert all(record.failure is None for record in found)


def test_an_engine_that_there_is_not_is_refused(suite):
    planned = Suite.read(suite(seeds=[0])).planned
    with pytest.raises(BadArgument, match='no backend "lokky"'):
        list(records_beside(planned, Limits(), Engine("lokky")))


PADIMKIT = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
runpy.run_module("padimkit", None, "__main__", True)
"""


def start(path, folder):
    command = [sys.executable, "-c", PADIMKIT, "benchmark", str(path), f"--output={folder}"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def workers_of(folder):
    """Processes of cells, and servers that these are forked from, that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
            parent_of_test = (process / "environ").read_bytes().decode()
        except OSError:
            continue
        if words[:-1] == list(COMMAND) and f"PADIMKIT_TEST={folder}" in parent_of_test.split("\0"):
            found.append(process.name)
    return found


def wait_for(condition):
    """Returns as soon as it holds; only a broken program is waited for until the guard ends it."""
    guard = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < guard
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("jobs", "killed_after"),
    [
        (2, (0, 2)),
        pytest.param(1, (0, 2), marks=pytest.mark.thorough),
        pytest.param(2, (1, 2), marks=pytest.mark.thorough),
    ],
)
def test_a_runner_that_is_killed_loses_at_most_the_running_cells(
    suite, tmp_path, monkeypatch, jobs, killed_after, random, idle_cells
):
    """Before all cells, while one runs and after one, at whatever moment a draw makes it."""
    folder = tmp_path / "records"
    monkeypatch.setenv("PADIMKIT_TEST", str(folder))
    path, kept = suite(seeds=list(range(30)), engine={"jobs": jobs}), {}
    for lines in killed_after:
        with start(path, folder) as process:
            said = list(islice(process.stdout, lines))  # the first line comes before all cells
            if lines:
                wait_for(lambda: workers_of(folder))
            time.sleep(random.uniform(0, 0.5))
            os.kill(process.pid, signal.SIGKILL)
            said += process.communicate()[0].splitlines()
        finished = [line for line in said if line.startswith("[")]
        records = {record.key: record for record in read_all(folder)} if folder.exists() else {}
        assert all(record.failure is None for record in records.values())
        assert kept.items() <= records.items()  # nothing that was there is lost or changed
        assert len(records) - len(kept) >= len(finished)  # what was said to be finished is there
        kept = records
    wait_for(lambda: workers_of(folder) == [])
    assert len(list(paths(folder))) == len(kept) > 0


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.thorough), 2])
def test_an_interrupted_runner_writes_nothing_half_and_stops_its_cells(
    suite, tmp_path, monkeypatch, jobs, idle_cells
):
    folder = tmp_path / "records"
    monkeypatch.setenv("PADIMKIT_TEST", str(folder))
    with start(suite(seeds=list(range(20)), engine={"jobs": jobs}), folder) as process:
        for line in process.stdout:
            if line.startswith("[1/"):
                break
        wait_for(lambda: workers_of(folder))
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and "interrupted" in errors
    assert "Traceback" not in errors
    wait_for(lambda: workers_of(folder) == [])
    assert all(record.failure is None for record in read_all(folder))
    assert sorted(path.name for path in folder.glob(".*")) == [
        ".plan-small.json",
        ".running",
    ]  # what keeps a second runner away
    assert "new records are in" in errors and "goes on from there" in errors


def test_a_second_runner_on_the_same_records_is_refused(tmp_path):
    with only_runner(tmp_path):
        with pytest.raises(BadOutput, match="Another run is writing records to"), only_runner(tmp_path):
            pass
    with only_runner(tmp_path):
        pass
