from dataclasses import replace

import made_records
import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from padimkit.cli.main import main
from padimkit.report.growth import growth_lines
from padimkit.report.notation import Notation
from padimkit.report.quality_curves import quality_curves, quality_plot, quality_table
from padimkit.report.sections import growth
from padimkit.report.tables import DASH

VALUES = {  # by method and size, one for each seed
    ("padim", 10): (0.7, 0.8, 0.9),
    ("padim", 20): (0.9, 0.9, 0.93),
    ("padim", 40): (0.95,),
    ("spade", 10): (0.85,),
    ("spade", 20): (0.9,),
}


@pytest.fixture
def records(random):
    def of(method, size, seed, value):
        made = made_records.made(method, "bottle", seed, random)
        made = made_records.of_cell(made, varied={"train_images": float(size)})
        metrics = {"image_auroc": value, "worst": 1 - value}
        fields = {"metrics": metrics, "lower_is_better": ("worst",), "seconds": {}, "bytes": {}}
        return replace(made, key=f"{method}-{size}-{seed}", **fields)

    return [
        of(method, size, seed, value)
        for (method, size), values in VALUES.items()
        for seed, value in enumerate(values)
    ]


def other(record, key, *, crop=None, **fields):
    """The same cell once more, at another resolution, or in another suite."""
    if crop is not None:
        pipeline = record.cell.settings["pipeline"] | {"preprocessing": {"resize": 256, "crop": crop}}
        record = made_records.of_cell(record, settings=record.cell.settings | {"pipeline": pipeline})
    return replace(record, key=f"{record.key}-{key}", **fields)


@pytest.fixture
def study(records, study_of):
    return study_of(records)


def curves_of(study):
    (((varied, place), lines),) = growth_lines(study).items()
    return list(quality_curves(study, varied, place, lines))


def test_metrics_stand_at_each_size_as_means_over_seeds(study):
    image, _ = curves_of(study)
    table = quality_table(image, study)
    assert table.caption == "image_auroc with train_images, products / bottle"
    assert table.head == ("method", "train_images = 10", "train_images = 20", "train_images = 40")
    rows = {name.text: found for name, *found in table.rows}
    deviation = np.std(VALUES["padim", 20], ddof=1)
    assert [one.text for one in rows["padim"]] == ["0.8000 ± 0.1000", f"0.9100 ± {deviation:.4f}", "0.9500"]
    assert [one.text for one in rows["spade"]] == ["0.8500", "0.9000", DASH]
    assert table.legend == ("±: sample standard deviation over n = 3 seeds, without ± a single value.",)
    assert rows["padim"][0].target == "record-padim-10-0"


def test_the_best_of_each_size_is_marked_where_there_are_several(study):
    for curves, best in zip(curves_of(study), (["spade", "padim", ""], ["spade", "padim", ""]), strict=True):
        table = quality_table(curves, study)
        marked = [[row[0].text for row in table.rows if row[column].best] for column in (1, 2, 3)]
        assert ["".join(names) for names in marked] == best
    assert table.caption.endswith("; lower is better")


def test_methods_may_be_columns_in_percent(records, study_of):
    study = study_of(records, "percent")
    study = replace(study, notation=Notation(percent=True, digits=1, methods="columns"))
    table = quality_table(curves_of(study)[0], study)
    assert table.head == ("method", "padim", "spade")
    texts = [[one.text for one in row] for row in table.rows]
    assert texts[0] == ["train_images = 10", "80.0 ± 10.0", "85.0"]
    assert table.caption.endswith(", in %")


def test_a_plot_needs_two_sizes(records, study_of):
    few = study_of([one for one in records if one.cell.varied["train_images"] == 10], "few")
    assert quality_plot(curves_of(few)[0], "plot", few) is None
    found = growth.build(few)
    assert found["growths"] == [] and len(found["tables"]) == 2


@pytest.mark.parametrize("document", ["html", "markdown", "latex"])
def test_documents_have_metrics_of_what_was_varied(records, write, tmp_path, document):
    output = tmp_path / "report"
    assert main(["report", str(write(records)), f"--output={output}", f"--format={document}"]) == 0
    text = output.read_text().replace("\\", "").replace("$", "")
    assert "train_images = 20" in text and "0.8000 ± 0.1000" in text.replace("pm ", "± ")
    assert (text.count("<svg") >= 2) == (document == "html")


