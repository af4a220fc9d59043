"""False alarms and misses as columns, with the counts that they are shares of."""

import csv
from dataclasses import replace
from html import unescape

import made_records
import numpy as np
import pytest
from scipy.stats import binomtest

from padimkit.benchmark.record import Verdicts
from padimkit.benchmark.times import Spread
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.protocols import warnings
from padimkit.report.sections import tradeoffs
from padimkit.report.sections.cells import cell_table
from padimkit.report.tables import DASH

pytestmark = pytest.mark.usefixtures("without_plots")
COUNTS = {"padim-rd100": (1, 9), "padim-pca100": (2, 10), "spade": (4, 2)}  # of 15 and of 25


def judged(record, *, promised=0.05):
    """The record of a cell that was asked for verdicts."""
    false_alarms, misses = COUNTS[record.cell.method]
    return replace(
        record,
        metrics=record.metrics | {"false_alarms": false_alarms / 15, "misses": misses / 25},
        lower_is_better=("false_alarms", "misses"),
        seconds=record.seconds | {"calibration": Spread(12.5, 12.0, 13.0, 3)},
        verdicts=Verdicts(16.3125, promised, 15, 25, false_alarms, misses),
    )


@pytest.fixture
def judged_records():
    random = np.random.default_rng(0)
    return [judged(made_records.made(method, "bottle", 0, random)) for method in COUNTS]


@pytest.fixture
def judged_study(judged_records, study_of):
    return study_of(judged_records)


def in_words(count, total):
    """As SciPy finds the interval."""
    found = binomtest(count, total).proportion_ci(0.95, method="exact")
    return f"{count} of {total}; 95% interval {found.low:.1%} to {found.high:.1%}"


def test_tables_have_the_rates_and_the_lowest_is_the_best(judged_study):
    text = as_markdown(judged_study)
    caption = r"products; lower is better; thresholds promise at most 5.00% false alarms"
    alarms, misses = (text.split(rf"### {name}, {caption}")[1] for name in (r"false\_alarms", "misses"))
    assert alarms.index("| padim-rd100 | A | **0.0667** |") < alarms.index("| spade | A | 0.2667 |")
    assert misses.index("| spade | A | **0.0800** |") < misses.index("| padim-rd100 | A | 0.3600 |")
    latex = as_latex(judged_study)
    assert (
        r"false\_alarms, products; lower is better; thresholds promise at most 5.00\% false alarms" in latex
    )
    assert r"spade & A & \textbf{0.0800} \\" in latex


def test_csv_has_rates_and_counts(judged_records, judged_study):
    rows = list(csv.DictReader(as_csv(judged_study).splitlines()))
    for row in rows:
        false_alarms, misses = COUNTS[row["method"]]
        assert float(row["false_alarms"]) == false_alarms / 15 and float(row["misses"]) == misses / 25
        assert (row["verdicts threshold"], row["verdicts promised"]) == ("16.3125", "0.05")
        assert (row["verdicts normal"], row["verdicts anomalous"]) == ("15", "25")
        assert (int(row["verdicts false_alarms"]), int(row["verdicts misses"])) == (false_alarms, misses)
        assert row["calibration seconds"] == "12.5"
    assert len(rows) == len(judged_records)


def test_cells_show_threshold_promise_counts_and_time(judged_study):
    table = cell_table(judged_study)
    for row in table.rows:
        found = dict(zip(table.head, row, strict=True))
        false_alarms, misses = COUNTS[row[0].text]
        assert found["false_alarms"].note == in_words(false_alarms, 15)
        assert found["misses"].note == in_words(misses, 25)
        assert (found["threshold"].text, found["promised"].text) == ("16.31", "5.00%")
        assert found["calibration"].text == "12.5 s" and found["image_auroc"].note == ""


def test_the_page_says_counts_with_their_intervals_at_each_record(judged_study):
    page = unescape(as_page(judged_study))
    for false_alarms, misses in COUNTS.values():
        assert f"<dd>{false_alarms / 15} ({in_words(false_alarms, 15)})</dd>" in page
        assert f"<dd>{misses / 25} ({in_words(misses, 25)})</dd>" in page
    assert page.count("<dd>16.3125, which promises at most 5.00% false alarms</dd>") == 3


def test_fewer_errors_are_better_in_trade_offs(judged_study):
    (found,) = tradeoffs.build(judged_study)["tradeoffs"]
    captions = [plot.caption for plot in (*found.plots, *found.others)]
    time = "time per image, one at a time. On the Pareto front (ringed):"
    assert f"false_alarms against {time} padim-rd100." in captions  # the fewest, and the fastest
    assert f"misses against {time} padim-rd100, spade." in captions  # the fastest, and the fewest
    assert any(caption.startswith("misses against time of the calibration.") for caption in captions)


def test_other_promises_are_flagged(judged_records, study_of, random):
    same = study_of(judged_records, "same")
    assert warnings(same.entries) == []
    other = judged(made_records.made("spade", "cable", 0, random), promised=0.1)
    mixed = study_of([*judged_records, other], "mixed")
    assert warnings(mixed.entries) == [
        "False alarms and misses are at thresholds that promise different rates: at most 5.00%, 10.00%."
    ]
    assert "thresholds promise at most 5.00% to 10.00% false alarms" in as_markdown(mixed)
    varied = made_records.of_cell(other, varied={"training images": 9.0})
    assert warnings(study_of([*judged_records, varied], "varied").entries) == []


def test_a_study_without_verdicts_has_no_columns_of_them(study):
    assert {"threshold", "promised", "misses"}.isdisjoint(cell_table(study).head)
    assert "verdicts" not in as_csv(study)


def test_cells_without_verdicts_stand_beside_others(judged_records, study_of, random):
    plain = made_records.made("layer-sum", "bottle", 0, random)
    table = cell_table(study_of([*judged_records, plain]))
    (row,) = (row for row in table.rows if row[0].text == "layer-sum")
    found = dict(zip(table.head, row, strict=True))
    assert {found[name].text for name in ("threshold", "promised", "misses")} == {DASH}


def test_a_metric_of_the_same_name_without_verdicts_is_a_metric_like_others(study_of, random):
    record = made_records.made("spade", "bottle", 0, random)
    found = study_of([replace(record, metrics={"misses": 0.5})])
    assert "misses, products" in as_markdown(found) and "promise" not in as_markdown(found)
