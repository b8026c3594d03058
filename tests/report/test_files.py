"""A report as files: CSV and JSON give back what the report holds, Markdown holds no stranger's mark-up, all whole."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import OutputError
from analyzer.registry import load_registry
from analyzer.report.drawn import CHARTS, charts_of
from analyzer.report.files import FORMATS, csv_files, json_text, write
from analyzer.report.lines import NoteLine
from analyzer.report.markdown import ROWS, markdown, safe
from analyzer.report.model import WeeklyReport
from analyzer.stats.document import rfc3339
from analyzer.views.words import words
from tests.report import sample
from tests.report.told import FAILED, told

REGISTRY = load_registry()
DOCS = Path(__file__).parents[2] / "docs"


def tables(report: WeeklyReport) -> dict[str, list[dict[str, str]]]:
    """Every CSV table, read as a program would."""
    return {
        Path(name).stem: list(csv.DictReader(io.StringIO(octets.decode()), strict=True))
        for name, octets in csv_files(report)
    }


def test_csv_gives_back_the_numbers() -> None:
    made = tables(told())
    assert [int(row["failures"]) for row in made["days"]] == list(FAILED)
    first = made["endpoints"][0]
    assert (first["ip"], first["name"], first["side"]) == ("192.0.2.7", "Carrier A", "other")
    assert (first["share_numerator"], first["share_denominator"]) == ("412", "4100")
    assert float(first["share_percent"]) == pytest.approx(412 / 41)
    assert float(first["share_low"]) < float(first["share_percent"]) < float(first["share_high"])
    assert json.loads(first["by_status_code"]) == {"503": 398, "none": 10, "500": 4}
    assert first["originated_shown"].split() == [sample.key(n) for n in range(1, 6)]
    assert first["is_small"] == "false"
    assert made["endpoints"][3]["network"] == "", "missing is empty"
    assert len(made["heat"]) == 168
    assert made["calls"][7]["invite_ts"] == rfc3339(sample.call(7).invite_ts)
    assert [row["key"] for row in made["calls"]] == sorted(told().calls)


def test_csv_has_a_table_for_every_kind_of_line_and_empty_ones_have_headings() -> None:
    full, empty = tables(told()), dict(csv_files(sample.empty()))
    assert {f"csv/{name}.csv" for name in full} == set(empty)
    lists = {field.name for field in fields(WeeklyReport)} - {"about", "change", "registrations", "durations"}
    assert lists <= set(full)
    inner = {"sources", "change_lines", "registrations_lines", "durations_bins", "durations_spikes"}
    assert inner | {"durations_false_answers"} == set(full) - lists
    assert empty["csv/endpoints.csv"].count(b"\n") == 1
    assert empty["csv/endpoints.csv"].startswith(b"ip,network,name,side,originated,originated_shown,originated_choice,")


@pytest.mark.parametrize(
    "text", ["=1+1", "+31", "-1", "@SUM(A1)", "\t=1", 'a"b,c', "two\nlines\r", "\x00\u202e\ud800", " a "]
)
def test_csv_cells_are_no_formulas_and_stay_cells(text: str) -> None:
    made = tables(replace(told(), notes=(NoteLine("note", sample.WEEK.days[0], text),)))
    (row,) = made["notes"]
    assert list(row) == ["kind", "day", "text", "ts"]
    assert row["day"] == "2026-11-09"
    assert row["text"][:1] not in ("=", "+", "-", "@")
    assert row["text"].isprintable()


def test_json_is_valid_by_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for report in (told(), sample.empty()):
        assert [error.message for error in validator.iter_errors(json.loads(json_text(report)))] == []
    made = json.loads(json_text(told()))
    made["headline"][0]["now"]["percent"] = "none"
    del made["days"]
    assert len(list(validator.iter_errors(made))) == 2, "the schema can fail"


def test_json_holds_the_report_in_its_order() -> None:
    report = told()
    made = json.loads(json_text(report))
    assert list(made) == ["schema", *(field.name for field in fields(WeeklyReport))]
    assert made["schema"] == 1
    assert made["about"]["period"]["from"] == "2026-11-08T23:00:00.000000000Z"
    assert [line["ip"] for line in made["endpoints"]] == [line.ip for line in report.endpoints]
    assert made["days"][1]["by_family"] == report.days[1].by_family
    assert list(made["calls"]) == sorted(report.calls)
    assert all(text.isprintable() for text in _texts(made)), "texts from the wire are made safe"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from (key, *_texts(held))
    elif isinstance(value, list):
        for held in value:
            yield from _texts(held)


def test_markdown_tells_the_verdict_the_changes_and_their_proof() -> None:
    made = markdown(told(), REGISTRY)
    lines = made.splitlines()
    assert lines[0] == "# Failed calls, week 46"
    assert lines[2].startswith("**Failures rose from 3.0% to 8.6% of calls (861).")
    finding = next(n for n, line in enumerate(lines) if line.startswith("1. **503 from 192.0.2.7 rose from 14 to 412"))
    assert any("`sipcause calls --store '/srv/sip cause/store' --status 503`" in line for line in lines)
    proof = [line for line in lines[finding : finding + 12] if line.startswith("   - 2026-11-1")]
    assert len(proof) == 3
    assert all("Call-ID" in line and "frame 10" in line for line in proof)


def test_markdown_tables_are_short_and_whole() -> None:
    lines = markdown(told(), REGISTRY).splitlines()
    heads = [n for n, line in enumerate(lines) if line.startswith("|:--") or line.startswith("|--:")]
    assert heads
    for head in heads:
        columns = lines[head].count("|")
        rows = list(takewhile(lambda line: line.startswith("|"), lines[head + 1 :]))
        assert 0 < len(rows) <= ROWS
        assert {line.replace("\\|", "").count("|") for line in (lines[head - 1], *rows)} == {columns}


def test_markdown_of_strangers_is_shown_as_it_is() -> None:
    assert safe("[a](http://b) <i> `x` a|b\n# c") == "\\[a\\](http\\://b) \\<i\\> \\`x\\` a\\|b \\# c"
    made = markdown(told(), REGISTRY, "nl")
    assert re.findall(r"(?<!\\)[<>&\[]", made) == []
    assert "javascript:" not in made
    assert "\\<script\\>" in made


def test_dutch_markdown_is_dutch() -> None:
    made = markdown(told(), REGISTRY, "nl")
    assert "mislukte" in made.splitlines()[0].lower()


def test_charts_of_a_report_are_drawn_once_and_those_of_nothing_are_not_there() -> None:
    drawn = charts_of(told(), words(), REGISTRY)
    assert list(drawn) == list(CHARTS)
    assert drawn["days"] is drawn["days"]
    assert drawn["days"].alt.startswith("Most failures on Tue 10 Nov: 310.")
    assert drawn["change"].alt.startswith(
        "Failures went from 281 to 861. all failures 281 → 861; 503 from 192.0.2.7 14 → 412"
    )
    assert sum(len(each.svg) for each in drawn.values()) < 200_000
    assert list(charts_of(sample.empty(), words(), REGISTRY)) == []


def test_files_are_written_whole_and_the_same_again(tmp_path: Path) -> None:
    formats = [kind for kind in FORMATS if kind not in ("pdf", "html")]
    written = write(told(), REGISTRY, tmp_path / "a" / "2026-W46", formats)
    again = write(told(), REGISTRY, tmp_path / "b", formats)
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    assert [path.name for path in again if path.parent == tmp_path / "b"] == ["report.json", "report.md"]
    assert sorted(path for path in (tmp_path / "b").rglob("*") if path.is_file()) == sorted(again)


def test_the_page_holds_the_charts_of_both_languages(tmp_path: Path) -> None:
    (path,) = write(told(), REGISTRY, tmp_path, ["html"], "nl")
    text = path.read_text(encoding="utf-8")
    assert "De meeste mislukten op di 10 nov: 310" in text
    assert "Most failures on Tue 10 Nov: 310" in text
    assert text.count('<svg class="chart"') == 2 * (len(CHARTS) - 1), "the page has a grid of its own for the heat map"
    ids = re.findall(r'<[^>]* id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert len(text) < 1_000_000


def test_a_folder_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        write(told(), REGISTRY, tmp_path / "file" / "week", ["json"])
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OutputError, match=r"report\.md"):
        write(told(), REGISTRY, tmp_path, ["md"])
    assert not list(tmp_path.glob("*.part"))


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such format: docx"):
        write(told(), REGISTRY, tmp_path, ["docx"])


def test_every_csv_column_is_documented() -> None:
    text = (DOCS / "report-parts" / "paper.md").read_text(encoding="utf-8")
    for name, octets in csv_files(sample.empty()):
        headings = octets.decode().partition("\n")[0].replace(",", ", ")
        assert f"| `{Path(name).name}` | {headings} |" in text
