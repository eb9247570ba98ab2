"""The page in a real browser: no console error, filter, sort, details, a phone's width, dark, and without scripts."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile

import pytest

from analyzer.base.errors import UsageError
from analyzer.report.as_html import render_html
from analyzer.report.grouping import group_alike
from analyzer.verdict.filter import parse_filter

AXE = "axe-core@4"

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="no chromium with its driver"),
    pytest.mark.no_cover,
]


@pytest.fixture(scope="module")
def browser():
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    driver.set_script_timeout(180)
    yield driver
    driver.quit()


@pytest.fixture
def visit(browser, tmp_path, codes):
    """A function: open a run's page at a width, in a scheme, with or without scripts."""

    def go(run, *, width=1280, dark=False, scripts=True, fragment=""):
        analysis, sheets = run if isinstance(run, tuple) else (run, None)
        path = tmp_path / "report.html"
        path.write_bytes(render_html(analysis, codes=codes, sheets=sheets))
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(f"{path.as_uri()}{fragment}")
        return Page(browser)

    yield go
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


class Page:
    def __init__(self, browser):
        self.browser = browser

    def ask(self, expression):
        answer = self.browser.execute_cdp_cmd("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def rows(self, column):
        rows = "[...document.querySelectorAll('#call-table .row')]"
        return self.ask(f"{rows}.map(row => row.cells[{column}].textContent.trim())")


@pytest.mark.parametrize("run", ["shop", "hostile", "bare", "empty", "crowd", "sheeted"])
def test_the_page_loads_without_a_console_message_or_a_request(visit, run, request):
    page = visit(request.getfixturevalue(run))
    assert page.browser.get_log("browser") == []
    assert page.ask("performance.getEntriesByType('resource').length") == 0


def test_no_captured_script_runs(visit, hostile):
    page = visit(hostile)
    assert page.ask("[...document.scripts].filter(each => each.type !== 'application/json').length") == 1
    assert page.ask("document.querySelectorAll('[onmouseover]').length") == 0


def test_the_filter_keeps_rows_with_all_its_words(visit, shop):
    page = visit(shop)
    page.find("#filter").send_keys("REVIEWS reset")
    assert page.rows(6) == ["reset by server disagrees"]
    assert page.find("#shown").text == "1 call in 1 row"


def test_a_chip_keeps_its_verdict_and_gives_all_back(visit, shop):
    page = visit(shop)
    page.find(".chip[data-verdict=dropped]").click()
    assert set(page.rows(4)) == {"dropped"}
    page.find(".chip[data-verdict=passthrough]").click()
    assert set(page.rows(4)) == {"dropped", "passthrough"}
    page.find(".chip[data-verdict=dropped]").click()
    page.find(".chip[data-verdict=passthrough]").click()
    assert len(page.rows(4)) == 9


def test_a_heading_sorts_both_ways_and_says_so(visit, shop):
    page = visit(shop)
    heading = "#call-table thead th:nth-child(3)"
    page.find(f"{heading} button").send_keys("\n")
    assert page.rows(2) == sorted(page.rows(2))
    assert page.find(heading).get_attribute("aria-sort") == "ascending"
    page.find(f"{heading} button").send_keys("\n")
    assert page.rows(2) == sorted(page.rows(2), reverse=True)
    assert page.find(heading).get_attribute("aria-sort") == "descending"


def test_numbers_sort_as_numbers(visit, many):
    page = visit(many(1300))
    page.find("#call-table thead th:nth-child(8) button").click()
    counts = [int(text.replace(",", "")) for text in page.rows(7)]
    assert counts == sorted(counts)


def test_opening_a_row_shows_its_chain_and_its_legs(visit, shop):
    page = visit(shop)
    button = page.find("#g1 .toggle button")
    assert not page.find("#g1 .explained").is_displayed()
    button.send_keys(" ")
    assert page.find("#g1 .explained").is_displayed()
    assert button.get_attribute("aria-expanded") == "true"
    assert "No route matches /v3/stars" in page.find("#g1 .chain").text
    assert page.find("#g1 svg.ladder path.dropped").is_displayed()
    button.send_keys(" ")
    assert not page.find("#g1 .explained").is_displayed()


@pytest.mark.parametrize(
    "text",
    [
        'host == "reviews" and port == 9080', 'verdict in ["dropped", null]', 'not (path like "/reviews/*")',
        '"h2" in alpn', "inbound.mtls", "undetermined != null", "observed.status >= 400", "observed.agrees == false",
        'sni == "api.stripe.com" or namespace not in ["shop"]',
    ],
)  # fmt: skip
def test_the_filter_box_speaks_the_language_of_where(visit, shop, text):
    page = visit(shop)
    page.find("#filter").send_keys(text)
    fits = parse_filter(text)

    rows = [group for group in group_alike(shop) if any(map(fits, group.calls))]
    assert 0 < len(rows) < len(group_alike(shop))
    assert page.rows(1) == [group.source for group in rows]
    assert page.rows(2) == [group.target for group in rows]


@pytest.mark.parametrize(
    "text",
    [
        'host = "a"', 'hst == "a"', 'port == "80"', 'host == "a', '(host == "a"', 'host == "a" verdict == "b"',
        'verdict == "lost"', 'host == "é" and ', "port in [80, x]", 'host like ["x"]', 'alpn < 5', '"h2" in host',
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_filter_box_is_named_with_its_column(visit, shop, text):
    page = visit(shop)
    before = page.rows(2)
    page.ask(f"filter.value = {json.dumps(text)}; filter.dispatchEvent(new Event('input'))")

    with pytest.raises(UsageError) as wrong:
        parse_filter(text)
    assert page.find("#shown").text == str(wrong.value).partition("; is it")[0]
    assert page.find("#filter").get_attribute("aria-invalid") == "true"
    assert page.rows(2) == before
    page.ask("filter.value = ''; filter.dispatchEvent(new Event('input'))")
    assert page.find("#filter").get_attribute("aria-invalid") is None


def test_a_findings_call_opens_its_row_even_when_it_was_filtered_out(visit, shop):
    page = visit(shop)
    page.find("#filter").send_keys("kafka")
    page.find(".finding .links a").click()
    assert page.ask("document.querySelector('tbody.open .seen').textContent").startswith("reset by server")
    assert page.ask("document.activeElement.closest('tbody').classList.contains('open')")


def test_a_link_to_a_row_opens_it(visit, shop):
    page = visit(shop, fragment="#g2")
    assert page.find("#g2 .explained").is_displayed()


@pytest.mark.parametrize("run", ["shop", "hostile", "sheeted"])
@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_the_page_never_scrolls_sideways(visit, run, width, request):
    page = visit(request.getfixturevalue(run), width=width)
    page.ask("document.querySelectorAll('.toggle button').forEach(button => button.click())")
    page.ask("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert page.ask("document.documentElement.scrollWidth") <= width


def test_without_scripts_every_chain_can_be_opened_and_no_control_is_dead(visit, shop):
    page = visit(shop, scripts=False)
    assert page.ask("document.querySelectorAll('.toggle button').length") == 0
    assert page.ask("getComputedStyle(document.querySelector('#tools')).display") == "none"
    assert page.ask("document.querySelector('#g1 summary').getBoundingClientRect().height") > 0
    page.ask("document.querySelector('#g1 details').open = true")
    assert page.ask("document.querySelector('#g1 .chain').getBoundingClientRect().height") > 0


def test_dark_is_dark_and_light_is_light(visit, shop):
    ground = "getComputedStyle(document.body).backgroundColor"
    assert visit(shop, dark=True).ask(ground) == "rgb(20, 23, 26)"
    assert visit(shop).ask(ground) == "rgb(255, 255, 255)"


def test_every_control_has_a_name_and_every_section_a_title(visit, shop):
    page = visit(shop)
    controls, sections = (
        "[...document.querySelectorAll('button, input')]",
        "[...document.querySelectorAll('main section')]",
    )
    assert page.ask(f"{controls}.every(c => c.textContent.trim() || c.ariaLabel || c.labels?.length)")
    assert page.ask(f"{sections}.every(s => document.getElementById(s.getAttribute('aria-labelledby')))")


ALL_ROWS = 400


def laid_out(page):
    return page.ask("document.querySelectorAll('#call-table tbody:not(.space)').length")


def test_of_many_rows_those_near_the_window_are_laid_out(visit, crowd):
    page = visit(crowd)
    height = page.ask("document.getElementById('call-table').getBoundingClientRect().height")

    assert laid_out(page) < ALL_ROWS / 2
    assert height > ALL_ROWS * 25
    assert page.find("#shown").text == f"{ALL_ROWS} calls in {ALL_ROWS} rows"
    assert page.find("#call-table").get_attribute("aria-rowcount") == str(ALL_ROWS + 1)


def test_a_row_is_there_when_the_reader_comes_to_it(visit, crowd):
    page = visit(crowd)

    page.browser.execute_async_script(
        "const done = arguments[0]; document.getElementById('captures').scrollIntoView();"
        "requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )

    assert page.rows(2)[-1] == "host-9:9080"
    assert laid_out(page) < ALL_ROWS


def test_a_row_without_a_chain_names_the_command_that_has_it(visit, crowd):
    page = visit(crowd)
    page.find("#filter").send_keys("host-99:")
    row = page.find("#call-table tbody:not(.space)")

    row.find_element("css selector", ".toggle button").click()

    assert row.find_element("css selector", "code").text == "meshverdict explain CAPTURE... -m MESH --call 99"


def test_a_link_to_a_row_far_down_opens_it(visit, crowd):
    page = visit(crowd, fragment="#g399")

    assert page.find("#g399 details").is_displayed()


def test_rows_of_the_script_sort_among_the_others(visit, crowd):
    page = visit(crowd)

    page.find("#call-table thead th:nth-child(3) button").click()

    assert page.rows(2)[:3] == ["host-100:9080", "host-101:9080", "host-102:9080"]


def test_all_rows_are_printed(visit, crowd):
    page = visit(crowd)

    page.ask("dispatchEvent(new Event('beforeprint'))")

    assert laid_out(page) == ALL_ROWS


def test_the_page_can_be_walked_with_the_keyboard(visit, shop):
    page = visit(shop)
    reached = set()

    for _ in range(60):
        page.browser.switch_to.active_element.send_keys("\t")
        reached.add(page.ask("document.activeElement.className || document.activeElement.id || 'a'"))

    assert {"skip", "filter", "chip"} <= reached


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The source of axe-core; packed from the registry of npm, and kept beside other caches of pytest."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm here to get axe-core with")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [npm, "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    packed = sorted(folder.glob("axe-core-*.tgz"))
    if done.returncode or not packed:
        pytest.skip("axe-core could not be had from npm")
    with tarfile.open(packed[0]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("run", ["shop", "sheeted", "empty"])
def test_axe_finds_nothing_serious(visit, axe, run, dark, request):
    page = visit(request.getfixturevalue(run), dark=dark)
    page.ask("document.querySelectorAll('#call-table .toggle button').forEach((b, i) => i < 3 && b.click())")
    page.ask("document.querySelectorAll('details').forEach(each => { each.open = true })")
    page.browser.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})

    found = page.browser.execute_async_script(
        "const done = arguments[0];"
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => done(violations.map("
        "each => [each.impact, each.id, each.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])))"
    )

    assert [each for each in found if each[0] in ("serious", "critical")] == []
