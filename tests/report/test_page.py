"""The page as text: complete in itself, every number traceable, nothing of a record taken for markup."""

import base64
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import made_records
import numpy as np
import pytest
import yaml
from matplotlib import colormaps, rcParams
from PIL import Image

from padimkit.errors import BadData
from padimkit.report import links
from padimkit.report.formats.page import as_page
from padimkit.report.plots.svg import draw
from padimkit.report.sections import gallery, growth
from padimkit.report.sections import records as records_section
from padimkit.report.sections.gallery import category_maps
from padimkit.report.sections.tradeoffs import tradeoffs
from padimkit.report.tables import Table

HOSTILE = """</script><script>alert("1")</script><img src=x onerror=alert(2)>"'&{{ 7 * 7 }}$\\frac{1}"""


class Elements(HTMLParser):
    """All elements of a page with their attributes, and the text of some."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.texts = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.texts.append("")

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text_of(self, tag):
        texts = zip(self.elements, self.texts, strict=True)
        return [text.strip() for (name, _), text in texts if name == tag]


@pytest.fixture
def random():
    """The same in each run: no test here depends on the values of a record."""
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def elements(page):
    return Elements(page)


def test_the_page_needs_no_network(page, elements):
    for tag, attributes in elements.elements:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "action", "data"):
                assert value.startswith(("#", "data:")), (tag, name, value)
    assert "http://" not in page and "https://" not in page
    assert "@import" not in page and not re.search(r"url\((?!#)", page)
    assert {"default-src 'none'"} <= {
        attributes["content"].partition(";")[0]
        for attributes in elements.of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    }


def test_ids_are_unique_and_every_link_within_the_page_leads_somewhere(elements):
    ids = Counter(attributes["id"] for _, attributes in elements.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    targets = {attributes["href"][1:] for tag in ("a", "use") for attributes in elements.of(tag)}
    assert targets <= ids.keys()
    for key in ("aria-labelledby", "aria-controls", "for"):
        for _, attributes in elements.elements:
            assert set((attributes.get(key) or "").split()) <= ids.keys()


def test_what_explains_tables_of_growth_stands_once(fixed_study, monkeypatch, without_plots):
    tables = [Table(line, ("a",), (), explained=(line,)) for line in ("Of all.", "Of all.", "Of far sizes.")]
    monkeypatch.setattr(growth, "tables", lambda study: tables)
    text = as_page(fixed_study, [growth])
    assert [text.count(f"<p>{line}</p>") for line in ("Of all.", "Of far sizes.")] == [1, 1]


def test_every_record_has_a_section_with_its_settings_and_the_command_to_rerun_it(
    page, fixed_study, elements
):
    ids = {attributes.get("id") for attributes in elements.of("details")}
    texts = elements.text_of("pre")
    for entry in fixed_study.entries:
        assert links.of_entry(entry) in ids
        assert f"padimkit benchmark --record {entry.file}" in texts
    settings = [yaml.safe_load(text) for text in texts if text.startswith("pipeline:")]
    known = [entry.record.cell.settings for entry in fixed_study.entries]
    assert all(shown in known for shown in settings)
    assert all(any(_alike(one, shown) for shown in settings) for one in known)


def _alike(one, other):
    """Whether settings differ in seed and category alone."""
    data = [some["data"]["init_args"] | {"category": ""} for some in (one, other)]
    return data[0] == data[1] and {**one, "seed": 0, "data": 0} == {**other, "seed": 0, "data": 0}


def test_every_number_in_a_table_leads_to_its_record(page):
    numbers = re.findall(r"<td class=\"number[^>]*data-value[^>]*>(.*?)</td>", page, re.DOTALL)
    linked = [text for text in numbers if text.startswith('<a href="#')]
    plain = [text for text in numbers if not text.startswith("<a")]
    assert len(linked) > 500
    # seeds and counts are not measured; intervals, probabilities and exponents are made of all in their row
    assert all(re.fullmatch(r"\d+|(&lt; )?[01]\.\d{3}|[-+]?[\d.]+( to | \().*", text) for text in plain)


def test_plots_have_a_title_a_description_and_colours_of_the_page(page, elements):
    plots = [attributes for attributes in elements.of("svg") if attributes.get("role") == "img"]
    assert len(plots) > 20
    assert all(len(attributes["aria-labelledby"].split()) == 2 for attributes in plots)
    assert "currentColor" in page and "var(--series-0)" in page
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert not re.search(r"(?:fill|stroke): ?#", drawn)
    assert "<text" in drawn


def test_the_page_says_how_far_intervals_of_exponents_reach(page):
    assert "limits are Student&#39;s, over sizes" in page


def test_failed_and_missing_cells_are_named(page):
    assert "spade on products / wood, seed 2</a>: memory in the stage “density fit”. Needs 9.1 GB" in page
    assert "layer-sum on products / tile, seed 1 (suite study)" in page
    assert "Traceback: ...\nMemoryError" in page


def test_versions_and_plugins_are_listed(elements):
    entries = elements.text_of("td")
    assert {"3.11.7", "2.14.1", "a machine", "timm"} <= set(entries)
    assert "versions torch" in elements.text_of("th")


def test_nothing_in_a_record_is_taken_for_markup(study_of, random):
    record = made_records.with_examples(made_records.made("spade", "bottle", 0, random), random)
    record = made_records.with_curves(record, random)
    example = replace(record.examples[0], path=HOSTILE)
    settings = {HOSTILE: HOSTILE, "data": {"class_path": HOSTILE, "init_args": {HOSTILE: HOSTILE}}}
    names = dict.fromkeys(("suite", "method", "dataset", "category"), HOSTILE)
    hostile = replace(
        made_records.of_cell(record, **names, settings=settings),
        metrics={HOSTILE: 0.5},
        undefined={f"other {HOSTILE}": HOSTILE},
        examples=(example,),
        environment={HOSTILE: HOSTILE},
        plugins=({"family": HOSTILE, "name": HOSTILE, "distribution": HOSTILE, "version": HOSTILE},),
        begun=HOSTILE,
    )
    varied = replace(made_records.varied(hostile, 25, random), key="a")
    varied = made_records.of_cell(varied, suite="b", varied={HOSTILE: 25.0, "other": 2.0})
    other = replace(made_records.of_cell(varied, varied={HOSTILE: 50.0, "other": 2.0}), key="b")
    failure = replace(made_records.failed(hostile).failure, message=HOSTILE, traceback=HOSTILE, stage=HOSTILE)
    broken = replace(hostile, key="c", failure=failure)
    page = as_page(study_of([hostile, varied, other, broken]))
    elements = Elements(page)
    assert len(elements.of("script")) == 1
    assert not [name for _, attributes in elements.elements for name in attributes if name.startswith("on")]
    assert all(
        attributes["src"].startswith(("data:image/png;base64,", "data:image/jpeg;base64,"))
        for attributes in elements.of("img")
    )
    assert page.count("{{ 7 * 7 }}") > 20
    assert HOSTILE not in page


def test_letters_that_no_font_or_no_xml_has_do_no_harm(study_of, random):
    record = made_records.made("测试\x00\x1b", "bottle", 0, random)
    page = as_page(study_of([replace(record, key="odd", metrics={"质\x01": 0.5})]))
    assert "测试" in page


def test_plots_say_where_lower_is_better(study_of, random):
    record = made_records.made("spade", "bottle", 0, random)
    for lower, told in (((), False), (("image_auroc", "pro"), True)):
        study = study_of([replace(record, lower_is_better=lower)], name=f"told {told}")
        plots = [plot for tradeoff in tradeoffs(study) for plot in tradeoff.plots]
        assert plots and all(("(lower is better)" in plot.svg) == told for plot in plots)


def test_a_single_failed_record_makes_a_page(study_of, random):
    page = as_page(study_of([made_records.failed(made_records.made("spade", "", 0, random))]))
    assert "<dd>1</dd>" in page
    assert 'id="comparison"' not in page and 'id="gallery"' not in page


def test_times_from_several_environments_are_flagged(study_of, random, page, without_plots):
    first = made_records.made("spade", "bottle", 0, random)
    second = made_records.made("padim-rd100", "bottle", 0, random)
    second = replace(second, environment={"machine": "another"})
    assert "measured in 2 environments" in as_page(study_of([first, second]))
    assert "memory were measured in" not in page


def test_each_image_shows_the_map_of_each_method_on_the_same_image(records, study):
    shown = category_maps(study)
    assert [category.place for category in shown] == ["products / bottle", "products / cable"]
    for category in shown:
        assert len(category.images) == 2
        for image in category.images:
            assert [item.method for item in image.maps] == sorted(made_records.METHODS)
            for item in image.maps:
                assert image.image == f"data:image/jpeg;base64,{item.example.image}"


def test_images_of_another_preprocessing_are_shown_apart(study_of, random):
    first = made_records.with_examples(made_records.made("spade", "bottle", 0, random), random)
    second = made_records.with_examples(made_records.made("layer-sum", "bottle", 0, random), random, side=40)
    (category,) = category_maps(study_of([first, second]))
    methods = [[item.method for item in image.maps] for image in category.images]
    assert methods == 2 * [["layer-sum"], ["spade"]]


def test_the_lowest_seed_is_shown_and_said(study_of, random):
    records = [
        made_records.with_examples(made_records.made("spade", "bottle", seed, random), random)
        for seed in (5, 2)
    ]
    (category,) = category_maps(study_of(records))
    assert {item.seed for image in category.images for item in image.maps} == {2}


def test_maps_of_a_method_have_one_scale_in_a_category(study):
    for category in category_maps(study):
        for image in category.images:
            for item in image.maps:
                assert (item.scale.low, item.scale.high) == (2.5, 51.25)
                grey = np.asarray(_opened(item.example.map))
                scores = item.example.low + grey / 255.0 * (item.example.high - item.example.low)
                expected = 255 * colormaps["inferno"]((scores - 2.5) / 48.75)[..., :3]
                found = np.asarray(_opened(item.picture).convert("RGB"), float)
                assert np.abs(found - expected).max() <= 1


def _opened(picture):
    return Image.open(io.BytesIO(base64.b64decode(picture.rpartition(",")[2])))


@pytest.mark.parametrize("field", ["image", "map", "mask"])
@pytest.mark.parametrize(
    "content", ["no base64!", base64.b64encode(b"<svg onload=alert(1)>").decode(), "", "cut"]
)
def test_a_picture_that_is_no_png_is_refused(study_of, random, field, content):
    record = made_records.with_examples(made_records.made("spade", "bottle", 0, random), random)
    if content == "cut":
        content = getattr(record.examples[0], field)[:120]
    spoilt = replace(record, examples=(replace(record.examples[0], **{field: content}),))
    study = study_of([spoilt])
    with pytest.raises(BadData, match="holds an example that is not a PNG or JPEG file"):
        category_maps(study)


def test_the_same_drawing_is_the_same_text():
    one, other = (
        draw(lambda axes: axes.plot((0, 1), (0, 1), marker="o"), name="x", title="t", description="d")
        for _ in range(2)
    )
    assert one == other


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(rcParams)
    draw(lambda axes: axes.plot((0, 1), (0, 1)), name="x", title="title", description="description")
    assert dict(rcParams) == before


@pytest.mark.parametrize(("most", "shown"), [(300, [2, 2]), (12, [2, 1]), (8, [1, 1]), (3, [1, 0])])
def test_a_page_shows_no_more_maps_than_it_can_hold_and_says_so(study, monkeypatch, most, shown):
    monkeypatch.setattr(gallery, "MOST_MAPS", most)
    found = category_maps(study)
    assert [len(category.images) for category in found] == shown
    assert [category.left_out for category in found] == [2 - count for count in shown]
    text = as_page(study, [gallery])
    note = f"1 more images of this category are in the records: the page shows {most}"
    assert text.count(note) == shown.count(1)


def test_the_values_that_metrics_have_of_an_image_stand_beside_its_score(study_of, records):
    record = next(record for record in records if record.examples)
    valued = replace(record.examples[0], values={"overlap": 0.25})
    text = as_page(study_of([replace(record, examples=(valued, *record.examples[1:]))]), [gallery])
    assert text.count("overlap 0.25") == 1


def test_settings_that_only_repeat_are_linked(study, study_of, records):
    text = as_page(study, [records_section])
    assert text.count('aria-label="Settings"') < len(records) / 3
    assert text.count("but for seed and category") + text.count('aria-label="Settings"') == len(records)
    one, other = records[0], records[1]
    settings = other.cell.settings | {"batch_size": 3}
    changed = replace(other, cell=replace(other.cell, settings=settings))
    assert as_page(study_of([one, changed]), [records_section]).count('aria-label="Settings"') == 2
