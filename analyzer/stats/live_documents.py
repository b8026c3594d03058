"""What a live run says to programs: its status once a minute, and its summary at the end (docs/live.md).

The keys are those of ``analyze --json`` wherever they mean the same. Times are RFC 3339, what is missing is null.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from analyzer.stats.counting import code_keys, ranked
from analyzer.stats.document import request_documents, response_documents, rfc3339
from analyzer.stats.ended import EndedTotals
from analyzer.stats.snapshot import LiveSnapshot, SourceState
from analyzer.stats.tally import CHARGED, HOUR_S, MADE, MINUTE_S, SENT, Counts

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: Failing endpoints that a status names of each span.
TOP_ENDPOINTS = 20


def status_document(snapshot: LiveSnapshot) -> dict[str, Any]:
    """The numbers of a moment, and what was decided over the last minute, the last hour and since the start."""
    tally, rates = snapshot.tally, snapshot.rates
    return {
        "time": rfc3339(snapshot.now_ts),
        "start": rfc3339(snapshot.start_ts),
        "sources": [_source(source) for source in snapshot.sources],
        "rates": {
            "frames": round(rates.frames, 3),
            "octets": round(rates.octets, 3),
            "messages": round(rates.messages, 3),
            "calls": round(rates.calls, 3),
        },
        "setting_up": snapshot.setting_up,
        "in_call": snapshot.in_call,
        "lingering": snapshot.lingering,
        "open_groups": snapshot.open_groups,
        "evicted": snapshot.evicted,
        "dropped": snapshot.dropped,
        "queue_dropped": snapshot.queue_dropped,
        "memory_octets": snapshot.memory_octets,
        "store": snapshot.store,
        "store_trouble": snapshot.store_trouble,
        "store_committed": rfc3339(snapshot.store_committed_ts),
        "frames_file": snapshot.frames_file,
        "frames_trouble": snapshot.frames_trouble,
        "alerts": list(snapshot.alerts),
        "minute": counts_document(tally.span(MINUTE_S)),
        "hour": counts_document(tally.span(HOUR_S)),
        "since_start": counts_document(tally.since_start),
    }


def _source(source: SourceState) -> dict[str, Any]:
    return {**vars(source), "kind": source.kind.value}


def counts_document(counts: Counts) -> dict[str, Any]:
    """What was decided in a span; ratios as numerator and denominator."""
    return {
        "calls": counts.calls,
        "unsuccessful": counts.unsuccessful,
        "failures": counts.failures,
        "by_outcome": ranked(counts.by_outcome),
        "by_status_code": code_keys(counts.by_code),
        "failures_by_code": code_keys(counts.failures_by_code),
        "by_cause": code_keys(counts.by_cause),
        "registrations": ranked(counts.by_registration),
        "kpis": {
            kpi: {"numerator": numerator, "denominator": denominator}
            for kpi, (numerator, denominator) in counts.kpis.items()
        },
        "failing_endpoints": [
            {
                "ip": ip,
                "network": network,
                "calls_as_caller": figures[MADE],
                "calls_as_callee": figures[SENT],
                "failures": figures[CHARGED],
            }
            for (ip, network), figures in counts.top_failing(TOP_ENDPOINTS)
        ],
    }


def summary_document(snapshot: LiveSnapshot, ended: EndedTotals, registry: Registry) -> dict[str, Any]:
    """The whole run: the keys of ``analyze --json`` as far as a run that lets go of its calls can know them.

    ``snapshot``: of the last moment, with messages, sources and issues; ``ended``: every call and registration.
    """
    sums = ended.document()
    return {
        "schema": 1,
        "start": rfc3339(snapshot.start_ts),
        "end": rfc3339(snapshot.now_ts),
        "captures": [
            {
                "source": source.name,
                "kind": source.kind.value,
                "frames": source.frames,
                "octets": source.octets,
                "sip_messages": source.sip_messages,
                "dropped": source.dropped,
            }
            for source in snapshot.sources
        ],
        "responses": response_documents(snapshot.responses),
        "requests": request_documents(snapshot.requests),
        **sums,
        "calls": {**sums["calls"], "orphans": snapshot.orphans},
        "issues": [
            {"code": code, "severity": registry.issue(code).severity.value, "count": count}
            for code, count in ranked(Counter(snapshot.issues)).items()
        ],
        "dropped": snapshot.dropped,
        "queue_dropped": snapshot.queue_dropped,
        "evicted": snapshot.evicted,
    }
