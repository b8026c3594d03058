"""The page in a headless Chromium, as its reader uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.registry import load_registry
from analyzer.report.html import page
from tests.browser import CHROMIUM, Browser, Tab
from tests.report import sample

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

OPEN = "document.querySelector('dialog').open"
CODES = "document.querySelector('#t-codes tbody')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page(sample.report(), load_registry()), encoding="utf-8")
    return path


@pytest.fixture
def tab(browser: Browser, written: Path) -> Iterator[Tab]:
    """The page, freshly opened. Whatever a test does with it: it asks for nothing and complains of nothing."""
    found = browser.open(written)
    found.size(1280, 900)
    yield found
    assert found.requested() == [found.evaluate("location.href.split('#')[0]")] * len(found.requested())
    assert found.complaints() == []
    assert found.evaluate("window.pwned") is None
    found.evaluate("localStorage.clear()")
    found.command("Page.close")


def column(tab: Tab, table: str, place: int) -> list[str]:
    """The texts of a column, from the top, of the rows that are shown."""
    found: list[str] = tab.evaluate(
        f"[...document.querySelectorAll('#{table} tbody tr')].filter(r => r.offsetParent)"
        f".map(r => r.cells[{place}].innerText)"
    )
    return found


def sort_of(tab: Tab, table: str, place: int) -> str | None:
    found: str | None = tab.evaluate(
        f"document.querySelector('#{table} thead tr').cells[{place}].getAttribute('aria-sort')"
    )
    return found


def test_numbers_sort_as_numbers_and_come_back_to_their_order(tab: Tab) -> None:
    before = column(tab, "t-codes", 1)
    assert before == ["700", "60", "49", "40", "1", "1", "10"]
    tab.click("#t-codes thead th:nth-child(2) button")
    assert column(tab, "t-codes", 1) == ["700", "60", "49", "40", "10", "1", "1"]
    assert sort_of(tab, "t-codes", 1) == "descending"
    tab.click("#t-codes thead th:nth-child(2) button")
    assert column(tab, "t-codes", 1) == ["1", "1", "10", "40", "49", "60", "700"]
    assert sort_of(tab, "t-codes", 1) == "ascending"
    tab.click("#t-codes thead th:nth-child(2) button")
    assert column(tab, "t-codes", 1) == before
    assert sort_of(tab, "t-codes", 1) is None


def test_texts_sort_as_texts_and_what_is_missing_stands_last(tab: Tab) -> None:
    tab.click("#t-endpoints thead th:nth-child(1) button")
    assert column(tab, "t-endpoints", 0)[1:] == ["192.0.2.99", "Carrier A (192.0.2.7)"]
    for _ in range(2):
        tab.click("#t-trunks thead th:nth-child(9) button")
        assert column(tab, "t-trunks", 8)[-1] == "–"


def test_sorting_works_from_the_keyboard(tab: Tab) -> None:
    tab.evaluate("document.querySelector('#t-codes thead th:nth-child(2) button').focus()")
    tab.press("Enter")
    tab.until("document.querySelector('#t-codes thead th:nth-child(2)').getAttribute('aria-sort') === 'descending'")


def test_a_filter_leaves_rows_that_fit_and_counts_them(tab: Tab) -> None:
    tab.evaluate("document.querySelector('#t-codes input').focus()")
    tab.type("GIGASET")
    tab.until("document.querySelector('#t-codes output').textContent === '1 of 7 rows'")
    assert column(tab, "t-codes", 1) == ["1"]
    tab.evaluate("document.querySelector('#t-codes input').value = ''")
    tab.evaluate("document.querySelector('#t-codes input').dispatchEvent(new Event('input'))")
    assert len(column(tab, "t-codes", 0)) == 7


def test_long_tables_open_on_demand(tab: Tab) -> None:
    assert len(column(tab, "t-calls", 0)) == 12
    tab.click("#t-calls button.rows")
    assert len(column(tab, "t-calls", 0)) == 60
    tab.click("#t-calls button.rows")
    assert len(column(tab, "t-calls", 0)) == 12


def test_the_language_is_switched_and_remembered(tab: Tab) -> None:
    tab.click("input[data-set=language][value=nl]")
    seen = "[...document.querySelectorAll('.page')].filter(p => p.offsetParent || !p.hidden).map(p => p.lang)"
    assert tab.evaluate(seen) == ["nl"]
    assert tab.evaluate("[document.documentElement.lang, document.title]") == ["nl", "Mislukte gesprekken, week 46"]
    assert "8,6% van de gesprekken" in tab.evaluate("document.body.innerText")
    assert tab.evaluate("document.activeElement.value") == "nl"
    tab.go(tab.evaluate("location.href"))
    assert tab.evaluate(seen) == ["nl"]


def test_causes_are_told_in_other_terms_everywhere(tab: Tab) -> None:
    assert column(tab, "t-codes", 0)[3] == "486 Busy Here"
    tab.click("input[data-set=terms][value=isdn]")
    assert column(tab, "t-codes", 0)[3] == "17 User busy (486)"
    tab.click("input[data-set=terms][value=vendor]")
    assert column(tab, "t-causes", 0)[1].startswith("34 NORMAL_CIRCUIT_CONGESTION")
    tab.click("input[data-set=terms][value=sip]")
    assert column(tab, "t-causes", 0)[1].startswith("503 Service Unavailable (34)")
    # A filter looks for what is seen.
    tab.evaluate("document.querySelector('#t-codes input').focus()")
    tab.type("user busy")
    tab.until("document.querySelector('#t-codes output').textContent === '0 of 7 rows'")
    tab.click("input[data-set=terms][value=isdn]")
    tab.until("document.querySelector('#t-codes output').textContent === '1 of 7 rows'")


def test_colours_follow_the_system_until_they_are_chosen(tab: Tab) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(ground)
    tab.media(prefers_color_scheme="dark")
    dark = tab.evaluate(ground)
    assert light != dark
    tab.click("input[data-set=theme][value=light]")
    assert tab.evaluate(ground) == light
    tab.media(prefers_color_scheme="light")
    tab.click("input[data-set=theme][value=dark]")
    assert tab.evaluate(ground) == dark
    tab.click("input[data-set=theme][value=auto]")
    assert tab.evaluate(ground) == light


def test_a_number_leads_to_its_calls_and_back(tab: Tab) -> None:
    tab.click("#t-codes tbody tr:first-child a")
    tab.until(OPEN)
    assert tab.evaluate("document.getElementById('panel-title').textContent") == "503 Service Unavailable"
    assert tab.evaluate("document.querySelectorAll('dialog .card').length") == 5
    said = tab.evaluate("document.querySelector('dialog').innerText")
    for part in ("700 calls", "sipcause calls --store '/srv/sip cause/store' --status 503", "2026-11-11 13:01:01.123Z"):
        assert part in said
    assert f"sipcause explain --store '/srv/sip cause/store' {sample.key(1)}" in said
    where = tab.evaluate("scrollY")
    address = tab.evaluate("location.hash")
    assert address.startswith("#calls-")
    tab.evaluate("history.back()")
    tab.until(f"!{OPEN} && !location.hash")
    assert tab.evaluate("scrollY") == where
    tab.evaluate("history.forward()")
    tab.until(OPEN)
    # Escape closes it, and the address with it; the reader is where he was.
    tab.press("Escape")
    tab.until(f"!{OPEN} && !location.hash")


def test_closing_gives_the_focus_back(tab: Tab) -> None:
    tab.evaluate("document.querySelector('#t-codes tbody tr:nth-child(2) a').focus({preventScroll: true})")
    tab.press("Enter")
    tab.until(OPEN)
    assert tab.evaluate("document.activeElement.id") == "panel-close"
    tab.click("#panel-close")
    tab.until(f"!{OPEN} && !location.hash")
    assert tab.evaluate("document.activeElement === document.querySelector('#t-codes tbody tr:nth-child(2) a')")


def test_an_address_of_calls_opens_them_in_either_language(browser: Browser, written: Path, tab: Tab) -> None:
    address = tab.evaluate("document.querySelector('#t-causes tbody a').hash")
    for lang, calls, heading in (("en", "calls", "A number"), ("nl", "gesprekken", "A-nummer")):
        tab.click(f"input[data-set=language][value={lang}]")
        other = browser.open(written, address)
        other.until(OPEN)
        assert other.evaluate("document.querySelector('.page:not([hidden])').lang") == lang
        assert other.evaluate("document.getElementById('panel-title').textContent") == "17 User busy"
        assert calls in other.evaluate("document.querySelector('#panel-body p').textContent")
        assert heading in other.evaluate("document.querySelector('dialog .card').innerText").splitlines()
        other.command("Page.close")


def test_calls_speak_the_language_that_is_read(tab: Tab) -> None:
    assert "Calls behind the numbers" in tab.evaluate("document.getElementById('calls').innerText")
    before = column(tab, "t-calls", 9)
    tab.click("input[data-set=language][value=nl]")
    said = tab.evaluate("document.getElementById('calls').innerText")
    assert "Gesprekken achter de cijfers" in said
    assert "Calls behind" not in said
    assert tab.evaluate("document.querySelector('.page[lang=nl] #t-calls .tools label').innerText") == "Zoek"
    assert tab.evaluate("document.querySelector('#t-calls button.rows').innerText").startswith("Toon alle")
    assert len(column(tab, "t-calls", 9)) == len(before)
    # A filter looks for what is seen.
    tab.evaluate("document.querySelector('#t-calls input').focus()")
    tab.type("failed")
    tab.until("/^0 /.test(document.querySelector('#t-calls output').textContent)")


def test_an_address_of_no_calls_opens_nothing(browser: Browser, written: Path) -> None:
    other = browser.open(written, "#calls-000000000000")
    assert other.evaluate(OPEN) is False
    assert other.complaints() == []
    other.command("Page.close")


def test_strangers_texts_stay_texts(tab: Tab) -> None:
    cells = tab.evaluate(
        f"[...document.getElementById('t-calls').querySelectorAll('tbody tr')].slice(0, 6).map({_CELLS})"
    )
    for (call_id, agent), hostile in zip(cells, sample.HOSTILE, strict=True):
        expected = hostile.replace("\u202e", r"\u202e").replace("\u2066", r"\u2066")
        expected = expected.replace("\x00", r"\x00").replace("\x1b", r"\x1b")
        assert (call_id, agent) == (expected, expected)
    tab.click("#t-calls tbody tr:first-child td:first-child")
    for place in ("#t-first-seen tbody tr:nth-child(2) a", "#t-endpoints tbody tr:nth-child(2) a", "#t-notes caption"):
        tab.click(place)
    tab.until(OPEN)
    assert (
        tab.evaluate("document.querySelectorAll('.page img, .page b, .page script, dialog img, dialog b').length") == 0
    )


_CELLS = "row => [row.cells[1].textContent, row.cells[7].querySelector('small').textContent]"


def test_whatever_got_in_could_not_run(tab: Tab) -> None:
    """The page's policy stops a script even where somebody put one in, and a request."""
    tab.evaluate(
        "document.body.insertAdjacentHTML('beforeend', "
        '\'<img src="https://example.invalid/x" onerror="window.pwned = 1">\')'
    )
    tab.wait(lambda: bool(tab.told("Network.loadingFailed")))
    assert [failed["blockedReason"] for failed in tab.told("Network.loadingFailed")] == ["csp"]
    assert tab.evaluate("window.pwned") is None
    assert all("Content Security Policy" in said for said in tab.complaints())
    tab.events.clear()


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_down_alone(tab: Tab, width: int) -> None:
    tab.size(width, 844, is_phone=True)
    for lang in ("en", "nl"):
        tab.click(f"input[data-set=language][value={lang}]")
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    tab.evaluate("document.querySelector('[data-lang=nl] table a').click()")
    tab.until(OPEN)
    assert tab.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")


