"""What becomes of the calls of a made month: kinds of calls, and the fields that the rules give calls of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Ints, Labels
from analyzer.registry import GENERIC_CAUSES, Registry
from analyzer.vocab import CallState, CauseFrom, Outcome, Release

SECOND = 1_000_000_000
_PROFILE = "dss1"


@dataclass(frozen=True)
class Kind:
    """One way that a call can go. ``cause``: in a Reason header of the final; ``rings``: a 180 came before.

    ``rule``: of data/call_outcomes.toml, where not code and cause decide but what happened. ``share``: of the calls.
    """

    name: str
    share: float
    status: int | None
    cause: int | None = None
    rings: bool = False
    rule: str | None = None
    #: Challenged once before; seconds to the final, at least and at most.
    challenged: bool = False
    least: float = 0.05
    most: float = 1.5

    @property
    def is_failure(self) -> bool:
        """Whether it is meant to be somebody's failure; tests compare it with the rules."""
        return self.name in _FAILURES


KINDS: tuple[Kind, ...] = (
    Kind("answered", 0.60, 200, rings=True, rule="answered", least=2, most=25),
    Kind("answered_auth", 0.05, 200, rings=True, rule="answered", challenged=True, least=2, most=25),
    Kind("busy", 0.05, 486),
    Kind("busy_17", 0.03, 486, 17),
    Kind("no_answer", 0.05, 480, rings=True, least=20, most=60),
    Kind("cancelled", 0.09, 487, rings=True, rule="cancelled", least=3, most=40),
    Kind("abandoned", 0.02, 487, rule="abandoned", least=0.5, most=9),
    Kind("declined", 0.015, 603),
    Kind("unavailable", 0.02, 480),
    Kind("not_found", 0.018, 404),
    Kind("not_found_1", 0.012, 404, 1),
    Kind("incomplete", 0.003, 484, 28),
    Kind("forbidden", 0.006, 403),
    Kind("not_acceptable", 0.004, 488),
    Kind("server_500", 0.004, 500),
    Kind("server_502", 0.002, 502, 38),
    Kind("server_503", 0.004, 503),
    Kind("no_circuit", 0.002, 503, 34),
    Kind("congested", 0.001, 503, 42),
    Kind("gateway_504", 0.002, 504, least=5, most=30),
    Kind("timeout_408", 0.003, 408, least=10, most=32),
    Kind("no_reply", 0.003, None, rule="no_reply", least=32, most=32),
    Kind("only_100", 0.001, None, rule="only_100", least=180, most=180),
    Kind("unauthorized", 0.004, 407, rule="challenge_failed", challenged=True),
    Kind("blocked", 0.001, 608),
    Kind("busy_34", 0.0, 486, 34),
)
_FAILURES = frozenset(kind.name for kind in KINDS[9:])


