"""Timed cells in rounds of processes; cells and the machine are made up, but for the last test."""

from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from padimkit.benchmark.cell import Cell, Facts, Limits, Planned
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.record import Failure, Record
from padimkit.benchmark.running import conditions as reading
from padimkit.benchmark.running import rounds
from padimkit.benchmark.running.conditions import Ticks, conditions, stolen_between, ticks
from padimkit.benchmark.running.rounds import has_failed, lacks_processes, run_in_rounds
from padimkit.benchmark.running.runner import adopt_names, failures, remaining, run_suite
from padimkit.benchmark.store import read_all, write
from padimkit.benchmark.times import Conditions, TimedProcess
from padimkit.errors import BadConfig

LIMITS = Limits(threads=1)


def planned(name, processes=3):
    cell = Cell("suite", name, "data", "", 0, {"name": name}, ("quality", "time"), 2, processes=processes)
    return Planned(cell, Facts("print", 4, 4, 2))


@pytest.fixture
def machine(monkeypatch):
    """A machine of which each look finds the next speed, and cells that take a second more each time."""

    class Machine:
        def __init__(self):
            self.speeds = ()
            self.ran, self.folders = [], set()
            self.fails_at = None

        def conditions(self, threads):
            assert threads == 1
            left = iter(self.speeds)
            found, self.speeds = next(left, 1.0), tuple(left)
            return Conditions(found, 2.0, load=0.5)

        def run_cell(self, cell, facts, limits, folder):
            self.ran.append(cell)
            self.folders.add(folder)
            number = float(len(self.ran))
            failure = Failure("killed", "", "", "fit") if number == self.fails_at else None
            repeats = {"fit": (number, number + 0.5)}
            quality = {"image_auroc": 1.0} if "quality" in cell.measure else {}
            record = Record(cell.key(facts), cell, facts, quality, repeats=repeats, failure=failure, took=2.0)
            return rounds._with_repeats(record, repeats | ({"metrics": (9.0,)} if quality else {}))

    found = Machine()
    monkeypatch.setattr(rounds, "conditions", found.conditions)
    monkeypatch.setattr(rounds, "run_cell", found.run_cell)
    return found


def run(cells, begun=None):
    return list(run_in_rounds(cells, LIMITS, "order", begun or {}, Path("work")))


def test_each_round_has_all_cells_in_an_order_of_its_own(machine):
    cells = [planned(name) for name in "abcdef"]
    run(cells)
    methods = "".join(cell.method for cell in machine.ran)
    third = [methods[:6], methods[6:12], methods[12:]]
    assert [sorted(some) for some in third] == [list("abcdef")] * 3 and len(set(third)) == 3
    assert [cell.measure for cell in machine.ran] == [("quality", "time")] * 6 + [("time",)] * 12
    run(cells)
    assert "".join(cell.method for cell in machine.ran[18:]) == methods


def test_a_record_has_all_measurements_and_the_median_of_each_process(machine):
    one = planned("a")
    *_, last = run([one])
    assert (last.key, last.cell, last.metrics, last.took) == (one.key, one.cell, {"image_auroc": 1.0}, 6.0)
    assert last.repeats == {"fit": (1.0, 1.5, 2.0, 2.5, 3.0, 3.5), "metrics": (9.0,)}
    assert last.seconds["fit"].median == median(last.repeats["fit"]) and last.seconds["fit"].count == 6
    assert last.seconds["fit"].upper == np.quantile(last.repeats["fit"], 0.75)
    assert [process.seconds["fit"] for process in last.processes] == [1.25, 2.25, 3.25]
    assert last.processes[0].before == Conditions(1.0, 2.0, load=0.5)
    assert machine.folders == {Path("work", one.key)}


def test_a_process_runs_again_while_the_machine_changes_and_the_least_disturbed_one_counts(machine):
    machine.speeds = (1.0, 1.3, 1.2, 1.0, 1.0, 1.5, 1.0, 1.09)
    last = run([planned("a", processes=2)])[-1]
    assert len(machine.ran) == 4 and [cell.measure for cell in machine.ran[1:]] == [("time",)] * 3
    first, second = last.processes
    assert (first.tries, first.is_disturbed, first.seconds["fit"]) == (3, True, 2.25)
    assert np.isclose(first.drift, 0.2)
    assert (second.tries, second.is_disturbed) == (1, False)
    assert last.repeats == {"fit": (2.0, 2.5, 4.0, 4.5), "metrics": (9.0,)} and last.took == 8.0


def test_the_memory_is_a_part_of_the_speed():
    process = TimedProcess({}, Conditions(1.0, 2.0), Conditions(1.0, 1.6))
    assert np.isclose(process.drift, 0.25) and process.is_disturbed


