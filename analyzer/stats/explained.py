"""One call explained: its messages, what each of them changed, how it was judged, and what was said about why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FRAME_NO,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    F_HAS_SDP,
    M_CSEQ,
    M_CSEQ_METHOD,
    M_FLAGS,
    M_MESSAGE_NO,
    M_METHOD,
    M_STATUS,
    MISSING,
    S_REASON_PHRASE,
    Columns,
    Texts,
)
from analyzer.capture.address import address_text
from analyzer.correlate.calls import CallTable
from analyzer.correlate.evidence import Evidence
from analyzer.correlate.kept import CallMessages, Kept
from analyzer.correlate.layout import G_KIND, G_NO, GROUP_CALL, S_OFF
from analyzer.correlate.ledger.book import Book, book
from analyzer.correlate.ledger.scene import Values
from analyzer.correlate.replay import Replay, number_in_replay
from analyzer.correlate.rules import Rules
from analyzer.correlate.trace import Trace, trace
from analyzer.findings import EvidenceRow
from analyzer.stats.causes import REQUEST_TERMINATED, UNMAPPED, mapped
from analyzer.vocab import Outcome, Transport, names

#: Tables that are printed side by side for what an ISDN caller would have been told.
PROFILES = ("dss1", "rfc3398")
#: Columns of a call that only the whole table tells; of calls that an event on the wire explains the grade too.
LATER = frozenset({"call_no", "session_no", "is_scanner", "failed_side", "wire_event"})


class Seen(NamedTuple):
    """A message of a call as it was captured; ``resend_of`` and ``copy_of`` are positions in `Explained.messages`."""

    message_no: int
    capture_no: int
    frame_no: int
    ts: int
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    transport: str
    method: str | None
    status_code: int | None
    reason_phrase: str | None
    cseq: int | None
    cseq_method: str | None
    has_sdp: bool
    resend_of: int | None
    copy_of: int | None


class Effect(NamedTuple):
    """A line of the ledger: what a message changed (``at`` = its position, None: by the clock alone), and the rule of
    counting behind it with its number."""

    at: int | None
    ts: int
    text: str
    values: Values
    rule: str | None
    number: str | None


@dataclass(frozen=True)
class Explained:
    """One call, explained.

    ``call`` is its row, ``replayed`` the row that the replay came to: equal but for `LATER`. ``evidence`` is what its
    messages and events on the wire say about why, in the order of time. ``session`` is the row of its session where
    that has more calls, ``links`` why these are one.
    """

    call: Mapping[str, Any]
    replayed: Mapping[str, Any]
    messages: Sequence[Seen]
    effects: Sequence[Effect]
    trace: Trace
    told: Mapping[str, int | None]
    evidence: Sequence[EvidenceRow]
    left_out: int
    session: Mapping[str, Any] | None = None
    links: Sequence[Mapping[str, Any]] = ()


def call_id_octets(calls: Columns, row: int) -> bytes | None:
    """The Call-ID of a call as it stood on the wire; None where it has none."""
    texts = calls["call_id"]
    assert isinstance(texts, Texts)
    start, length = int(texts.starts[row]), int(texts.lengths[row])
    return None if length < 0 else texts.octets[start : start + length].tobytes()


def explained(calls: Columns, row: int, messages: CallMessages, rules: Rules, end: int | None) -> Explained:
    """Explain the call of a row by a replay of the messages of its Call-ID."""
    call = {name: calls.value(name, row) for name in calls}
    replay = Replay(messages, rules, end)
    steps = list(replay.steps())
    number = number_in_replay(messages.messages, steps, call["call_no"])
    if number is None:
        raise KeyError(call["call_no"])
    table = CallTable(rules, replay.correlator)
    judged = None
    for ended in (ended for step in steps for ended in step.ended):
        table.add(ended)
        own = (ended.groups[:, G_KIND] == GROUP_CALL) & (ended.groups[:, G_NO] == number)
        if own.any():
            judged = trace(ended, number, rules, replay.correlator)
    assert judged is not None, "a call that was opened ends"
    columns = table.columns()
    at = int(np.flatnonzero(columns.ints("call_no") == number)[0])
    off = int(replay.correlator.scalars[S_OFF])
    lines = book(messages.messages, steps, number, off, call["outcome"] == Outcome.OPEN)
    code = call["status_code"]
    by_cancel = code == REQUEST_TERMINATED and call["released_by"] is not None
    is_told = code is not None and code >= 300 and call["outcome"] not in UNMAPPED and not by_cancel
    return Explained(
        call=call,
        replayed={name: columns.value(name, at) for name in columns},
        messages=_messages(messages.messages, lines),
        effects=_effects(lines, rules),
        trace=judged,
        told={name: mapped(rules.registry, name, code) if is_told else None for name in PROFILES},
        evidence=_evidence(messages.messages, lines, rules),
        left_out=messages.left_out,
    )


def _effects(lines: Book, rules: Rules) -> list[Effect]:
    places = {at: place for place, at in enumerate(lines.messages)}
    known = rules.registry.counting_rules
    return [
        Effect(places.get(line.at), line.ts, *line.said, known[line.said.rule].number if line.said.rule else None)
        for line in lines.lines
    ]


def _messages(kept: Sequence[Kept], lines: Book) -> list[Seen]:
    places = {at: place for place, at in enumerate(lines.messages)}
    return [
        _seen(kept[at], places.get(lines.resend_of.get(at, -1)), places.get(lines.copy_of.get(at, -1)))
        for at in lines.messages
    ]


def _evidence(kept: Sequence[Kept], lines: Book, rules: Rules) -> list[EvidenceRow]:
    evidence = Evidence(rules.registry)
    return [row for at in lines.messages for row in evidence.rows(kept[at].batch, kept[at].links[None, :])]


def _seen(kept: Kept, resend_of: int | None, copy_of: int | None) -> Seen:
    batch = kept.batch
    row = batch.numbers[0].tolist()
    method, status = row[M_METHOD], row[M_STATUS]
    return Seen(
        message_no=row[M_MESSAGE_NO],
        capture_no=row[D_CAPTURE_NO],
        frame_no=row[D_FRAME_NO],
        ts=row[D_TS],
        src_ip=address_text(row[D_SRC_HI], row[D_SRC_LO]),
        src_port=row[D_SRC_PORT],
        dst_ip=address_text(row[D_DST_HI], row[D_DST_LO]),
        dst_port=row[D_DST_PORT],
        transport=names(Transport)[row[D_TRANSPORT]],
        method=batch.methods[method] if method else None,
        status_code=status or None,
        reason_phrase=batch.text(0, S_REASON_PHRASE) if status else None,
        cseq=None if row[M_CSEQ] == MISSING else row[M_CSEQ],
        cseq_method=batch.methods[row[M_CSEQ_METHOD]] or None,
        has_sdp=bool(row[M_FLAGS] & F_HAS_SDP),
        resend_of=resend_of,
        copy_of=copy_of,
    )
