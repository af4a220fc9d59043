"""The page of quality: what it says, and what it does in a browser, which may ask the network for nothing."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from padimkit.inspection.quality import Judged, Quality, limits
from padimkit.report.formats.quality import Assessment, as_quality_page

THRESHOLD, REVIEW = 6.0, 4.0
CALIBRATION = [float(number) for number in range(1, 10)]


@pytest.fixture(scope="module")
def assessment(common_seed):
    """30 good images and 20 bad ones in two folders; a few of both have no picture."""
    random = np.random.default_rng(common_seed)
    images = []
    for kind, count, mean in ((False, 30, 3.0), (True, 20, 7.0)):
        scores = random.normal(mean, 2.0, count).clip(0.1)
        for number, score in enumerate(scores.tolist()):
            folder = ("rust", "<b>scratch")[number % 2] if kind else "good"
            url = picture(number) if number else ""
            images.append(Judged(f"parts/{folder}/{number:03}.png", kind, score, url, url))
    quality = Quality(tuple(images), THRESHOLD, REVIEW)
    return Assessment(quality, "bolts </script><i>", "abc123", CALIBRATION, 0.05, (1.0, 9.0))


def picture(number):
    file = io.BytesIO()
    Image.new("RGB", (12, 12), (5 * number, 90, 120)).save(file, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def expected(assessment, threshold, review):
    """Counts of OK, REVIEW and NG among good and bad images, counted plainly."""
    found = {}
    for kind in (False, True):
        scores = [one.score for one in assessment.quality.images if one.anomalous is kind]
        found[kind] = [
            sum(score <= review for score in scores),
            sum(review < score <= threshold for score in scores),
            sum(score > threshold for score in scores),
        ]
    return found


def test_the_page_needs_nothing_and_escapes_what_it_shows(assessment):
    page = as_quality_page(assessment)
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "://" not in page.replace(
        "http://www.w3.org", ""
    )
    assert "bolts </script><i>" not in page and "bolts &lt;/script&gt;&lt;i&gt;" in page
    assert "<b>scratch" not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [score for score, *_ in data["images"]] == [one.score for one in assessment.quality.images]
    assert data["limits"]["bad"] == list(map(list, limits(20)))


def test_without_javascript_it_says_the_same(assessment):
    page = as_quality_page(assessment)
    counts = expected(assessment, THRESHOLD, REVIEW)
    for name, kind in (("good", False), ("bad", True)):
        row = re.search(rf'<th scope="row">{name}</th>(.*?)</tr>', page)[1]
        assert list(map(int, re.findall(r">(\d+)</td>", row))) == [*counts[kind], sum(counts[kind])]
    assert 'id="controls" hidden' in page
    assert "fitted to these very images" in page


@pytest.fixture
def visit(browser, assessment, tmp_path):
    """Opens the page; at the end nothing may have been complained of or asked for."""
    path = tmp_path / "quality.html"
    path.write_text(as_quality_page(assessment), encoding="utf-8")
    complaints, contexts = [], []

    def route(request):
        if request.request.url == path.as_uri():
            request.continue_()
        else:
            complaints.append(f"asked for {request.request.url}")
            request.abort()

    def visit(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route("**/*", route)
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def table(page):
    """The counts of each row by its name."""
    rows = page.locator("#confusion tbody tr")
    return {
        rows.nth(place).locator("th").inner_text(): [
            int(text) for text in rows.nth(place).locator("td").all_inner_texts()
        ]
        for place in range(rows.count())
    }


def set_to(page, name, value):
    page.locator(f"#{name}").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def check(page, assessment, threshold, review):
    counts, found = expected(assessment, threshold, review), table(page)
    assert found["good"] == [*counts[False], 30] and found["bad"] == [*counts[True], 20]
    folders = np.array(found["rust"]) + np.array(found["<b>scratch"])
    assert folders.tolist() == found["bad"]
    for name, kind, place in (("false-alarms", False, 2), ("missed", True, 0), ("bad-review", True, 1)):
        count, total = counts[kind][place], sum(counts[kind])
        lower, upper = (100 * ends[count] for ends in limits(total))
        expect(page.locator(f"#{name}")).to_have_text(f"{100 * count / total:.1f} %")
        said = f"{count} of {total}, {lower:.1f} % to {upper:.1f} %"
        expect(page.locator(f"#{name}-limits")).to_have_text(said)
    for name, kind, wrong in (
        ("misses", True, lambda score: score <= review),
        ("alarms", False, lambda score: score > threshold),
    ):
        images = [one for one in assessment.quality.images if one.anomalous is kind and wrong(one.score)]
        shown = page.locator(f"#{name}-pictures figure:visible")
        assert shown.count() == sum(bool(one.picture) for one in images)
        assert page.locator(f"#{name}-count").inner_text().startswith(f"{len(images)}")


def test_it_opens_with_the_thresholds_of_the_model(visit, assessment):
    page = visit()
    check(page, assessment, THRESHOLD, REVIEW)
    expect(page.locator("#moved")).to_be_hidden()
    expect(page.locator("#promise")).to_contain_text("at most 40.0 % false alarms")  # 3 of 9 are above 6


def test_both_thresholds_can_be_moved_and_reset(visit, assessment):
    page = visit()
    set_to(page, "threshold", 7.5)
    check(page, assessment, 7.5, REVIEW)
    set_to(page, "review", 2.5)
    check(page, assessment, 7.5, 2.5)
    expect(page.locator("#moved")).to_be_visible()
    expect(page.locator("#threshold-value")).to_have_text("7.5")
    page.get_by_role("button", name="Thresholds of the model").click()
    check(page, assessment, THRESHOLD, REVIEW)
    expect(page.locator("#moved")).to_be_hidden()


def test_one_threshold_takes_the_other_along(visit, assessment):
    page = visit()
    set_to(page, "threshold", 3.0)
    check(page, assessment, 3.0, 3.0)
    set_to(page, "review", 5.0)
    check(page, assessment, 5.0, 5.0)


def test_the_best_threshold_can_be_tried(visit, assessment):
    page = visit()
    page.get_by_role("button", name="The best threshold of these images").click()
    best = assessment.quality.best
    check(page, assessment, best.threshold, best.threshold)
    assert table(page)["good"][2] == best.false_alarms and table(page)["bad"][0] == best.misses


def test_the_keyboard_moves_a_threshold(visit):
    page = visit()
    before = page.locator("#threshold-value").inner_text()
    page.locator("#threshold").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#threshold-value").inner_text() != before
    expect(page.locator("#moved")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_on_a_phone(visit, scheme):
    page = visit(viewport={"width": 375, "height": 720}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
