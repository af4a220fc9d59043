from dataclasses import replace

import made_records
import numpy as np
import pytest

from padimkit.benchmark.times import Spread
from padimkit.cli.main import main
from padimkit.report.growth import growth_lines
from padimkit.report.sections import growth
from padimkit.report.tables import DASH


@pytest.fixture
def random():
    """The same in each run: the noise of a line decides what is said of it."""
    return np.random.default_rng(0)


@pytest.fixture
def cells(random):
    """Records of cells along which "images" is varied, with measured and predicted seconds of a fit."""

    def cells(sizes, measured, predicted=None, *, form="", noise=0.0, repeats=3):
        for size in sizes:
            made = made_records.made("PaDiM", "bottle", 0, random)
            made = made_records.of_cell(made, varied={"images": float(size)})
            seconds = tuple(measured(size) * random.lognormal(0, noise) for _ in range(repeats))
            middle = float(np.median(seconds))
            yield replace(
                made,
                key=f"cell-{form.replace(' ', '')}-{size}",
                metrics={},
                seconds={"fit": Spread(middle, middle, middle, repeats)},
                repeats={"fit": seconds},
                predicted={} if predicted is None else {"fit": predicted(size)},
                form=form,
                bytes={},
            )

    return cells


def row_of(study):
    (table,) = growth.tables(study)
    (row,) = table.rows
    return dict(zip(table.head, [datum.text for datum in row], strict=True))


@pytest.mark.parametrize(
    ("power", "noise", "verdict"),
    [
        (1.0, 0.01, "as predicted"),
        (1.04, 0.0, "as predicted"),  # so near that what formulas leave out explains it
        (2.0, 0.01, "above"),
        (0.5, 0.01, "below"),
        (1.0, 0.8, "cannot tell"),
    ],
)
@pytest.mark.parametrize("document", ["html", "markdown", "latex"])
def test_documents_say_where_measurement_and_prediction_part(
    cells, write, tmp_path, without_plots, power, noise, verdict, document
):
    made = cells(
        (10, 20, 40, 80, 160), lambda size: 2e-3 * size**power, lambda size: 1e-3 * size, noise=noise
    )
    output = tmp_path / "report"
    assert main(["report", str(write(list(made))), f"--output={output}", f"--format={document}"]) == 0
    text = output.read_text()
    words = ("as predicted", "above", "below", "cannot tell")
    assert {word for word in words if f"{word} " in text.replace("<", " ")} == {verdict}


def test_an_exponent_stands_beside_that_of_the_prediction_with_their_ratio(cells, study_of):
    study = study_of(list(cells((10, 20, 40), lambda size: 3e-3 * size**2, lambda size: 1e-3 * size**2)))
    assert row_of(study) == {
        "cost": "time of the fit",
        "method": "PaDiM",
        "sizes": "10 to 40",
        "exponent (95 %)": "2.00 (2.00 to 2.00)",
        "predicted": "2.00",
        "verdict": "as predicted",
        "measured / predicted": "3.00",
    }


def test_without_a_prediction_only_what_was_measured_is_said(cells, study_of):
    found = row_of(study_of(list(cells((10, 20, 40), lambda size: 3e-3 * size))))
    assert (found["predicted"], found["verdict"], found["measured / predicted"]) == (DASH, DASH, DASH)
    assert found["exponent (95 %)"] == "1.00 (1.00 to 1.00)"


def test_a_prediction_of_several_terms_is_met_where_no_power_fits(cells, study_of):
    """A count of bytes that is exactly as predicted leaves nothing that cannot be told."""

    def bytes_at(size):
        return 1.0 + size**3 / 4e3

    row = row_of(study_of(list(cells((5, 10, 20, 40), bytes_at, bytes_at))))
    lower, upper = row["exponent (95 %)"].partition(" (")[2].rstrip(")").split(" to ")
    assert float(upper) - float(lower) > 0.5
    assert (row["verdict"], row["measured / predicted"]) == ("as predicted", "1.00")


def test_another_form_begins_another_row(cells, study_of):
    """One line across the change of form would have an exponent that holds on neither side of it."""
    few = cells((10, 20, 40), lambda size: 1e-5 * size**2, form="samples")
    many = cells((80, 160, 320), lambda size: 2e-2, form="moments")
    study = study_of([*few, *many])
    (table,) = growth.tables(study)
    assert [[datum.text for datum in row[1:4]] for row in table.rows] == [
        ["PaDiM: samples", "10 to 40", "2.00 (2.00 to 2.00)"],
        ["PaDiM: moments", "80 to 320", "0.00 (0.00 to 0.00)"],
    ]
    ((line,),) = growth_lines(study).values()
    assert [piece.form for piece in line.pieces] == ["samples", "moments"]


def test_what_formulas_have_nothing_for_has_no_row(cells, study_of):
    study = study_of(list(cells((10, 20, 40), lambda size: 1e-6, lambda size: 0.0)))
    assert list(growth.tables(study)) == []


def test_a_table_has_each_size_with_its_prediction_and_its_local_exponent(cells, study_of, without_plots):
    made = list(cells((10, 20, 40), lambda size: 1e-4 * size * max(size, 20), lambda size: 5e-4 * size))
    (found,) = growth.growths(study_of(made))
    (plot,) = found.plots
    assert [[datum.text for datum in row[1:]] for row in plot.table.rows] == [
        ["10", DASH, "20.0 ms", "5.00 ms", "4.00", DASH],
        ["20", DASH, "40.0 ms", "10.0 ms", "4.00", "1.00"],
        ["40", DASH, "160 ms", "20.0 ms", "8.00", "2.00"],
    ]
    assert plot.table.rows[0][3].note == "median of 3"
    assert "Thin lines are predictions." in plot.caption


def test_each_measurement_is_judged_by_the_prediction_of_its_own_record(cells, study_of):
    """Rates differ between runs: a slow machine is no slow method."""
    quick = list(cells((10, 20, 40), lambda size: 1e-3 * size, lambda size: 1e-3 * size))
    slow = [
        replace(one, key=f"{one.key}-slow", predicted={"fit": 3 * one.predicted["fit"]})
        for one in cells((40, 80), lambda size: 3e-3 * size, lambda size: 1e-3 * size)
    ]
    slow = [made_records.of_cell(one, seed=1) for one in slow]
    row = row_of(study_of([*quick, *slow]))
    assert (row["verdict"], row["measured / predicted"]) == ("as predicted", "1.00")


@pytest.mark.parametrize(("sizes", "said"), [((10, 20, 40), False), ((0, 20, 40), True)])
def test_a_plot_says_that_it_leaves_out_a_size_of_0(cells, study_of, without_plots, sizes, said):
    (found,) = growth.growths(study_of(list(cells(sizes, lambda size: 1e-3 * (size + 1)))))
    assert all(("Without sizes of 0" in plot.caption) == said for plot in found.plots)
