"""Calls as a carrier's ticket names them."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.report.document import Cell, Column, Kind, Table
from analyzer.report.lines import CallRef
from analyzer.report.telling import DASH, Teller
from analyzer.views.table import Tone
from analyzer.vocab import CAUSE_GROUPS, FAILURES, Outcome
from analyzer.wiretext import printable_text


def calls_table(tell: Teller, id: str, title: str, keys: Sequence[str]) -> Table:
    """A row for each call of ``keys`` that the report knows; times in UTC, since tickets go abroad."""
    words = tell.words
    known = [tell.report.calls[key] for key in keys if key in tell.report.calls]
    headings = (
        Column(words("UTC time"), Kind.TIME),
        Column(words("Call-ID"), Kind.TEXT),
        Column(words("A number"), Kind.TEXT),
        Column(words("B number"), Kind.TEXT),
        Column(words("carrier"), Kind.TEXT),
        Column(words("file"), Kind.TEXT),
        Column(words("frame"), Kind.NUMBER),
        Column(words("from"), Kind.TEXT),
        Column(words("to"), Kind.TEXT),
        Column(words("outcome"), Kind.TEXT),
        Column(words("code"), Kind.CODE),
        Column(words("cause"), Kind.CAUSE),
        Column(words("failed at"), Kind.TEXT),
        Column(words("key"), Kind.TEXT),
    )
    return Table(id, title, headings, tuple(_row(tell, call) for call in known), keys=tuple(call.key for call in known))


def _row(tell: Teller, call: CallRef) -> tuple[Cell, ...]:
    return (
        Cell(tell.utc(call.invite_ts), call.invite_ts / 1e9),
        tell.text(call.call_id),
        tell.text(call.a_number),
        tell.text(call.b_number),
        tell.text(call.carrier),
        tell.text(call.source),
        Cell(DASH if call.frame_no is None else str(call.frame_no), call.frame_no),
        _party(call.caller_ip, call.caller_agent),
        _party(call.callee_ip, call.callee_agent),
        Cell(tell.word(call.outcome.value), tone=_tone(call.outcome)),
        tell.causes.code(call.status_code, call.vendor),
        _cause(tell, call),
        tell.text(call.failed_by_ip),
        tell.text(call.key),
    )


def _party(ip: str, agent: str | None) -> Cell:
    return Cell(printable_text(ip), note=printable_text(agent) if agent else "")


def _cause(tell: Teller, call: CallRef) -> Cell:
    """The cause, where it comes from, and whether the code contradicts it."""
    if call.cause is None:
        return Cell(DASH)
    cell = tell.causes.cause(call.cause)
    source = tell.word(cause_from(call)) if call.cause_from else ""
    conflict = tell.words("contradicts the code") if call.cause_conflict else ""
    tone = Tone.WARN if call.cause_conflict else Tone.PLAIN
    return Cell(cell.text, cell.sort, tone, terms=cell.terms, note=", ".join(filter(None, (source, conflict))))


def cause_from(call: CallRef) -> str:
    """The group under which the source of its cause is told: read, vendor, event, derived."""
    return CAUSE_GROUPS[call.cause_from] if call.cause_from else ""


def _tone(outcome: Outcome) -> Tone:
    if outcome is Outcome.ANSWERED:
        return Tone.GOOD
    return Tone.BAD if outcome in FAILURES else Tone.PLAIN
