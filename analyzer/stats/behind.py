"""The calls behind a number: every count of calls in a table is turned back into the calls that it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels, Texts
from analyzer.correlate.blame import NOT_CHARGED, ORIGINATED, PASSED_ON
from analyzer.correlate.branches import Translation
from analyzer.schema import (
    BlockRow,
    BranchRow,
    CallRow,
    CaptureRow,
    CauseRow,
    ConflictRow,
    EndpointRow,
    EvidenceRow,
    IssueRow,
    KpiRow,
    LinkRow,
    MidcallRow,
    ReleaseRow,
    ScannerRow,
    SessionRow,
    TranslationRow,
)
from analyzer.stats.analysis import Analysis
from analyzer.stats.causes import GROUPS
from analyzer.stats.counting import NONE, Mask, failures, is_outcome, one_of, unsuccessful
from analyzer.stats.kpis import counted_rows
from analyzer.stats.route_advance import blocked_calls, calls_between
from analyzer.vocab import CAUSE_GROUPS, CauseFrom, Outcome

#: Gives the calls behind one count of a row as a mask of the calls table.
Behind: TypeAlias = Callable[[Analysis, Any, str], Mask]


def calls_behind(analysis: Analysis, row: Any, count: str = "calls") -> Columns:
    """The calls behind a count of a row, in the order of the calls table.

    ``row`` is of one of the types in `COUNTS`, ``count`` the name of one of the counts given there; a row that names
    one call needs none. A count of ``by_status_code`` is asked for as ``by_status_code.503`` (``.none`` without code).
    Raises TypeError for a row of another type, ValueError for a count that its type does not have.
    """
    table = analysis.columns("calls")
    known = BEHIND.get(type(row))
    if known is None:
        names = ", ".join(sorted(kind.__name__ for kind in BEHIND))
        raise TypeError(f"{type(row).__name__} counts no calls; rows that do are {names}")
    counts, behind = known
    if count.partition(".")[0] not in counts:
        raise ValueError(f"{type(row).__name__} has no count {count!r}; it has {', '.join(counts)}")
    if not len(table):
        return table
    return table.take(np.flatnonzero(behind(analysis, row, count)))


def _numbered(analysis: Analysis, numbers: Any) -> Mask:
    found: Mask = np.isin(analysis.columns("calls").ints("call_no"), np.asarray(list(numbers), dtype=np.int64))
    return found


def _equal(column: Ints, value: int | None) -> Mask:
    found: Mask = column == (MISSING if value is None else value)
    return found


def _at(analysis: Analysis, column: str, ip: str, network: int | None) -> Mask:
    """Calls with an endpoint in a column."""
    calls = analysis.columns("calls")
    return one_of(calls.labels(column), {ip}) & _equal(calls.ints("network"), network)


def _causes(analysis: Analysis, row: CauseRow, count: str) -> Mask:
    calls = analysis.columns("calls")
    mask = unsuccessful(calls) & _equal(calls.ints("cause"), row.cause)
    if count == "calls":
        return mask
    sources = [source for source in CauseFrom if CAUSE_GROUPS[source] == count]
    return mask & one_of(calls.labels("cause_from"), sources)


def _releases(analysis: Analysis, row: ReleaseRow, _count: str) -> Mask:
    calls = analysis.columns("calls")
    mask = is_outcome(calls, {Outcome.ANSWERED}) & (calls.ints("bye_ts") != MISSING)
    same: Mask = mask & _equal(calls.ints("release_cause"), row.cause)
    return same


def _endpoints(analysis: Analysis, row: EndpointRow, count: str) -> Mask:
    calls = analysis.columns("calls")
    name, _, key = count.partition(".")
    endpoint = (row.ip, row.network)
    failed = failures(calls)
    if name == "calls_as_caller":
        return _at(analysis, "caller_ip", *endpoint)
    if name == "calls_as_callee":
        return _at(analysis, "callee_ip", *endpoint)
    if name == "failures_as_caller":
        return failed & _at(analysis, "caller_ip", *endpoint)
    if name == "failures_as_responder":
        return _originated(analysis, *endpoint)
    if name == "by_status_code":
        code = None if key in ("", NONE) else int(key)
        return _originated(analysis, *endpoint) & _equal(calls.ints("failed_code"), code)
    if name == "failures_relayed":
        role = analysis.sessions.charges.role
        in_between = (role != NOT_CHARGED) & _relayed_by(calls, row.ip) & _equal(calls.ints("network"), row.network)
        leg_in_front: Mask = (role == PASSED_ON) & _at(analysis, "failed_by_ip", *endpoint)
        relayed: Mask = in_between | leg_in_front
        return relayed
    if name == "conflicts":
        is_conflict: Mask = np.asarray(calls["cause_conflict"], dtype=np.bool_)
        return is_conflict & _at(analysis, "failed_by_ip", *endpoint)
    if name == "overflows":
        return _overflows(analysis, *endpoint)
    blocked = blocked_calls(analysis.columns("blocks"), calls)
    return _numbered(analysis, blocked.get(endpoint, ()))


def _originated(analysis: Analysis, ip: str, network: int | None) -> Mask:
    """Calls in which the failure of their session began, by whom that was."""
    charges = analysis.sessions.charges
    here = one_of(charges.charged, {ip}) & _equal(analysis.columns("calls").ints("network"), network)
    originated: Mask = here & (charges.role == ORIGINATED)
    return originated


def _overflows(analysis: Analysis, ip: str, network: int | None) -> Mask:
    """Calls that an endpoint refused and that went another way, within the call or in another leg."""
    numbers = list(analysis.sessions.overflowed.get((ip, network), ()))
    branches = analysis.columns("branches")
    if len(branches):
        advanced: Mask = np.asarray(branches["advanced"], dtype=np.bool_)
        here = one_of(branches.labels("server_ip"), {ip}) & _equal(branches.ints("network"), network)
        numbers += branches.ints("call_no")[advanced & here].tolist()
    return _numbered(analysis, numbers)


def _relayed_by(calls: Columns, ip: str) -> Mask:
    column = calls["relayed_by"]
    if isinstance(column, Labels):
        return one_of(column, {name for name in column.names if ip in name.split()})
    assert isinstance(column, Texts)
    return np.array([ip in (column.value(row) or "").split() for row in range(len(calls))], dtype=np.bool_)


def _kpis(analysis: Analysis, row: KpiRow, count: str) -> Mask:
    if row.unit_counted == "registrations":
        raise TypeError(f"{row.kpi} counts registrations, not calls")
    calls = analysis.columns("calls")
    counted = counted_rows(analysis, row, count == "numerator")
    key = "session_no" if row.unit_counted == "sessions" else "call_no"
    numbers = counted.ints(key) if len(counted) else np.empty(0, np.int64)
    found: Mask = np.isin(calls.ints(key), numbers)
    return found


def _conflicts(analysis: Analysis, row: ConflictRow, _count: str) -> Mask:
    calls = analysis.columns("calls")
    mask = _equal(calls.ints("status_code"), row.status_code) & _equal(calls.ints("cause"), row.cause)
    mask &= one_of(calls.labels("cause_from"), {row.cause_from})
    mask &= np.asarray(calls["cause_conflict"], dtype=np.bool_) != row.expected
    failed_by, networks = calls.labels("failed_by_ip"), calls.ints("network")
    mask &= failed_by.codes < 0 if row.ip is None else one_of(failed_by, {row.ip})
    # One network in the whole capture is not named in the row.
    if row.network is not None or len(np.unique(networks)) > 1:
        mask &= _equal(networks, row.network)
    return mask


def _translations(analysis: Analysis, row: TranslationRow, _count: str) -> Mask:
    which = Translation(row.ip, row.network, row.received, row.sent)
    return _numbered(analysis, analysis.translations.get(which, ()))


def _blocks(analysis: Analysis, row: BlockRow, _count: str) -> Mask:
    calls = analysis.columns("calls")
    return _numbered(analysis, calls_between(calls, row.ip, row.network, row.from_ts, row.until_ts))


def _sessions(analysis: Analysis, row: SessionRow, _count: str) -> Mask:
    return _equal(analysis.columns("calls").ints("session_no"), row.session_no)


def _scanners(analysis: Analysis, row: ScannerRow, _count: str) -> Mask:
    return _at(analysis, "caller_ip", row.ip, row.network)


def _captures(analysis: Analysis, row: CaptureRow, _count: str) -> Mask:
    return _equal(analysis.columns("calls").ints("capture_no"), row.capture_no)


def _links(analysis: Analysis, row: LinkRow, _count: str) -> Mask:
    return _numbered(analysis, (row.call_no, row.upstream_call_no))


def _one(analysis: Analysis, row: Any, _count: str) -> Mask:
    return _numbered(analysis, () if row.call_no is None else (row.call_no,))


_CALLS = ("calls",)
#: Row type → the counts of calls that it has (``calls`` also where it names one), and what gives the calls.
BEHIND: Mapping[type[Any], tuple[tuple[str, ...], Behind]] = {
    CauseRow: (("calls", *GROUPS), _causes),
    ReleaseRow: (_CALLS, _releases),
    EndpointRow: (
        (
            "calls_as_caller", "calls_as_callee", "failures_as_caller", "failures_as_responder", "failures_relayed",
            "conflicts", "overflows", "blocked_calls", "by_status_code",
        ),
        _endpoints,
    ),
    KpiRow: (("numerator", "denominator"), _kpis),
    ConflictRow: (_CALLS, _conflicts),
    TranslationRow: (_CALLS, _translations),
    BlockRow: (_CALLS, _blocks),
    SessionRow: (_CALLS, _sessions),
    ScannerRow: (_CALLS, _scanners),
    CaptureRow: (_CALLS, _captures),
    LinkRow: (_CALLS, _links),
    CallRow: (_CALLS, _one),
    MidcallRow: (_CALLS, _one),
    BranchRow: (_CALLS, _one),
    EvidenceRow: (_CALLS, _one),
    IssueRow: (_CALLS, _one),
}  # fmt: skip
#: The counts of each row type.
COUNTS: Mapping[type[Any], tuple[str, ...]] = {kind: counts for kind, (counts, _) in BEHIND.items()}
