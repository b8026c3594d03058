"""The list of calls: one line a call for people, one record a call for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from analyzer.batch import Columns, Ints
from analyzer.stats.document import rfc3339
from analyzer.stats.select import user_of
from analyzer.views.outcomes import outcome_tone
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.times import DAY, local_time, zone_at
from analyzer.views.words import Words
from analyzer.vocab import Outcome

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: The fields of a record, in order.
FIELDS = (
    "call_no", "time", "caller_ip", "callee_ip", "from_number", "to_number", "status_code", "cause", "cause_text",
    "cause_from", "cause_mapped", "outcome", "outcome_detail", "fault", "release", "release_cause", "failed_by_ip",
    "charged_grade", "wire_event", "relayed_by", "network", "call_id", "capture_no", "frame_no", "is_scanner",
)  # fmt: skip


#: The same of calls of a store.
STORED_FIELDS = ("call_key", *FIELDS, "run")


def records(calls: Columns, rows: Ints, registry: Registry, fields: Sequence[str] = FIELDS) -> Iterator[dict[str, Any]]:
    """One record a call: the columns of docs/tables.md, with time, numbers and the cause's name; None when missing."""
    for row in rows.tolist():
        record: dict[str, Any] = dict.fromkeys(fields)
        for name in fields:
            if name in calls:
                record[name] = calls.value(name, row)
        record["time"] = rfc3339(calls.value("invite_ts", row))
        record["from_number"] = user_of(calls.value("from_uri", row)) or None
        record["to_number"] = _called(calls, row) or None
        if record["cause"] is not None:
            record["cause_text"] = registry.cause(record["cause"]).name or None
        yield record


def _called(calls: Columns, row: int) -> str:
    """The number that was called: To, which proxies leave as the caller wrote it, else the Request-URI."""
    return user_of(calls.value("to_uri", row) or calls.value("request_uri", row))


def call_table(
    calls: Columns,
    rows: Ints,
    registry: Registry,
    config: Config,
    zone: tzinfo,
    words: Words,
    top: int,
    *,
    is_numbered: bool = False,
    key_digits: int = 0,
) -> Table:
    """The calls as lines; where there are more than ``top``, the first of them (0 = all).

    ``is_numbered``: with the call's number in front, by which `sipcause explain` finds it; ``key_digits``: with so many
    digits of its key, for `sipcause explain --store`.
    """
    columns = [
        *([Column(words("call"), align_right=True)] if is_numbered else []),
        *([Column(words("key"))] if key_digits else []),
        Column(words("time"), rank=0),
        Column(words("caller"), shrink=True),
        Column(words("callee"), shrink=True),
        Column(words("from"), shrink=True),
        Column(words("to"), shrink=True),
        Column(words("code"), align_right=True),
        Column(words("cause"), align_right=True),
        Column(words("text"), rank=4, shrink=True),
        Column(words("outcome"), shrink=True),
        Column(words("detail"), rank=5, shrink=True),
        Column(words("charged"), rank=1, shrink=True),
        Column("Call-ID", rank=3, shrink=True),
        Column(words("frame"), align_right=True, rank=2),
    ]
    shown = rows[:top] if top else rows
    times = [local_time(calls.value("invite_ts", row), zone, decimals=0) for row in shown.tolist()]
    days = {time[:DAY] for time in times}
    if len(days) == 1:  # one day is said once
        times = [time[DAY + 1 :] for time in times]
    lines = [
        (*_number(calls, row, is_numbered, key_digits), Cell(time), *_cells(calls, row, registry, config, words))
        for time, row in zip(times, shown.tolist(), strict=True)
    ]
    notes = []
    if len(rows) > len(shown):
        notes.append(
            words("… and {count} more calls (--limit 0 shows all)", count=words.number(len(rows) - len(shown)))
        )
    if len(shown):
        at = zone_at(calls.value("invite_ts", int(shown[0])), zone)
        notes.append(
            words("On {day}; times are in {zone}", day=days.pop(), zone=at)
            if len(days) == 1
            else words("Times are in {zone}", zone=at)
        )
    title = words("{count} of {total} calls", count=words.number(len(rows)), total=words.number(len(calls)))
    return Table(title, columns, lines, notes)


def _number(calls: Columns, row: int, is_numbered: bool, key_digits: int) -> tuple[Cell, ...]:
    if key_digits:
        return (Cell((calls.value("call_key", row) or "")[:key_digits]),)
    return (Cell(str(calls.value("call_no", row))),) if is_numbered else ()


def _cells(calls: Columns, row: int, registry: Registry, config: Config, words: Words) -> tuple[Cell, ...]:
    """The cells of a call behind its time."""
    outcome = Outcome(calls.value("outcome", row))
    tone = outcome_tone(outcome)
    cause, code = calls.value("cause", row), calls.value("status_code", row)
    return (
        Cell(_endpoint(calls.value("caller_ip", row), config)),
        Cell(_endpoint(calls.value("callee_ip", row), config)),
        Cell(user_of(calls.value("from_uri", row)) or "–"),
        Cell(_called(calls, row) or "–"),
        Cell("–" if code is None else str(code), tone),
        Cell("–" if cause is None else str(cause), tone),
        Cell("" if cause is None else registry.cause(cause).name),
        Cell(words(outcome.value), tone),
        Cell(_detail(calls, row, words), Tone.FAINT),
        Cell(_endpoint(calls.value("failed_by_ip", row), config)),
        Cell(calls.value("call_id", row) or "–"),
        Cell(str(calls.value("frame_no", row))),
    )


def _endpoint(ip: str | None, config: Config) -> str:
    return "–" if ip is None else config.alias(ip) or ip


def _detail(calls: Columns, row: int, words: Words) -> str:
    detail, release = calls.value("outcome_detail", row), calls.value("release", row)
    release_cause = calls.value("release_cause", row)
    ended = "" if release in (None, "normal") else words(release)
    if release_cause is not None and ended:
        ended += f" {release_cause}"
    return ", ".join(word for word in (detail or "", calls.value("wire_event", row) or "", ended) if word)
