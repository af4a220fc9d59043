"""Percent, digits, spreads, layout, groups and differences between data sets, beside NumPy and SciPy."""

import re
from dataclasses import replace

import made_records
import numpy as np
import pytest
from scipy.stats import ttest_rel

from padimkit.benchmark.record import Spread
from padimkit.benchmark.store import write as write_record
from padimkit.cli.main import main
from padimkit.errors import BadArgument
from padimkit.report.entries import read_entries
from padimkit.report.formats import latex
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.notation import Notation
from padimkit.report.row import row_of
from padimkit.report.sections import cells, comparison, shifts, tradeoffs
from padimkit.report.study import Study
from padimkit.report.tables import DASH, Table

GROUPS = {"bottle": "objects", "tile": "textures", "wood": "textures"}
METHODS = ("padim-rd100", "spade")


@pytest.fixture(scope="module")
def values():
    """PRO by data set, method, category and seed."""
    random = np.random.default_rng(3)
    return {
        (dataset, method, category, seed): float(random.uniform(0.8, 0.95))
        for dataset in ("aligned", "shifted")
        for method in METHODS
        for category in GROUPS
        for seed in range(3)
    }


@pytest.fixture(scope="module")
def entries(values, tmp_path_factory):
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("notation")
    for (dataset, method, category, seed), value in values.items():
        record = made_records.made(method, category, seed, random, dataset=dataset)
        record = made_records.of_cell(record, group=GROUPS[category])
        write_record(replace(record, metrics={"pro": value}), folder)
    return tuple(read_entries([folder]))


@pytest.fixture
def study(entries):
    """Makes the study of these values."""
    return lambda **notation: Study(entries, notation=Notation(**notation))


def texts(table):
    """By method and column."""
    return {
        (row[0].text, name): datum.text
        for row in table.rows
        for name, datum in zip(table.head, row, strict=True)
    }


def of(values, dataset, method, categories):
    """By seed, the mean over categories."""
    return [np.mean([values[dataset, method, one, seed] for one in categories]) for seed in range(3)]


def test_means_over_all_and_over_groups_have_the_spread_of_seeds(study, values):
    table = next(iter(comparison.tables(study())))
    assert table.head == ("method", "protocol", "mean", "objects", "textures", "bottle", "tile", "wood")
    for name, categories in {
        "mean": list(GROUPS),
        "objects": ["bottle"],
        "textures": ["tile", "wood"],
    }.items():
        for method in METHODS:
            found = of(values, "aligned", method, categories)
            assert texts(table)[method, name] == f"{np.mean(found):.4f} ± {np.std(found, ddof=1):.4f}"
    assert {row_of(entry)["group"] for entry in study().entries} == set(GROUPS.values())
    best = [row[3].best for row in table.rows]
    means = [np.mean(of(values, "aligned", row[0].text, ["bottle"])) for row in table.rows]
    assert best == [mean == max(means) for mean in means]


def test_percent_digits_and_errors_of_the_mean_are_in_every_format(study, values):
    chosen = study(percent=True, digits=1, spread="sem")
    found = 100 * np.array(of(values, "aligned", "spade", ["tile", "wood"]))
    text = f"{found.mean():.1f} ± {found.std(ddof=1) / np.sqrt(3):.1f}"
    assert text in as_markdown(chosen) and text.replace("±", r"$\pm$") in as_latex(chosen)
    assert "Mean ± standard error of the mean over n = 3 seeds; the best" in as_markdown(chosen)
    assert r"$\pm$: standard error of the mean over n = 3 seeds." in as_latex(chosen)
    assert r"\caption{pro, aligned, in \%" in as_latex(chosen) and "pro, aligned, in %" in as_markdown(chosen)


def test_labels_are_the_same_in_percent_and_differ_from_each_other(study):
    plain, percent = (re.findall(r"label\{(.*)\}", as_latex(study(percent=one))) for one in (False, True))
    assert plain == percent and len(set(plain)) == len(plain) and "tab:pro-aligned" in plain
    tables = [Table("a, in %; b", (), ()), Table("a", (), ()), Table("a; c", (), ())]
    assert latex._labels(tables) == ["a", "a-no-2", "a-no-3"]


def test_groups_of_one_category_each_are_no_columns_again(study):
    single = [entry for entry in study().entries if not entry.place.endswith("wood")]
    table = next(iter(comparison.tables(Study(tuple(single)))))
    assert table.head == ("method", "protocol", "mean", "bottle", "tile")


def test_methods_as_columns_have_the_same_numbers(study):
    rows = next(iter(comparison.tables(study())))
    columns = next(iter(comparison.tables(study(methods="columns"))))
    assert columns.head == ("method", *(row[0].text for row in rows.rows))
    turned = {
        (row[0].text, name): datum
        for row in columns.rows
        for name, datum in zip(columns.head, row, strict=True)
    }
    for row in rows.rows:
        for name, datum in zip(rows.head[1:], row[1:], strict=True):
            assert turned[name, row[0].text] == datum
    assert columns.numeric == [False, True, True] and columns.caption == rows.caption