def test_printed_everything_is_open_and_no_control_is_there(tab: Tab) -> None:
    tab.click("input[data-set=theme][value=dark]")
    printed = tab.pdf()
    assert printed.startswith(b"%PDF-")
    assert 5 < printed.count(b"/Type /Page\n") < 40
    tab.command("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate("[...document.querySelectorAll('.controls, nav, .tools, .rows')].every(e => !e.offsetParent)")
    assert len(column(tab, "t-causes", 0)) == 6
    assert tab.evaluate("document.querySelector('#proof-1').offsetHeight") > 0
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(26, 29, 35)"


def test_without_scripts_it_is_a_page_to_read(browser: Browser, written: Path) -> None:
    other = browser.open()
    other.command("Emulation.setScriptExecutionDisabled", value=True)
    other.go(written.as_uri())
    other.command("Emulation.setScriptExecutionDisabled", value=False)
    assert other.evaluate("document.querySelectorAll('.tools').length") == 0
    assert other.evaluate("document.querySelector('.controls').offsetParent") is None
    assert len(column(other, "t-calls", 0)) == 60
    assert other.evaluate("document.querySelector('.page[lang=nl]').offsetParent") is None
    other.command("Page.close")


def test_who_goes_by_keyboard_skips_to_the_report(tab: Tab) -> None:
    tab.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.press("Enter")
    tab.until("document.activeElement.id === 'report'")
