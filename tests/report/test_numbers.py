"""The numbers of a report beside plain computations."""

from dataclasses import replace

import made_records
import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from padimkit.benchmark.record import Curve, ImageScores, packed, unpacked
from padimkit.report import formatting, links
from padimkit.report.formats.page import as_page
from padimkit.report.influence import auroc_influence
from padimkit.report.plots.ranks import cliques
from padimkit.report.scoreboards import scoreboards
from padimkit.report.sections.comparison import comparisons
from padimkit.report.sections.curves import category_curves, height
from padimkit.report.sections.growth import growths
from padimkit.report.sections.growth import tables as growth_tables
from padimkit.report.sections.tradeoffs import front, tradeoffs
from padimkit.report.statistics import Ranking
from padimkit.report.tables import DASH

pytestmark = pytest.mark.usefixtures("without_plots")


def test_mean_and_spread_are_those_over_seeds(records, study):
    for board in scoreboards(study):
        for row in board.rows:
            for category in board.categories:
                values = [
                    record.metrics[board.metric]
                    for record in records
                    if (record.cell.method, record.cell.category) == (row.method, category)
                    and board.metric in record.metrics
                ]
                found = board.spread(row, category)
                assert found.mean == pytest.approx(np.mean(values))
                assert found.deviation == pytest.approx(np.std(values, ddof=1))
                assert found.count == len(values)


def test_a_mean_over_categories_needs_all_of_them(study_of, records):
    kept = [record for record in records if (record.cell.method, record.cell.category) != ("spade", "grid")]
    table = comparisons(study_of(kept))[0].table
    assert table.head[2] == "mean"
    means = {row[0].text: row[2] for row in table.rows}
    assert means["spade"].value is None
    expected = np.mean(
        [
            np.mean(
                [record.metrics["image_auroc"] for record in kept if _is(record, "padim-rd100", category)]
            )
            for category in made_records.CATEGORIES
        ]
    )
    assert means["padim-rd100"].value == pytest.approx(expected)
    assert table.rows[-1][0].text == "spade"


def _is(record, method, category):
    return (record.cell.method, record.cell.category) == (
        method,
        category,
    ) and "image_auroc" in record.metrics


def test_the_best_of_each_column_is_marked(study):
    for comparison in comparisons(study):
        for column in range(2, len(comparison.table.head)):
            data = [row[column] for row in comparison.table.rows]
            assert [item.best for item in data] == [item.value == max(d.value for d in data) for item in data]


def test_a_missing_value_says_why(study_of, random):
    finished = made_records.made("spade", "bottle", 0, random)
    failed = made_records.failed(made_records.made("padim-rd100", "bottle", 0, random))
    missing = made_records.made("layer-sum", "cable", 0, random)
    table = comparisons(study_of([finished, failed, missing]))[0].table
    column = table.head.index("bottle")
    texts = {row[0].text: row[column].text for row in table.rows}
    assert texts["padim-rd100"] == "failed"
    assert texts["layer-sum"] == "missing"


def test_differences_are_from_the_best(study):
    comparison = next(item for item in comparisons(study) if item.board.metric == "pro")
    means = {row[0].text: row[2].value for row in comparison.table.rows}
    best = max(means, key=means.get)
    assert best in comparison.differences.caption
    assert {row[0].text for row in comparison.differences.rows} == means.keys() - {best}
    for row in comparison.differences.rows:
        assert row[2].value == pytest.approx(means[row[0].text] - means[best])
        assert row[5].text == "6"


def test_where_lower_is_better_all_is_as_with_the_opposite_values(records, study, study_of):
    losses = [
        replace(
            record,
            metrics={name: 1 - value for name, value in record.metrics.items()},
            lower_is_better=("image_auroc", "pro"),
        )
        for record in records
    ]
    mirrored = study_of(losses)
    for one, other in zip(comparisons(study), comparisons(mirrored), strict=True):
        assert "lower is better" in other.table.caption and "better" not in one.table.caption
        assert _best(one.table) == _best(other.table)
        assert [row[0] for row in one.table.rows] == [row[0] for row in other.table.rows]
        found = zip(one.differences.rows, other.differences.rows, strict=True)
        assert all(a[2].value == pytest.approx(-b[2].value) for a, b in found)
        assert one.ranks.table == other.ranks.table
    for one, other in zip(tradeoffs(study), tradeoffs(mirrored), strict=True):
        assert [plot.caption for plot in one.plots] == [plot.caption for plot in other.plots]


