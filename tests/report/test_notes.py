"""Notes and holidays of the operator's: read from TOML, faults told with file and key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analyzer.errors import ConfigError
from analyzer.periods import parsed_week
from analyzer.report.lines import NoteLine
from analyzer.report.notes import noted_in, read_notes

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FULL = """
[[note]]
time = 2026-11-10T14:05:00
text = "Carrier A moved to its new gateway"
[[note]]
time = 2026-11-10T23:30:00Z
text = "and back again"
[[note]]
day = 2026-11-09
text = '''two
lines'''
[[holiday]]
day = "2026-11-11"
name = "Sint-Maarten"
[[holiday]]
day = 2026-11-04
name = "a day of the week before"
[[note]]
day = 2026-11-03
text = "a note of the week before"
"""


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notes.toml"


def test_notes_in_the_order_of_time(file: Path) -> None:
    file.write_text(FULL, "utf-8")
    assert read_notes(file, AMSTERDAM) == (
        NoteLine("note", date(2026, 11, 3), "a note of the week before"),
        NoteLine("holiday", date(2026, 11, 4), "a day of the week before"),
        NoteLine("note", date(2026, 11, 9), "two lines"),
        NoteLine("note", date(2026, 11, 10), "Carrier A moved to its new gateway", ns("2026-11-10T13:05Z")),
        NoteLine("holiday", date(2026, 11, 11), "Sint-Maarten"),
        NoteLine("note", date(2026, 11, 11), "and back again", ns("2026-11-10T23:30Z")),
    )


def test_a_period_has_its_notes_and_the_holidays_before(file: Path) -> None:
    file.write_text(FULL, "utf-8")
    week, notes = parsed_week("2026-W46", AMSTERDAM), read_notes(file, AMSTERDAM)
    assert [line.text for line in noted_in(notes, week)] == [
        "two lines", "Carrier A moved to its new gateway", "Sint-Maarten", "and back again"
    ]  # fmt: skip
    compared = [line.text for line in noted_in(notes, week, week.earlier(1))]
    assert compared[0] == "a day of the week before"
    assert len(compared) == 5


def test_an_empty_file_has_none(file: Path) -> None:
    file.write_text("# nothing yet\n", "utf-8")
    assert read_notes(file, UTC) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[note", "TOML: "),
        ("[[notes]]\nday = 2026-11-10", "notes: unknown section; did you mean note?"),
        ("[note]\nday = 2026-11-10", r"note: is written [[note]]"),
        ("note = [1]", r"note: is written [[note]]"),
        ('[[note]]\ntext = "x"', "note[0]: needs day or time"),
        ('[[holiday]]\nname = "x"', "holiday[0]: needs day"),
        ('[[note]]\nday = 2026-11-10\ntime = 2026-11-10T10:00:00\ntext = "x"', "needs day or time, not both"),
        ("[[note]]\nday = 2026-11-10", "note[0].text: needs a text"),
        ('[[note]]\nday = 2026-11-10\ntext = " "', "note[0].text: needs a text"),
        ("[[holiday]]\nday = 2026-11-10\nname = 3", "holiday[0].name: needs a text"),
        ('[[holiday]]\nday = 2026-11-10\ntext = "x"', "holiday[0].text: unknown key"),
        ('[[note]]\nday = 2026-11-10T10:00:00\ntext = "x"', "note[0].day: is no day; write 2026-11-10"),
        ('[[note]]\nday = "monday"\ntext = "x"', "note[0].day: is no day; write 2026-11-10"),
        ('[[note]]\ntime = 10:00:00\ntext = "x"', "note[0].time: is no time; write 2026-11-10T14:05:00"),
        ('[[note]]\nday = 9999-12-31\ntext = "x"', "note[0].day: is no day"),
        (f'[[note]]\nday = 2026-11-10\ntext = "{"x" * 1001}"', "note[0].text: has more than 1000 characters"),
        ("#" * (1 << 20) + "#", "has more than 1 MiB"),
        ('"no\\u001bte" = 1', "no\\x1bte: unknown section"),
    ],
)
def test_a_fault_names_file_and_key(file: Path, text: str, says: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_notes(file, UTC)
    line = str(caught.value)
    assert line.startswith(f"{file}: ")
    assert says in line
    assert "\n" not in line


def test_files_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_notes(file, UTC)
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_notes(file, UTC)


def test_texts_are_safe_to_show(file: Path) -> None:
    file.write_text('[[note]]\nday = 2026-11-10\ntext = "a\\u202eb"', "utf-8")
    assert read_notes(file, UTC)[0].text == "a\\u202eb"