def test_data_sets_are_compared_over_their_common_categories(study, values):
    (table,) = shifts.tables(study())
    assert table.caption == "pro, shifted minus aligned, 3 categories"
    first, second = (
        {method: [np.mean(of(values, data, method, [one])) for one in GROUPS] for method in METHODS}
        for data in ("aligned", "shifted")
    )
    for method in METHODS:
        test = ttest_rel(second[method], first[method])
        low, high = test.confidence_interval(1 - 0.05 / len(METHODS))
        assert (
            texts(table)[method, "difference"] == f"{np.mean(second[method]) - np.mean(first[method]):+.4f}"
        )
        assert texts(table)[method, "95 % interval"] == f"{low:+.4f} to {high:+.4f}"
        assert texts(table)[method, "aligned"] == f"{np.mean(first[method]):.4f}"
    assert "shifted minus aligned, in %" not in as_markdown(study())
    assert "pro, shifted minus aligned, 3 categories, in %" in as_markdown(study(percent=True))


def test_other_data_sets_are_no_other_protocols_where_they_are_compared(entries):
    def shifted(crop=224, **fields):
        return tuple(
            replace(entry, record=made_records.of_cell(entry.record, settings=_other(entry, crop), **fields))
            if entry.record.cell.dataset == "shifted"
            else entry
            for entry in entries
        )

    def _other(entry, crop):
        data = entry.record.cell.settings["data"] | {"class_path": "rd_mvtec"}
        sides = {"resize": 256, "crop": crop}
        found = entry.record.cell.settings
        return found | {"data": data, "pipeline": found["pipeline"] | {"preprocessing": sides}}

    (table,) = shifts.tables(Study(shifted()))
    assert table.notes == () and len(table.rows) == len(METHODS)
    assert {row[1].text for row in table.rows} == {"A, B"}
    assert list(shifts.tables(Study(shifted(crop=200)))) == []
    (table,) = shifts.tables(Study(shifted(train_images=60)))
    assert table.notes == ("Other training images on the two data sets: padim-rd100 (A, B), spade (A, B).",)
    mixed = [replace(entry, record=replace(entry.record, key=f"{entry.record.key}-200")) for entry in entries]
    mixed = [
        replace(entry, record=made_records.of_cell(entry.record, settings=_other(entry, 200)))
        for entry in mixed
    ]
    (table,) = shifts.tables(Study((*entries, *mixed)))
    assert len(table.rows) == 2 * len(METHODS) and len(table.notes) == 2
    assert all("2 protocols are shown together" in note for note in table.notes)


def test_all_cells_and_trade_offs_have_the_notation_too(study):
    chosen = study(percent=True, digits=1)
    value = chosen.entries[0].record.metrics["pro"]
    for table in (cells.cell_table(chosen), tradeoffs.tradeoffs(chosen)[0].table):
        assert "pro, in %" in table.head and "pro" not in table.head
    texts = {datum.text for row in cells.cell_table(chosen).rows for datum in row}
    assert f"{100 * value:.1f}" in texts and f"{value:.4f}" not in texts
    (found, *_), (row, *_) = tradeoffs.tradeoffs(chosen), tradeoffs.tradeoffs(chosen)[0].table.rows
    quality = row[found.table.head.index("pro, in %")]
    assert quality.text == f"{100 * quality.value:.1f}"
    assert f"pro {quality.text}, in %" in found.plots[0].svg and "pro, in %" in found.plots[0].svg


def test_data_sets_without_common_categories_are_not_compared(study):
    entries = [
        e for e in study().entries if (e.record.cell.dataset == "aligned") == (e.place.endswith("wood"))
    ]
    assert shifts.build(Study(tuple(entries))) is None
    one = [e for e in study().entries if e.place.endswith("wood")]
    (table,) = shifts.tables(Study(tuple(one)))
    assert table.caption == "pro, shifted minus aligned, wood"
    assert {texts(table)[method, "95 % interval"] for method in METHODS} == {DASH}


def test_the_command_takes_the_notation(study, tmp_path, capsys):
    words = ["report", str(study().entries[0].file.parent), "--format=markdown"]
    assert main([*words, "--percent", "--digits=1", "--spread=sem", "--methods=columns"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"\| method \| (padim-rd100|spade) \|", said) and re.search(
        r"\| \*?\*?\d\d\.\d ± \d\.\d", said
    )
    assert main([*words, "--digits=11"]) == 2
    assert 'Expected "digits" from 0 to 10, got 11.' in capsys.readouterr().err
    with pytest.raises(BadArgument):
        Notation(digits=-1)


def test_costs_have_their_multiple_of_the_least(write):
    random = np.random.default_rng(0)
    records = [made_records.made(method, "bottle", 0, random) for method in METHODS]
    slow = {"predict 1": Spread(0.7, 0.7, 0.7, 3)}
    fast = {"predict 1": Spread(0.1, 0.1, 0.1, 3)}
    records = [replace(record, seconds=s) for record, s in zip(records, (fast, slow), strict=True)]
    text = as_markdown(Study(tuple(read_entries([write(records)]))))
    assert "| padim-rd100 | A | 100 ms |" in text and "| spade | A | 700 ms (7.00 times) |" in text


def test_each_table_in_latex_has_a_label_of_its_own(study):
    labels = re.findall(r"\\label\{(.*?)\}", as_latex(study()))
    assert len(labels) == len(set(labels)) > 6
