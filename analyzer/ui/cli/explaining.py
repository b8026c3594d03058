"""Draws an explanation on a terminal: the ladder with a column for each party, the ledger, the verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import tzinfo

from rich.cells import cell_len, set_cell_size

from analyzer.ui.cli.printing import STYLES, Screen, cut
from analyzer.views.explain import Explanation, LedgerLine
from analyzer.views.ladder import Ladder, Rung
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.times import DAY, local_time
from analyzer.views.words import Words

#: A lane narrower than this holds no label, a wider one is lost room; `_ROOMY` is enough to spend room on times.
_NARROWEST, _ROOMY, _WIDEST = 15, 26, 40
#: From this width on the ledger puts message and effect on one line.
_WIDE = 116
_MESSAGE = 34
_FAINT = STYLES[Tone.FAINT]
#: Cells that must be left for a label to be shown in part rather than in a shorter form.
_ROOM_FOR_MORE = 6


def show(screen: Screen, seen: Explanation, zone: tzinfo, words: Words) -> None:
    """The whole explanation."""
    screen.paragraph(seen.headline, "bold")
    label = max(cell_len(name) for name, _ in seen.facts)
    for name, value in seen.facts:
        screen.line((f"  {set_cell_size(name, label)}  ", _FAINT), (value, ""))
    screen.line()
    show_ladder(screen, seen.ladder, zone, words)
    _show_ledger(screen, seen.ledger, words)
    for title, lines in seen.verdict:
        screen.line((title, "bold"))
        for line in lines:
            _hanging(screen, line)
    screen.line()
    for table in seen.tables:
        screen.table(table)
    for remark in seen.remarks:
        screen.paragraph(f"! {remark}", "yellow")


def _hanging(screen: Screen, text: str) -> None:
    width = max(screen.width, 24)
    lines = textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ") or [""]
    for line in lines:
        screen.line((line, ""))


# -- the ladder ---------------------------------------------------------------------------------------------------


def show_ladder(screen: Screen, ladder: Ladder, zone: tzinfo, words: Words) -> None:
    """A column for each party, an arrow for each message; a plain list where the screen has no room for columns."""
    if not ladder.rungs:
        return
    times = _Times(ladder, zone, words)
    parties = len(ladder.parties)
    fields, lane = _lanes(screen.width, times, parties)
    if parties < 2 or lane < _NARROWEST:
        screen.table(_as_list(ladder, times, words))
        return
    centres = [lane // 2 + lane * number for number in range(parties)]
    gutter = sum(times.widths[field] for field in fields) + 2 * len(fields)
    heads = "".join(_centred(cut(screen.text(name), lane - 1), lane) for name in ladder.parties)
    screen.line((" " * gutter + heads, "bold"))
    for number, rung in enumerate(ladder.rungs):
        told = "  ".join(times.cell(field, number) for field in fields) + "  "
        before, arrow, after = _arrow(screen, rung, centres, lane * parties)
        screen.line((told, _FAINT), (before, _FAINT), (arrow, STYLES[rung.tone]), (after, _FAINT))
    screen.line()


class _Times:
    """What stands in front of each message: frame, clock time, time since the first message and since the last."""

    def __init__(self, ladder: Ladder, zone: tzinfo, words: Words) -> None:
        self.columns = {
            "frame": [str(rung.frame_no) for rung in ladder.rungs],
            "clock": [local_time(rung.ts, zone)[DAY + 1 :] for rung in ladder.rungs],
            "start": [words.span_s(rung.since_start) for rung in ladder.rungs],
            "last": [words.span_s(rung.since_last) for rung in ladder.rungs],
        }
        self.widths = {name: max(map(len, cells)) for name, cells in self.columns.items()}

    def cell(self, field: str, number: int) -> str:
        return self.columns[field][number].rjust(self.widths[field])


def _lanes(width: int, times: _Times, parties: int) -> tuple[list[str], int]:
    """Which times are shown, and how wide a lane is then: the frame and one time always, the others where room is."""
    fields = ["frame", "start"]
    for more, place in (("clock", 1), ("last", 3)):
        longer = [*fields[:place], more, *fields[place:]]
        if (width - sum(times.widths[field] + 2 for field in longer)) // max(parties, 1) >= _ROOMY:
            fields = longer
    room = width - sum(times.widths[field] + 2 for field in fields)
    return fields, min(room // max(parties, 1), _WIDEST)


def _arrow(screen: Screen, rung: Rung, centres: Sequence[int], total: int) -> tuple[str, str, str]:
    """A message as three pieces of a line: the lanes before its arrow, the arrow, the lanes behind it."""
    line = [" "] * total
    for centre in centres:
        line[centre] = "│"
    first, last = sorted((centres[rung.source], centres[rung.target]))
    if first == last:  # to itself: told beside its lane
        label = cut(screen.text(rung.labels[-1]), max(total - last - 2, 1))
        return "".join(line[: last + 1]), f" {label}", ""
    span = last - first - 1
    dash = "-" if rung.is_again else "─"
    inside = ["┼" if line[first + 1 + at] == "│" else dash for at in range(span)]
    label = _label(screen, rung, span - 5)
    start = (span - cell_len(label) - 2) // 2
    arrow = [*inside[:start], f" {label} ", *inside[start + cell_len(label) + 2 :]]
    if rung.source < rung.target:
        arrow[-1] = ">"
    else:
        arrow[0] = "<"
    return "".join(line[: first + 1]), "".join(arrow), "".join(line[last:])


def _label(screen: Screen, rung: Rung, room: int) -> str:
    """The fullest form of a label that fits; where that leaves much room, the beginning of the next fuller one."""
    fuller = ""
    for form in rung.labels:
        text = screen.text(form)
        if cell_len(text) <= room:
            is_short = room - cell_len(text) >= _ROOM_FOR_MORE and not rung.is_again
            return cut(fuller, room) if fuller and is_short else text
        fuller = text
    return cut(screen.text(rung.labels[-1]), room)


def _centred(text: str, width: int) -> str:
    before = (width - cell_len(text)) // 2
    return " " * before + text + " " * (width - cell_len(text) - before)


def _as_list(ladder: Ladder, times: _Times, words: Words) -> Table:
    columns = [
        Column(words("frame"), align_right=True),
        Column(words("time"), align_right=True, rank=2),
        Column("s", align_right=True),
        Column(words("from"), shrink=True),
        Column(words("to"), shrink=True),
        Column(words("message"), shrink=True),
    ]
    rows = [
        (
            Cell(times.columns["frame"][number], Tone.FAINT),
            Cell(times.columns["clock"][number], Tone.FAINT),
            Cell(times.columns["start"][number], Tone.FAINT),
            Cell(ladder.parties[rung.source]),
            Cell(ladder.parties[rung.target]),
            Cell(rung.labels[0], rung.tone),
        )
        for number, rung in enumerate(ladder.rungs)
    ]
    return Table(words("Messages"), columns, rows)


# -- the ledger ---------------------------------------------------------------------------------------------------


def _show_ledger(screen: Screen, lines: Sequence[LedgerLine], words: Words) -> None:
    if not lines:
        return
    screen.line((words("Line by line"), "bold"))
    frame, since = max(len(line.frame) for line in lines), max(len(line.since_start) for line in lines)
    indent = frame + since + 4
    is_wide = screen.width >= _WIDE
    for line in lines:
        told = f"{line.frame:>{frame}}  {line.since_start:>{since}}  "
        effect = line.text + (f"  [{line.rule}]" if line.rule else "")
        if is_wide:
            message = set_cell_size(cut(screen.text(line.message), _MESSAGE), _MESSAGE)
            _effect(screen, told, message + "  ", effect, line.tone)
        else:
            if line.message:
                screen.line((told, _FAINT), (cut(screen.text(line.message), max(screen.width - indent, 8)), "bold"))
            _effect(screen, " " * indent, "", effect, line.tone)
    screen.line()


def _effect(screen: Screen, told: str, message: str, effect: str, tone: Tone) -> None:
    """What a message changed, wrapped beside what stands before it."""
    indent = len(told) + cell_len(message)
    wrapped = textwrap.wrap(screen.text(effect), max(screen.width - indent, 20)) or [""]
    for number, text in enumerate(wrapped):
        if number:
            screen.line((" " * indent, ""), (text, STYLES[tone]))
        else:
            screen.line((told, _FAINT), (message, ""), (text, STYLES[tone]))
