"""A grade of the capture itself, before any figure is read: what it shows, and what it cannot show.

The checks, their limits and what follows from them are ``data/vantage.toml``; here is counted how many are affected.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.registry.counting_entries import VantageCheck
from analyzer.schema import CaptureRow, VantageRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.counting import Mask, is_outcome, one_of, scanned
from analyzer.stats.doubts import (
    LOSSES,
    Doubts,
    doubts,
    in_streams,
    interval,
    only_responses,
    opaque_messages,
    shows_no_holes,
    unlinked_messages,
)
from analyzer.vocab import Outcome, Release

GOOD, FAIR, POOR = "good", "fair", "poor"
GRADES = (GOOD, FAIR, POOR)
_FRAGMENTS = ("ip.fragment", "ip.fragment_overlap")
_STREAMS = tuple(code for code in LOSSES if code not in _FRAGMENTS)
#: An ACK or BYE may still be under way when the capture ends.
_EDGE_NS = 4_000_000_000
#: So many refusals without one ACK are a habit.
_SEVERAL = 3
#: Unread frames that may hold anything.
_UNREAD = ("damaged", "nested", "udp_tunnel", "cut")


def vantage(analysis: Analysis, doubt: Doubts | None = None) -> list[VantageRow]:
    """Every check, in the order of data/vantage.toml."""
    doubt = doubts(analysis) if doubt is None else doubt
    affected = _counts(analysis, doubt)
    checks = analysis.registry.vantage_checks.values()
    return [_row(check, *affected[check.id]) for check in checks if check.id in affected]


def grade(rows: list[VantageRow]) -> str:
    """The grade of the whole: that of the worst check."""
    return max((row.grade for row in rows), key=GRADES.index, default=GOOD)


def grade_of(check: VantageCheck, affected: int, total: int) -> str:
    """The grade of a share by the lower end of its interval: few of few say little."""
    if not affected:
        return GOOD
    least = least_share(affected, total)
    if check.poor is not None and least > check.poor:
        return POOR
    return FAIR if check.fair is not None and least > check.fair else GOOD


def least_share(affected: int, total: int) -> float:
    """The lower end of the Wilson 95 % interval of a share, in per cent; 0 where there is nothing to divide by."""
    return 100 * interval(affected, total)[0]


def not_understood(row: CaptureRow) -> int:
    """Frames of a capture that were not understood and may hold anything."""
    return sum(count for why, count in row.unread.items() if why in _UNREAD or why.startswith("link_type"))


def _row(check: VantageCheck, affected: int, total: int) -> VantageRow:
    total = max(total, affected)
    found = grade_of(check, affected, total)
    return VantageRow(
        check=check.id,
        affected=affected,
        total=total,
        share=100 * affected / total if total else None,
        grade=found,
        meaning=check.follows if affected else "",
    )


def _counts(analysis: Analysis, doubt: Doubts) -> Mapping[str, tuple[int, int]]:
    """How many are affected, of how many, for each check."""
    calls, captures = analysis.columns("calls"), analysis.captures
    issues = analysis.issue_counts
    messages = sum(row.sip_messages for row in captures)
    frames = sum(row.frames for row in captures)
    dropped = sum(row.dropped or 0 for row in captures)
    copies = sum(row.duplicates for row in captures)
    responses = sum(row.unique for row in analysis.responses)
    hidden = only_responses(analysis)
    one_sided, fragments = doubt.one_sided + hidden, sum(issues.get(code, 0) for code in _FRAGMENTS)
    gaps = sum(issues.get(code, 0) for code in _STREAMS)
    opaque = opaque_messages(analysis)
    unread = sum(map(not_understood, captures))
    return {
        "one_sided": (one_sided, len(calls) + hidden),
        "orphans": (analysis.orphans, responses),
        "dropped": (0 if shows_no_holes(analysis) else dropped, frames + dropped),
        "dropped_elsewhere": (dropped if shows_no_holes(analysis) else 0, frames + dropped),
        "stream_gaps": (gaps, sum(map(in_streams, captures)) + gaps),
        "lost_fragments": (fragments, messages + fragments),
        "snaplen": (issues.get("capture.frame_cut", 0), messages),
        "unlinked": (unlinked_messages(analysis), messages + issues.get("sip.bad_start_line", 0)),
        "opaque": (opaque, messages + opaque),
        "unread_frames": (unread, frames),
        "ack_missing": _acks(calls, analysis),
        "bye_missing": byes_missing(calls),
        "cut_at_end": (doubt.open, len(calls)),
        "cut_at_start": _began_before(calls, analysis),
        "clock_steps": (issues.get("capture.clock_step", 0), messages),
        "no_times": (issues.get("capture.no_timestamps", 0), len(captures)),
        "not_merged": (issues.get("capture.not_merged", 0), len(captures)),
        "truncated": (sum(row.truncated for row in captures), len(captures)),
        "copies_kept": (copies if analysis.keeps_copies else 0, messages),
        "copies": (0 if analysis.keeps_copies else copies, messages),
    }


def _acks(calls: Columns, analysis: Analysis) -> tuple[int, int]:
    """Finals whose ACK is missing, of those that had time for one; what nobody acknowledged on the wire is no loss."""
    if not len(calls):
        return 0, 0
    ends = [row.end_ts for row in analysis.captures if row.end_ts is not None]
    final_ts = np.where(is_outcome(calls, {Outcome.ANSWERED}), calls.ints("answer_ts"), calls.ints("end_ts"))
    in_time = final_ts <= max(ends) - _EDGE_NS if ends else np.ones(len(calls), dtype=np.bool_)
    # A 2xx that was resent to the end was not acknowledged indeed; nor do scanners and some callers acknowledge.
    real = one_of(calls.labels("release"), {Release.NO_ACK}) | scanned(calls) | _never_acknowledges(calls)
    asked = (calls.ints("status_code") >= 200) & in_time & ~real
    return int((asked & ~_present(calls, "ack_ts")).sum()), int(asked.sum())


def _never_acknowledges(calls: Columns) -> Mask:
    """Refused calls of callers that acknowledged not one of several refusals.

    The ACK to a refusal takes the way of its INVITE (RFC 3261 §17.1.1.3): where that was captured and no ACK ever was,
    there was none.
    """
    callers, status = calls.labels("caller_ip"), calls.ints("status_code")
    refused = (status >= 300) & (callers.codes >= 0)
    size = len(callers.names)
    made = np.bincount(callers.codes[refused], minlength=size)
    acknowledged = np.bincount(callers.codes[refused & _present(calls, "ack_ts")], minlength=size)
    never = np.append((made >= _SEVERAL) & (acknowledged == 0), False)
    found: Mask = refused & never[callers.codes]
    return found


def byes_missing(calls: Columns) -> tuple[int, int]:
    """Answered calls that ended without a BYE, of those that ended."""
    if not len(calls):
        return 0, 0
    releases = calls.labels("release")
    ended = is_outcome(calls, {Outcome.ANSWERED}) & ~one_of(releases, {Release.STILL_UP})
    return int((ended & one_of(releases, {Release.NO_BYE_SEEN})).sum()), int(ended.sum())


def _began_before(calls: Columns, analysis: Analysis) -> tuple[int, int]:
    """BYEs that belong to no call of the capture: at most one on each hop belongs to a call."""
    byes = sum(row.unique for row in analysis.requests if row.method == "BYE")
    own = int(calls.ints("hops")[_present(calls, "bye_ts")].clip(min=1).sum()) if len(calls) else 0
    return max(byes - own, 0), byes


def _present(calls: Columns, name: str) -> Mask:
    known: Mask = calls.ints(name) != MISSING
    return known
