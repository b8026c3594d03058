"""From codes and causes to outcomes and kinds of release: the rules of call_outcomes.toml, ready to ask.

These rules judge a code or a cause alone. In which order a call's events are weighed stands in
docs/counting.md and is done in `analyzer.correlate`.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.registry.entries import OutcomeRule, ReleaseRule, RuleEntry
from analyzer.vocab import Release

#: Causes that say nothing specific: a code outranks them (docs/counting.md).
GENERIC_CAUSES = frozenset({0, 16, 31, 127})


class OutcomeRules:
    """``rules`` by id, with every ``ringing_*`` and ``location_user_*`` filled in."""

    def __init__(self, entries: Iterable[RuleEntry]) -> None:
        entries = list(entries)
        self.rules = {entry.id: _filled(entry) for entry in entries}
        # A later layer's rule stands later and so wins the codes that it lists.
        self._statuses = {code: self.rules[entry.id] for entry in entries for code in entry.statuses}
        self._causes = {cause: self.rules[entry.id] for entry in entries for cause in entry.causes}
        self._ranges = [(entry.status_range, self.rules[entry.id]) for entry in entries if entry.status_range]
        for entry in entries:
            for first, last in entry.cause_ranges:
                for cause in range(first, last + 1):
                    self._causes.setdefault(cause, self.rules[entry.id])

    def of_status(self, code: int) -> OutcomeRule:
        """The rule that lists a status code, else the one for its range.

        Below 100 and above 999: of no family.
        """
        found = self._statuses.get(code)
        if found is not None:
            return found
        for (first, last), rule in self._ranges:
            if first <= code <= last:
                return rule
        return self.rules["open" if code < 100 else "vendor_failed"]

    def of_cause(self, value: int) -> OutcomeRule | None:
        """The rule for a read, specific cause.

        None for generic ones and for causes that leave it to the code.
        """
        return None if value in GENERIC_CAUSES else self._causes.get(value)


def _filled(entry: RuleEntry) -> OutcomeRule:
    return OutcomeRule(
        id=entry.id,
        outcome=entry.outcome,
        fault=entry.fault,
        detail=entry.detail,
        ringing_outcome=entry.ringing_outcome or entry.outcome,
        ringing_fault=entry.ringing_fault or entry.fault,
        location_user_outcome=entry.location_user_outcome or entry.outcome,
        location_user_fault=entry.location_user_fault or entry.fault,
        meaning=entry.meaning,
        source=entry.source,
        origin=entry.origin,
    )


class ReleaseRules:
    """How the Reason of a BYE makes the release of an answered call normal, odd or abnormal."""

    def __init__(self, rules: Iterable[ReleaseRule]) -> None:
        self.rules = {rule.release: rule for rule in rules}
        self._causes: dict[int, Release] = {}
        self._statuses: dict[int, Release] = {}
        for rule in self.rules.values():
            self._causes |= dict.fromkeys(rule.causes, rule.release)
            self._statuses |= dict.fromkeys(rule.statuses, rule.release)
        for rule in self.rules.values():
            for first, last in rule.cause_ranges:
                for cause in range(first, last + 1):
                    self._causes.setdefault(cause, rule.release)

    def of_cause(self, cause: int) -> Release:
        """By a Q.850 cause; one that no rule lists does not belong into a BYE and is odd."""
        return self._causes.get(cause, Release.ODD)

    def of_sip(self, status: int) -> Release:
        """By the status code in a Reason of protocol SIP; one that no rule lists is odd."""
        found = self._statuses.get(status)
        if found is not None:
            return found
        for rule in self.rules.values():
            if rule.status_range and rule.status_range[0] <= status <= rule.status_range[1]:
                return rule.release
        return Release.ODD

    @property
    def abnormal_release_causes(self) -> frozenset[int]:
        """The causes of protocol RELEASE_CAUSE (3GPP TS 24.229) that mean a drop."""
        return frozenset(self.rules[Release.ABNORMAL].release_causes)

    @property
    def preemption_is_abnormal(self) -> bool:
        """Whether a Reason of protocol Preemption (RFC 4411) means a drop."""
        return self.rules[Release.ABNORMAL].preemption
