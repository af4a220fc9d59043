from dataclasses import replace

import made_records
import numpy as np
import pytest

from padimkit.report import formatting
from padimkit.report.extrapolation import crossing_table, crossings, far_table
from padimkit.report.growth import growth_lines
from padimkit.report.power_law import PowerLaw

COST = formatting.HELD
SIZES = (10, 20, 40, 80)


@pytest.fixture
def lines(random, study_of):
    """The lines of methods whose bytes are functions of the number of images."""

    def lines(noise=0.0, varied="images", **methods):
        records = []
        for method, held in methods.items():
            for size in SIZES:
                made = made_records.made(method, "bottle", 0, random)
                made = made_records.of_cell(made, varied={varied: float(size)})
                found = round(held(size) * random.lognormal(0, noise))
                records.append(replace(made, key=f"{method}-{size}", seconds={}, bytes={"held": found}))
        (found,) = growth_lines(study_of(records)).values()
        return found

    return lines


def test_one_method_costs_more_than_another_from_where_their_lines_cross(lines):
    found = lines(spade=lambda size: 1000 * size, padim=lambda size: 50_000)
    (crossing,) = crossings(found, "images", COST)
    assert (crossing.more, crossing.less) == ("spade", "padim")
    assert [crossing.size, crossing.lower, crossing.upper] == pytest.approx([50] * 3, rel=0.01)
    table = crossing_table(found, "images", [COST], "here")
    assert [datum.text for datum in table.rows[0]][1:4] == ["spade", "padim", "51"]


@pytest.mark.parametrize(("varied", "size"), [("images", "31"), ("channels", "30.3")])
def test_crossings_are_at_whole_images_and_at_any_other_size(lines, varied, size):
    found = lines(spade=lambda size: 1000 * size, padim=lambda size: 30_300, varied=varied)
    (row,) = crossing_table(found, varied, [COST], "here").rows
    assert [datum.text for datum in row][3:] == [size, f"{size} and {size}"]


def test_a_crossing_may_lie_beyond_what_was_measured_and_says_how_sure_it_is(lines):
    found = lines(0.05, spade=lambda size: 1000 * size, padim=lambda size: 3e7)
    (crossing,) = crossings(found, "images", COST)
    assert crossing.lower < crossing.size < crossing.upper and 3e3 < crossing.size < 3e5


def test_lines_may_cross_where_another_form_has_just_begun(lines):
    """Between the last size of one form and the first of the next, at 10 and 20 here, nobody has measured."""
    found = lines(spade=lambda size: 1000 * size, padim=lambda size: 2000 * size if size < 20 else 15_000)
    spade, padim = found if found[0].method == "spade" else found[::-1]
    entries = [
        replace(entry, record=replace(entry.record, form=form, far_forms={"images": "moments"}))
        for entry, form in zip(padim.entries, ("samples", *["moments"] * 3), strict=True)
    ]
    (crossing,) = crossings([spade, replace(padim, entries=tuple(entries))], "images", COST)
    assert crossing.more == "spade" and crossing.size == pytest.approx(15, rel=0.01)


@pytest.mark.parametrize("padim", [lambda size: 1000, lambda size: 1e15, lambda size: 2000 * size])
def test_lines_that_do_not_cross_or_grow_alike_have_no_crossing(lines, padim):
    found = lines(spade=lambda size: 1000 * size, padim=padim)
    assert list(crossings(found, "images", COST)) == []
    assert crossing_table(found, "images", [COST], "here") is None


def test_a_power_is_continued_with_limits(lines):
    table = far_table(lines(spade=lambda size: 1500 * size), "images", [COST], "here")
    assert table.head[2:] == ("images = 10,000", "images = 1,000,000", "images = 1,000,000,000")
    expected = [f"{size} ({size} to {size})" for size in ("15.0 MB", "1.50 GB", "1.50 TB")]
    assert [datum.text for datum in table.rows[0][2:]] == expected


@pytest.mark.parametrize(("far", "continued"), [("moments", False), ("samples", True), ("", False)])
def test_a_form_that_ends_beyond_what_was_measured_is_not_continued(lines, far, continued):
    """PaDiM keeps samples while there are fewer images than channels, and takes no more from there on."""
    costs = {"padim": lambda size: 1500 * size, "other": lambda size: 40_000, "dear": lambda size: 400_000}
    found = {line.method: line for line in lines(**costs)}
    known = {"images": far} if far else {}  # records of earlier versions do not tell
    entries = [
        replace(entry, record=replace(entry.record, form="samples", far_forms=known))
        for entry in found["padim"].entries
    ]
    found["padim"] = replace(found["padim"], entries=tuple(entries))
    table = far_table(list(found.values()), "images", [COST], "here")
    assert ("padim" in {row[1].text for row in table.rows}) == continued and len(table.rows) == 2 + continued
    crossed = {one.less: one.size for one in crossings(list(found.values()), "images", COST)}
    assert crossed.pop("other") == pytest.approx(40_000 / 1500, rel=0.01)  # within what was measured
    assert crossed == ({"dear": pytest.approx(400_000 / 1500, rel=0.01)} if continued else {})


