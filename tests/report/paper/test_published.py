from statistics import fmean

import pytest

from padimkit.errors import BadArgument
from padimkit.report.paper.published import GROUPS, OBJECTS, TABLES, TEXTURES, published, source, title

# Pixel AUROC/PRO; "-" where nothing is printed.
TABLE_1 = """
place | PaDiM-R18-layer1 | PaDiM-R18-layer2 | PaDiM-R18-layer3 | PaDiM-R18-layer-sum | PaDiM-R18
textures | 93.1/87.1 | 95.0/89.7 | 94.8/89.6 | 95.4/90.7 | 96.3/92.3
objects | 95.6/86.5 | 96.1/87.9 | 97.1/87.7 | 96.3/88.1 | 97.5/90.1
all | 94.8/86.8 | 95.7/88.5 | 95.7/88.3 | 96.0/89.0 | 97.1/90.8
"""

TABLE_2 = """
place | PaDiM-R18-Rd100 | PaDiM-R18-PCA100 | PaDiM-R18-Rd200 | PaDiM-R18-PCA200 | PaDiM-R18
textures | 95.7/91.3 | 93.7/88.9 | 96.1/92.0 | 95.1/91.8 | 96.3/92.3
objects | 97.2/89.4 | 93.5/84.1 | 97.5/89.8 | 96.0/88.1 | 97.5/90.1
all | 96.7/90.5 | 93.5/85.7 | 97.0/90.5 | 95.7/89.3 | 97.1/90.8
"""

TABLE_6 = """
place | VAE-R18 | SPADE-WR50 | PaDiM-WR50-Rd550
textures | 54.7/23.1 | 84.6/75.6 | 92.4/77.9
objects | 65.8/30.2 | 88.2/65.8 | 92.1/70.8
all | 62.1/27.8 | 87.2/69.0 | 92.2/73.1
"""

TABLE_3 = """
place | AE-SSIM | AE-L2 | VAE-R18 | Student | Patch-SVDD | SPADE-WR50 | PaDiM-R18-Rd100 | PaDiM-WR50-Rd550
carpet | 87/64.7 | 59/45.6 | 59.7/61.9 | -/69.5 | 92.6/- | 97.5/94.7 | 98.9/96.0 | 99.1/96.2
grid | 94/84.9 | 90/58.2 | 61.2/40.8 | -/81.9 | 96.2/- | 93.7/86.7 | 94.9/90.9 | 97.3/94.6
leather | 78/56.1 | 75/81.9 | 67.1/64.9 | -/81.9 | 97.4/- | 97.6/97.2 | 99.1/97.9 | 99.2/97.8
tile | 59/17.5 | 51/89.7 | 51.3/24.2 | -/91.2 | 91.4/- | 87.4/75.9 | 91.2/81.6 | 94.1/86.0
wood | 73/60.5 | 73/72.7 | 66.6/57.8 | -/72.5 | 90.8/- | 88.5/87.4 | 93.6/90.3 | 94.9/91.1
textures | 78/56.7 | 70/69.6 | 61.2/49.9 | -/79.4 | 93.7/- | 92.9/88.4 | 95.6/91.3 | 96.9/93.2
bottle | 93/83.4 | 86/91.0 | 83.1/70.5 | -/91.8 | 98.1/- | 98.4/95.5 | 98.1/93.9 | 98.3/94.8
cable | 82/47.8 | 86/82.5 | 83.1/77.9 | -/86.5 | 96.8/- | 97.2/90.9 | 95.8/86.2 | 96.7/88.8
capsule | 94/86.0 | 88/86.2 | 81.7/77.9 | -/91.6 | 95.8/- | 99.0/93.7 | 98.3/91.9 | 98.5/93.5
hazelnut | 97/91.6 | 95/91.7 | 87.7/77.0 | -/93.7 | 97.5/- | 99.1/95.4 | 97.7/91.4 | 98.2/92.6
metal_nut | 89/60.3 | 86/83.0 | 78.7/57.6 | -/89.5 | 98.0/- | 98.1/94.4 | 96.7/81.9 | 97.2/85.6
pill | 91/83.0 | 85/89.3 | 81.3/79.3 | -/93.5 | 95.1/- | 96.5/94.6 | 94.7/90.6 | 95.7/92.7
screw | 96/88.7 | 96/75.4 | 75.3/66.4 | -/92.8 | 95.7/- | 98.9/96.0 | 97.4/91.3 | 98.5/94.4
toothbrush | 92/78.4 | 93/82.2 | 91.9/85.4 | -/86.3 | 98.1/- | 97.9/93.5 | 98.7/92.3 | 98.8/93.1
transistor | 90/72.5 | 86/72.8 | 75.4/61.0 | -/70.1 | 97.0/- | 94.1/87.4 | 97.2/80.2 | 97.5/84.5
zipper | 88/66.5 | 77/83.9 | 71.6/60.8 | -/93.3 | 95.1/- | 96.5/92.6 | 98.2/94.7 | 98.5/95.9
objects | 91/75.8 | 88/83.8 | 81.0/71.4 | -/88.9 | 96.7/- | 97.6/93.4 | 97.3/89.4 | 97.8/91.6
all | 87/69.4 | 82/79.0 | 74.4/64.2 | -/85.7 | 95.7/- | 96.5/91.7 | 96.7/90.1 | 97.5/92.1
"""

