from dataclasses import astuple, replace
from itertools import count
from statistics import fmean, stdev

import pytest
from made_records import of_cell

from padimkit.benchmark.cell import Cell
from padimkit.benchmark.record import Failure, Record
from padimkit.benchmark.times import Spread
from padimkit.errors import BadArgument
from padimkit.report.paper.comparison import Source, beside, replaced

NUMBERS = count()
MVTEC = Source("mvtec", "mvtec", "MVTec", "256 px, centre 224 px")


def record(method, category, *, seed=0, root="MVTec", dataset="mvtec", crop=224, varied=None, **fields):
    data = {"class_path": dataset, "init_args": {"root": f"somewhere/{root}", "category": category}}
    cell = Cell(
        suite="table",
        method=method,
        dataset=dataset,
        category=category,
        seed=seed,
        settings={"data": data, "pipeline": {"preprocessing": {"resize": 256, "crop": crop}}},
        measure=("quality",),
        repeats=1,
        varied=varied or {},
    )
    return Record(f"{next(NUMBERS):024}", cell, **fields)


def scored(method, category, value, **fields):
    return record(method, category, metrics={"pixel_auroc": value, "pro": value / 2}, **fields)


def only(rows, **fields):
    """The one row with these fields."""
    found = [row for row in rows if all(getattr(row, name) == value for name, value in fields.items())]
    assert len(found) == 1, found
    return found[0]


def test_a_category_stands_beside_its_printed_value_in_percent():
    rows = beside([scored("PaDiM-R18-Rd100", "bottle", 0.9785)], 3)
    row = only(rows, method="PaDiM-R18-Rd100", place="bottle", metric="pixel_auroc")
    assert astuple(row.measured) == (pytest.approx(97.85), 0.0, 1)
    assert (row.printed.value, row.categories) == (98.1, ("bottle",))
    assert row.source == MVTEC
    assert row.difference == pytest.approx(-0.25)
    assert only(rows, method=row.method, place="bottle", metric="pro").measured.mean == pytest.approx(48.925)


def test_several_seeds_are_averaged_and_their_spread_is_told():
    values = [0.9 + 0.01 * seed for seed in range(4)]
    rows = beside([scored("PaDiM-R18-Rd100", "tile", f, seed=s) for s, f in enumerate(values)], 3)
    measured = only(rows, method="PaDiM-R18-Rd100", place="tile", metric="pixel_auroc").measured
    percent = [100 * value for value in values]
    assert astuple(measured) == (pytest.approx(fmean(percent)), pytest.approx(stdev(percent)), 4)


def test_a_group_is_the_mean_over_its_measured_categories_by_seed():
    values = {("tile", 0): 0.90, ("tile", 1): 0.92, ("wood", 0): 0.80, ("wood", 1): 0.84, ("pill", 0): 0.7}
    records = [scored("PaDiM-R18-Rd100", c, value, seed=seed) for (c, seed), value in values.items()]
    rows = beside(records, 3)
    textures = only(rows, method="PaDiM-R18-Rd100", place="textures", metric="pixel_auroc")
    assert textures.categories == ("tile", "wood")
    assert astuple(textures.measured) == (pytest.approx(86.5), pytest.approx(stdev([85, 88])), 2)
    whole = only(rows, method="PaDiM-R18-Rd100", place="all", metric="pixel_auroc")
    assert whole.categories == ("tile", "wood", "pill")
    assert astuple(whole.measured) == (pytest.approx(80.0), 0.0, 1)  # the one seed that all three have


def test_a_part_of_the_test_images_stands_for_none_of_the_paper():
    whole = scored("PaDiM-R18-Rd100", "tile", 0.9)
    data = {"class_path": "held_out", "init_args": {"data": whole.cell.settings["data"], "part": "search"}}
    searched = scored("PaDiM-R18-Rd100", "tile", 0.99, begun="2026")
    searched = of_cell(searched, settings=searched.cell.settings | {"data": data})
    assert beside([whole, searched], 3) == beside([whole], 3) and beside([searched], 3) == ()


def test_categories_without_a_common_seed_make_no_group():
    records = [scored("PaDiM-R18", "tile", 0.9, seed=1), scored("PaDiM-R18", "wood", 0.8, seed=0)]
    rows = beside([*records, scored("PaDiM-R18-layer1", "tile", 0.9)], 1)
    row = only(rows, method="PaDiM-R18", place="all", metric="pixel_auroc")
    assert (row.measured, row.difference, row.categories) == (None, None, ("tile", "wood"))


