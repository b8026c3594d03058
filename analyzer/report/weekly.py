"""The weekly report: every number in it is decided here and in the parts that are called from here.

Definitions: docs/counting.md for what is counted, docs/report.md for what a report makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzer.report import traffic
from analyzer.report.change import change
from analyzer.report.crossed import crossed
from analyzer.report.lines import NoteLine
from analyzer.report.model import WeeklyReport
from analyzer.report.proof import Proof
from analyzer.report.week_endpoints import endpoints, midcall, registrations, releases, scanners
from analyzer.report.week_failures import causes, codes, conflicts, families, outcomes
from analyzer.report.week_head import about, days, headline
from analyzer.report.week_quality import bounds, quality
from analyzer.report.week_seen import first_seen, solved
from analyzer.report.week_times import delays, heat
from analyzer.report.weeks import Weeks
from analyzer.stats.facts import Facts
from analyzer.stats.heard import hours_heard
from analyzer.stats.vantage import GOOD, GRADES

_NEEDED: dict[str, tuple[str, ...]] = {
    "calls": (
        "call_key", "run", "call_no", "capture_no", "frame_no", "call_id", "from_tag", "from_uri", "to_uri",
        "request_uri", "session_id", "linked_id", "sdp_origin", "network", "caller_ip", "callee_ip", "caller_agent",
        "callee_agent", "invite_ts", "progress_ts", "alert_ts", "media_ts", "answer_ts", "ack_ts", "bye_ts", "end_ts",
        "status_code", "outcome", "outcome_detail", "outcome_rule", "fault", "release", "release_cause", "released_by",
        "family", "vendor", "cause", "cause_from", "cause_conflict", "failed_by_ip", "failed_code", "relayed_by",
        "is_scanner", "attempts", "challenges", "messages", "srd_ms", "pdd_ms", "sdd_ms", "sdt_s",
    ),
    "registrations": (
        "run", "aor", "network", "client_ip", "registrar_ip", "user_agent", "request_ts", "final_ts", "status_code",
        "outcome", "expires_s", "attempts", "challenges", "rrd_ms",
    ),
    "others": (
        "run", "client_ip", "server_ip", "method", "network", "in_dialog", "status_code", "ended_by", "transactions",
        "last_ts",
    ),
    "midcall": ("request_ts", "method", "kind", "status_code", "resolved"),
    "intervals": ("run", "source", "kind", "from_ts", "to_ts", "frames", "sip_messages", "dropped"),
    "captures": (
        "run", "capture_no", "source", "kind", "start_ts", "end_ts", "frames", "sip_messages", "dropped",
    ),
    "doubts": ("run", "ts", "check", "affected", "total"),
}  # fmt: skip
#: The columns of each table of a slice that a report reads, so that reading stays cheap.
NEEDED: dict[str, tuple[str, ...]] = {
    table: tuple(dict.fromkeys([*_NEEDED.get(table, ()), *traffic.NEEDED.get(table, ())]))
    for table in (*_NEEDED, *(table for table in traffic.NEEDED if table not in _NEEDED))
}


def weekly(
    week: Facts, before: Sequence[Facts], *, store: str | None, notes: Sequence[NoteLine] = (), version: str = ""
) -> WeeklyReport:
    """The report of a period against those before it, the latest first; none for a report without comparison.

    ``store``: folder of the store that the slices come from, None for captures. ``notes``: those of the period and of
    the compared ones. The facts are settled (`Facts.settle`): they let go of columns.

    A time in which nobody listened and no call is known is nothing to compare with: it is left out.
    """
    before = [facts for facts in before if len(facts.part.calls) or hours_heard(facts.part)]
    for facts in (week, *before):
        facts.settle()
    proof = Proof(week)
    proofs = [Proof(facts) for facts in before]
    weeks = Weeks(week, before, proof)
    seen_quality, seen_bounds = quality(weeks), bounds(weeks)
    grade = max((line.grade for line in seen_quality), key=GRADES.index, default=GOOD)
    registered = registrations(weeks)
    explained = change(week, before, proof)
    trunks = traffic.trunk_lines(week, before, proof)
    emergency = traffic.emergency_lines(week, proof)
    gone = solved(weeks, proofs)
    report = WeeklyReport(
        about=about(weeks, store, version, grade if seen_quality else None),
        headline=headline(weeks, {line.kpi: line for line in seen_bounds}),
        change=explained,
        outcomes=outcomes(weeks),
        families=families(weeks),
        codes=codes(weeks),
        causes=causes(weeks),
        conflicts=conflicts(weeks),
        endpoints=endpoints(weeks),
        trunks=trunks,
        destinations=traffic.destination_lines(week, before, proof),
        emergency=emergency,
        heat=heat(weeks),
        delays=delays(weeks),
        registrations=registered,
        midcall=midcall(weeks),
        releases=releases(weeks),
        scanners=scanners(weeks),
        quality=seen_quality,
        bounds=seen_bounds,
        first_seen=first_seen(weeks),
        solved=gone,
        outages=traffic.outage_lines(week, before, proof),
        durations=traffic.durations(week, proof),
        notes=tuple(notes),
        crossed=crossed(week, registered.ira, explained, emergency, trunks),
        days=days(weeks),
        calls={},
    )
    # Every count has been made: now it is known which calls they show.
    return replace(report, calls={key: call for one in (*proofs, proof) for key, call in one.calls.items()})