TABLE_5 = """
place | GANomaly | ITAE | Patch-SVDD | SPADE-WR50 | MahalanobisAD-EfficientNet-B4 | PaDiM-WR50-Rd550 | \
PaDiM-EfficientNet-B5
textures | - | - | 94.6 | - | 97.2 | 98.8 | 99.0
objects | - | - | 90.9 | - | 94.8 | 93.6 | 97.2
all | 76.2 | 83.9 | 92.1 | 85.5 | 95.8 | 95.3 | 97.9
"""


def parsed(text, data, *metrics):
    """{(method, data, place, metric): value} of a table above."""
    (_, *methods), *rows = [line.split(" | ") for line in text.strip().splitlines()]
    return {
        (method, data, place, metric): float(value)
        for place, *cells in rows
        for method, cell in zip(methods, cells, strict=True)
        for metric, value in zip(metrics, cell.split("/"), strict=True)
        if value != "-"
    }


def values(table):
    return {(cell.method, cell.data, cell.place, cell.metric): cell.value for cell in published(table)}


@pytest.mark.parametrize(
    ("table", "text", "data", "metrics"),
    [
        (1, TABLE_1, "MVTec AD", ("pixel_auroc", "pro")),
        (2, TABLE_2, "MVTec AD", ("pixel_auroc", "pro")),
        (3, TABLE_3, "MVTec AD", ("pixel_auroc", "pro")),
        (5, TABLE_5, "MVTec AD", ("image_auroc",)),
        (6, TABLE_6, "Rd-MVTec AD", ("pixel_auroc", "pro")),
    ],
)
def test_every_value_is_the_one_printed(table, text, data, metrics):
    assert values(table) == parsed(text, data, *metrics)


def test_the_values_of_the_small_tables_are_those_printed():
    assert values(4) == {
        ("CAVGA-RU", "STC", "all", "pixel_auroc"): 85,
        ("SPADE-WR50", "STC", "all", "pixel_auroc"): 89.9,
        ("PaDiM-R18-Rd100", "STC", "all", "pixel_auroc"): 91.2,
    }
    assert values(7) == {
        ("SPADE-WR50", "MVTec AD", "all", "seconds"): 7.10,
        ("VAE-R18", "MVTec AD", "all", "seconds"): 0.21,
        ("PaDiM-R18-Rd100", "MVTec AD", "all", "seconds"): 0.23,
        ("PaDiM-WR50-Rd550", "MVTec AD", "all", "seconds"): 0.95,
    }
    assert values(8) == {
        ("SPADE-WR50", "MVTec AD", "all", "gigabytes"): 1.4,
        ("SPADE-WR50", "STC", "all", "gigabytes"): 37.0,
        ("VAE-R18", "MVTec AD", "all", "gigabytes"): 0.09,
        ("PaDiM-R18-Rd100", "MVTec AD", "all", "gigabytes"): 0.17,
        ("PaDiM-R18-Rd100", "STC", "all", "gigabytes"): 0.21,
        ("PaDiM-WR50-Rd550", "MVTec AD", "all", "gigabytes"): 3.8,
        ("PaDiM-WR50-Rd550", "STC", "all", "gigabytes"): 5.2,
    }


