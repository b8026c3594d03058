"""Figures of merit as a person sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.config import Thresholds
from analyzer.registry import load_registry
from analyzer.registry.languages import language
from analyzer.schema import SessionRow
from analyzer.stats.kpis import Request, expanded, kpis_of
from analyzer.stats.ring_times import RingTime
from analyzer.views.kpis import COUNTED, DELAYS, PARTS, kpi_tables, part_tables, ring_times_table
from analyzer.views.table import Table, Tone
from analyzer.views.words import words
from tests.stats.made import START, MadeAnalysis, MadeConfig, calls, table
from tests.stats.test_rfc6076 import BUSY, CANCELLED, CHALLENGED, OK, TRUNK

Row = Mapping[str, Any]


def tables(analysis: MadeAnalysis, lang: str = "en", **options: Any) -> dict[str, Table]:
    return {made.title: made for made in kpi_tables(kpis_of(analysis), words(lang), **options)}


def lines(made: Table) -> dict[str, list[str]]:
    """The cells of each line behind its first one."""
    return {row[0].text: [cell.text for cell in row[1:]] for row in made.rows}


def test_a_ratio_shows_value_interval_and_what_it_divides() -> None:
    found = lines(tables(MadeAnalysis({"calls": calls(OK, CHALLENGED, BUSY, CANCELLED)}))["Key figures"])
    assert found["SER"][:3] == ["50.0%", "15.0–85.0", "2 / 4"]
    assert found["SER"][3] == "each INVITE 40.0%, 487 share 25.0%"
    assert found["SEER"][:3] == ["75.0%", "30.1–95.4", "3 / 4"]
    assert found["SER"][4] == "Session Establishment Ratio"


def test_what_is_undefined_is_a_dash_and_never_zero() -> None:
    made = tables(MadeAnalysis({"calls": calls(BUSY)}))
    assert lines(made["Key figures"])["drops"][:3] == ["–", "–", "0 / 0"]
    assert lines(made["Delays and durations"])["SRD"][:7] == ["ms", "–", "–", "–", "–", "–", "0"]


def test_nothing_to_count_shows_nothing() -> None:
    assert tables(MadeAnalysis({})) == {}


def test_a_delay_shows_its_mean_and_percentiles() -> None:
    rows = [{**OK, "srd_ms": float(ms)} for ms in (50, 150, 1234)]
    found = lines(tables(MadeAnalysis({"calls": calls(*rows)}))["Delays and durations"])
    assert found["SRD"][:7] == ["ms", "478", "150", "1,234", "1,234", "1,234", "3"]
    assert found["SDT"][:3] == ["s", "60.0", "60.0"]


def test_every_reading_has_a_line_of_its_own_where_there_is_room() -> None:
    made = tables(MadeAnalysis({"calls": calls(OK, CHALLENGED)}), is_compact=False)
    found = lines(made["Key figures"])
    assert found["SER wire"][:3] == ["66.7%", "20.8–93.9", "2 / 3"]
    assert found["NER + 27"][0] == "100.0%"
    assert found["SER"][-1] == "answered calls / calls without elsewhere, redirected and open"


def test_scanners_have_a_column_where_there_are_any() -> None:
    scan = {"outcome": "rejected", "status_code": 404, "is_scanner": True}
    made = tables(MadeAnalysis({"calls": calls(OK, scan, scan, scan)}))["Key figures"]
    assert [column.title for column in made.columns][4] == "with scanners"
    assert lines(made)["SER"][:4] == ["100.0%", "20.7–100.0", "1 / 1", "25.0%"]
    without = tables(MadeAnalysis({"calls": calls(OK)}))["Key figures"]
    assert "with scanners" not in [column.title for column in without.columns]


def test_sessions_are_shown_where_they_differ_from_calls() -> None:
    def session(calls_of_it: int) -> Row:
        return {
            "session_no": 1, "call_no": 1, "calls": calls_of_it, "outcome": "answered", "status_code": 200,
            "invite_ts": START + 1_000_000_000,
        }  # fmt: skip

    linked = MadeAnalysis({"calls": calls(OK, TRUNK), "sessions": table(SessionRow, [session(2)])})
    assert lines(tables(linked)["Key figures of sessions"])["SER"][:3] == ["100.0%", "20.7–100.0", "1 / 1"]
    alone = MadeAnalysis({"calls": calls(OK), "sessions": table(SessionRow, [session(1)])})
    assert "Key figures of sessions" not in tables(alone)


def test_without_intervals_there_is_no_column_for_them() -> None:
    made = tables(MadeAnalysis({"calls": calls(OK)}), has_interval=False)["Key figures"]
    assert "95 %" not in [column.title for column in made.columns]
    assert lines(made)["SER"][:2] == ["100.0%", "1 / 1"]


def parts(by: str, *rows: Row, top: int = 20, **config: Any) -> Table:
    made = MadeConfig(**config)
    found = kpis_of(MadeAnalysis({"calls": calls(*rows)}, config=made), Request((by,), top))
    (only,) = part_tables(found, words(), made)
    return only


def test_parts_are_ranked_and_have_our_names() -> None:
    bad = [{**TRUNK, "caller_ip": "192.0.2.2"}] * 3
    made = parts("caller", OK, OK, *bad, aliases={"192.0.2.2": "Gate"}, thresholds=Thresholds(minimum_calls=3))
    assert made.title == "By caller"
    assert lines(made)["Gate (192.0.2.2)"][:3] == ["3", "100.0%", "43.9–100.0"]
    assert list(lines(made)) == ["Gate (192.0.2.2)", "192.0.2.1"]
    assert [row[0].tone for row in made.rows] == [Tone.PLAIN, Tone.FAINT]
    assert "fewer than 3" in made.notes[0]


def test_prefixes_and_pairs_have_our_names_too() -> None:
    row = {**OK, "to_uri": "sip:+31201234567@x"}
    assert list(lines(parts("prefix", row, numbers={"+3120": "Amsterdam"}))) == ["Amsterdam (+3120)"]
    assert list(lines(parts("pair", OK, aliases={"192.0.2.9": "Carrier"}))) == ["192.0.2.1 > Carrier (192.0.2.9)"]


def test_hours_name_their_zone() -> None:
    made = parts("hour", OK)
    assert list(lines(made)) == ["2026-11-17 07:00 +0000"]
    assert made.notes == ["The hour is that of the first request, in UTC"]


def test_ring_times_have_an_open_end() -> None:
    made = ring_times_table([RingTime(0, 5, 3, 0), RingTime(5, None, 1, 2)], words())
    assert lines(made) == {"0–5 s": ["3", "0"], "5 s and more": ["1", "2"]}


def test_every_title_and_reading_is_there_in_dutch() -> None:
    dutch = language("nl").ui
    entries = expanded(load_registry().kpis, ())
    texts = {entry.title for entry in entries.values()} | {entry.reading for entry in entries.values()} - {""}
    texts |= {*COUNTED.values(), *DELAYS.values(), *PARTS.values(), "calls", "sessions", "registrations"}
    assert texts - set(dutch) == set()


def test_dutch_figures_have_dutch_marks() -> None:
    made = tables(MadeAnalysis({"calls": calls(OK, BUSY, BUSY)}), "nl")["Kengetallen"]
    assert lines(made)["SER"][:3] == ["33,3%", "6,1–79,2", "1 / 3"]