def _best(table):
    return [[datum.best for datum in row] for row in table.rows]


_CANNOT_TELL = "Without an interval: cannot tell, since nothing shows how much the difference varies."


def with_images(record, random, *, shift=0.0, images=40):
    """The record with scores of test images, of which half are anomalous, and the metric value of these."""
    kinds = np.arange(images) >= images // 2
    scores = random.normal(0, 1, images) + (1.5 + shift) * kinds
    signs = "".join("1" if kind else "0" for kind in kinds)
    names = tuple(f"all/{index}.png" for index in range(images))
    found = ImageScores(names, signs, packed(scores), {"pro": packed(scores - scores.mean())})
    value = float(roc_auc_score(kinds, scores.astype(np.float32)))
    return replace(record, images=found, metrics={"image_auroc": value, "pro": 0.5})


def on_grid(random, seeds, **shifts):
    return [
        with_images(made_records.made(method, "grid", seed, random), random, shift=shift)
        for method, shift in shifts.items()
        for seed in range(seeds)
    ]


def influence_of(records, method):
    """The mean over seeds of the influence of each image on image AUROC."""
    images = [one.images for one in records if one.cell.method == method]
    return np.mean([auroc_influence(unpacked(one.scores), one.kinds) for one in images], axis=0)


def test_seeds_of_a_single_category_are_no_pairs(study_of, random):
    records = on_grid(random, 4, spade=0.3, other=0.0)
    image, _ = comparisons(study_of(records))
    aurocs = {
        method: [one.metrics["image_auroc"] for one in records if one.cell.method == method]
        for method in ("spade", "other")
    }
    best, worse = sorted(aurocs.values(), key=np.mean, reverse=True)
    variance = np.var(best, ddof=1) / 4 + np.var(worse, ddof=1) / 4
    influence = {method: influence_of(records, method) for method in aurocs}
    difference = influence["spade"] - influence["other"]
    variance += 20 * (np.var(difference[:20], ddof=1) + np.var(difference[20:], ddof=1))
    ((_, _, found, interval, p, seeds, _),) = image.differences.rows
    assert found.value == pytest.approx(np.mean(worse) - np.mean(best))
    assert f"standard error {np.sqrt(variance):.4f}" in interval.note
    assert 0 < p.value <= 1 and seeds.text == "4"
    assert "other seeds and other images than these 40" in image.differences.caption
    assert image.differences.notes == ()


def test_a_metric_without_influence_holds_the_images_fixed_and_says_so(study_of, random):
    records = [
        made_records.made(method, "grid", seed, random)
        for method in ("spade", "layer-sum")
        for seed in range(4)
    ]
    differences = comparisons(study_of(records))[0].differences
    assert "on the same test images" in differences.caption
    assert "held fixed: the records do not tell their influence on image_auroc" in differences.notes[0]
    assert " to " in differences.rows[0][3].text


def test_methods_with_a_single_seed_are_named(study_of, random):
    records = on_grid(random, 3, spade=0.5)
    alone = with_images(made_records.made("layer-sum", "grid", 0, random), random)
    notes = comparisons(study_of([*records, alone]))[0].differences.notes
    assert notes == ("A single seed: layer-sum. How much they vary over seeds is in no interval.",)
    alone = comparisons(study_of(on_grid(random, 1, spade=0.5, other=0.0), name="alone"))[0].differences
    assert alone.caption.endswith("; single seeds, intervals are about other images than these 40")
    lonely = made_records.made("layer-sum", "grid", 0, random), made_records.made("spade", "grid", 0, random)
    found = comparisons(study_of(lonely, name="lonely"))[0].differences
    assert found.rows[0][3].text == found.rows[0][4].text == DASH
    assert found.notes[-1] == _CANNOT_TELL


