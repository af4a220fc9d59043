"""The page for people, in a browser that may ask the server and nothing else."""

import csv
import io
import json

import httpx
import pytest
from PIL import Image
from playwright.sync_api import expect

HOSTILE = "<img src=x onerror=alert(1)>.png"
FORMULA = '=HYPERLINK("http://x","y").png'


@pytest.fixture
def visit(browser, url):
    """Opens the page; at the end nothing may have been complained of, or asked of others."""
    complaints, contexts = [], []

    def visit(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((url, "data:", "blob:")) else complaints.append(request.url)
            ),
        )
        page.goto(url)
        expect(page.locator("#about")).to_contain_text("bolts: NG above")
        return page

    yield visit
    for context in contexts:
        context.close()
    expected = "Failed to load resource: "  # of images that are refused, which tests look at
    assert [one for one in complaints if not one.startswith(expected)] == []


def test_a_file_of_several_images_becomes_one_for_each(visit, good, bad):
    page = visit()
    given = {"name": "scan.tiff", "mimeType": "image/tiff", "buffer": scan(good[0], bad)}
    page.locator("#files").set_input_files([given])
    done(page, 2)
    assert sorted(names(page)) == ["scan.tiff[0]", "scan.tiff[1]"]
    assert counts(page, "by-model")[2] == 1


def scan(*contents):
    first, *others = (Image.open(io.BytesIO(one)).convert("RGB") for one in contents)
    file = io.BytesIO()
    first.save(file, format="TIFF", save_all=True, append_images=others)
    return file.getvalue()


def files(contents):
    return [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in contents.items()]


def give(page, contents):
    page.locator("#files").set_input_files(files(contents))
    done(page, len(contents))


def done(page, count):
    expect(page.locator("#status")).to_contain_text(f"{count} of {count} images are done.")


def counts(page, row):
    return [int(text) for text in page.locator(f"#{row} td").all_inner_texts()]


def names(page):
    # The text of a card that is not drawn yet, as after a change of order, counts as not shown.
    captions = page.locator("#cards figcaption")
    return captions.evaluate_all("captions => captions.map(caption => caption.firstChild.textContent)")


def tally(verdicts):
    return [list(verdicts).count(name) for name in ("OK", "REVIEW", "NG", "ERROR")]


def set_to(page, name, value):
    page.locator(f"#{name}").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


@pytest.fixture
def contents(good, bad):
    return {**{f"{number}.png": content for number, content in enumerate(good)}, HOSTILE: bad}


@pytest.fixture
def lines(contents, post):
    return {name: post(content, name=name).json() for name, content in contents.items()}


def test_the_page_allows_nothing_but_itself(url):
    answer = httpx.get(url)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert "://" not in answer.text.replace("http://www.w3.org", "")
    assert "style=" not in answer.text and "onclick" not in answer.text


def test_images_are_judged_and_their_names_are_only_text(visit, contents, lines):
    page = visit()
    give(page, contents | {"broken.png": b"nonsense", "huge.png": bytes(60_000)})
    verdicts = [*(line["verdict"] for line in lines.values()), "ERROR", "ERROR"]
    assert counts(page, "by-model") == counts(page, "by-page") == tally(verdicts)
    cards = page.locator("#cards figure")
    assert cards.count() == len(verdicts)
    text = page.locator("#cards").text_content()
    assert HOSTILE in text and '"broken.png" (8 bytes) is not an image' in text
    assert "larger than the 0.05 MB that the server takes" in text
    assert page.locator("#cards img[src=x]").count() == 0
    expect(cards.filter(has_text=HOSTILE)).to_contain_text(f"score {lines[HOSTILE]['score']:.4g}")
    bars = page.locator("#bars rect").evaluate_all(
        "bars => bars.map(bar => Number(bar.getAttribute('height')))"
    )
    assert max(bars) == 100
    assert page.locator("#ticks").get_attribute("d").count("M") == len(lines)


def test_thresholds_can_be_moved_to_see_what_would_change(visit, contents, lines, client):
    page = visit()
    give(page, contents)
    scores = sorted(line["score"] for line in lines.values())
    middle = (scores[2] + scores[3]) / 2
    set_to(page, "threshold", middle)
    tried = ["NG" if score > middle else "OK" for score in scores]  # REVIEW goes along
    by_model = {line["score"]: line["verdict"] for line in lines.values()}
    changed = sum(by_model[score] != verdict for score, verdict in zip(scores, tried, strict=True))
    assert counts(page, "by-page") == tally(tried)
    assert counts(page, "by-model") == tally(by_model.values())
    expect(page.locator("#changed")).to_have_text(f"{changed} would change")
    expect(page.locator("#moved")).to_be_visible()
    expect(page.locator("#cards")).to_contain_text(", by the model ")
    scores = client.get("/models").json()[0]["scores"]
    set_to(page, "threshold", (scores[-3] + scores[-4]) / 2)
    promised = f"at most {100 * 4 / (len(scores) + 1):.1f} % false alarms"
    expect(page.locator("#promise")).to_contain_text(promised)
    page.get_by_role("button", name="Thresholds of the model").click()
    assert counts(page, "by-page") == counts(page, "by-model")
    expect(page.locator("#changed")).to_have_text("none would change")
    expect(page.locator("#moved")).to_be_hidden()