class Fields:
    """The columns of calls by kind."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.by_kind = [self._of(kind) for kind in KINDS]

    def flag(self, name: str) -> Any:
        """One of the fields that are no columns, for each kind: ``speaks`` (gives a final), ``is_charged``."""
        return np.array([row[name] for row in self.by_kind], dtype=np.bool_)

    def of(self, kind: Ints, ts: Ints, chance: np.random.Generator) -> dict[str, AnyColumn]:
        """Everything of calls of these kinds that does not depend on who calls whom."""
        made: dict[str, AnyColumn] = {"invite_ts": ts}
        for name in (
            "outcome", "outcome_detail", "outcome_rule", "fault", "state", "release", "released_by", "family",
            "cause_from", "cause_profile", "charged_grade", "vendor", "wire_event", "failed_side",
        ):  # fmt: skip
            values = [row.get(name) for row in self.by_kind]
            names = sorted({value for value in values if value is not None})
            codes = np.array([-1 if value is None else names.index(value) for value in values], dtype=np.int32)
            made[name] = Labels(codes[kind], names)
        for name in (
            "status_code", "failed_code", "cause", "cause_mapped", "vendor_code", "release_cause", "network",
            "session_no",
        ):  # fmt: skip
            values = [row.get(name) for row in self.by_kind]
            made[name] = np.array([MISSING if value is None else value for value in values], dtype=np.int64)[kind]
        for name in ("attempts", "challenges", "forks", "answers", "hops", "messages", "resends"):
            made[name] = np.array([row[name] for row in self.by_kind], dtype=np.int64)[kind]
        made["cause_conflict"] = self.flag("cause_conflict")[kind]
        for name in ("behind_nat", "ack_missing", "is_scanner"):
            made[name] = np.zeros(len(kind), dtype=np.bool_)
        self._times(made, kind, ts, chance)
        return made

    def _times(self, made: dict[str, AnyColumn], kind: Ints, ts: Ints, chance: np.random.Generator) -> None:
        """Times and delays, ns, s and ms."""
        size = len(kind)
        least, most = (np.array([getattr(one, name) for one in KINDS]) for name in ("least", "most"))
        rings, speaks, answered = self.flag("rings")[kind], self.flag("speaks")[kind], self.flag("is_answered")[kind]
        cancelled = self.flag("is_cancelled")[kind]
        took = least[kind] + (most - least)[kind] * chance.random(size) ** 1.5
        end = ts + (took * SECOND).astype(np.int64)
        alert = ts + (np.minimum(chance.lognormal(0.2, 0.5, size), took * 0.9) * SECOND).astype(np.int64)
        lasts = (chance.lognormal(4.2, 1.2, size) * SECOND).astype(np.int64)
        bye = end + lasts
        trip = (chance.uniform(0.005, 0.08, size) * SECOND).astype(np.int64)
        made["progress_ts"] = made["alert_ts"] = np.where(rings, alert, MISSING)
        made["media_ts"] = np.full(size, MISSING)
        made["answer_ts"] = np.where(answered, end, MISSING)
        made["ack_ts"] = np.where(speaks | cancelled, end + trip, MISSING)
        made["bye_ts"] = made["last_ts"] = np.where(answered, bye, MISSING)
        made["end_ts"] = np.where(answered, bye, end)
        first = np.where(rings, alert, end)
        challenged = np.isin(made["status_code"], (401, 402, 407))
        made["srd_ms"] = np.where((speaks | cancelled) & ~challenged, (first - ts) / 1e6, np.nan)
        made["pdd_ms"] = np.where(rings, (alert - ts) / 1e6, np.where(answered, (end - ts) / 1e6, np.nan))
        made["ring_s"] = np.where(rings, (end - alert) / 1e9, np.nan)
        made["early_media_s"] = np.full(size, np.nan)
        made["sdd_ms"] = np.where(answered, trip / 1e6, np.nan)
        made["sdt_s"] = np.where(answered, lasts / 1e9, np.nan)

    def _of(self, kind: Kind) -> dict[str, Any]:
        """What the rules of `correlate` make of a call of one kind."""
        registry = self._registry
        rule = self._rule(kind)
        outcome, fault = rule.outcome, rule.fault
        if kind.rings and kind.rule is None:
            outcome, fault = rule.ringing_outcome, rule.ringing_fault
        answered, cancelled = outcome is Outcome.ANSWERED, outcome in (Outcome.CANCELLED, Outcome.ABANDONED)
        speaks = kind.status is not None and not cancelled
        profile = registry.profile(_PROFILE)
        mapped = profile.cause(kind.status) if kind.status is not None and kind.status >= 300 else None
        cause, source = kind.cause, CauseFrom.REASON
        if cause is None:
            cause, source = self._derived(kind, answered, cancelled, mapped)
        refused = speaks and not answered
        is_charged = (refused or kind.status is None) and outcome is not Outcome.UNAUTHORIZED
        state = CallState.COMPLETED if answered else CallState.CANCELLED if cancelled else CallState.REJECTED
        return {
            "outcome": outcome.value,
            "outcome_detail": rule.detail,
            "outcome_rule": rule.id,
            "fault": fault.value,
            "state": (CallState.CALL_SETUP if kind.status is None else state).value,
            "release": Release.NORMAL.value if answered else None,
            "released_by": "caller" if answered or cancelled else None,
            "family": None if kind.status is None else registry.status(kind.status).family.value,
            "status_code": kind.status,
            "cause": cause,
            "cause_from": None if source is None else source.value,
            "cause_profile": _PROFILE,
            "cause_mapped": mapped,
            "cause_conflict": kind.cause is not None and kind.cause not in registry.causes_for(kind.status or 0),
            "charged_grade": "at_or_behind" if is_charged else None,
            "failed_code": kind.status if is_charged else None,
            "failed_side": "unknown",
            "attempts": 1 + kind.challenged,
            "challenges": kind.challenged + (kind.status == 407),
            "forks": int(speaks or cancelled) + kind.challenged,
            "answers": int(answered),
            "hops": 1,
            "messages": self._messages(kind, answered or cancelled),
            "resends": 6 if kind.name == "no_reply" else 0,
            "speaks": speaks,
            "rings": kind.rings,
            "is_answered": answered,
            "is_cancelled": cancelled,
            "is_charged": is_charged,
        }

    @staticmethod
    def _messages(kind: Kind, is_longer: bool) -> int:
        """INVITE, 100, final and ACK; 180, a challenge, BYE or CANCEL. Of silence, an INVITE and its resends."""
        if kind.status is None:
            return 7 if kind.name == "no_reply" else 2
        return 4 + kind.rings + 3 * kind.challenged + 2 * is_longer

    def _rule(self, kind: Kind) -> Any:
        registry = self._registry
        if kind.rule is not None:
            return registry.rule(kind.rule)
        if kind.cause is not None and kind.cause not in GENERIC_CAUSES:
            by_cause = registry.outcome_of_cause(kind.cause)
            if by_cause is not None:
                return by_cause
        assert kind.status is not None
        return registry.outcome_of_status(kind.status)

    def _derived(
        self, kind: Kind, answered: bool, cancelled: bool, mapped: int | None
    ) -> tuple[int | None, CauseFrom | None]:
        if answered or cancelled:
            return 16, CauseFrom.EVENT
        if kind.status is None:
            return 18, CauseFrom.EVENT
        if mapped is not None:
            return mapped, CauseFrom.PROFILE
        return self._registry.fallback_cause(kind.status), CauseFrom.PROFILE_FALLBACK


def kind_number(name: str) -> int:
    """The place of a kind in `KINDS`."""
    return [kind.name for kind in KINDS].index(name)