@pytest.mark.parametrize("lacking", [{}, {"spade": 0, "other": 3}])
def test_drawn_training_images_leave_the_test_images_fixed(study_of, random, lacking):
    """Of methods with other seeds, those that both have are compared."""
    records = [
        made_records.of_cell(one, drawn=True)
        for one in on_grid(random, 4, spade=0.3, other=0.0)
        if lacking.get(one.cell.method) != one.cell.seed
    ]
    (image, *_) = comparisons(study_of(records))
    assert image.differences.caption.endswith(
        "; pairs are seeds, which the training images were drawn by, and other images than these 40"
    )
    untold, *_ = comparisons(study_of([replace(one, images=None) for one in records], name="untold"))
    assert untold.differences.caption.endswith("drawn by, on the same test images")
    assert any("The test images are held fixed" in note for note in untold.differences.notes)
    assert image.signed_ranks is None
    assert image.differences.head[-2] == "pairs of seeds" and image.differences.rows[0][-2].text == str(
        4 - len(lacking)
    )
    best = image.differences.caption.partition(" minus that of ")[2].partition(";")[0]
    records = [one for one in records if one.cell.seed not in lacking.values()]
    values = {
        method: [one.metrics["image_auroc"] for one in records if one.cell.method == method]
        for method in ("spade", "other")
    }
    (worse,) = values.keys() - {best}
    influence = {method: influence_of(records, method) for method in values}
    apart, kinds = influence[worse] - influence[best], np.array(records[0].images.kinds)
    variance = np.var(np.subtract(values[worse], values[best]), ddof=1) / (4 - len(lacking))
    variance += sum(len(part) * np.var(part, ddof=1) for part in (apart[kinds], apart[~kinds]))
    note = image.differences.rows[0][3].note
    assert note.startswith(f"alone: standard error {np.sqrt(variance):.4f}, ")


def test_methods_without_a_seed_are_not_said_to_have_a_single_one(study_of, random):
    def without_seed(record):
        return made_records.of_cell(record, seeded=False)

    alone = without_seed(with_images(made_records.made("layer-sum", "grid", 0, random), random))
    (found, *_) = comparisons(study_of([*on_grid(random, 3, spade=0.5), alone]))
    assert found.differences.notes == ()
    (cell,) = (row[-1] for row in found.table.rows if row[0].text == "layer-sum")
    assert cell.note.startswith("no seed")
    both = [without_seed(record) for record in on_grid(random, 1, spade=0.5, other=0.0)]
    alone = comparisons(study_of(both, name="both"))[0].differences
    assert alone.caption.endswith("; no seeds, intervals are about other images than these 40")


def test_a_difference_that_is_the_same_in_all_categories_is_not_certain(study_of, random):
    records = [
        replace(made_records.made(method, category, 0, random), metrics={"pro": value + off})
        for method, off in (("spade", 0.1), ("other", 0.0))
        for category, value in zip(made_records.CATEGORIES[:5], (0.5, 0.6, 0.7, 0.8, 0.9), strict=True)
    ]
    (found,) = comparisons(study_of(records))
    ((_, _, difference, interval, p, pairs, needed),) = found.differences.rows
    assert difference.text == "-0.1000" and pairs.text == "5"
    assert interval.text == p.text == needed.text == DASH
    assert found.differences.notes[-1] == _CANNOT_TELL
    ((_, _, wilcoxon, *beliefs),) = found.signed_ranks.rows
    assert wilcoxon.text == "0.062" and {one.text for one in beliefs} == {DASH}
    assert "cannot tell" in beliefs[0].note


def test_what_images_do_to_an_auroc_of_one_is_not_known(study_of, random):
    records = on_grid(random, 2, spade=100.0)
    (image, _) = comparisons(study_of(records))
    cell = image.table.rows[0][-1]
    assert cell.text == "1.0000 ± 0.0000" and cell.note == "2 seeds"


def test_a_single_anomalous_image_tells_nothing_of_others(study_of, random):
    records = on_grid(random, 2, spade=0.0, other=0.0)
    images = [replace(one.images, anomalous="1" + "0" * 39) for one in records]
    records = [replace(one, images=some) for one, some in zip(records, images, strict=True)]
    (image, _) = comparisons(study_of(records))
    assert "standard error over test images" not in image.table.rows[0][-1].note
    assert image.differences.notes[0].startswith("The test images are held fixed")


def test_seeds_that_draw_the_data_are_pairs(study_of, random):
    records = [
        replace(one, facts=replace(one.facts, fingerprint=f"drawn {one.cell.seed}"))
        for method in ("spade", "layer-sum")
        for one in (made_records.made(method, "grid", seed, random) for seed in range(4))
    ]
    differences = comparisons(study_of(records))[0].differences
    values = [[one.metrics["image_auroc"] for one in some] for some in (records[:4], records[4:])]
    known = scipy.stats.ttest_rel(*values)
    assert "pairs are seeds" in differences.caption and differences.rows[0][5].text == "4"
    assert differences.rows[0][4].value == pytest.approx(known.pvalue)


