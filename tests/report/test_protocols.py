"""Values that cannot be compared are flagged."""

from dataclasses import replace

import made_records
import numpy as np
import pytest

from padimkit.benchmark.times import Spread
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.formats.page import as_page
from padimkit.report.protocols import Protocol, mixture, protocol, shared_settings, warnings
from padimkit.report.sections import tradeoffs

pytestmark = pytest.mark.usefixtures("without_plots")
FLAG = "2 protocols are shown together"


@pytest.fixture
def random():
    """The same in each run: no test here depends on the values of a record."""
    return np.random.default_rng(0)


def test_preprocessing_and_kind_of_data_make_the_protocol(random):
    record = made_records.made("spade", "bottle", 3, random)
    same = made_records.made("padim-rd100", "cable", 4, random)
    assert protocol(record) == protocol(same) == Protocol("mvtec", "256 px, centre 224 px")
    assert protocol(made_records.made("spade", "bottle", 3, random, crop=200)) != protocol(record)
    assert protocol(made_records.made("spade", "bottle", 3, random, kind="rd_mvtec")) != protocol(record)


@pytest.mark.parametrize(
    ("preprocessing", "text"),
    [
        ({"resize": 256, "crop": 224, "pad": None}, "256 px, centre 224 px"),
        ({"resize": [240, 1920], "crop": None}, "240 x 1920 px, whole"),
        ({"resize": {"short_side": 256}, "crop": [200, 300]}, "short side 256, centre 200 x 300 px"),
        ({"resize": None, "crop": None, "pad": 512}, "original size, whole, pad 512 px"),
    ],
)
def test_every_form_of_the_preprocessing_has_a_text(random, preprocessing, text):
    record = made_records.made("spade", "bottle", 3, random)
    moved = made_records.of_cell(record, settings={"pipeline": {"preprocessing": preprocessing}})
    assert protocol(moved).resolution == text


def test_arguments_of_the_data_belong_to_the_protocol_but_not_where_it_is(random):
    record = made_records.made("spade", "bottle", 3, random)
    arguments = {"root": "elsewhere", "category": "cable", "seed": 5, "rotation": 10}
    data = {"class_path": "mvtec", "init_args": arguments}
    moved = made_records.of_cell(record, settings=record.cell.settings | {"data": data})
    assert protocol(moved).data == "mvtec (rotation=10)"


def test_settings_without_preprocessing_are_told_apart(random):
    record = made_records.of_cell(made_records.made("spade", "bottle", 3, random), settings={})
    assert protocol(record) == Protocol("products", "resolution unknown")


@pytest.mark.parametrize("change", [{"crop": 200}, {"kind": "rd_mvtec"}])
@pytest.mark.parametrize("write_document", [as_page, as_markdown, as_latex])
def test_a_table_of_two_protocols_is_flagged(study_of, random, change, write_document):
    first = made_records.made("padim-rd100", "bottle", 0, random)
    second = made_records.made("spade", "bottle", 0, random, **change)
    second = replace(second, key="second")
    assert FLAG in write_document(study_of([first, second]))


@pytest.mark.parametrize("write_document", [as_page, as_markdown, as_latex])
def test_one_protocol_is_not_flagged(fixed_study, write_document):
    assert FLAG not in write_document(fixed_study)


def test_one_method_under_two_protocols_has_two_rows(study_of, random):
    records = [made_records.made("spade", "bottle", 0, random, crop=crop) for crop in (200, 224)]
    rows = [line for line in as_markdown(study_of(records)).splitlines() if line.startswith("| spade")]
    assert sorted(row.split("|")[2].strip() for row in rows[:2]) == ["A", "B"]


def test_alike_records_are_not_reported(study_of, random):
    record = made_records.made("spade", "bottle", 0, random)
    other = made_records.made("padim-rd100", "bottle", 0, random)
    assert warnings(study_of([record, other]).entries) == []


def test_settings_of_held_out_categories_are_alike(study_of, random):
    records = []
    for part, category in (("report", "bottle"), ("report", "cable"), ("search", "tile")):
        record = made_records.made("spade", category, 0, random)
        held = {"data": record.cell.settings["data"], "part": part}
        data = {"class_path": "held_out", "init_args": held}
        records.append(made_records.of_cell(record, settings=record.cell.settings | {"data": data}))
    one, two, other = map(shared_settings, records)
    assert one == two != other and one["data"]["init_args"]["data"]["init_args"] == {"root": "data"}


def test_records_of_other_files_other_metrics_and_twins_are_reported(study_of, random):
    record = made_records.made("spade", "bottle", 0, random)
    metrics = [{"class_path": "pro", "init_args": {"max_fpr": 0.1}}]
    other = replace(
        made_records.of_cell(record, settings=record.cell.settings | {"metrics": metrics}),
        key="other",
        facts=replace(record.facts, fingerprint="other"),
    )
    assert warnings(study_of([record, other]).entries) == [
        "Cells of products / bottle saw different files: their fingerprints differ.",
        'The metric "pro" was computed in 2 ways: max_fpr=0.1 | max_fpr=0.3.',
        "2 records of spade on products / bottle with seed 0 count, by their mean; their settings or "
        "files differ. Methods that differ need different names.",
    ]


@pytest.mark.parametrize("metrics", [3, True, "pro", {"pro": 1}, [None], None])
def test_settings_that_list_no_metrics_are_no_hindrance(study_of, random, metrics):
    record = made_records.made("spade", "bottle", 0, random)
    record = made_records.of_cell(record, settings=record.cell.settings | {"metrics": metrics})
    assert warnings(study_of([record]).entries) == []