def test_folders_of_data_are_never_averaged_together():
    records = [
        scored("PaDiM-R18", "tile", 0.9, root="magnetic_tile"),
        scored("PaDiM-R18", "tile", 0.7),
        scored("PaDiM-R18", "bottle", 0.8),
    ]
    rows = beside(records, 1)
    found = {row.source.root: row for row in rows if row.method == "PaDiM-R18" and row.place == "all"}
    assert set(found) == {"magnetic_tile", "MVTec"}
    whole = only(rows, method="PaDiM-R18", place="all", metric="pixel_auroc", source=MVTEC)
    assert (whole.measured.mean, whole.categories) == (pytest.approx(75), ("tile", "bottle"))


def test_resolutions_are_never_averaged_together():
    records = [
        scored("PaDiM-R18", "tile", 0.9),
        scored("PaDiM-R18", "bottle", 0.7, crop=256),
        of_cell(scored("PaDiM-R18", "tile", 0.5), settings={}),
    ]
    rows = beside(records, 1)
    whole = [row for row in rows if (row.method, row.place) == ("PaDiM-R18", "all")]
    assert {row.source.resolution: row.measured.mean for row in whole if row.metric == "pixel_auroc"} == {
        "256 px, centre 224 px": pytest.approx(90),
        "256 px, centre 256 px": pytest.approx(70),
        "resolution unknown": pytest.approx(50),
    }


def test_numbers_of_training_images_are_never_averaged_together():
    few = replace(scored("PaDiM-R18-Rd100", "bottle", 0.8, seed=1), begun="2026-01-02")
    few = of_cell(few, train_images=20)
    rows = beside([scored("PaDiM-R18-Rd100", "bottle", 0.9), few], 3)
    wanted = {"method": "PaDiM-R18-Rd100", "place": "bottle", "metric": "pixel_auroc"}
    assert only(rows, **wanted, source=MVTEC).measured.mean == pytest.approx(90)
    assert only(rows, **wanted, source=replace(MVTEC, train_images=20)).measured.mean == pytest.approx(80)
    assert replaced([few], rows) == ()
    timed = record("PaDiM-R18-Rd100", "bottle", seconds={"predict 1": Spread(1.0, 1.0, 1.0, 1)})
    once = scored("PaDiM-R18-Rd100", "bottle", 0.9)
    assert replaced([once, timed], beside([once, timed], 3)) == ()  # which has no value of this table
    twice = [once, scored("PaDiM-R18-Rd100", "bottle", 0.8)]
    assert replaced(twice, beside(twice, 3)) == ("PaDiM-R18-Rd100",)


def test_printed_methods_that_were_not_measured_stand_where_others_were():
    rows = beside([scored("mine", "bottle", 0.9)], 3)
    assert {row.place for row in rows} == {"bottle", "objects", "all"}
    vae = only(rows, method="VAE-R18", place="bottle", metric="pro")
    assert (vae.measured, vae.difference, vae.printed.value) == (None, None, 70.5)
    mine = only(rows, method="mine", place="bottle", metric="pro")
    assert (mine.printed, mine.difference, mine.measured.mean) == (None, None, pytest.approx(45))
    assert not [row for row in rows if row.method == "Student" and row.metric == "pixel_auroc"]


def test_doubts_come_along():
    rows = beside([scored("SPADE-WR50", "bottle", 0.9)], 3)
    assert only(rows, method="SPADE-WR50", place="all", metric="pixel_auroc").printed.doubt


def test_unfinished_cells_and_studies_do_not_count():
    failure = Failure("error", "no", "", "fit")
    others = [
        scored("PaDiM-R18", "bottle", 0.9, failure=failure),
        scored("PaDiM-R18", "bottle", 0.9, varied={"train_images": 25.0}),
        record("PaDiM-R18", "bottle", metrics={"image_auroc": 0.9}),
    ]
    assert beside(others, 1) == ()


OTHERS = [
    scored("PaDiM-R18", "texture", 0.9, dataset="synthetic"),
    scored("PaDiM-R18", "bottle", 0.9, dataset="rd_mvtec"),
    scored("PaDiM-R18", "my own category", 0.9),
]


def test_other_data_do_not_count_beside_those_of_the_table():
    records = [*OTHERS, scored("PaDiM-R18", "tile", 0.8)]
    rows = [row for row in beside(records, 1) if row.measured]
    assert {(row.categories, row.stand_in) for row in rows} == {(("tile",), False)}


def test_other_data_stand_in_where_there_are_none_of_the_table():
    rows = [row for row in beside(OTHERS, 1) if row.metric == "pixel_auroc" and row.method == "PaDiM-R18"]
    assert [(row.source.dataset, row.place, row.categories) for row in rows] == [
        ("synthetic", "all", ("texture",)),
        ("rd_mvtec", "all", ("bottle",)),
        ("mvtec", "all", ("my own category",)),
    ]
    assert all(row.stand_in and row.measured.mean == pytest.approx(90) and row.printed for row in rows)


