"""Seizures: which calls went to or came from a trunk, and what became of each *there* (docs/report-parts/trunks.md).

A trunk right behind the caller is the call's ``callee_ip``. One behind a proxy, or one that was tried and left for
another, stands in ``branches`` alone: without them a trunk whose calls overflow would look as if it had none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Texts, concat_labels
from analyzer.config import Config
from analyzer.stats.counting import Mask, one_of
from analyzer.stats.facts import Facts
from analyzer.vocab import BranchFate, Outcome, Side, names

TO, FROM = "to", "from"
DIRECTIONS = (TO, FROM)
#: Columns of calls that a seizure needs.
_KEPT = (
    "invite_ts", "answer_ts", "bye_ts", "end_ts", "last_ts", "outcome", "status_code", "cause", "cause_from",
    "pdd_ms",
)  # fmt: skip
#: What a branch was worth to who looks for the one that stands for a call at a trunk: the best first.
_BEST = (
    BranchFate.DECIDED, BranchFate.RELAYED, BranchFate.OUTRANKED, BranchFate.UNANSWERED, BranchFate.CANCELLED,
    BranchFate.STEP,
)  # fmt: skip

#: Code of each subject by its name, or address, and whether it is a name of ours.
_Subjects: TypeAlias = dict[tuple[str, bool], int]


@dataclass(frozen=True)
class Seizures:
    """One row for each call and subject (trunk, or address without a name) in one direction.

    ``row``: of ``facts.calls``; ``subject``: code into ``subjects``; ``calls``: what became of the call there, as
    columns of the calls table (`_KEPT`).
    """

    direction: str
    subjects: tuple[str, ...]
    is_named: tuple[bool, ...]
    subject: Ints
    row: Ints
    calls: Columns

    def of(self, subject: int) -> Seizures:
        """Those of one subject."""
        return self.where(self.subject == subject)

    def where(self, mask: Mask) -> Seizures:
        """Some of them."""
        rows = np.flatnonzero(mask)
        return Seizures(
            self.direction, self.subjects, self.is_named, self.subject[rows], self.row[rows], self.calls.take(rows)
        )


#: What addresses stand for, by configuration: the same ones come in every week, as caller, callee and in branches.
_KNOWN: WeakKeyDictionary[Config, dict[str, tuple[str, bool] | None]] = WeakKeyDictionary()
_REMEMBERED = 1 << 18
#: What was made of facts that are still in use: lines, breaches and outages ask for the same.
_MADE: WeakKeyDictionary[Facts, dict[str, Seizures]] = WeakKeyDictionary()


def seizures(facts: Facts, direction: str) -> Seizures:
    """Every call to (or from) a trunk or an address that is not ours, once for each of them."""
    made = _MADE.setdefault(facts, {})
    if direction not in made:
        made[direction] = _seizures(facts, direction)
    return made[direction]


def _seizures(facts: Facts, direction: str) -> Seizures:
    calls = facts.calls
    if not len(calls):
        return Seizures(direction, (), (), nothing(), nothing(), calls)
    subjects: _Subjects = {}
    label = calls.labels("callee_ip" if direction == TO else "caller_ip")
    direct = _subject_of(label, facts, subjects)[label.codes]
    row = np.flatnonzero(direct >= 0)
    found = Seizures(direction, (), (), direct[row], row, _only(calls, _KEPT).take(row))
    parts = [found]
    if direction == TO:
        behind = _behind(facts, direct, subjects)
        if behind is not None:
            # Where a branch tells what became of the call at this very trunk, it has the word.
            told = np.isin(_joined(found, len(subjects)), _joined(behind, len(subjects)))
            parts = [found.where(~told), behind]
    return _united(direction, parts, subjects)


def _subject_of(label: Labels, facts: Facts, subjects: _Subjects) -> Ints:
    """By code of an address the code of its trunk, else of itself; -1 for addresses of ours and for none."""
    config = facts.config
    known = _KNOWN.setdefault(config, {})
    if len(known) > _REMEMBERED:
        known.clear()
    codes = []
    for ip in label.names:
        if ip not in known:
            name = config.trunk(ip)
            known[ip] = (name or ip, name is not None) if name or config.side(ip) is not Side.OWN else None
        key = known[ip]
        codes.append(-1 if key is None else subjects.setdefault(key, len(subjects)))
    return np.array([*codes, -1], dtype=np.int64)


def _behind(facts: Facts, direct: Ints, subjects: _Subjects) -> Seizures | None:
    """Calls to trunks as branches tell them: each call once for each trunk, with what became of it there."""
    branches = facts.part["branches"]
    if not len(branches):
        return None
    label = branches.labels("server_ip")
    to = _subject_of(label, facts, subjects)[label.codes]
    rows = np.flatnonzero(to >= 0)
    if not len(rows):
        return None
    call = call_rows(facts, branches, rows)
    known = call >= 0
    rows, call, to = rows[known], call[known], to[rows][known]
    if not len(rows):
        return None
    fates = branches.labels("fate")
    rank = np.array([*(_BEST.index(BranchFate(name)) for name in fates.names), len(_BEST)], dtype=np.int64)
    request = branches.ints("request_ts")[rows]
    # Of several tries the one that counts for the call, else the last.
    order = np.lexsort((-request, rank[fates.codes[rows]], to, call))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(call[order]) != 0) | (np.diff(to[order]) != 0)
    chosen = order[first]
    rows, call, to = rows[chosen], call[chosen], to[chosen]
    told = _only(branches, ("fate", "status_code", "request_ts", "final_ts")).take(rows)
    return Seizures(TO, (), (), to, call, _as_there(facts, told, _only(facts.calls, _KEPT).take(call)))


def call_rows(facts: Facts, table: Columns, rows: Ints) -> Ints:
    """For rows of a table with ``call_no`` the row of ``facts.calls``; -1 where it is not there.

    Numbers begin at 1 in each run, so that run and number join; a call that another run wrote as well is found by
    its key.
    """
    part, kept = facts.part.calls, facts.calls
    if not len(part) or not len(rows):
        return np.full(len(rows), -1, dtype=np.int64)
    place = np.full(len(part), -1, dtype=np.int64)
    place[_kept_rows(facts)] = np.arange(len(kept), dtype=np.int64)
    theirs, ours = _runs(table, rows), _runs(part, None)
    runs: dict[str | None, int] = {}
    left = _pairs(ours, part.ints("call_no"), runs)
    right = _pairs(theirs, table.ints("call_no")[rows], runs)
    order = np.argsort(left, kind="stable")
    at = np.minimum(np.searchsorted(left[order], right), len(order) - 1)
    hit = left[order][at] == right
    found: Ints = np.where(hit, order[at], -1)
    missed = np.flatnonzero(~hit)
    if len(missed) and "call_key" in table and "call_key" in part:
        by_key = {key: row for row, key in enumerate(_texts(part["call_key"])) if key is not None}
        column = table["call_key"]
        assert isinstance(column, Labels | Texts)
        keys = _texts(column.take(rows[missed]))
        found[missed] = [-1 if key is None else by_key.get(key, -1) for key in keys]
    return np.where(found >= 0, place[np.maximum(found, 0)], -1)


def _kept_rows(facts: Facts) -> Ints:
    scanned = facts.scanning.is_scanner
    return np.flatnonzero(~scanned) if scanned.any() else np.arange(len(facts.part.calls), dtype=np.int64)


def _runs(table: Columns, rows: Ints | None) -> Labels:
    if "run" not in table:
        return Labels(np.zeros(len(table) if rows is None else len(rows), dtype=np.int32), [""])
    label = table.labels("run")
    return label if rows is None else label.take(rows)


def _pairs(runs: Labels, numbers: Ints, known: dict[str | None, int]) -> Ints:
    """Run and number as one number."""
    codes = np.array([*(known.setdefault(name, len(known)) for name in runs.names), -1], dtype=np.int64)
    return (codes[runs.codes] << 40) + numbers


def _texts(column: AnyColumn) -> list[str | None]:
    if isinstance(column, Texts):
        return column.values()
    assert isinstance(column, Labels)
    listed: list[str | None] = [*column.names, None]
    return [listed[code] for code in column.codes.tolist()]


def _as_there(facts: Facts, branches: Columns, calls: Columns) -> Columns:
    """Calls with what became of them at the server of one branch each."""
    fate = branches.labels("fate")
    is_way = one_of(fate, (BranchFate.DECIDED, BranchFate.RELAYED))
    status = branches.ints("status_code")
    was = calls.labels("outcome")
    told = names(Outcome)
    number = {name: code for code, name in enumerate(told)}
    outcome = np.array([*(number[name] for name in was.names), -1], dtype=np.int32)[was.codes]
    by_code = np.full(1000, number[Outcome.TIMED_OUT], dtype=np.int32)
    for code in np.unique(status[(status >= 100) & (status < 1000)]).tolist():
        by_code[code] = number[_outcome(facts, code)]
    within = np.where((status >= 100) & (status < 1000), status, 0)
    is_cancelled = one_of(fate, (BranchFate.CANCELLED,))
    # Cancelled by who tried several: another one answered, or the call ended as the call ended.
    left = np.where(outcome == number[Outcome.ANSWERED], number[Outcome.ELSEWHERE], outcome)
    outcome = np.where(is_way, outcome, np.where(is_cancelled, left, by_code[within])).astype(np.int32)
    # What is known of the whole call holds for the way that decided it, and for no other.
    times = {name: np.where(is_way, calls.ints(name), MISSING) for name in ("answer_ts", "bye_ts", "last_ts", "cause")}
    final = branches.ints("final_ts")
    return Columns(
        calls.row_type,
        {
            **{name: calls[name] for name in _KEPT if name in calls},
            **times,
            "outcome": Labels(outcome, told),
            "invite_ts": np.where(is_way, calls.ints("invite_ts"), branches.ints("request_ts")),
            "end_ts": np.where(is_way, calls.ints("end_ts"), final),
            "status_code": np.where(status == MISSING, np.where(is_way, calls.ints("status_code"), MISSING), status),
            "pdd_ms": np.where(is_way, np.asarray(calls["pdd_ms"], dtype=np.float64), np.nan),
        },
        len(calls),
    )


def _outcome(facts: Facts, code: int) -> Outcome:
    if 200 <= code < 300:
        return Outcome.ELSEWHERE  # answered, and another answer was the call's
    return facts.registry.outcome_of_status(code).outcome


def _only(table: Columns, names: Sequence[str]) -> Columns:
    """Some columns of a table: what is not asked for need not be copied."""
    return Columns(table.row_type, {name: table[name] for name in names}, len(table))


def _joined(found: Seizures, subjects: int) -> Ints:
    joined: Ints = found.row * max(subjects, 1) + found.subject
    return joined


def _united(direction: str, parts: list[Seizures], subjects: _Subjects) -> Seizures:
    """Parts as one, in the order of the calls."""
    row = np.concatenate([part.row for part in parts])
    subject = np.concatenate([part.subject for part in parts])
    order = np.lexsort((subject, row))
    columns: dict[str, AnyColumn] = {}
    for name in _KEPT:
        pieces = [part.calls[name] for part in parts]
        columns[name] = _end_to_end(pieces)
    whole = Columns(parts[0].calls.row_type, columns, len(row))
    listed, named = tuple(name for name, _ in subjects), tuple(is_named for _, is_named in subjects)
    return Seizures(direction, listed, named, subject[order], row[order], whole.take(order))


def _end_to_end(pieces: list[AnyColumn]) -> AnyColumn:
    labels = [piece for piece in pieces if isinstance(piece, Labels)]
    if labels:
        return concat_labels(labels)
    return np.concatenate([piece for piece in pieces if isinstance(piece, np.ndarray)])


def nothing() -> Ints:
    """No numbers."""
    return np.empty(0, dtype=np.int64)
