from dataclasses import replace

import made_records
import numpy as np
import pytest

from padimkit.benchmark.record import Spread
from padimkit.cli.main import main
from padimkit.report.paper.published import published


@pytest.fixture
def random():
    """The same in each run: only the noise of the last test matters."""
    return np.random.default_rng(0)


@pytest.fixture
def measured(random, write):
    """Two seeds of Rd100 on two categories of MVTec AD, with values that can be told apart."""
    records = []
    for category in ("bottle", "tile"):
        for seed in (0, 1):
            made = made_records.made("PaDiM-R18-Rd100", category, seed, random, dataset="mvtec")
            values = {"pixel_auroc": 0.97 + 0.01 * seed, "pro": 0.9}
            records.append(replace(made, metrics=values))
    return write(records)


def test_measured_values_stand_beside_the_printed_ones(measured, capsys):
    assert main(["report", str(measured), "--paper=3"]) == 0
    said = capsys.readouterr().out
    lines = [line.split(" | ") for line in said.splitlines() if line.startswith("| PaDiM-R18-Rd100 | bottle")]
    assert [line[2:7] for line in lines] == [
        [
            "pixel auroc, %",
            "98.1",
            "97.5 ± 0.7 (SEM 0.50, n = 2)",
            "-0.6",
            "data, 256 px, centre 224 px: bottle |",
        ],
        ["pro, %", "93.9", "90.0 ± 0.0 (SEM 0.00, n = 2)", "-3.9", "data, 256 px, centre 224 px: bottle |"],
    ]
    assert "| PaDiM-WR50-Rd550 | bottle | pixel auroc, % | 98.3 | none | none |" in said
    assert "the latest counts" not in said


def test_a_table_of_the_paper_is_markdown_alone(measured, capsys):
    assert main(["report", str(measured), "--paper=3", "--format=markdown"]) == 0
    assert main(["report", str(measured), "--paper=3", "--format=latex"]) == 2
    assert "--paper writes Markdown, and no latex: leave out --format." in capsys.readouterr().err


def test_what_a_later_record_replaces_and_what_was_learnt_are_said(random, write, capsys):
    made = made_records.made("PaDiM-R18-Rd100", "bottle", 0, random, dataset="mvtec")
    made = replace(made, metrics={"pixel_auroc": 0.9, "pro": 0.9})
    other = replace(made, key=made.key[::-1], begun="2099", metrics={"pixel_auroc": 0.8, "pro": 0.8})
    few = made_records.of_cell(replace(made, key="few"), train_images=20)
    assert main(["report", str(write([made, other, few])), "--paper=3"]) == 0
    said = capsys.readouterr().out
    assert "| 80.0 | -18.1 | data, 256 px, centre 224 px: bottle |" in said
    assert "| 90.0 | -8.1 | data, 256 px, centre 224 px, 20 training images: bottle |" in said
    assert "seed the latest counts: PaDiM-R18-Rd100. Give" in said


def test_doubtful_cells_are_marked_with_their_reason(measured, capsys):
    main(["report", str(measured), "--paper=2"])
    said = capsys.readouterr().out
    assert "| 90.5 (1) |" in said and "\n(1) " in said


@pytest.mark.parametrize("table", [7, 8])
def test_tables_of_cost_show_what_the_paper_counts(measured, capsys, table):
    assert main(["report", str(measured), f"--paper={table}"]) == 0
    said = capsys.readouterr().out
    assert "| PaDiM-R18-Rd100 | MVTec AD | 0.127 | 0.173 | 0.17 | with the backbone |" in said
    assert "| PaDiM-WR50-Rd550 | MVTec AD | 3.801 | 4.077 | 3.8 | without |" in said
    assert "Too little is known of VAE-R18 on MVTec AD to compute its 0.09 GB." in said


def test_without_records_of_its_data_a_table_has_those_of_other_data(measured, capsys):
    assert main(["report", str(measured), "--paper=4"]) == 0
    said = capsys.readouterr().out
    where = "mvtec/data, 256 px, centre 224 px: bottle, tile |"
    assert (
        f"| PaDiM-R18-Rd100 | all | pixel auroc, % | 91.2 | 97.5 ± 0.7 (SEM 0.50, n = 2) | +6.3 | {where}"
        in said
    )
    assert "Data other than those of the table (STC) were measured: the differences say little." in said
    main(["report", str(measured), "--paper=3"])
    assert "Data other" not in capsys.readouterr().out


def test_a_table_of_two_data_sets_says_what_each_printed_number_is_of(random, write, capsys):
    folder = write([made_records.made("SPADE-WR50", "bottle", 0, random, kind="folder")])
    assert main(["report", str(folder), "--paper=8"]) == 0
    said = capsys.readouterr().out
    assert "| SPADE-WR50 | all of STC |" in said and "| SPADE-WR50 | all of MVTec AD |" in said
    assert "(MVTec AD and STC)" in said


def test_without_a_metric_of_the_table_it_is_refused(random, write, capsys):
    failed = made_records.failed(made_records.made("SPADE-WR50", "bottle", 0, random, dataset="mvtec"))
    folder = write([failed])
    assert main(["report", str(folder), "--paper=4"]) == 2
    assert "has pixel auroc; no finished record has that" in capsys.readouterr().err
    assert main(["report", str(folder), "--paper=9"]) == 2


