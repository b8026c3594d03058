"""The page without a browser: well-formed, complete, and every text escaped exactly once."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from analyzer.registry import load_registry
from analyzer.report.drawn import charts_of
from analyzer.report.html import page
from analyzer.report.html_view import SHOWN
from analyzer.views.words import words
from tests.report import sample

_VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})
SVG = '<svg class="chart" viewBox="0 0 9 9"><text x="1" y="5" style="fill: currentColor">&lt;b&gt;</text></svg>'


class Read(HTMLParser):
    """What stands in a page: elements that were opened and closed in their order, attributes, texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.texts.append(data)

    def values(self, name: str) -> list[str]:
        """The values of an attribute, wherever it stands."""
        return [value for _, found, value in self.attributes if found == name]


def made(lang: str = "en") -> str:
    charts = {each: {"days": (SVG, "days <b>"), "heat": (SVG, "heat")} for each in ("en", "nl")}
    return page(sample.report(), load_registry(), charts, lang)


@pytest.fixture(scope="module")
def text() -> str:
    return made()


@pytest.fixture(scope="module")
def read(text: str) -> Read:
    return Read(text)


def test_elements_are_closed_in_their_order(read: Read) -> None:
    assert (read.wrong, read.open) == ([], [])


def test_names_are_there_once_and_every_link_has_its_target(read: Read) -> None:
    names = Counter(read.values("id"))
    assert [name for name, count in names.items() if count > 1] == []
    targets = [value for value in read.values("href") if value != "data:,"]
    assert targets
    assert [target for target in targets if target[:1] != "#" or target[1:] not in names] == []
    referred = " ".join(read.values("aria-labelledby")).split()
    assert [name for name in referred if name not in names] == []


def test_tables_have_captions_and_headings_their_scope(read: Read) -> None:
    assert read.tags["table"] == read.tags["caption"] > 40
    scopes = [value for tag, name, value in read.attributes if (tag, name) == ("th", "scope")]
    assert len(scopes) == read.tags["th"]
    assert set(scopes) == {"col", "row"}


def test_nothing_is_fetched_and_nothing_foreign_runs(text: str, read: Read) -> None:
    assert read.tags["img"] == read.tags["iframe"] == read.tags["form"] == 0
    assert (read.tags["script"], read.tags["style"], read.tags["link"]) == (2, 1, 1)
    assert [name for _, name, _ in read.attributes if name.startswith("on") or name == "src"] == []
    assert not re.search(r"url\(|@import|https?:(?!//www\.w3\.org/)", re.sub(r"<svg.*?</svg>", "", text))


def test_the_policy_names_what_runs_by_its_hash(text: str, read: Read) -> None:
    policy = next(value for value in read.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none';")
    for tag in ("script", "style"):
        for inside in re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_strangers_texts_are_escaped_once(text: str, read: Read) -> None:
    assert "<script>window" not in text
    for hostile in sample.HOSTILE[:3]:
        assert hostile in read.texts
    assert [each for each in read.texts if "&lt;script" in each or "&amp;lt;" in each] == []
    assert sample.HOSTILE[4] in read.texts
    assert r"name\u202egnp.exe\u2066\x00\x1b[31m" in read.texts
    assert not re.search("[\x00\u202a-\u202e\u2066-\u2069]", text)


def test_charts_stand_where_they_belong_with_their_words(text: str, read: Read) -> None:
    # The hours of the week are a table with tints here, whose numbers lead to their calls.
    assert text.count(SVG) == 2
    assert [value for _, name, value in read.attributes if name == "aria-label" and value == "days <b>"] != []
    assert "<b>" in read.texts


def test_both_languages_are_inside_and_the_asked_one_is_open(text: str) -> None:
    for lang, title in (("en", "Failed calls, week 46"), ("nl", "Mislukte gesprekken, week 46")):
        document = made(lang)
        assert f'<html lang="{lang}"' in document
        assert f"<title>{title}</title>" in document
        hidden = re.findall(r'data-lang="(\w\w)"[^>]* hidden>', document)
        assert hidden == [other for other in ("en", "nl") if other != lang]


def test_the_same_report_gives_the_same_octets(text: str) -> None:
    assert made() == text


def test_long_tables_keep_their_rest_for_those_who_ask(read: Read) -> None:
    assert read.tags["tr"] > SHOWN
    assert [value for _, name, value in read.attributes if name == "class" and value == "more"] != []


def test_links_of_both_languages_lead_to_calls_that_stand_there_once(text: str, read: Read) -> None:
    names = {name for name in read.values("id") if re.fullmatch("calls-[0-9a-f]{12}", name)}
    assert len(names) > 30
    english, dutch = (part for part in text.split('<div class="page"')[1:])
    for part in (english, dutch):
        assert {f"calls-{name}" for name in re.findall('href="#calls-([0-9a-f]{12})"', part)} == names
    assert text.count('id="t-calls"') == english.count('id="t-calls"') == 1
    assert '<span lang="en">failed</span><span lang="nl">mislukt</span>' in english


def test_a_page_of_a_large_site_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    report = sample.report()
    assert len(report.calls) > 10 == len(set(list(report.calls)[:10]))
    monkeypatch.setattr("analyzer.report.html.CALLS", 10)
    monkeypatch.setattr("analyzer.report.html_view.ROWS", 3)
    text = page(report, load_registry())
    read = Read(text)
    rows = [name for name in read.values("id") if re.fullmatch("call-[0-9a-f]{12}", name)]
    assert len(rows) == 10
    assert {value[1:] for value in read.values("href") if value.startswith("#call-")} <= set(rows)
    assert "The first 10 calls; the command of a number lists all of its calls." in text
    codes = text.partition('id="t-codes"')[2]
    assert codes.partition("</tbody>")[0].count("<tr>") == 1 + 3
    assert f"… and {len(report.codes) - 3} more rows, in the CSV files" in codes.partition("</div>\n</div>")[0] + codes


def test_an_empty_week_is_a_page_too() -> None:
    read = Read(page(sample.empty(), load_registry()))
    assert (read.wrong, read.open, read.tags["table"]) == ([], [], 0)
    assert "No calls in this time." in read.texts


def test_the_words_of_the_controls_survive_their_attribute(text: str) -> None:
    found = re.search(r'data-words="([^"]*)"', text)
    assert found is not None
    assert '"filter": "Filter"' in html.unescape(found[1])


def test_drawn_charts_hold_strangers_names_as_texts() -> None:
    drawn = charts_of(sample.report(), words(), load_registry())
    charts = {name: (drawn[name].svg, drawn[name].alt) for name in ("change", "endpoints", "outages")}
    read = Read(page(sample.report(), load_registry(), {"en": charts}))
    assert (read.wrong, read.open, read.tags["svg"], read.tags["script"]) == ([], [], 3, 2)
    assert [name for _, name, _ in read.attributes if name.startswith("on")] == []
    assert [value for value in read.values("aria-label") if "<script>" in value] != []