def test_what_stands_in_is_averaged_by_source():
    tiles, bottles = ([scored("SPADE-WR50", c, f, root=c)] for c, f in (("tile", 0.9), ("bottle", 0.8)))
    both = [scored("SPADE-WR50", c, f, dataset="synthetic") for c, f in (("texture", 0.6), ("object", 0.5))]
    rows = [row for row in beside([*tiles, *bottles, *both], 4) if row.method == "SPADE-WR50"]
    assert [(row.source.root, row.categories, row.measured.mean) for row in rows] == [
        ("tile", ("tile",), pytest.approx(90)),
        ("bottle", ("bottle",), pytest.approx(80)),
        ("MVTec", ("texture", "object"), pytest.approx(55)),
    ]
    assert all(row.difference == pytest.approx(row.measured.mean - row.printed.value) for row in rows)


def test_of_two_records_of_one_cell_the_latest_counts():
    late = scored("PaDiM-R18", "bottle", 0.9, begun="2026-02-01T00:00:00+00:00")
    early = scored("PaDiM-R18", "bottle", 0.8, begun="2026-01-01T00:00:00+00:00")
    for records in ([late, early], [early, late]):
        row = only(beside(records, 1), method="PaDiM-R18", place="objects", metric="pixel_auroc")
        assert astuple(row.measured) == (pytest.approx(90), 0.0, 1)


def test_misaligned_images_are_compared_with_table_6():
    row = only(
        beside([scored("SPADE-WR50", "wood", 0.85, dataset="rd_mvtec")], 6),
        method="SPADE-WR50",
        place="textures",
        metric="pixel_auroc",
    )
    assert (row.data, row.difference) == ("Rd-MVTec AD", pytest.approx(0.4))


def test_all_scenes_of_the_campus_are_compared_with_table_4():
    records = [
        scored("SPADE-WR50", scene, f, dataset="shanghaitech") for scene, f in (("1", 0.9), ("2", 0.8))
    ]
    row = only(beside(records, 4), method="SPADE-WR50")
    assert (row.place, row.categories, row.measured.mean) == ("all", ("1", "2"), pytest.approx(85))


def test_seconds_and_gigabytes_stand_in_units_of_the_paper():
    timed = record("SPADE-WR50", "bottle", seconds={"predict 1": Spread(3.55, 3.0, 4.0, 5)})
    row = only(beside([timed], 7), method="SPADE-WR50")
    assert (row.metric, row.measured.mean, row.difference) == ("seconds", 3.55, pytest.approx(-3.55))
    sized = record("SPADE-WR50", "bottle", bytes={"model": 1_200_000_000, "peak": 9_000_000_000})
    row = only(beside([sized], 8), method="SPADE-WR50")
    assert (row.metric, row.measured.mean, row.difference) == ("gigabytes", 1.2, pytest.approx(-0.2))


def test_a_record_without_what_is_compared_gives_no_row():
    bare = record("SPADE-WR50", "bottle")
    assert beside([bare], 3) == beside([bare], 7) == beside([bare], 8) == ()


def test_a_table_that_the_paper_has_not_is_refused():
    with pytest.raises(BadArgument, match="got 9"):
        beside([], 9)


def test_data_that_a_suite_calls_differently_are_another_source():
    """Both folders are called MVTec: only the names in the suite tell them apart."""
    made = scored("PaDiM-R18-Rd100", "bottle", 0.9)
    renamed = of_cell(scored("PaDiM-R18-Rd100", "bottle", 0.8), dataset="mvtec-of-2021")
    rows = [row for row in beside([made, renamed], 3) if row.measured and row.metric == "pixel_auroc"]
    found = {row.measured_on: row.measured.mean for row in rows if row.place == "bottle"}
    sides = "256 px, centre 224 px"
    assert found == {f"MVTec, {sides}": 90.0, f"mvtec-of-2021 in MVTec, {sides}": 80.0}
    assert replaced([made, renamed], rows) == ()


def test_drawn_training_images_are_another_source_than_the_first_ones():
    first, drawn = (scored("PaDiM-R18-Rd100", "bottle", value) for value in (0.9, 0.8))
    records = [of_cell(first, train_images=20), of_cell(drawn, train_images=20, drawn=True)]
    rows = [row for row in beside(records, 3) if row.measured and row.metric == "pixel_auroc"]
    found = {row.measured_on: row.measured.mean for row in rows if row.place == "bottle"}
    sides = "MVTec, 256 px, centre 224 px, 20 training images"
    assert found == {sides: 90.0, f"{sides} drawn by the seed": 80.0}
