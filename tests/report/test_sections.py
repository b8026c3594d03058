"""A weekly report in words: what it says, in whose form, and what it leaves out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.registry import load_registry
from analyzer.registry.languages import language
from analyzer.report import calls_told, sections, telling
from analyzer.report.document import Document, Figures, Findings, Paragraph, Section, Table
from analyzer.report.lines import Change
from analyzer.report.model import WeeklyReport
from analyzer.report.section_change import cell_sentence
from analyzer.stats.kpi import Ratio
from analyzer.views.table import Tone
from analyzer.views.words import words
from tests.report import sample

REPORT = Path(sections.__file__).parent
REGISTRY = load_registry()


def told(report: WeeklyReport | None = None, lang: str = "en") -> Document:
    return sections.document(report or sample.report(), words(lang), REGISTRY)


def section(document: Document, id: str) -> Section:
    return next(each for each in document.sections if each.id == id)


def table(document: Document, id: str) -> Table:
    return next(each for part in document.sections for each in part.tables if each.id == id)


def row(made: Table, first: str) -> dict[str, str]:
    """The texts of the row that begins so, by column."""
    cells = next(cells for cells in made.rows if cells[0].text == first)
    return {column.title: cell.text for column, cell in zip(made.columns, cells, strict=True)}


def texts(value: Any) -> Iterator[str]:
    """Every text of a document."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts(getattr(value, each.name))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from texts(each)


def test_the_verdict_names_what_most_of_the_rise_comes_from() -> None:
    made = told()
    assert made.verdict == (
        "Failures rose from 3.0% to 8.6% of calls (861). Most of it has one reason: "
        "503 from 192.0.2.7 rose from 14 to 412, 71.0% of the rise in failures; began Tuesday 14:05."
    )
    assert made.tone is Tone.BAD


def test_a_difference_by_chance_is_no_news() -> None:
    report = sample.report()
    headline = tuple(replace(line, is_significant=False) for line in report.headline)
    made = told(replace(report, headline=headline))
    assert made.verdict == "8.6% of calls failed (861), as before (3.0%)."
    assert made.tone is Tone.PLAIN


def test_fewer_failures_are_good_news() -> None:
    report = sample.report()
    headline = tuple(
        replace(line, now=line.before, before=line.now) if line.id == "failures" and line.before else line
        for line in report.headline
    )
    made = told(replace(report, headline=headline, change=replace(report.change, lines=report.change.lines[2:])))
    assert made.verdict == "Failures fell from 8.6% to 3.0% of calls (281)."
    assert made.tone is Tone.GOOD


def test_findings_say_who_since_when_and_what_their_headers_say() -> None:
    findings = next(block for block in section(told(), "change").blocks if isinstance(block, Findings)).findings
    assert findings[0].sentence == (
        "503 from 192.0.2.7 rose from 14 to 412, 71.0% of the rise in failures; began Tuesday 14:05; "
        "cause 34 in its Reason headers."
    )
    assert findings[0].proof is not None
    assert [column.title for column in findings[0].proof.columns][:7] == [
        "UTC time", "Call-ID", "A number", "B number", "carrier", "file", "frame",
    ]  # fmt: skip
    assert len(findings[0].proof.rows) == 5
    # What fell while the whole rose has no part of the rise.
    assert findings[2].sentence == "403 to +88 fell from 81 to 49; ended Monday 17:00."
    assert (findings[2].tone, findings[2].weight) == (Tone.GOOD, 0.0)


def test_dutch_has_dutch_words_numbers_and_dates() -> None:
    made = told(lang="nl")
    assert made.title == "Mislukte gesprekken, week 46"
    assert made.subtitle.startswith("9 nov 2026 tot en met 15 nov 2026, tijden in Europe/Amsterdam")
    findings = next(block for block in section(made, "change").blocks if isinstance(block, Findings)).findings
    assert findings[0].sentence == (
        "503 van 192.0.2.7 steeg van 14 naar 412, 71,0% van de stijging van mislukkingen; begon dinsdag 14:05; "
        "oorzaak 34 in de Reason-kopregels."
    )
    assert row(table(made, "trunks"), "Carrier A")["minuten"] == "8.253"
    assert row(table(made, "codes"), "503 Service Unavailable")["betekenis"] == language("nl").status[503]