@pytest.mark.parametrize(("keep", "count"), [(20, 0), (30, 1)])
def test_seeds_with_other_settings_are_reported(study_of, random, keep, count):
    def seeded(seed, keep):
        record = made_records.made("spade", "bottle", seed, random)
        reducer = {"class_path": "random_channels", "init_args": {"keep": keep, "seed": seed}}
        pipeline = record.cell.settings["pipeline"] | {"reducer": reducer}
        return made_records.of_cell(record, settings=record.cell.settings | {"pipeline": pipeline})

    told = "The seeds of spade on products / bottle have pipelines that differ in more than the seed."
    assert warnings(study_of([seeded(0, 20), seeded(1, keep)]).entries) == [told] * count


def test_the_best_is_marked_within_a_protocol(study_of, random):
    records = []
    for method, crop, pro in (
        *(("spade", 224, 0.9), ("layer-sum", 224, 0.8), ("padim-rd100", 200, 0.7), ("spade", 200, 0.6)),
        ("layer-sum", 192, 0.5),  # alone in its protocol, and better than no other
    ):
        record = made_records.made(method, "bottle", 0, random, crop=crop)
        records.append(replace(record, metrics={"pro": pro}))
    rows = [line for line in as_markdown(study_of(records)).splitlines() if line.startswith("| ")][1:]
    assert [row.split("|")[1].strip() for row in rows if "**" in row] == ["spade", "padim-rd100"]


def test_anomalous_images_without_a_visible_defect_are_counted_and_said(study_of, random):
    records = [made_records.made("spade", "grid", seed, random) for seed in (0, 1)]
    hidden = [replace(record, invisible=3) for record in records]
    assert warnings(study_of(hidden).entries) == [
        "3 of 25 anomalous images of products / grid have no anomalous pixel where the model looks: "
        "for metrics of pixels they are normal."
    ]
    assert warnings(study_of(records, name="seen").entries) == []


def test_training_images_that_a_suite_sets_are_part_of_the_protocol(study_of, random):
    few, all_of_them = (
        made_records.made("spade", "grid", 0, random),
        made_records.made("spade", "grid", 1, random),
    )
    few = made_records.of_cell(few, train_images=90)
    assert protocol(few) == replace(protocol(all_of_them), learnt="90 training images")
    assert str(protocol(few)).startswith("mvtec, 90 training images, 256 px")
    study = study_of([few, all_of_them])
    assert FLAG in as_markdown(study)
    assert "90 of 200 training images" in as_page(study)
    varied = made_records.of_cell(few, varied={"train_images": 90.0})
    assert protocol(varied).learnt == ""


def test_values_that_go_without_saying_make_no_other_protocol(random):
    record = made_records.made("spade", "tile", 0, random)
    told = []
    for usual in ({}, {"bits": "auto", "interpolation": "bicubic", "most_pixels": 10**8}, {"bits": 12}):
        sides = {"resize": 256, "crop": 224} | usual
        told.append(protocol(made_records.of_cell(record, settings={"pipeline": {"preprocessing": sides}})))
    assert told[0] == told[1] != told[2] and told[2].resolution == "256 px, centre 224 px, bits 12"


def test_a_metric_without_a_value_in_any_cell_is_named_with_the_reason(study_of, random):
    record = made_records.made("spade", "bottle", 0, random)
    told = replace(record, undefined={"nan": "The metric gave nan."})
    assert warnings(study_of([told]).entries) == [
        'No cell of products has a value of "nan", such as: The metric gave nan.'
    ]
    valued = replace(made_records.made("spade", "cable", 0, random), metrics={"nan": 0.5})
    assert warnings(study_of([told, valued], name="valued").entries) == []
    elsewhere = made_records.of_cell(replace(valued, key="elsewhere"), dataset="others")
    assert len(warnings(study_of([told, elsewhere], name="elsewhere").entries)) == 1


def test_protocols_of_other_training_images_warn_of_all_metrics():
    (said,) = mixture(
        ["20 training images", "90 training images"], {"20 training images": "A", "90 training images": "B"}
    )
    assert "no metric is between numbers of training images" in said


def test_costs_are_not_comparable_for_a_reason_of_their_own(study_of, random):
    sizes = (("spade", 224), ("padim-rd100", 128))
    records = [made_records.made(method, "bottle", 0, random, crop=crop) for method, crop in sizes]
    costs = list(tradeoffs.tables(study_of(records)))
    assert [table.caption for table in costs] == ["times, products", "memory and bytes, products"]
    for (note,) in (table.notes for table in costs):
        assert "costs are not comparable between resolutions" in note and "pixel metrics" not in note


def test_multiples_of_costs_are_of_the_least_in_a_protocol(study_of, random):
    seconds = (("spade", 224, 1.0), ("layer-sum", 224, 4.0), ("padim-rd100", 128, 2.0), ("other", 128, 3.0))
    records = [
        replace(
            made_records.made(method, "bottle", 0, random, crop=crop),
            seconds={"fit": Spread(one, one, one, 3)},
        )
        for method, crop, one in seconds
    ]
    (times, _) = tradeoffs.tables(study_of(records))
    assert {row[0].text: row[2].text for row in times.rows} == {
        "spade": "1.00 s",
        "layer-sum": "4.00 s (4.00 times)",
        "padim-rd100": "2.00 s",
        "other": "3.00 s (1.50 times)",
    }


def test_markdown_says_what_plus_and_minus_are_where_they_stand_and_nowhere_else(study_of, random):
    several = [
        made_records.made("spade", category, seed, random)
        for category in ("bottle", "grid")
        for seed in range(3)
    ]
    assert as_markdown(study_of(several)).count("Mean ± sample standard deviation over n = 3 seeds.") == 1
    assert "±" not in as_markdown(study_of(several[::3], name="single"))