def test_a_difference_is_that_of_the_pairs_of_its_interval(study_of, random):
    made = [
        made_records.made(method, "grid", seed, random)
        for method, seeds in (("spade", range(4)), ("other", range(2, 6)))
        for seed in seeds
    ]
    records = [
        replace(one, facts=replace(one.facts, fingerprint=f"drawn {one.cell.seed}"), metrics={"pro": value})
        for one, value in zip(made, (0.9, 0.9, 0.6, 0.5, 0.4, 0.2, 0.3, 0.3), strict=True)
    ]
    (found,) = comparisons(study_of(records))
    ((_, _, difference, interval, _, pairs, _),) = found.differences.rows
    low, high = map(float, interval.text.split(" to "))
    assert pairs.text == "2" and difference.text == "-0.2500"
    assert (low + high) / 2 == pytest.approx(difference.value, abs=1e-4)


def test_intervals_hold_for_all_pairs_of_methods_at_once(study):
    comparison = next(item for item in comparisons(study) if item.board.metric == "pro")
    values = {
        row.method: [
            np.mean(list(row.values(name, comparison.board.read).values()))
            for name in comparison.board.scored
        ]
        for row in comparison.board.rows
    }
    best = max(values, key=lambda name: np.mean(values[name]))
    for row in comparison.differences.rows:
        known = scipy.stats.ttest_rel(values[row[0].text], values[best])
        low, high = known.confidence_interval(1 - 0.05 / 6)  # four methods are six pairs
        assert row[3].text == f"{low:+.4f} to {high:+.4f}"
        assert known.pvalue * (1 - 1e-9) <= row[4].value <= 6 * known.pvalue * (1 + 1e-9)  # when rounded


def test_signed_ranks_show_from_five_categories_on(study_of, records, study):
    shown = next(item for item in comparisons(study) if item.board.metric == "pro").signed_ranks
    assert shown.head[2:] == ("Wilcoxon p", "worse", "within half a point", "better")
    for row in shown.rows:
        assert sum(datum.value for datum in row[3:]) == pytest.approx(1)
    kept = [record for record in records if record.cell.category in made_records.CATEGORIES[:4]]
    assert all(item.signed_ranks is None for item in comparisons(study_of(kept)))


def test_a_place_in_a_table_tells_what_its_images_and_seeds_do(study_of, random):
    records = on_grid(random, 2, spade=0.0)
    (image, _) = comparisons(study_of(records))
    values = [one.metrics["image_auroc"] for one in records]
    note = image.table.rows[0][-1].note
    assert note.startswith(f"2 seeds, standard error of the mean {scipy.stats.sem(values):.4f}, ")
    assert "standard error over test images 0." in note
    assert image.table.legend[-1] == "±: sample standard deviation over n = 2 seeds."


@pytest.fixture
def maskless(records):
    """The records of the study, without the pixel metrics of one category."""
    return [
        replace(record, metrics={"image_auroc": record.metrics["image_auroc"]}, undefined={"pro": "No mask."})
        if record.cell.category == "bottle" and "pro" in record.metrics
        else record
        for record in records
    ]


def test_a_category_without_any_value_does_not_hide_the_others(study_of, study, maskless):
    (image, pro), (_, whole) = comparisons(study_of(maskless)), comparisons(study)
    scored = made_records.CATEGORIES[1:]
    column = pro.table.head.index("bottle")
    assert {row[column].text for row in pro.table.rows} == {"undefined"}
    assert pro.table.notes == ("Means leave out bottle: no method has a value there.",)
    assert image.table.notes == whole.table.notes == ()
    for row in whole.board.rows:
        mean = next(data[2].value for data in pro.table.rows if data[0].text == row.method)
        assert mean == pytest.approx(np.mean([whole.board.spread(row, name).mean for name in scored]))
    assert {row[5].text for row in pro.differences.rows} == {"5"}
    assert "over 5 categories" in pro.ranks.caption and "over 6 categories" in image.ranks.caption