def test_figures_have_their_interval_and_a_tone_only_beyond_chance() -> None:
    figures = next(block for block in section(told(), "short").blocks if isinstance(block, Figures)).figures
    by_id = {figure.id: figure for figure in figures}
    assert [figure.id for figure in figures] == [line.id for line in sample.report().headline]
    assert (by_id["failures"].value, by_id["failures"].change) == ("861", "8.6% of calls, was 3.0%")
    assert by_id["failures"].notes == ("+580 (+206.4%) against 281", "surely 8.4% to 9.1%")
    assert by_id["failures"].tone is Tone.BAD
    assert by_id["ser"].notes[0] == "95% interval 67.4–69.3%"
    assert (by_id["asr"].tone, by_id["unsuccessful"].tone) == (Tone.PLAIN, Tone.PLAIN)
    assert by_id["asr"].change.endswith("no more than chance")


def test_counts_before_are_those_of_one_week() -> None:
    report = sample.report()
    headline = tuple(replace(line, weeks=4) for line in report.headline)
    figures = next(
        block
        for block in section(told(replace(report, headline=headline)), "short").blocks
        if isinstance(block, Figures)
    ).figures
    assert figures[0].change == "+7,625 (+321.1%) against 2,375"


def test_codes_and_causes_are_told_in_three_ways() -> None:
    made = told()
    busy = table(made, "codes").rows[3][0]
    assert busy.terms is not None
    assert busy.terms == ("486 Busy Here", "17 User busy (486)", "486 Busy Here")
    own = table(made, "codes").rows[4][0].terms
    assert own is not None
    assert own.vendor == "703 Connection cancelled because of timeout (Gigaset/Siemens)"
    full = next(cells for cells in table(made, "causes").rows if cells[0].text.startswith("34"))[0]
    assert full.terms == (
        "503 Service Unavailable (34)", "34 No circuit/channel available", "34 NORMAL_CIRCUIT_CONGESTION",
    )  # fmt: skip


def test_undefined_ratios_are_a_dash_and_small_samples_say_so() -> None:
    made = told()
    quiet = row(table(made, "trunks"), "203.0.113.4")
    assert (quiet["NER"], quiet["ACD"]) == ("–", "–")
    small = next(cells for cells in table(made, "endpoints").rows if cells[0].text == "192.0.2.99")
    assert [cell.note for cell in small if cell.note] == ["few calls"]
    assert row(table(made, "bounds"), "IRA")["as counted"] == "–"


def test_times_are_the_sites_and_those_of_tickets_utc() -> None:
    made = told()
    assert row(table(made, "outages"), "Tue 10 Nov 14:05")["to"] == "Tue 10 Nov 15:40"
    number = list(sample.report().calls).index(sample.key(8))
    assert made.calls.rows[number][0].text == "2026-11-13 13:08:08.123Z"


def test_links_name_their_calls_and_the_command_that_lists_all() -> None:
    cell = next(cells for cells in table(told(), "codes").rows if cells[0].text.startswith("503"))[1]
    assert cell.link is not None
    assert cell.link.keys == tuple(sample.key(number) for number in range(1, 6))
    assert (cell.link.calls, cell.link.command) == (700, "sipcause calls --store '/srv/sip cause/store' --status 503")
    assert told().explain == "sipcause explain --store '/srv/sip cause/store'"


def test_reports_of_captures_name_their_files() -> None:
    report = sample.report()
    made = told(replace(report, about=replace(report.about, store=None)))
    assert made.explain == "sipcause explain eth1 '<script>window.pwned=1</script>.pcap'"


def test_each_emergency_call_that_was_not_answered_is_listed() -> None:
    assert table(told(), "emergency-calls").keys == (sample.key(40), sample.key(41))
    report = replace(sample.report(), emergency=sample.report().emergency[1:])
    paragraphs = [block for block in section(told(report), "where").blocks if isinstance(block, Paragraph)]
    assert [each.text for each in paragraphs] == ["Every emergency call was answered."]


def test_an_empty_week_draws_no_table_and_says_what_there_is_not() -> None:
    made = told(sample.empty())
    assert made.verdict == "No calls in this time."
    assert not [each for part in made.sections for each in part.tables]
    said = [text for part in made.sections for text in part.lead] + [
        block.text for part in made.sections for block in part.blocks if isinstance(block, Paragraph)
    ]
    for expected in ("No call failed.", "There is nothing to compare with.", "No scanner was seen."):
        assert expected in said


def test_a_cell_is_named_by_every_dimension_that_it_has() -> None:
    where = {
        "status_code": "none", "cause": "34", "endpoint": "192.0.2.7", "prefix": "+49", "agent": "GW",
        "caller_agent": "PBX", "hours": "08-12",
    }  # fmt: skip
    line = replace(sample.report().change.lines[0], where=where, name="Carrier A", share=None, began_ts=None)
    teller = telling.Teller(sample.report(), words(), REGISTRY)
    assert cell_sentence(teller, line, is_short=True) == (
        "Silence with cause 34 from Carrier A (192.0.2.7) to +49 with GW of callers with PBX at 08-12 "
        "rose from 14 to 412."
    )


