"""What was read: files, frames, SIP messages, the span of time, and what was not understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from analyzer.schema import CaptureRow
from analyzer.views.table import Cell, Column, Table, Tone, plain
from analyzer.views.times import local_time, span, zone_at
from analyzer.views.words import Words
from analyzer.wiretext import printable_text


def captures_table(captures: Sequence[CaptureRow], words: Words, zone: tzinfo, top: int) -> Table:
    """One row a capture; where there are several, their sum; beneath it what was left unread, by reason."""
    columns = [
        Column(words("capture"), shrink=True, is_path=True),
        Column(words("format"), rank=2),
        Column(words("frames"), align_right=True),
        Column(words("octets"), align_right=True, rank=3),
        Column("SIP", align_right=True),
        Column(words("unread"), align_right=True),
        Column(words("start"), rank=1),
        Column(words("span"), align_right=True),
        Column(words("reader"), rank=4),
    ]
    rows = [_row(row, words, zone) for row in captures[:top]]
    notes = []
    if len(captures) > top:
        notes.append(words("… and {count} more captures", count=words.number(len(captures) - top)))
    if len(captures) > 1:
        rows.append(_sum(captures, words, zone))
    if unread := _unread(captures):
        total = words.number(sum(unread.values()))
        reasons = ", ".join(f"{reason} {words.number(count)}" for reason, count in unread.items())
        notes.append(words("Not read: {total} frames ({reasons})", total=total, reasons=reasons))
    if octets := sum(row.opaque for row in captures):
        connections = sum(row.opaque_connections for row in captures)
        notes.append(
            words(
                "TLS on SIP ports that stayed opaque: {octets}, connections: {connections}",
                connections=words.number(connections),
                octets=words.octets(octets),
            )
        )
    starts = [row.start_ts for row in captures if row.start_ts is not None]
    if starts:
        notes.append(words("Times are in {zone}", zone=zone_at(min(starts), zone)))
    return Table(words("What was read"), columns, rows, notes)


def _row(row: CaptureRow, words: Words, zone: tzinfo) -> tuple[Cell, ...]:
    tone = Tone.WARN if row.truncated else Tone.PLAIN
    name = printable_text(row.source) + (f" ({words('cut short')})" if row.truncated else "")
    length = "–" if row.start_ts is None or row.end_ts is None else span(row.end_ts - row.start_ts)
    return (
        Cell(name, tone),
        *plain(
            row.format,
            words.number(row.frames),
            words.octets(row.octets),
            words.number(row.sip_messages),
            words.number(sum(row.unread.values())),
            local_time(row.start_ts, zone, decimals=0),
            length,
            row.reader,
        ),
    )


def _sum(captures: Sequence[CaptureRow], words: Words, zone: tzinfo) -> tuple[Cell, ...]:
    starts = [row.start_ts for row in captures if row.start_ts is not None]
    ends = [row.end_ts for row in captures if row.end_ts is not None]
    return plain(
        words("{count} captures", count=words.number(len(captures))),
        "",
        words.number(sum(row.frames for row in captures)),
        words.octets(sum(row.octets for row in captures)),
        words.number(sum(row.sip_messages for row in captures)),
        words.number(sum(sum(row.unread.values()) for row in captures)),
        local_time(min(starts, default=None), zone, decimals=0),
        span(max(ends) - min(starts)) if starts and ends else "–",
        "",
        tone=Tone.STRONG,
    )


def unread_table(captures: Sequence[CaptureRow], words: Words) -> Table:
    """Frames that were not read, by reason, with what each reason means."""
    from analyzer.capture.reader import UNREAD

    columns = [
        Column(words("frames"), align_right=True),
        Column(words("reason")),
        Column(words("that is"), shrink=True),
    ]
    rows = []
    for reason, count in _unread(captures).items():
        known = "link_type_N" if reason.startswith("link_type_") else reason
        rows.append(plain(words.number(count), reason, words(UNREAD.get(known, ""))))
    return Table(words("Not read, by reason"), columns, rows)


def layers_table(captures: Sequence[CaptureRow], words: Words, top: int) -> Table:
    """Frames, SIP messages and frames that were not understood, by the headers around them, outermost first."""
    sums: dict[str, list[int]] = {}
    for row in captures:
        for layers, counts in row.layers.items():
            known = sums.setdefault(layers, [0, 0, 0])
            for place, count in enumerate(counts):
                known[place] += count
    order = sorted(sums.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    columns = [
        Column(words("headers"), shrink=True),
        Column(words("frames"), align_right=True),
        Column("SIP", align_right=True),
        Column(words("not understood"), align_right=True),
    ]
    rows = [
        plain(layers, words.number(frames) if frames else "–", words.number(messages), words.number(unread))
        for layers, (frames, messages, unread) in order[:top]
    ]
    notes = []
    if any(not counts[0] for _, counts in order[:top]):
        notes.append(
            words("Frames – : the messages stood in streams, fragments or tunnels whose frames are counted above")
        )
    if len(order) > top:
        rest = sum(counts[0] for _, counts in order[top:])
        notes.append(
            words(
                "… and {count} more kinds of headers, {frames} frames",
                count=words.number(len(order) - top),
                frames=words.number(rest),
            )
        )
    return Table(words("What was read, by headers"), columns, rows, notes)


def _unread(captures: Sequence[CaptureRow]) -> dict[str, int]:
    """Unread frames of all captures by reason, most first."""
    found: dict[str, int] = {}
    for row in captures:
        for reason, count in row.unread.items():
            found[reason] = found.get(reason, 0) + count
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