def test_quality_and_cost_are_over_the_categories_that_have_values(study_of, maskless):
    study = study_of(maskless)
    assert "Left out of these means, because no method has a value there: bottle." in as_page(study)
    image, pro = tradeoffs(study)
    assert (image.metrics, image.unscored) == (["image_auroc"], [])
    assert (pro.metrics, pro.unscored, pro.left_out) == (["pro"], ["bottle"], [])
    assert len(pro.plots) == len(image.plots) == 2
    kept = [record for record in maskless if record.cell.category != "bottle" and not record.cell.varied]
    (alone,) = tradeoffs(study_of(kept, name="kept"))
    columns = [alone.table.head.index(name) for name in pro.table.head]
    assert [[row[column] for column in columns] for row in alone.table.rows] == [*map(list, pro.table.rows)]


@pytest.mark.parametrize(("categories", "shown"), [(4, False), (5, True)])
def test_ranks_show_from_five_categories_on(study_of, records, categories, shown):
    kept = [record for record in records if record.cell.category in made_records.CATEGORIES[:categories]]
    assert all((item.ranks is not None) == shown for item in comparisons(study_of(kept)))


def test_two_methods_are_not_ranked(study_of, records):
    kept = [record for record in records if record.cell.method in ("spade", "padim-rd100")]
    assert all(item.ranks is None for item in comparisons(study_of(kept)))


def test_mean_ranks_stand_beside_the_diagram(study):
    item = comparisons(study)[0]
    found = {row[0].text: row[1].value for row in item.ranks.table.rows}
    means = [[item.board.spread(row, name).mean for name in item.board.categories] for row in item.board.rows]
    ranks = (np.asarray(means)[:, None] <= np.asarray(means)[None]).sum(axis=1).mean(axis=1)
    assert found == pytest.approx(
        {row.method: rank for row, rank in zip(item.board.rows, ranks, strict=True)}
    )


def test_bars_join_exactly_those_that_do_not_differ_significantly(random):
    for _ in range(50):
        ranks = tuple(sorted(random.uniform(1, 6, 6).tolist()))
        ranking = Ranking(tuple("abcdef"), ranks, 0.0, 0.5, float(random.uniform(0.2, 3)))
        bars = cliques(ranking)
        for low in ranks:
            for high in ranks:
                joined = any(start <= low and high <= end for start, end in bars)
                assert low >= high or joined == (high - low < ranking.critical_difference)
        assert not any(a != b and a[0] <= b[0] and b[1] <= a[1] for a in bars for b in bars)


def test_the_front_is_what_nothing_dominates(random):
    points = [(float(x), float(y)) for x, y in random.integers(0, 6, (40, 2))]
    for (cost, quality), on_front in zip(points, front(points), strict=True):
        better = [(x, y) for x, y in points if (x < cost and y >= quality) or (x <= cost and y > quality)]
        assert on_front == (not better)


def test_costs_are_means_over_seeds_and_then_over_shared_categories(study_of, records):
    kept = [record for record in records if (record.cell.method, record.cell.category) != ("spade", "grid")]
    tradeoff = tradeoffs(study_of(kept))[0]
    assert tradeoff.left_out == ["grid"]
    assert tradeoff.shared == [name for name in made_records.CATEGORIES if name != "grid"]
    column = tradeoff.table.head.index(formatting.ONE.label)
    for row in tradeoff.table.rows:
        medians = [
            np.mean(
                [
                    record.seconds["predict 1"].median
                    for record in kept
                    if (record.cell.method, record.cell.category) == (row[0].text, category)
                    and record.seconds
                    and not record.cell.varied
                ]
            )
            for category in tradeoff.shared
        ]
        assert row[column].value == pytest.approx(np.mean(medians))


def test_quality_is_drawn_against_a_time_and_a_memory_first(study):
    tradeoff = tradeoffs(study)[0]
    captions = [plot.caption.partition(". ")[0] for plot in tradeoff.plots]
    assert captions == [
        f"{metric} against {cost.label}"
        for metric in ("image_auroc", "pro")
        for cost in (formatting.ONE, formatting.PEAK)
    ]
    assert {plot.caption.partition(". ")[0] for plot in tradeoff.others} == {
        f"{metric} against {cost.label}"
        for metric in ("image_auroc", "pro")
        for cost in (formatting.MANY, formatting.FIT, formatting.MODEL, formatting.DISK)
    }
    assert "On the front" not in captions[0]
    assert "padim-rd100" in tradeoff.plots[0].caption


