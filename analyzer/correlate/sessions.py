"""Sessions: calls that are one intention, told apart and judged over all their legs (docs/counting.md).

A session is a tree: legs that one element made for one leg in front of it are routes tried one by one, or forks.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, labels_of
from analyzer.correlate.blame import (
    NOT_CHARGED,
    ORIGINATED,
    PASSED_ON,
    Charges,
    Flags,
    find_blame,
    is_one_of,
)
from analyzer.correlate.branches import Translation
from analyzer.correlate.labels import known
from analyzer.correlate.leg_keys import as_texts, legs_of
from analyzer.correlate.link_kernels import roots, upstream
from analyzer.correlate.links import find_links, no_links
from analyzer.findings import LinkRow, SessionRow
from analyzer.vocab import (
    FAILURES,
    NOT_UNSUCCESSFUL,
    Grade,
    LinkedBy,
    Outcome,
    Side,
    names,
    numbered,
)

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

_GRADE = numbered(Grade)
_SIDE = numbered(Side)
_BY = numbered(LinkedBy)
_UNSUCCESSFUL = frozenset(Outcome) - NOT_UNSUCCESSFUL


def sides(addresses: Labels, config: Config) -> Labels:
    """Whose side each address is on; unknown where it is missing."""
    table = np.array([*(_SIDE[config.side(ip)] for ip in addresses.names), _SIDE[Side.UNKNOWN]], dtype=np.int32)
    return Labels(table[addresses.codes], names(Side))


class Sessions:
    """The sessions of a calls table; every call belongs to one."""

    def __init__(self, calls: Columns, registry: Registry, config: Config, is_linked: bool = True) -> None:
        """``is_linked``: without it every call is a session of its own (rule ``hops`` switched off)."""
        self._calls = calls
        self._config = config
        self._legs = legs = legs_of(calls, registry, config)
        self._links = find_links(legs, registry) if is_linked else no_links(legs)
        count = len(legs.order)
        self._front, self._root = np.empty(count, np.int64), np.empty(count, np.int64)
        roots(self._links.parents, self._root)
        upstream(self._links.parents, legs.numbers, self._front)
        self._blame = find_blame(calls, legs, self._front, self._root)
        #: Ranks of the first calls of the sessions, and for each rank the position of its session.
        self._first, self._session = np.unique(self._root, return_inverse=True)
        self._lead = self._leads()

    def __len__(self) -> int:
        return len(self._first)

    def _leads(self) -> Ints:
        """Rank of the leg that decides each session: the one in front; of several tries the answered or last one."""
        top = np.flatnonzero(self._front < 0)
        answered = is_one_of(self._ordered("outcome"), frozenset({Outcome.ANSWERED}))[top]
        # The last one written stays: the first answered one, else the last one.
        order = np.lexsort((np.where(answered, -top, top), answered, self._session[top]))
        lead = np.empty(len(self._first), dtype=np.int64)
        lead[self._session[top[order]]] = top[order]
        return lead

    def _ordered(self, name: str) -> Labels:
        return self._calls.labels(name).take(self._legs.order)

    def _by_row(self, by_rank: Any) -> Any:
        """What stands by rank, in the order of the calls table."""
        by_row = np.empty_like(by_rank)
        by_row[self._legs.order] = by_rank
        return by_row

    @property
    def session_no(self) -> Ints:
        """The session of each call, in the order of the calls table."""
        numbers: Ints = self._by_row(self._session.astype(np.int64) + 1)
        return numbers

    @cached_property
    def _path(self) -> Flags:
        """Legs, by rank, from the one that decided an unsuccessful session down to the one where that began."""
        on_path = np.zeros(len(self._root), dtype=np.bool_)
        at = self._lead[is_one_of(self._ordered("outcome").take(self._lead), _UNSUCCESSFUL)]
        while len(at):
            on_path[at] = True
            at = self._blame.decider[at[self._blame.origin[at] != at]]
        return on_path

    @cached_property
    def charges(self) -> Charges:
        """The part of each call in the failure of its session: one call of each failed session originated it."""
        role = np.full(len(self._root), NOT_CHARGED, dtype=np.int8)
        failed = is_one_of(self._ordered("outcome").take(self._lead), FAILURES)
        mine = failed[self._session] & self._path
        role[mine] = PASSED_ON
        role[self._blame.origin[self._lead[failed]]] = ORIGINATED
        charged = self._blame.charged
        return Charges(self._by_row(role), Labels(self._by_row(charged.codes), charged.names))

    @cached_property
    def translations(self) -> dict[Translation, list[int]]:
        """What elements made of the code that decided behind them: call_no of the legs in front, where codes differ."""
        calls, order = self._calls, self._legs.order
        status, network = calls.ints("status_code")[order], calls.ints("network")[order]
        numbers = calls.ints("call_no")[order]
        by = calls.labels("failed_by_ip").take(order)
        decider = self._blame.decider
        changed = self._path & (decider >= 0) & (status != MISSING) & (by.codes >= 0)
        changed &= status != status[np.maximum(decider, 0)]
        ranks = np.flatnonzero(changed)
        rows = zip(
            by.codes[ranks].tolist(), network[ranks].tolist(), status[decider[ranks]].tolist(), status[ranks].tolist(),
            numbers[ranks].tolist(), strict=True,
        )  # fmt: skip
        found: dict[Translation, list[int]] = {}
        for code, vlan, received, sent, call_no in rows:
            found.setdefault(Translation(by.names[code], known(vlan), known(received), sent), []).append(call_no)
        return found

    @property
    def overflows(self) -> Counter[tuple[str, int | None]]:
        """How many calls each endpoint (address, network) failed, whose sender then tried another leg."""
        return Counter({endpoint: len(calls) for endpoint, calls in self.overflowed.items()})

    @cached_property
    def overflowed(self) -> dict[tuple[str, int | None], list[int]]:
        """The same calls by their call_no."""
        chosen = np.flatnonzero(self._blame.advanced & is_one_of(self._ordered("outcome"), FAILURES))
        order = self._legs.order
        charged, networks = self._blame.charged, self._calls.ints("network")[order]
        numbers = self._calls.ints("call_no")[order]
        rows = zip(charged.codes[chosen].tolist(), networks[chosen].tolist(), numbers[chosen].tolist(), strict=True)
        found: dict[tuple[str, int | None], list[int]] = {}
        for code, network, call_no in rows:
            if code >= 0:
                found.setdefault((charged.names[code], known(network)), []).append(call_no)
        return found

    def columns(self) -> Columns:
        """The table ``sessions``."""
        calls, order, first, lead = self._calls, self._legs.order, self._first, self._lead
        origin = self._blame.origin[lead]
        charged = self._blame.charged.take(origin)
        unsuccessful = is_one_of(self._ordered("outcome").take(lead), _UNSUCCESSFUL)
        charged = Labels(np.where(unsuccessful, charged.codes, np.int32(-1)), charged.names)
        # A call that nobody answered and that was given up charges somebody only where a leg in front failed by it.
        own = self._ordered("failed_by_ip").codes[lead] >= 0
        charged = Labels(np.where(own | (origin != lead), charged.codes, np.int32(-1)), charged.names)
        is_charged = charged.codes >= 0
        cause = calls.ints("cause")[order]
        has_cause = cause[origin] != MISSING
        by, scores = self._links.linked_by, self._links.scores
        weakest, lowest = np.full(len(first), -1, np.int64), np.full(len(first), 101, np.int64)
        np.maximum.at(weakest, self._session, by)
        scored = np.flatnonzero(by == _BY[LinkedBy.SCORE])
        np.minimum.at(lowest, self._session[scored], scores[scored])
        table: dict[str, AnyColumn] = {
            "session_no": np.arange(1, len(first) + 1, dtype=np.int64),
            "call_no": calls.ints("call_no")[order[first]],
            "calls": np.bincount(self._session, minlength=len(first)).astype(np.int64),
            "linked_by": Labels(weakest.astype(np.int32), names(LinkedBy)),
            "score": np.where(lowest > 100, MISSING, lowest),
            "invite_ts": calls.ints("invite_ts")[order[first]],
            "caller_ip": calls.labels("caller_ip").take(order[first]),
            "callee_ip": calls.labels("callee_ip").take(order[first]),
            "outcome": calls.labels("outcome").take(order[lead]),
            "status_code": calls.ints("status_code")[order[lead]],
            "cause": np.where(has_cause, cause[origin], cause[lead]),
            "cause_from": calls.labels("cause_from").take(order[np.where(has_cause, origin, lead)]),
            "failed_by_ip": charged,
            "failed_in_call": np.where(is_charged, calls.ints("call_no")[order[origin]], MISSING),
            "charged_grade": self._grades(origin, is_charged),
            "failed_side": sides(charged, self._config),
            "relayed_by": self._relayed(lead, origin, charged),
            "route_advances": np.bincount(
                self._session[self._blame.advanced], minlength=len(first)
            ).astype(np.int64),
        }  # fmt: skip
        return Columns(SessionRow, {name: table[name] for name in SessionRow._fields}, len(first))

    def _grades(self, origin: Ints, is_charged: Flags) -> Labels:
        """``seen`` where the legs behind the element that is charged were seen too, else as its own call says."""
        own = self._ordered("charged_grade")
        grades = np.array([*(_GRADE[Grade(name)] for name in own.names), _GRADE[Grade.AT_OR_BEHIND]], dtype=np.int32)
        grade = np.where(self._blame.has_behind[origin], _GRADE[Grade.SEEN], grades[own.codes[origin]])
        return Labels(np.where(is_charged, grade, -1).astype(np.int32), names(Grade))

    def _relayed(self, lead: Ints, origin: Ints, charged: Labels) -> Labels:
        """Who only passed a failure on: whoever its call says, and who is charged in the legs in front."""
        order = self._legs.order
        relayed = self._calls["relayed_by"]
        column = relayed if isinstance(relayed, Labels) else as_texts(self._calls, "relayed_by")
        by = self._ordered("failed_by_ip")
        alone = lead == origin  # only what its call says: for most sessions, and all of them where nothing is linked
        if isinstance(relayed, Labels) and alone.all():
            return Labels(np.where(charged.codes >= 0, relayed.codes[order[lead]], np.int32(-1)), relayed.names)
        texts: list[str | None] = [None] * len(lead)
        for session in np.flatnonzero(charged.codes >= 0).tolist():
            rank, last = int(lead[session]), int(origin[session])
            passed = (column.value(int(order[rank])) or "").split()
            while rank != last:
                passed.append(by.value(rank) or "")
                rank = int(self._blame.decider[rank])
                passed += (column.value(int(order[rank])) or "").split()
            blamed = charged.value(session)
            texts[session] = " ".join(ip for ip in dict.fromkeys(passed) if ip and ip != blamed) or None
        return labels_of(texts)

    def links(self) -> Columns:
        """The table ``links``, in the order of sessions and calls."""
        links, order = self._links, self._legs.order
        linked = np.flatnonzero(links.parents >= 0)
        linked = linked[np.argsort(self._session[linked], kind="stable")]
        front = np.where(self._front[linked] >= 0, self._front[linked], links.parents[linked])
        call_no = self._calls.ints("call_no")
        table: dict[str, AnyColumn] = {
            "session_no": self._session[linked].astype(np.int64) + 1,
            "call_no": call_no[order[linked]],
            "upstream_call_no": call_no[order[front]],
            "linked_by": Labels(links.linked_by[linked].astype(np.int32), names(LinkedBy)),
            "score": links.scores[linked],
            "evidence": labels_of(links.evidence(linked)),
        }
        return Columns(LinkRow, table, len(linked))