def test_the_results_come_as_a_table_that_is_safe_to_open(visit, contents, lines, bad):
    page = visit()
    give(page, contents | {FORMULA: bad})
    set_to(page, "threshold", 1.001 * lines[HOSTILE]["score"])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV").click()
    with waiting.value.path().open(newline="", encoding="utf-8") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert set(rows) == {*contents, f"'{FORMULA}"}
    for name, line in lines.items():
        assert float(rows[name]["score"]) == line["score"] and rows[name]["verdict"] == line["verdict"]
        assert int(rows[name]["regions"]) == len(line["regions"]) and rows[name]["model"] == line["model"]
    row, line = rows[HOSTILE], lines[HOSTILE]
    box = [float(row[side]) for side in ("left", "top", "right", "bottom")]
    assert box == line["regions"][0]["box"] and row["tried_verdict"] == "REVIEW"


def test_a_folder_is_searched_for_images(visit, contents, tmp_path, good):
    folder = tmp_path / "parts"
    (folder / "deep").mkdir(parents=True)
    for number, content in enumerate(good[:2]):
        (folder / "deep" / f"{number}.PNG").write_bytes(content)
    (folder / "notes.txt").write_text("no image")
    (folder / "._0.png").write_bytes(b"of a Mac")
    page = visit()
    page.locator("#folder").set_input_files(folder)
    done(page, 2)
    expect(page.locator("#status")).to_contain_text("2 files were left out")
    expect(page.locator("#cards")).to_contain_text("parts/deep/0.PNG")


def test_images_can_be_dropped(visit, bad):
    page = visit()
    page.evaluate(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            for (const kind of ["dragover", "drop"]) {
                const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
                document.dispatchEvent(new DragEvent(kind, options));
            }
        }""",
        list(bad),
    )
    done(page, 1)
    expect(page.locator("#cards")).to_contain_text("dropped.png")
    assert page.locator("#drop.over").count() == 0


def test_another_model_judges_the_same_images_again(visit, contents):
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    give(page, contents)
    page.get_by_label("Model", exact=True).select_option("nuts")
    expect(page.locator("#about")).to_contain_text("nuts: NG above")
    done(page, len(contents))
    assert (
        sum("model=bolts" in one for one in asked)
        == sum("model=nuts" in one for one in asked)
        == len(contents)
    )


def test_images_are_sorted_and_removed(visit, contents, lines):
    page = visit()
    give(page, contents)
    assert names(page) == sorted(lines, key=lambda name: -lines[name]["score"])
    page.get_by_label("Order").select_option("name")
    assert names(page) == sorted(lines)
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator("#results")).to_be_hidden()
    assert names(page) == [] and counts(page, "by-model") == [0, 0, 0, 0]


def test_all_of_it_works_by_keyboard(visit, bad):
    page = visit()
    for name in ("Skip to the images", "Choose images", "Choose a folder"):
        page.keyboard.press("Tab")
        if name == "Choose images" and page.evaluate("document.activeElement.id") == "model":
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    with page.expect_file_chooser() as waiting:
        page.locator("#choose-files").press("Enter")
    waiting.value.set_files(files({"one.png": bad}))
    done(page, 1)
    before = page.locator("#threshold-value").inner_text()
    page.locator("#threshold").press("ArrowLeft")
    assert page.locator("#threshold-value").inner_text() != before
    page.locator("#cards button").press("Enter")
    expect(page.locator("#view")).to_be_visible()
    expect(page.locator("#view-name")).to_have_text("one.png")
    page.keyboard.press("Escape")
    expect(page.locator("#view")).to_be_hidden()
    assert page.evaluate("document.activeElement.parentElement.tagName") == "FIGURE"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone_and_can_be_read_in_the_dark(visit, scheme, contents):
    page = visit(viewport={"width": 375, "height": 720}, color_scheme=scheme)
    give(page, contents | {"a" * 200 + ".png": contents["0.png"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    for selector in ("body", "#drop", "#cards figure", "#cards .verdict", ".faint", "#moved", "button"):
        assert contrast(page, selector) >= 4.5, selector
    page.goto(f"{page.url}docs")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def contrast(page, selector):
    """Contrast of text to the ground behind it (WCAG 2)."""
    ink, ground = page.locator(selector).first.evaluate(
        """(found) => {
            let behind = found;
            const ground = () => getComputedStyle(behind).backgroundColor;
            while (ground() === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            return [getComputedStyle(found).color, ground()];
        }"""
    )
    light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_busy_server_is_asked_again(visit, good):
    page = visit()
    answers = iter([503, None])

    def route(request):
        status = next(answers, 200)
        if status == 200:
            request.continue_()
        elif status is None:
            request.abort()
        else:
            request.fulfill(
                status=status, body=json.dumps({"error": "busy"}), content_type="application/json"
            )

    page.route("**/predict?*", route)
    give(page, {"one.png": good[0]})
    assert counts(page, "by-model")[3] == 0