def test_a_cell_of_which_the_first_process_fails_has_failed_and_runs_no_more(machine):
    machine.fails_at = 1
    one = planned("a")
    last = run([one])[-1]
    assert last.failure is not None and (last.key, last.cell) == (one.key, one.cell)
    assert len(machine.ran) == 1


def test_a_further_process_that_fails_takes_nothing_from_those_before(machine):
    machine.fails_at = 2
    one = planned("a")
    first, last = run([one])
    assert last.failure is None and last.interrupted.cause == "killed" and len(machine.ran) == 2
    assert replace(last, interrupted=None, took=first.took) == first
    assert lacks_processes(one.cell, last) and has_failed(last) and not has_failed(first)
    machine.fails_at = None
    *_, again = run([one], {one.key: last})
    assert again.interrupted is None and len(again.processes) == 3


@pytest.mark.parametrize("fails_at", [2, 3])
def test_a_further_try_that_fails_takes_nothing_from_those_before(machine, fails_at):
    machine.speeds, machine.fails_at = (1.0, 1.3, 1.0, 1.2, 1.0, 1.0), fails_at
    (last,) = run([planned("a", processes=1)])
    assert last.failure is None and last.interrupted is None and len(machine.ran) == fails_at
    assert last.metrics == {"image_auroc": 1.0} and last.processes[0].tries == fails_at
    assert last.repeats["fit"] == (fails_at - 1.0, fails_at - 0.5) and last.took == 2.0 * fails_at


def test_a_run_goes_on_where_another_has_ended(machine):
    one = planned("a")
    first, *_ = run([one])
    machine.ran.clear()
    found = run([one, planned("b")], {one.key: first})
    assert sorted(cell.method for cell in machine.ran) == ["a", "a", "b", "b", "b"]
    assert {len(record.processes) for record in found if record.cell.method == "a"} == {2, 3}


def test_what_is_stolen_is_a_share_of_all_processors_time():
    assert stolen_between(Ticks(10, 1000), Ticks(30, 1200)) == 0.1
    assert stolen_between(Ticks(10, 1000), Ticks(10, 1000)) == 0
    assert stolen_between(None, Ticks(1, 2)) is None


def test_a_system_that_tells_nothing_is_measured_all_the_same(monkeypatch, tmp_path):
    found = conditions(1)
    assert found.product > 0 and found.memory > 0
    for name in ("_PROCESSORS", "_TICKS"):
        monkeypatch.setattr(reading, name, tmp_path / "missing")
    monkeypatch.delattr(reading.os, "getloadavg")
    found = conditions(None)
    assert (found.load, found.frequency, ticks()) == (None, None, None)


def test_ticks_and_frequencies_are_those_of_linux(monkeypatch, tmp_path):
    (tmp_path / "stat").write_text("cpu  10 1 5 80 2 0 1 4 3 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    (tmp_path / "cpuinfo").write_text("cpu MHz\t\t: 2000.5\nmodel name : x\ncpu MHz\t\t: 3000.5\n")
    monkeypatch.setattr(reading, "_TICKS", tmp_path / "stat")
    monkeypatch.setattr(reading, "_PROCESSORS", tmp_path / "cpuinfo")
    assert ticks() == Ticks(4, 103) and reading._frequency() == 2500.5


def test_more_processes_continue_a_record_and_old_ones_begin_anew(
    suite, tmp_path, in_this_process, monkeypatch
):
    monkeypatch.setattr(rounds, "conditions", lambda _: Conditions(1.0, 1.0))
    folder = tmp_path / "records"
    folder.mkdir()

    def run_with(processes):
        read = Suite.read(suite(seeds=[0], measure=["quality", "time"], repeats=1, processes=processes))
        left = remaining(read, folder, retry_failed=False)
        adopt_names(read, folder)
        return list(run_suite(read, left, folder))

    (first,) = run_with(1)
    assert run_with(1) == []
    (second,) = run_with(2)
    assert second.key == first.key and second.processes[0] == first.processes[0]
    assert second.metrics == first.metrics and second.seconds["fit"].count == 2
    assert read_all(folder) == [second] and run_with(1) == []
    write(replace(first, cell=second.cell, interrupted=Failure("killed", "", "", "fit")), folder)
    read = Suite.read(suite(seeds=[0], measure=["quality", "time"], repeats=1, processes=2))
    assert remaining(read, folder, retry_failed=False) == [] and failures(read, folder) == 1
    assert len(remaining(read, folder, retry_failed=True)) == 1
    write(replace(second, processes=(), repeats={}), folder)
    assert [len(record.processes) for record in run_with(2)] == [1, 2]


@pytest.mark.parametrize("changes", [{"processes": 0}, {"processes": 2, "measure": ["quality"]}])
def test_processes_that_time_nothing_are_refused(suite, changes):
    with pytest.raises(BadConfig, match='"processes"|processes'):
        Suite.read(suite(**changes))
