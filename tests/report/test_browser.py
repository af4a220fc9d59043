"""The page in a real browser; what it asks of the network is refused and counted."""

import re

import pytest
from playwright.sync_api import expect

PHONE = {"width": 375, "height": 720}


@pytest.fixture(scope="module")
def address(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def visit(browser, address):
    """Opens the page; at the end nothing may have been complained of or asked for."""
    complaints, contexts = [], []

    def route(request):
        if request.request.url == address:
            request.continue_()
        else:
            complaints.append(f"asked for {request.request.url}")
            request.abort()

    def visit(fragment="", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route("**/*", route)
        page.goto(address + fragment)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def column(page, name):
    """The texts of the cells below a header, of the rows that are shown."""
    return page.evaluate(
        """name => {
          const table = document.getElementById("cell-table");
          const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.trim() === name);
          const shown = [...table.tBodies[0].rows].filter(row => row.offsetParent);
          return shown.map(row => row.cells[at].textContent.trim());
        }""",
        name,
    )


def header(page, name):
    return page.locator("#cell-table thead th").filter(has_text=re.compile(rf"^\s*{name}\s*$"))


def test_a_header_sorts_up_and_down_and_keeps_rows_without_a_number_last(visit, records):
    page = visit()
    expected = sorted(round(record.metrics["pro"], 4) for record in records if record.metrics)
    for direction, order in (("ascending", expected), ("descending", expected[::-1])):
        header(page, "pro").get_by_role("button").click()
        found = column(page, "pro")
        assert len(found) == len(records)
        assert [float(text) for text in found[: len(order)]] == pytest.approx(order)
        assert not any(text[0].isdigit() for text in found[len(order) :])
        expect(page.locator("#cell-table th[aria-sort]")).to_have_attribute("aria-sort", direction)


def test_times_are_sorted_as_numbers_not_as_texts(visit):
    page = visit()
    header(page, "fit").get_by_role("button").click()
    words = [text.split() for text in column(page, "fit") if " " in text]
    seconds = [float(number) * {"ms": 1e-3, "s": 1}[unit] for number, unit in words]
    assert seconds == sorted(seconds)
    assert seconds[0] < 2 < 10 < seconds[-1]


def test_the_keyboard_sorts(visit):
    page = visit()
    header(page, "seed").get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(header(page, "seed")).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Space")
    expect(header(page, "seed")).to_have_attribute("aria-sort", "descending")
    assert column(page, "seed") == sorted(column(page, "seed"), reverse=True)


def test_a_filter_keeps_the_rows_with_all_its_words(visit, records):
    page = visit()
    page.get_by_label("Filter", exact=True).fill("SPADE wood")
    assert column(page, "method") == ["spade"] * 3
    expect(page.get_by_role("status")).to_have_text(f"3 of {len(records)} cells")
    page.get_by_label("Filter", exact=True).fill("failed")
    assert column(page, "state") == ["failed: memory"]
    page.get_by_label("Filter", exact=True).fill("no such words")
    assert column(page, "method") == []
    page.get_by_label("Filter", exact=True).fill("")
    assert len(column(page, "method")) == len(records)


def test_a_heat_map_opens_by_mouse_and_closes_by_escape(visit):
    page = visit()
    button = page.get_by_role("button", name="Enlarge the map of spade, spot/000.png").first
    small = button.locator("img").bounding_box()["width"]
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    title = "Anomaly map of spade for spot/000.png"
    expect(dialog.get_by_role("heading")).to_have_text(title)
    pictures = dialog.locator("img")
    assert pictures.count() == 3
    assert pictures.last.get_attribute("src") == button.locator("img").get_attribute("src")
    assert pictures.last.bounding_box()["width"] > 1.5 * small
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(button).to_be_focused()


def test_a_heat_map_opens_by_keyboard_and_closes_by_its_button(visit):
    page = visit()
    page.locator("button.open").nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("dialog")).not_to_be_visible()


def test_a_number_leads_to_its_record_unfolded(visit):
    page = visit()
    link = page.locator("#cell-table tbody tr").nth(20).locator("td a").first
    target = link.get_attribute("href")
    link.click()
    section = page.locator(f'[id="{target[1:]}"]')
    expect(section).to_have_attribute("open", "")
    expect(section.locator("summary")).to_be_in_viewport()


def test_an_address_with_a_record_opens_there(visit, fixed_study):
    key = fixed_study.entries[30].record.key
    page = visit(f"#record-{key}")
    expect(page.locator(f'[id="record-{key}"]')).to_have_attribute("open", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desk"])
def test_the_page_fits_and_its_text_is_readable(visit, scheme, viewport):
    page = visit(viewport=viewport, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for selector in ("body", ".plot text", "td a", "figcaption", ".warning, .failures", "caption"):
        assert _contrast(page, selector) >= 4.5, selector
    for index in range(8):
        assert _contrast(page, "body", f"var(--series-{index})") >= 3, index


def _contrast(page, selector, colour=None):
    """The ratio of luminances of text and what it stands on (WCAG 2.2)."""
    return page.evaluate(
        """([selector, colour]) => {
          const element = document.querySelector(selector);
          const probe = document.createElement("i");
          document.body.append(probe);
          probe.style.color = colour ?? (element.tagName === "text" ? getComputedStyle(element).fill
                                                                  : getComputedStyle(element).color);
          let ground = element;
          const clear = node => getComputedStyle(node).backgroundColor === "rgba(0, 0, 0, 0)";
          while (clear(ground)) ground = ground.parentElement;
          const light = text => {
            const parts = text.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255);
            const linear = parts.map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
          };
          const pair = [getComputedStyle(probe).color, getComputedStyle(ground).backgroundColor].map(light);
          probe.remove();
          return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        }""",
        [selector, colour],
    )
