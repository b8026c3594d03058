"""The registry's rules as arrays, so that ended calls are judged by the thousand.

Which rule holds is decided in `outcome`; here stands what each rule, code and cause leads to.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints
from analyzer.registry import Registry
from analyzer.registry.entries import OutcomeRule
from analyzer.vocab import Family, Fault, Outcome, Release, numbered

NO_CAUSE = 0
#: Causes that say nothing about why: a status code outranks them (docs/counting.md).
GENERIC = (0, 16, 31, 127)
OUTCOME = numbered(Outcome)
FAULT = numbered(Fault)
RELEASE = numbered(Release)
FAMILY = numbered(Family)
_PLAIN, _RINGING, _LOCATION_USER = range(3)
#: Number of Q.850's location "user" (RFC 8606 token U).
LOCATION_USER = 0


class Rules:
    """What codes, causes and rules lead to under one mapping profile."""

    def __init__(self, registry: Registry, profile: str, without: Collection[str] = ()) -> None:
        """``without``: ids of data/counting_rules.toml that are switched off, for tests and comparisons.

        Raises KeyError for an id that there is not.
        """
        self.registry = registry
        for name in without:
            registry.counting_rules[name]
        self.without = frozenset(without)
        self.profile = registry.profile(profile)
        listed: list[OutcomeRule] = list(registry.outcome_rules.rules.values())
        self._ids = {rule.id: number for number, rule in enumerate(listed)}
        self.rule_names = [rule.id for rule in listed]
        self.outcomes = np.array(
            [
                [OUTCOME[r.outcome], OUTCOME[r.ringing_outcome], OUTCOME[r.location_user_outcome]]
                for r in listed
            ]
        )
        self.faults = np.array(
            [[FAULT[r.fault], FAULT[r.ringing_fault], FAULT[r.location_user_fault]] for r in listed]
        )
        self.detail_names = sorted({"announcement", *(r.detail for r in listed if r.detail)})
        self.details = np.array(
            [self.detail_names.index(r.detail) if r.detail else -1 for r in listed], dtype=np.int32
        )
        self.of_status = np.array([self._ids[registry.outcome_of_status(code).id] for code in range(1000)])
        self.of_cause = np.full(256, -1)
        for cause in range(1, 128):
            found = registry.outcome_of_cause(cause)
            if found is not None:
                self.of_cause[cause] = self._ids[found.id]
        self.mapped = _causes([self.profile.cause(code) for code in range(1000)])
        self.fallback = _causes([registry.fallback_cause(code) for code in range(1000)])
        # A status code that some profile joins with a cause, in either direction, contradicts the others.
        self.joined = np.zeros((1000, 256), dtype=bool)
        self.is_joined = np.zeros(1000, dtype=bool)
        for code in range(300, 1000):
            for cause in registry.causes_for(code):
                self.joined[code, cause] = self.is_joined[code] = True
            for cause in registry.relayed_causes(code):  # no conflict, but a code that had to be changed on the way
                self.joined[code, cause] = True
        release = registry.release_rules
        self.release_of_cause = np.array([RELEASE[release.of_cause(cause)] for cause in range(256)])
        self.release_of_sip = np.array([RELEASE[release.of_sip(code)] for code in range(1000)])
        #: Codes that a maker's pack or nobody explains: from 700 on, and unlisted ones.
        self.special = np.array([code >= 700 or not registry.status(code).known for code in range(1000)])

    def counts(self, rule: str) -> bool:
        """Whether a rule of data/counting_rules.toml is followed."""
        return rule not in self.without

    def own(self, name: str, outcome: Outcome, fault: Fault | None, detail: str | None) -> int:
        """The number of a rule that a code pack or phrase brings along."""
        key = f"{name}\0{outcome}\0{fault}\0{detail}"
        if key not in self._ids:
            self._ids[key] = len(self.rule_names)
            self.rule_names.append(name)
            if detail and detail not in self.detail_names:
                self.detail_names.append(detail)
            number = self.detail_names.index(detail) if detail else -1
            self.outcomes = np.vstack([self.outcomes, np.full(3, OUTCOME[outcome])])
            self.faults = np.vstack([self.faults, np.full(3, FAULT[fault or Fault.SERVER])])
            self.details = np.append(self.details, np.int32(number))
        return self._ids[key]

    def id(self, rule: str) -> int:
        """The number of a rule."""
        return self._ids[rule]

    def detail(self, name: str) -> int:
        """The number of a detail."""
        return self.detail_names.index(name)

    def judged(
        self, rule: Ints, ringing: NDArray[np.bool_], location: Ints
    ) -> tuple[Ints, Ints, NDArray[np.int32]]:
        """Outcome, fault and detail numbers of calls that a rule (by number) decided."""
        variant = np.where(ringing, _RINGING, _PLAIN)
        by_user = (location == LOCATION_USER) & (
            self.outcomes[rule, _LOCATION_USER] != self.outcomes[rule, _PLAIN]
        )
        variant[by_user] = _LOCATION_USER
        return self.outcomes[rule, variant], self.faults[rule, variant], self.details[rule]

    def by_warning(self, status: int, warning: int) -> int:
        """The profile's cause where it asks for the Warning code; NO_CAUSE if it has none."""
        return self.profile.cause(status, warning) or NO_CAUSE


def _causes(values: list[int | None]) -> Ints:
    return np.array([value or NO_CAUSE for value in values], dtype=np.int64)


def family_numbers(status: Ints) -> NDArray[np.int32]:
    """Position in vocab.Family of each status code; -1 for 0 (no code)."""
    hundreds = status // 100
    family = np.where((hundreds >= 1) & (hundreds <= 6), hundreds - 1, FAMILY[Family.VENDOR])
    return np.where(status == 0, -1, family).astype(np.int32)
