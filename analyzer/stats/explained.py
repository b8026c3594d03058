"""One call explained: its messages, what each of them changed, how it was judged, and what was said about why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FRAME_NO,
    D_LENGTH,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    D_WIRE_LENGTH,
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
from analyzer.correlate.kept import CallMessages, Kept
from analyzer.correlate.layout import G_KIND, G_NO, GROUP_CALL, S_OFF
from analyzer.correlate.ledger.book import Book, book
from analyzer.correlate.ledger.scene import Values
from analyzer.correlate.replay import Replay, number_in_replay
from analyzer.correlate.rules import Rules
from analyzer.correlate.trace import Trace, trace
from analyzer.sip.parse import ParseError, parse_message
from analyzer.stats.causes import mapped
from analyzer.stats.statements import Statement, statements
from analyzer.vocab import Outcome, Position, Transport, names

if TYPE_CHECKING:
    from analyzer.sip.message import CauseHeaders

#: Tables that are printed side by side for what an ISDN caller would have been told.
PROFILES = ("dss1", "rfc3398")
#: Columns of a call that the whole table alone can tell.
LATER = frozenset({"call_no", "session_no", "is_scanner", "failed_side"})


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
    statements: Sequence[Statement]
    position: Position


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
    """One call, explained. ``call`` is its row; ``replayed`` the row that the replay came to, equal but for `LATER`."""

    call: Mapping[str, Any]
    replayed: Mapping[str, Any]
    messages: Sequence[Seen]
    effects: Sequence[Effect]
    trace: Trace
    told: Mapping[str, int | None]
    left_out: int


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
    is_told = code is not None and code >= 300
    return Explained(
        call=call,
        replayed={name: columns.value(name, at) for name in columns},
        messages=_messages(messages.messages, lines, rules.registry.cause_headers),
        effects=_effects(lines, rules),
        trace=judged,
        told={name: mapped(rules.registry, name, code) if is_told else None for name in PROFILES},
        left_out=messages.left_out,
    )


def _effects(lines: Book, rules: Rules) -> list[Effect]:
    places = {at: place for place, at in enumerate(lines.messages)}
    known = rules.registry.counting_rules
    return [
        Effect(places.get(line.at), line.ts, *line.said, known[line.said.rule].number if line.said.rule else None)
        for line in lines.lines
    ]


def _messages(kept: Sequence[Kept], lines: Book, cause_headers: CauseHeaders) -> list[Seen]:
    places = {at: place for place, at in enumerate(lines.messages)}
    return [
        _seen(kept[at], places.get(lines.resend_of.get(at, -1)), places.get(lines.copy_of.get(at, -1)), cause_headers)
        for at in lines.messages
    ]


def _seen(kept: Kept, resend_of: int | None, copy_of: int | None, cause_headers: CauseHeaders) -> Seen:
    batch = kept.batch
    row = batch.numbers[0].tolist()
    method, status = row[M_METHOD], row[M_STATUS]
    says: list[Statement] = []
    if resend_of is None and copy_of is None:
        try:
            octets = batch.octets[: row[D_LENGTH]].tobytes()
            says = list(statements(parse_message(octets, row[D_WIRE_LENGTH], cause_headers)))
        except ParseError:
            # A message that a stream carried may have been read where a datagram's rule would not begin one.
            says = []
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
        statements=says,
        position=_position(batch.methods[method], status),
    )


def _position(method: str, status: int) -> Position:
    if status:
        return Position.PROVISIONAL if status < 200 else Position.FINAL
    return {"CANCEL": Position.CANCEL, "BYE": Position.BYE}.get(method, Position.REQUEST)
