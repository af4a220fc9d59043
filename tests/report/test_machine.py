"""Times by several processes, and the machine around them, in each form of a report."""

import csv
from dataclasses import replace

import made_records
import numpy as np
import pytest

from padimkit.benchmark.times import Conditions, Spread, TimedProcess
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.formatting import FIT, MANY, MODEL, ONE
from padimkit.report.machine import disturbances, machine_table, told
from padimkit.report.points import RANGES
from padimkit.report.sections.tradeoffs import tables, tradeoffs

QUIET = Conditions(0.02, 0.01, load=1.0, frequency=2300.0)


def process(fit, *, after=QUIET, **fields):
    return TimedProcess({"fit": fit, "predict 1": fit / 100, "predict 8": fit / 200}, QUIET, after, **fields)


@pytest.fixture
def timed(study_of, without_plots):
    """Two seeds of a method on two categories, by three processes each; one of them was disturbed."""
    random, found = np.random.default_rng(0), []
    for category, scale in (("cable", 1.0), ("grid", 3.0)):
        for seed in (0, 1):
            record = made_records.made("spade", category, seed, random)
            fits = [scale * (1 + seed + part) for part in (0.0, 0.1, 0.3)]
            known = [process(fit, stolen=0.02) for fit in fits]
            seconds = {name: Spread(value, value, value, 3) for name, value in known[1].seconds.items()}
            found.append(replace(record, seconds=seconds, processes=tuple(known)))
    slow = process(1.3, after=Conditions(0.025, 0.01, load=4.0), tries=3)
    found[0] = replace(found[0], processes=(*found[0].processes[:2], slow))
    return study_of(found)


def test_a_cost_knows_the_median_of_each_process(timed):
    record = timed.entries[0].record
    assert FIT.by_process(record) == (1.0, 1.1, 1.3) and MODEL.by_process(record) == ()
    assert MANY.by_process(record) == pytest.approx((0.005, 0.0055, 0.0065))
    assert ONE.by_process(replace(record, processes=())) == ()


def test_tables_have_the_means_of_the_quickest_and_of_the_slowest_process(timed):
    times = next(iter(tables(timed)))
    row = dict(zip(times.head, times.rows[0], strict=True))
    least, most = np.mean([1.0, 2.0, 3.0, 6.0]), np.mean([1.3, 2.3, 3.9, 6.9])
    assert row[FIT.label].text == f"3.20 s ({least:.2f} s to {most:.2f} s)"
    for text in (as_markdown(timed), as_latex(timed)):
        assert "3.00 s to 3.60 s" in text and "quickest and of the slowest process" in text
    assert tradeoffs(timed)[0].table.explained == (RANGES,)


def test_a_single_process_has_no_range(timed, study_of):
    few = [replace(entry.record, processes=entry.record.processes[:1]) for entry in timed.entries]
    text = as_markdown(study_of(few, "few"))
    assert "3.20 s |" in text and "slowest process" not in text


def test_cells_of_one_process_are_in_a_range_with_their_value_as_in_the_mean(timed, study_of):
    first, *others = [entry.record for entry in timed.entries]
    few = study_of([first, *(replace(one, processes=one.processes[1:2]) for one in others)], "mixed")
    times = next(iter(tables(few)))
    row = dict(zip(times.head, times.rows[0], strict=True))
    assert row[FIT.label].text == "3.20 s (3.18 s to 3.25 s)"  # (1.0 or 1.3) + 2.1 + 3.3 + 6.3, by four


def test_cells_that_were_disturbed_are_named_everywhere(timed):
    (said,) = disturbances(timed.entries)
    assert "more than 10 %" in said and said.endswith("spade on products / cable, seed 0.")
    for text in (as_markdown(timed), as_latex(timed), as_page(timed)):
        assert "changed by more than 10" in text
    assert disturbances(timed.entries[1:]) == []
    assert "and 1 more" in disturbances([timed.entries[0]] * 6)[0]


def test_a_page_tells_how_the_machine_was(timed):
    rows = {row[0].text: [datum.text for datum in row[1:]] for row in machine_table(timed.entries).rows}
    assert rows["fixed matrix product"] == ["20.0 ms", "20.0 ms", "25.0 ms"]
    assert rows["change of either during a process"] == ["0%", "0%", "25%"]
    assert rows["mean load in the minute before"] == ["1.00", "1.00", "4.00"]
    assert rows["time stolen by other virtual machines"][-1] == "2.0%"
    assert rows["processes until one was not disturbed"] == ["1", "1", "3"]
    page = as_page(timed)
    assert "25.0 ms after, memory 10.0 ms before" in page and "3 tries: disturbed" in page
    assert "1.00 s to 1.30 s by 3 processes" in page
    assert machine_table([]).rows == ()


def test_facts_that_a_system_does_not_tell_are_left_out():
    bare = Conditions(0.02, 0.01)
    assert told(TimedProcess({}, bare, bare)) == (
        "product 20.0 ms before, 20.0 ms after, memory 10.0 ms before, 10.0 ms after, drift 0%"
    )


def test_csv_has_each_process(timed):
    row = next(csv.DictReader(as_csv(timed).splitlines()))
    assert [row[f"fit seconds process {number}"] for number in (1, 2, 3)] == ["1.0", "1.1", "1.3"]
    assert (row["processes"], row["processes disturbed"]) == ("3", "1")
    assert np.isclose(float(row["speed drift"]), 0.25)