@pytest.mark.parametrize(
    ("why_not", "said"),
    [("few_calls", "Too few calls to say what changed."), ("no_change", "Nothing changed by more than chance.")],
)
def test_why_nothing_explains_a_change_is_said(why_not: str, said: str) -> None:
    change = Change(3, 2.0, 9, 9.0, None, None, None, (), why_not)
    assert section(told(replace(sample.report(), change=change)), "change").lead == (said,)


def test_every_text_is_safe_to_show() -> None:
    hostile = [
        text for text in texts(told()) if re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    ]
    assert hostile == []
    assert any(r"name\u202egnp.exe\u2066\x00\x1b[31m" in text for text in texts(told()))


def test_redials_of_one_caller_are_told_without_a_chance() -> None:
    report = sample.report()
    first = report.change.lines[0]
    where = {"endpoint": first.where["endpoint"], "caller_agent": "Asterisk PBX"}
    line = replace(first, where=where, endpoint=where["endpoint"], name=None, is_redials=True, q=1.0)
    made = told(replace(report, change=replace(report.change, lines=(line,), why_not="no_change")))
    (cells,) = table(made, "changes").rows
    assert cells[0].text == f"One caller's redials: Failures from {where['endpoint']} of callers with Asterisk PBX"
    assert cells[-1].text == ""
    assert section(made, "change").lead == ("Nothing changed by more than chance.",)


def test_clock_changes_are_said() -> None:
    report = sample.report()
    heat = tuple(replace(cell, hours=0) if (cell.weekday, cell.hour) == (6, 2) else cell for cell in report.heat)
    assert "The clocks changed" in " ".join(table(told(replace(report, heat=heat)), "heat").notes)
    assert "The clocks changed" not in " ".join(table(told(), "heat").notes)


def test_rows_are_as_wide_as_their_headings() -> None:
    for part in (*told().sections, Section("calls", "", (), (told().calls,))):
        for each in part.tables:
            assert {len(cells) for cells in each.rows} == {len(each.columns)}, each.id
            assert len(each.keys) in (0, len(each.rows))


def test_sums_of_a_table_are_those_of_the_report() -> None:
    made, report = told(), sample.report()
    shares = [cells[4].sort for cells in table(made, "outcomes").rows]
    assert sum(share for share in shares if share is not None) == pytest.approx(100)
    assert len(table(made, "heat").rows) == 24
    assert sum(cell.sort or 0 for cells in table(made, "heat").rows for cell in cells[1:]) == sum(
        cell.failures.calls for cell in report.heat
    )


def _translated() -> list[str]:
    """Every text that the report hands to `Words`, and every value of its dictionaries of names."""
    found = {*telling.WEEKDAYS, *telling.MONTHS}
    # Of the charts those who draw them hold the same.
    for path in sorted(set(REPORT.glob("*.py")) - {REPORT / "drawn.py"}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                first = node.args[0]
                if called == "words" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
        for node in tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            value = node.value if isinstance(node, ast.Assign) else None
            if (
                isinstance(target, ast.Name)
                and isinstance(value, ast.Dict)
                and path.name.startswith(("section", "telling"))
            ):
                found |= {
                    each.value
                    for each in value.values
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and target.id not in _NO_WORDS
                }
    found |= {group.title for group in REGISTRY.sections["cause_class"].values()}
    return sorted(found - {"en", "nl"})


#: Dictionaries whose values are no texts.
_NO_WORDS = {"_GOOD", "_GRADES"}
#: The same in both languages.
_SAME = {"SER", "SEER", "NER", "ASR"}


@pytest.mark.parametrize("english", sorted(set(_translated()) - _SAME))
def test_every_text_is_there_in_dutch_with_the_same_blanks(english: str) -> None:
    dutch = language("nl").ui.get(english)
    assert dutch is not None
    assert sorted(re.findall(r"{\w+}", dutch)) == sorted(re.findall(r"{\w+}", english))


def test_a_ratio_of_nothing_has_no_interval() -> None:
    assert telling.Teller(sample.report(), words(), REGISTRY).ratio(Ratio(0, 0)).text == "–"


def test_calls_that_the_report_does_not_know_are_left_out() -> None:
    teller = telling.Teller(sample.report(), words(), REGISTRY)
    assert calls_told.calls_table(teller, "x", "", [sample.key(1), "unknown"]).keys == (sample.key(1),)