def test_heights_of_a_curve_agree_with_linear_interpolation(random):
    x = np.sort(random.random(30))
    y = np.sort(random.random(30))
    curve = Curve(tuple(x.tolist()), tuple(y.tolist()))
    for rate in random.uniform(x[0], x[-1], 20).tolist():
        assert height(curve, rate) == pytest.approx(np.interp(rate, x, y))
    assert height(curve, 2.0) is None
    assert height(curve, -1.0) is None
    assert height(curve, float(x[-1])) == y[-1]


def test_a_step_counts_with_its_upper_end():
    assert height(Curve((0.0, 0.0, 0.2, 0.2, 1.0), (0.0, 0.5, 0.5, 0.9, 1.0)), 0.2) == 0.9
    assert height(Curve((0.0, 0.0, 1.0), (0.0, 0.5, 1.0)), 0.0) == 0.5


def test_each_category_with_curves_has_its_two_plots(records, study):
    shown = category_curves(study)
    assert [category.place for category in shown] == ["products / bottle", "products / cable"]
    by_key = {links.of_entry(entry): entry.record for entry in study.entries}
    for category in shown:
        assert [plot.caption for plot in category.plots] == [
            "ROC of images, seed 0.",
            "PRO of regions, seed 0.",
        ]
        for plot, name in zip(category.plots, ("roc", "pro"), strict=True):
            for row in plot.table.rows:
                curve = by_key[row[0].target].curves[name]
                assert row[2].value == pytest.approx(np.interp(0.01, curve.x, curve.y))


def test_exponents_are_those_of_what_grows(study):
    table = next(growth_tables(study))
    assert table.caption == "Exponents of growth with training images, products / bottle"
    exponents = {(row[0].text, row[1].text): row[3].value for row in table.rows}
    assert exponents["time of the fit", "spade"] == pytest.approx(1, abs=0.1)
    assert exponents["peak memory of the fit", "padim-rd100"] == pytest.approx(0, abs=0.1)
    assert exponents["model, as stored", "spade"] == pytest.approx(1)
    assert exponents["model, as stored", "padim-rd100"] == pytest.approx(0)


def test_every_number_of_growth_leads_to_its_record(study):
    by_key = {links.of_entry(entry): entry.record for entry in study.entries}
    plot = next(plot for plot in growths(study)[0].plots if plot.table.caption == "Time of the fit")
    for row in plot.table.rows:
        record = by_key[row[1].target]
        assert row[3].target == row[1].target and row[3].value == record.seconds["fit"].median
        assert row[1].value == record.cell.varied["training images"]


def test_two_sizes_have_no_exponent_and_say_so(study_of, random):
    base = made_records.made("spade", "bottle", 0, random)
    study = study_of([made_records.varied(base, images, random) for images in (25, 50)])
    exponent = next(growth_tables(study)).rows[0][3]
    assert exponent.value is None
    assert "3 different sizes" in exponent.note or "At least 3" in exponent.note


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.01234, "s", "12.3 ms"),
        (93.4, "s", "93.4 s"),
        (0.9996, "s", "1000 ms"),
        (4e-6, "s", "4.00 µs"),
        (0.0, "s", "0.00 µs"),
        (1.33e9, "B", "1.33 GB"),
        (125e6, "B", "125 MB"),
        (512.0, "B", "512 B"),
    ],
)
def test_quantities_have_the_unit_that_suits_them(value, unit, text):
    assert formatting.quantity(value, unit) == text


def test_batches_are_those_of_the_highest_number(random):
    record = made_records.made("spade", "bottle", 0, random)
    measured = {"predict 1": 3.0, "predict 4": 2.0, "predict 16": 1.0, "score 32": 0.1}
    seconds = {name: replace(record.seconds["fit"], median=value) for name, value in measured.items()}
    assert formatting.ONE.of(replace(record, seconds=seconds)) == 3.0
    assert formatting.MANY.of(replace(record, seconds=seconds)) == 1.0
    assert formatting.MANY.of(replace(record, seconds={"predict 1": seconds["predict 1"]})) is None


def test_what_a_failed_cell_has_measured_does_not_count(study_of, random):
    finished, failed = (made_records.made("spade", "bottle", seed, random) for seed in (0, 1))
    failed = replace(failed, failure=made_records.failed(failed).failure)
    (board, _) = scoreboards(study_of([finished, failed]))
    assert board.spread(board.rows[0], "bottle").count == 1


def test_no_exponent_is_a_negative_zero():
    assert formatting.exponent(-0.0012) == "0.00"
    assert formatting.exponent(-1.016) == "-1.02"
