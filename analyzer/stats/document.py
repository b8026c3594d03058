"""The JSON document of ``sipcause analyze --json``, described key by key in docs/json.md.

Later versions add keys; the meaning of a key never changes. Lists are sorted by count, then by key; times are RFC 3339
in UTC with nine decimals; what is missing is null; empty lists are present.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from analyzer.batch import Columns
from analyzer.schema import CaptureRow, EndpointRow, KpiRow, RequestRow, ResponseRow, ScannerRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.bounds import bound_rows
from analyzer.stats.calls import totals
from analyzer.stats.causes import causes
from analyzer.stats.conflicts import cause_candidates
from analyzer.stats.counting import ranked
from analyzer.stats.doubts import doubts
from analyzer.stats.kpis import ALL, kpi_rows
from analyzer.stats.listing import listed
from analyzer.stats.midcall import midcall_counts
from analyzer.stats.registrations import by_outcome
from analyzer.stats.releases import releases
from analyzer.stats.ring_times import ring_times
from analyzer.stats.scanners import Scanner
from analyzer.stats.sessions import session_totals
from analyzer.stats.vantage import grade, vantage
from analyzer.vocab import Outcome

#: The version of the document. A program that reads it need only look at it when a key changes, which none does.
SCHEMA = 1


def rfc3339(ts: int | None) -> str | None:
    """A time in ns since the epoch as RFC 3339 UTC with nine decimals; None when missing."""
    if ts is None:
        return None
    seconds, nanoseconds = divmod(ts, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def document(analysis: Analysis) -> dict[str, Any]:
    """The whole document as Python values that `json.dumps` takes."""
    calls, registrations = analysis.columns("calls"), analysis.columns("registrations")
    figures = totals(calls)
    return {
        "schema": SCHEMA,
        "captures": capture_documents(analysis.captures),
        "responses": response_documents(analysis.responses),
        "requests": request_documents(analysis.requests),
        "calls": {
            "total": figures.total,
            "unsuccessful": figures.unsuccessful,
            "failures": figures.failures,
            "orphans": analysis.orphans,
            "by_outcome": {outcome.value: count for outcome, count in figures.by_outcome.items()},
            "by_status_code": figures.by_status_code,
            "by_release": {release.value: count for release, count in figures.by_release.items()},
            "scanners": int(analysis.scanning.is_scanner.sum()),
            "without_scanners": _without_scanners(analysis),
        },
        "sessions": session_document(analysis.columns("sessions")),
        "causes": _causes(analysis),
        "conflicts": [
            {**row._asdict(), "cause_from": row.cause_from.value, "candidates": [*map(int, row.candidates.split())]}
            for row in listed(analysis, "conflicts")
        ],
        "evidence": {kind.value: count for kind, count in analysis.evidence_counts.items()},
        "releases": [row._asdict() for row in releases(calls, analysis.registry)],
        "endpoints": [_endpoint(row) for row in listed(analysis, "endpoints")],
        "registrations": {
            "total": len(registrations),
            "by_outcome": {outcome.value: count for outcome, count in by_outcome(registrations).items()},
        },
        "midcall": [
            {**row._asdict(), "kind": row.kind.value} for row in midcall_counts(analysis.columns("midcall"))
        ],
        "populations": [row._asdict() for row in listed(analysis, "populations")],
        "options": [{**row._asdict(), "state": row.state.value} for row in listed(analysis, "options")],
        "translations": [row._asdict() for row in listed(analysis, "translations")],
        "kpis": [_kpi(row) for row in sorted(kpi_rows(analysis, ALL), key=_kpi_key)],
        "ring_times": [row._asdict() for row in ring_times(calls)],
        "issues": [
            {"code": code, "severity": analysis.registry.issue(code).severity.value, "count": count}
            for code, count in ranked(analysis.issue_counts).items()
        ],
        "vantage": _vantage(analysis),
        "scanners": [_scanner(scanner.row) for scanner in sorted(analysis.scanning.scanners, key=_scanner_key)],
    }


def _kpi_key(row: KpiRow) -> tuple[int, str, str, bool]:
    return -row.denominator, row.unit_counted, row.kpi, row.scanners


def _kpi(row: KpiRow) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name not in ("by", "part")}


def session_document(sessions: Columns) -> dict[str, Any]:
    """The key ``sessions``."""
    figures = session_totals(sessions)
    return {
        "total": figures.total,
        "failures": figures.failures,
        "by_outcome": {outcome.value: count for outcome, count in figures.by_outcome.items()},
        "linked_by": {by.value: count for by, count in figures.linked_by.items()},
    }


def _causes(analysis: Analysis) -> list[dict[str, Any]]:
    calls, registry = analysis.columns("calls"), analysis.registry
    candidates = cause_candidates(calls, registry, analysis.causes_profile)
    return [
        {**row._asdict(), "cause_candidates": candidates.get(row.cause, [])} for row in causes(calls, registry)
    ]


def capture_documents(captures: Sequence[CaptureRow]) -> list[dict[str, Any]]:
    """The key ``captures``."""
    return [_capture(row) for row in captures]


def _capture(row: CaptureRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "frames": row.frames,
        "octets": row.octets,
        "sip_messages": row.sip_messages,
        "start": rfc3339(row.start_ts),
        "end": rfc3339(row.end_ts),
        "truncated": row.truncated,
        "duplicates": row.duplicates,
        "unread": ranked(row.unread),
        "opaque_connections": row.opaque_connections,
        "opaque_octets": row.opaque,
        "layers": [
            {"layers": layers, "frames": frames, "messages": messages, "not_understood": unread}
            for layers, (frames, messages, unread) in row.layers.items()
        ],
    }


def _without_scanners(analysis: Analysis) -> dict[str, int]:
    calls, is_scanner = analysis.columns("calls"), analysis.scanning.is_scanner
    figures = totals(calls.take(~is_scanner) if is_scanner.any() else calls)
    return {
        "total": figures.total,
        "answered": figures.by_outcome.get(Outcome.ANSWERED, 0),
        "unsuccessful": figures.unsuccessful,
        "failures": figures.failures,
    }


def _vantage(analysis: Analysis) -> dict[str, Any]:
    doubt = doubts(analysis)
    rows = vantage(analysis, doubt)
    return {
        "grade": grade(rows),
        "checks": [row._asdict() for row in sorted(rows, key=lambda row: (-row.affected, row.check))],
        "bounds": [
            row._asdict()
            for row in sorted(bound_rows(analysis, doubt), key=lambda row: (-row.doubtful - row.outside, row.kpi))
        ],
    }


def _scanner_key(scanner: Scanner) -> tuple[int, str, int]:
    row = scanner.row
    return -(row.calls + row.registrations + row.others), row.ip, -1 if row.network is None else row.network


def _scanner(row: ScannerRow) -> dict[str, Any]:
    values = row._asdict()
    first, last = values.pop("first_ts"), values.pop("last_ts")
    return {**values, "first": rfc3339(first), "last": rfc3339(last)}


def _response_key(row: ResponseRow) -> tuple[int, int, str, str]:
    return -row.messages, row.status_code, row.method or "", row.vendor or ""


def response_documents(responses: Sequence[ResponseRow]) -> list[dict[str, Any]]:
    """The key ``responses``."""
    return [_response(row) for row in sorted(responses, key=_response_key)]


def request_documents(requests: Sequence[RequestRow]) -> list[dict[str, Any]]:
    """The key ``requests``."""
    return [
        {
            "method": row.method,
            "messages": row.messages,
            "unique": row.unique,
            "resends": row.resends,
            "copies": row.copies,
        }
        for row in sorted(requests, key=lambda row: (-row.messages, row.method))
    ]


def _response(row: ResponseRow) -> dict[str, Any]:
    return {
        "status_code": row.status_code,
        "method": row.method,
        "family": row.family.value,
        "vendor": row.vendor,
        "vendor_guess": row.vendor_guess,
        "messages": row.messages,
        "unique": row.unique,
        "resends": row.resends,
        "copies": row.copies,
    }


def _endpoint(row: EndpointRow) -> dict[str, Any]:
    return {
        "ip": row.ip,
        "network": row.network,
        "side": row.side.value,
        "calls_as_caller": row.calls_as_caller,
        "calls_as_callee": row.calls_as_callee,
        "failures_as_caller": row.failures_as_caller,
        "failures_as_responder": row.failures_as_responder,
        "failures_relayed": row.failures_relayed,
        "conflicts": row.conflicts,
        "overflows": row.overflows,
        "blocked_calls": row.blocked_calls,
        "by_status_code": row.by_status_code,
    }