@pytest.mark.parametrize(
    ("table", "doubted"),
    [
        (1, {("PaDiM-R18-layer3", "objects", "pixel_auroc"), ("PaDiM-R18-layer3", "all", "pixel_auroc")}),
        (2, {("PaDiM-R18-Rd100", "all", "pro")}),
        (3, {("SPADE-WR50", "all", "pixel_auroc")}),
        (4, set()),
        (5, {("MahalanobisAD-EfficientNet-B4", "textures", "image_auroc")}),
        (6, {("SPADE-WR50", "all", "pixel_auroc")}),
        (7, set()),
    ],
)
def test_doubtful_values_are_flagged_and_no_others(table, doubted):
    found = {(cell.method, cell.place, cell.metric) for cell in published(table) if cell.doubt}
    assert found == doubted


def test_the_two_cells_of_table_8_that_leave_out_the_backbone_are_flagged():
    doubted = [cell for cell in published(8) if cell.doubt]
    assert {(c.method, c.data) for c in doubted} == {
        ("SPADE-WR50", "MVTec AD"),
        ("PaDiM-WR50-Rd550", "MVTec AD"),
    }
    assert all("without the backbone" in cell.doubt for cell in doubted)


@pytest.mark.parametrize("table", [1, 2, 3, 5, 6])
def test_what_is_not_flagged_agrees_with_its_own_mean(table):
    found, doubted = values(table), {(c.method, c.metric) for c in published(table) if c.doubt}
    data = "Rd-MVTec AD" if table == 6 else "MVTec AD"
    for method, metric in {(method, metric) for method, _, _, metric in found} - doubted:
        groups = [found.get((method, data, group, metric)) for group in GROUPS]
        if None not in groups:
            textures, objects, whole = groups
            rounding = 1.0 if method.startswith("AE") and metric == "pixel_auroc" else 0.1
            assert (5 * textures + 10 * objects) / 15 == pytest.approx(whole, abs=rounding + 1e-9), method


def test_the_categories_of_table_3_average_to_its_groups():
    found = values(3)
    for method, metric in {(method, metric) for method, _, _, metric in found}:
        for group, categories in list(GROUPS.items())[:2]:
            mean = fmean(found[method, "MVTec AD", category, metric] for category in categories)
            rounding = 0.5 if method.startswith("AE") and metric == "pixel_auroc" else 0.1
            assert mean == pytest.approx(found[method, "MVTec AD", group, metric], abs=rounding + 1e-9)


def test_mvtec_has_five_textures_and_ten_objects():
    assert (len(TEXTURES), len(set(OBJECTS)), len(set(GROUPS["all"]))) == (5, 10, 15)


def test_each_table_has_a_title_and_labels_and_all_have_a_source():
    assert all(title(table) and all(cell.label for cell in published(table)) for table in TABLES)
    assert source() == "Defard et al. 2020, arXiv 2011.08785"


@pytest.mark.parametrize("table", [0, 9])
def test_a_table_that_the_paper_has_not_is_refused(table):
    with pytest.raises(BadArgument, match=f"has the tables 1 to 8, got {table}"):
        published(table)
    with pytest.raises(BadArgument, match=f"got {table}"):
        title(table)
