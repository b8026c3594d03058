"""Events on the wire and the calls whose silence they explain.

An ICMP error that quotes enough of a message names its call by Call-ID. Everything else goes by addresses: the endpoint
that is charged with the call must be the one that could not be reached, in the same network, while the call lived.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels, Texts
from analyzer.capture.wire import WireEvent
from analyzer.findings import EvidenceRow
from analyzer.vocab import EvidenceKind, Grade, Outcome, Position, Release
from analyzer.wiretext import printable

#: Issue code of each kind of event.
ISSUES = {
    EvidenceKind.ICMP: "icmp.unreachable",
    EvidenceKind.RESET: "tcp.reset",
    EvidenceKind.SYN_UNANSWERED: "tcp.syn_unanswered",
    EvidenceKind.TLS_ALERT: "tls.alert",
}
#: Finals by which an element says that it did not get through to the next one (RFC 3261 §21.5, §16.7, §16.9).
_COULD_NOT_REACH = (408, 500, 502, 503, 504)
#: Events that keep a connection from coming to be.
_NO_CONNECTION = (EvidenceKind.SYN_UNANSWERED, EvidenceKind.TLS_ALERT)
#: A request is sent again for 64·T1 at most (Timers B and F, RFC 3261 §17.1).
_TIMER_F_NS = 32_000_000_000
#: Calls of one Call-ID that are looked at: a stranger may use one for all.
_SAME_CALL_ID = 100


class Matches(NamedTuple):
    """Of each event the first call (position in the table) that it is about, and how many there are; of each call the
    first event that explains it. -1 = none."""

    first_call: list[int]
    call_count: list[int]
    event_of_call: Ints


def match(events: Sequence[WireEvent], calls: Columns) -> Matches:
    """Match events with calls. Each call is explained by the earliest event that fits it."""
    found = Matches([-1] * len(events), [0] * len(events), np.full(len(calls), -1, dtype=np.int64))
    if not events or not len(calls):
        return found
    table = _Calls(calls)
    by_call_id = table.by_call_id({event.call_id for event in events if event.call_id})
    for number, event in enumerate(events):
        named = [row for row in by_call_id.get(event.call_id or b"", [])[:_SAME_CALL_ID] if table.lives(row, event)]
        about = np.array(named, dtype=np.int64) if named else table.charged_with(event)
        if not len(about):
            continue
        found.first_call[number], found.call_count[number] = int(about.min()), len(about)
        if named:
            about = np.array([row for row in named if table.is_explained_by(row, event)], dtype=np.int64)
        found.event_of_call[about[found.event_of_call[about] < 0]] = number
    return found


class _Calls:
    """The columns that events are compared with."""

    def __init__(self, calls: Columns) -> None:
        self._calls = calls
        self._start, end, last = (calls.ints(name) for name in ("invite_ts", "end_ts", "last_ts"))
        # A call without an end is open, or up as far as is known.
        self._end = np.where(end != MISSING, np.maximum(end, last), np.iinfo(np.int64).max)
        self._network = calls.ints("network")
        self._status = calls.ints("status_code")
        self._failed_by = calls.labels("failed_by_ip")
        self._outcome = calls.labels("outcome")
        self._release = calls.labels("release")
        self._order = np.lexsort((self._start, self._failed_by.codes))
        self._codes = self._failed_by.codes[self._order]
        self._starts = self._start[self._order]
        self._places = {name: code for code, name in enumerate(self._failed_by.names)}
        lives = self._end - self._start
        self._longest = int(np.max(lives, where=(end != MISSING) & (self._failed_by.codes >= 0), initial=0))

    def by_call_id(self, wanted: set[bytes]) -> dict[bytes, list[int]]:
        """The calls of each of these Call-IDs."""
        found: dict[bytes, list[int]] = {}
        column = self._calls["call_id"]
        if isinstance(column, Labels):
            texts = {printable(call_id): call_id for call_id in wanted}
            for code, name in enumerate(column.names):
                if name in texts:
                    found[texts[name]] = np.flatnonzero(column.codes == code).tolist()
            return found
        assert isinstance(column, Texts)
        lengths = np.array(sorted({len(call_id) for call_id in wanted}), dtype=np.int64)
        raw = column.octets.tobytes() if len(lengths) else b""
        for row in np.flatnonzero(np.isin(column.lengths, lengths)).tolist():
            start = int(column.starts[row])
            text = raw[start : start + int(column.lengths[row])]
            if text in wanted:
                found.setdefault(text, []).append(row)
        return found

    def lives(self, row: int, event: WireEvent) -> bool:
        """Whether an event comes while a call lives, or its last request is still being sent."""
        return bool(self._start[row] <= event.last_ts and event.ts - _TIMER_F_NS <= self._end[row])

    def charged_with(self, event: WireEvent) -> Ints:
        """The calls that are charged to whom the event says could not be reached, or who could not reach others."""
        found = self._charged(event, event.dst)
        if event.kind in _NO_CONNECTION or event.name == "refused":
            rows = self._charged(event, event.src)
            found = np.concatenate((found, rows[np.isin(self._status[rows], _COULD_NOT_REACH)]))
        return found

    def _charged(self, event: WireEvent, address: str) -> Ints:
        code = self._places.get(address)
        if code is None:
            return np.empty(0, dtype=np.int64)
        first, last = np.searchsorted(self._codes, [code, code + 1]).tolist()
        low, high = np.searchsorted(self._starts[first:last], [event.ts - self._longest, event.last_ts + 1]).tolist()
        rows: Ints = self._order[first + low : first + high]
        fitting: Ints = rows[(self._end[rows] >= event.ts) & (self._network[rows] == event.network)]
        return fitting

    def is_explained_by(self, row: int, event: WireEvent) -> bool:
        """Whether an event of this very call explains what became of it, and not just a branch that did not matter."""
        outcome, release = self._outcome.value(row), self._release.value(row)
        if outcome == Outcome.ANSWERED:
            return release in (Release.NO_ACK, Release.BYE_UNANSWERED)
        return outcome in (Outcome.TIMED_OUT, Outcome.OPEN) or self._failed_by.value(row) == event.dst


def with_events(calls: Columns, events: Sequence[WireEvent], explained: Matches) -> Columns:
    """The calls table with ``wire_event``; who is charged by its own word that nobody listens there is ``seen``."""
    rows = np.flatnonzero(explained.event_of_call >= 0)
    if not len(rows):
        return calls
    names = list(dict.fromkeys(event.name for event in events))
    codes = np.full(len(calls), -1, dtype=np.int32)
    grades = calls.labels("charged_grade")
    seen = grades.codes.copy()
    failed_by = calls.labels("failed_by_ip")
    for row in rows.tolist():
        event = events[explained.event_of_call[row]]
        codes[row] = names.index(event.name)
        if failed_by.value(row) == event.sender == event.dst and seen[row] >= 0:
            seen[row] = list(grades.names).index(Grade.SEEN)
    columns = {**calls.columns, "wire_event": Labels(codes, names), "charged_grade": Labels(seen, grades.names)}
    return Columns(calls.row_type, columns, len(calls))


def evidence_rows(events: Sequence[WireEvent], calls: Columns, explained: Matches) -> list[EvidenceRow]:
    """The events as evidence, each with the first call that it is about."""
    rows = []
    for event, first, count in zip(events, explained.first_call, explained.call_count, strict=True):
        call_no = int(calls.ints("call_no")[first]) if first >= 0 else None
        rows.append(
            EvidenceRow(
                message_no=None,
                capture_no=event.capture_no,
                frame_no=event.frame_no,
                ts=event.ts,
                call_no=call_no,
                network=None if event.network == MISSING else event.network,
                sender_ip=event.sender,
                position=Position.WIRE,
                status_code=event.status_code,
                method=event.method,
                kind=event.kind,
                protocol=event.name,
                cause=event.number,
                location=None,
                text=words(event, count),
            )
        )
    return rows


def words(event: WireEvent, calls: int = 1) -> str:
    """An event in a few words: what did not get through, how often, and for how many calls when not for one."""
    text = f"{_end(event.src, event.src_port)} to {_end(event.dst, event.dst_port)}"
    if event.kind is EvidenceKind.SYN_UNANSWERED:
        seconds = (event.last_ts - event.ts) // 1_000_000_000
        return f"{text}: SYN sent again {event.count} times" + (f" over {seconds} s" if seconds else "")
    what = event.method if event.status_code is None else f"{event.status_code} to {event.method}"
    if what:
        text += f", about {printable(what.encode())}"
    if event.count > 1:
        text += f", {event.count} times"
    return text + (f", {calls} calls" if calls > 1 else "")


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
