"""Tables on a screen of any width, and in a pipe."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from analyzer.ui.cli.printing import Screen, cut, fitted
from analyzer.views.table import Cell, Column, Table, Tone, plain

TABLE = Table(
    "Calls",
    [
        Column("time"),
        Column("caller", shrink=True),
        Column("code", align_right=True),
        Column("text", rank=2, shrink=True),
        Column("frame", rank=1, align_right=True),
    ],
    [
        plain("09:12:00", "192.0.2.20", "503", "Service or option not available, unspecified", "1612"),
        (*plain("09:12:01", "2001:db8:1234:5678:9abc:def0:1234:5678"), Cell("486", Tone.BAD), *plain("User busy", "7")),
    ],
    ["a note that is long enough to be wrapped on a narrow screen and not on a wide one"],
)  # fmt: skip


def drawn(width: int, table: Table = TABLE, encoding: str = "utf-8") -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Screen(stream, width).table(table)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 160, 400])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    assert max(cell_len(line) for line in drawn(width)) <= width


def test_a_wide_screen_shows_everything_in_columns() -> None:
    lines = drawn(160)
    assert lines[0] == "Calls"
    assert lines[1].split() == ["time", "caller", "code", "text", "frame"]
    starts = [line.index("192") if "192" in line else line.index("2001") for line in lines[2:4]]
    assert starts[0] == starts[1] == lines[1].index("caller")
    ends = [line.rindex(word) + len(word) for line, word in zip(lines[1:4], ("frame", "1612", "7"), strict=True)]
    assert len(set(ends)) == 1, "numbers stand right"


def test_a_narrow_screen_leaves_out_the_least_important_first() -> None:
    assert "text" not in drawn(48)[1]
    assert "frame" in drawn(48)[1]
    assert "code" in drawn(30)[1]


def test_there_are_no_trailing_blanks_and_no_colours_in_a_pipe() -> None:
    for line in drawn(100):
        assert line == line.rstrip()
        assert "\x1b" not in line


def test_what_steers_a_terminal_is_escaped_whatever_it_came_from() -> None:
    hostile = Table("\x1b[2J", [Column("a")], [plain("x\x1b]0;owned\x07\u202ey")], ["\x9b31m"])
    text = "\n".join(drawn(100, hostile))
    assert not set(text) & set("\x1b\x07\u202e\x9b")
    assert "\\x1b]0;owned\\x07\\u202ey" in text


def test_an_ascii_pipe_gets_ascii() -> None:
    table = Table("T", [Column("a", shrink=True)], [plain("… × – ≠")], ["…"])
    assert drawn(80, table, "ascii") == ["T", "a", "... x - !", "...", ""]


def test_wide_letters_count_twice() -> None:
    table = Table("T", [Column("a", shrink=True), Column("b")], [plain("電話" * 30, "x"), plain("y", "z")])
    lines = drawn(40, table)
    assert cell_len(lines[2]) <= 40
    assert cell_len(lines[2][: lines[2].index("x")]) == cell_len(lines[3][: lines[3].index("z")])


def test_a_cut_text_says_so() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcdef", 6) == "abcdef"
    assert cut("/data/x/morning.pcap", 13, is_path=True) == "…morning.pcap"


def test_a_list_in_a_pipe_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    Screen(stream, is_list=True).table(Table("T", [Column("a", shrink=True)], [plain("x" * 500)]))
    stream.flush()
    assert b"x" * 500 in stream.buffer.getvalue()  # type: ignore[attr-defined]


def test_columns_come_back_where_room_is_left() -> None:
    columns = [Column("a"), Column("b", rank=1), Column("c", rank=2)]
    assert fitted(columns, [10, 5, 50], 20) == ([10, 5, None], 2)
    assert fitted(columns, [10, 50, 5], 20) == ([10, None, 5], 2)