@pytest.mark.parametrize(("far", "continued"), [(4e4, True), (1e9, False), (None, True)])
def test_a_cost_that_grows_beyond_what_was_measured_is_not_continued_as_constant(lines, far, continued):
    """SPADE compares images too, which takes no time while there are few."""
    (line,) = lines(spade=lambda size: 40_000)
    known = {} if far is None else {"images": {"held": far}}  # records of earlier versions do not tell
    entries = [
        replace(entry, record=replace(entry.record, predicted={"held": 4e4}, far_predicted=known))
        for entry in line.entries
    ]
    table = far_table([replace(line, entries=tuple(entries))], "images", [COST], "here")
    assert (table is not None) == continued


@pytest.mark.parametrize(
    ("at", "shown"), [(22.0, "23"), (30.97, "31"), (46.96, "47"), (100.4, "101"), (1234.5, "1,240")]
)
def test_a_crossing_is_the_next_whole_image_after_the_point_where_lines_meet(lines, at, shown):
    found = lines(spade=lambda size: 1e9 * size, padim=lambda size: 1e9 * at)
    table = crossing_table(found, "images", [COST], "here")
    assert table.rows[0][3].text == shown


def test_lines_cross_within_what_was_measured_though_one_bends_beyond(lines):
    found = lines(padim=lambda size: 1000 * size, other=lambda size: 30_000)
    moved = [
        replace(
            line,
            entries=tuple(
                replace(
                    entry,
                    record=replace(
                        entry.record,
                        predicted={"held": float(entry.record.bytes["held"])},
                        far_predicted={"images": {"held": 4e4}},
                    ),
                )
                for entry in line.entries
            ),
        )
        for line in found
    ]
    (crossing,) = crossings(moved, "images", COST)
    assert crossing.more == "padim" and crossing.size == pytest.approx(30, rel=0.01)
    assert {row[1].text for row in far_table(found, "images", [COST], "here").rows} == {"padim", "other"}
    assert [row[1].text for row in far_table(moved, "images", [COST], "here").rows] == ["other"]


def test_what_is_no_sure_power_is_not_continued(lines):
    noisy = lines(spade=lambda size: 1e6 * size * (3 if size in SIZES[::2] else 1 / 3))
    assert far_table(noisy, "images", [COST], "here") is None


def test_channels_are_not_continued_to_a_billion(lines):
    found = lines(varied="channels", spade=lambda size: 1000 * size)
    assert far_table(found, "channels", [COST], "here") is None


def test_what_grows_otherwise_than_predicted_is_not_continued(lines):
    """A sum of two terms grows as the larger one beyond, whatever its exponent where it was measured."""
    sums = lines(spade=lambda size: 40_000 + 1000 * size)
    predicted = [
        replace(line, entries=tuple(_predicted(entry, lambda size: 1000.0 * size) for entry in line.entries))
        for line in sums
    ]
    assert far_table(predicted, "images", [COST], "here") is None


def test_what_is_predicted_as_a_sum_is_not_continued_though_it_grows_as_predicted(lines):
    """Where it was measured its exponent is 0.4; beyond it is 1."""
    sums = lines(spade=lambda size: 40_000 + 1000 * size)
    predicted = [
        replace(
            line,
            entries=tuple(_predicted(entry, lambda size: 40_000 + 1000 * size) for entry in line.entries),
        )
        for line in sums
    ]
    assert far_table(predicted, "images", [COST], "here") is None


def _predicted(entry, held):
    size = entry.record.cell.varied["images"]
    return replace(entry, record=replace(entry.record, predicted={"held": held(size)}))


def test_limits_hold_where_lines_are_continued(random):
    held = 0
    for _ in range(200):
        points = [(float(size), 3.0 * size * random.lognormal(0, 0.1)) for size in (10, 20, 40, 80, 160)]
        found = PowerLaw.of(points).at(1e6)
        held += found.lower <= 3e6 <= found.upper
    assert 0.9 <= held / 200 <= 1.0
    assert np.isfinite(found.upper)