def test_protocols_are_apart_and_never_averaged(records, study_of):
    small = [other(one, "128", crop=128, metrics={"image_auroc": 0.5}) for one in records]
    study = study_of([*records, *small], "protocols")
    table = quality_table(curves_of(study)[0], study)
    values = {row[0].text: [one.text for one in row[1:]] for row in table.rows}
    letters = {protocol.resolution: letter for protocol, letter in study.letters.items()}
    large, little = (letters[f"256 px, centre {crop} px"] for crop in (224, 128))
    assert values[f"padim (protocol {large})"][0] == "0.8000 ± 0.1000"
    assert values[f"spade (protocol {little})"] == ["0.5000", "0.5000", DASH]
    assert "2 protocols are shown together" in table.notes[0]
    best = {row[0].text for row in table.rows if row[1].best}
    assert {f"spade (protocol {large})"} <= best and f"padim (protocol {large})" not in best


def test_several_records_of_one_seed_are_no_seeds(records, study_of):
    twice = [other(one, "again", metrics={"image_auroc": 0.5}) for one in records if one.cell.seed == 0]
    study = study_of([*(one for one in records if one.cell.seed == 0), *twice], "twice")
    table = quality_table(curves_of(study)[0], study)
    assert [one.text for one in table.rows[0][1:]] == ["0.6000", "0.7000", "0.7250"]
    assert table.legend == ()


def test_a_value_that_is_undefined_says_so(records, study_of):
    gone = [replace(one, metrics={}, undefined={"image_auroc": "No."}) for one in records[-1:]]
    study = study_of([*records[:-1], *gone], "undefined")
    table = quality_table(curves_of(study)[0], study)
    (spade,) = (row for row in table.rows if row[0].text == "spade")
    assert [one.text for one in spade[1:]] == ["0.8500", "undefined", DASH]


@pytest.mark.parametrize(("percent", "least"), [(False, 10.0), (True, 0.0)])
def test_a_plot_shows_means_deviations_and_all_sizes(records, study_of, monkeypatch, percent, least):
    moved = [
        made_records.of_cell(one, varied={"train_images": one.cell.varied["train_images"] + least - 10})
        for one in records
    ]
    study = replace(study_of(moved, f"plot{percent}"), notation=Notation(percent=percent))
    drawn = Figure().subplots()

    def draw(paint, **options):
        paint(drawn)
        return Markup()

    monkeypatch.setattr("padimkit.report.quality_curves.draw", draw)
    plot = quality_plot(curves_of(study)[0], "plot", study)
    assert plot.caption == "image_auroc with train_images. Bars: standard deviation over seeds."
    lines = {line.get_gid(): line for line in drawn.lines if line.get_gid()}
    assert lines["line0"].get_xdata().tolist() == [least, least + 10, least + 30]
    assert lines["line0"].get_ydata() == pytest.approx(
        [np.mean(VALUES["padim", size]) for size in (10, 20, 40)]
    )
    (bars, *_), deviation = drawn.containers[0].lines[2], np.std(VALUES["padim", 10], ddof=1)
    assert bars.get_segments()[0][:, 1] == pytest.approx([0.8 - deviation, 0.8 + deviation])
    assert drawn.get_xscale() == ("linear" if least == 0 else "log")
    assert isinstance(drawn.yaxis.get_major_formatter(), PercentFormatter) == percent


def test_a_varied_resolution_under_two_protocols_gives_a_line_for_each(records, study_of):
    sizes = [one for one in records if one.cell.seed == 0]

    def at(record, key, **sides):
        record = other(record, key, crop=int(20 * record.cell.varied["train_images"]))
        preprocessing = record.cell.settings["pipeline"]["preprocessing"] | sides
        pipeline = record.cell.settings["pipeline"] | {"preprocessing": preprocessing}
        settings = record.cell.settings | {"pipeline": pipeline}
        varied = {"resolution": record.cell.varied["train_images"]}
        return made_records.of_cell(record, settings=settings, varied=varied)

    alone = [at(one, "own") for one in sizes]
    ((padim, spade),) = growth_lines(study_of(alone, "alone")).values()
    assert (padim.name, len(padim.entries), spade.name) == ("padim", 3, "spade")
    both = [*alone, *(at(one, "bilinear", interpolation="bilinear") for one in sizes)]
    (lines,) = growth_lines(study_of(both, "both")).values()
    assert sorted(len(line.entries) for line in lines) == [2, 2, 3, 3]
    assert all("protocols " in line.name for line in lines)


def test_numbers_of_training_images_are_protocols_where_something_else_is_varied(records, study_of):
    made = [
        made_records.of_cell(
            other(one, count), varied={"density.eps": one.cell.varied["train_images"]}, train_images=count
        )
        for one in records
        if one.cell.seed == 0
        for count in (6, 20)
    ]
    (lines,) = growth_lines(study_of(made, "eps")).values()
    assert len(lines) == 4 and all("protocol " in line.name for line in lines)