def test_the_drop_from_aligned_images_is_printed_and_measured_over_the_same_categories(random, write, capsys):
    records = [
        replace(
            made_records.made("SPADE-WR50", category, seed, random, dataset=kind, kind=kind),
            metrics={"pro": value + 0.01 * seed},
        )
        for kind, value in (("mvtec", 0.9), ("rd_mvtec", 0.7))
        for category in ("grid", "tile")
        for seed in (0, 1)
    ]
    assert main(["report", str(write(records)), "--paper=6"]) == 0
    said = capsys.readouterr().out
    printed = {
        table: cell.value
        for table in (3, 6)
        for cell in published(table)
        if (cell.method, cell.place, cell.metric) == ("SPADE-WR50", "textures", "pro")
    }
    assert f"| SPADE-WR50 | textures | pro, % | {printed[3] - printed[6]:.1f} | 20.0 |" in said


def test_costs_are_multiples_and_training_times_those_of_the_text(random, write, capsys):
    records = [
        replace(made, seconds={"predict 1": Spread(one, one, one, 3), "fit": Spread(fit, fit, fit, 3)})
        for method, one, fit in (("SPADE-WR50", 3.0, 9.0), ("PaDiM-WR50-Rd550", 0.5, 40.0))
        for made in [made_records.made(method, "bottle", 0, random)]
    ]
    assert main(["report", str(write(records)), "--paper=7"]) == 0
    said = capsys.readouterr().out
    assert "| SPADE-WR50 | MVTec AD | 7.5 | 6 | products in data, 256 px, centre 224 px |" in said
    assert "| PaDiM-WR50-Rd550 | 150 | a category of MVTec AD | Intel Xeon Gold 6154, serial | 40.0 |" in said
    assert "| VAE-R18 | 9600 | a category of MVTec AD | Nvidia Quadro P5000 | none |" in said


def test_small_models_have_digits_that_count(random, write, capsys):
    sizes = {"PaDiM-R18-Rd100": 431_234, "SPADE-WR50": 2_345_678}
    records = [
        replace(made_records.made(method, "bottle", 0, random), bytes={"model": size})
        for method, size in sizes.items()
    ]
    assert main(["report", str(write(records)), "--paper=8"]) == 0
    said = capsys.readouterr().out
    assert "| 0.00043 |" in said and "| 0.002 |" in said


def test_drops_are_measured_from_each_data_set_of_the_same_folder_and_number_of_images(random, write, capsys):
    values = {("mvtec", "Bottles", 20): 0.9, ("mvtec", "Bottles", 40): 0.8, ("mvtec", "Others", 20): 0.97}
    values |= {("rd_mvtec", "Rd Bottles", 20): 0.7}
    records = [
        made_records.of_cell(
            replace(made, key=f"{name}-{count}".replace(" ", ""), metrics={"pro": value}), train_images=count
        )
        for (kind, name, count), value in values.items()
        for made in [made_records.made("SPADE-WR50", "bottle", 0, random, dataset=name, kind=kind)]
    ]
    assert main(["report", str(write(records)), "--paper=6"]) == 0
    _, _, said = capsys.readouterr().out.partition("From aligned images")
    drops = [
        line.split(" | ")[4:6] for line in said.splitlines() if line.startswith("| SPADE-WR50 | objects")
    ]
    drops = [drop for drop in drops if drop[0] != "none"]
    sides = "256 px, centre 224 px, 20 training images"
    assert drops == [["20.0", f"Bottles in mvtec/data, {sides}"], ["27.0", f"Others in mvtec/data, {sides}"]]


def test_training_times_and_held_bytes_are_told_apart_by_what_was_measured(random, write, capsys):
    fits = {20: 1.0, 40: 3.0}
    records = [
        made_records.of_cell(
            replace(
                made,
                key=f"cell-{count}",
                seconds={"predict 1": Spread(1, 1, 1, 3), "fit": Spread(fit, fit, fit, 3)},
                bytes={"model": 10**9, "held": count * 10**8},
            ),
            train_images=count,
        )
        for count, fit in fits.items()
        for made in [made_records.made("PaDiM-WR50-Rd550", "bottle", 0, random)]
    ]
    folder = str(write(records))
    assert main(["report", folder, "--paper=7"]) == 0
    said = capsys.readouterr().out
    for count, fit in fits.items():
        assert f"serial | {fit} | products in data, 256 px, centre 224 px, {count} training images |" in said
    assert main(["report", folder, "--paper=8"]) == 0
    said = capsys.readouterr().out
    assert (
        "| PaDiM-WR50-Rd550 | 2 | products in mvtec/data, 256 px, centre 224 px, 20 training images |" in said
    )
    assert (
        "| PaDiM-WR50-Rd550 | 4 | products in mvtec/data, 256 px, centre 224 px, 40 training images |" in said
    )


def test_of_several_records_of_a_cell_the_latest_counts_for_training_times_too(random, write, capsys):
    made = made_records.made("PaDiM-WR50-Rd550", "bottle", 0, random)
    records = [
        replace(
            made,
            key=f"cell-{fit}",
            begun=f"2026-11-2{fit}",
            seconds={"predict 1": made.seconds["predict 1"], "fit": Spread(fit, fit, fit, 3)},
        )
        for fit in (5, 3)
    ]
    records = [
        made_records.of_cell(one, settings=one.cell.settings | {"batch_size": n})
        for n, one in enumerate(records)
    ]
    assert main(["report", str(write(records)), "--paper=7"]) == 0
    assert "serial | 5.0 | products in data" in capsys.readouterr().out
