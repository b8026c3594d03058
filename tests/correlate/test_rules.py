"""The registry's rules as arrays: each entry is what the registry itself says."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.correlate.rules import GENERIC, LOCATION_USER, NO_CAUSE, OUTCOME, RELEASE, Rules, family_numbers
from analyzer.registry import load_registry
from analyzer.registry.entries import family_of
from analyzer.vocab import Family, Fault, Outcome, names

REGISTRY = load_registry()
NO, YES = np.array([False]), np.array([True])
NOWHERE = np.array([-1])


@pytest.fixture(scope="module", params=REGISTRY.profiles)
def rules(request: pytest.FixtureRequest) -> Rules:
    return Rules(REGISTRY, request.param)


def test_every_code_leads_to_the_registrys_rule(rules: Rules) -> None:
    for code in range(1000):
        assert rules.rule_names[rules.of_status[code]] == REGISTRY.outcome_of_status(code).id


def test_every_cause_leads_to_the_registrys_rule_or_to_none(rules: Rules) -> None:
    for cause in range(1, 128):
        rule = REGISTRY.outcome_of_cause(cause)
        assert (rule.id if rule else None) == (
            rules.rule_names[rules.of_cause[cause]] if rules.of_cause[cause] >= 0 else None
        )
    assert all(rules.of_cause[cause] == -1 for cause in GENERIC)


def test_causes_of_codes_are_the_profiles(rules: Rules) -> None:
    for code in range(1000):
        assert rules.mapped[code] == (rules.profile.cause(code) or NO_CAUSE)
        assert rules.fallback[code] == (REGISTRY.fallback_cause(code) or NO_CAUSE)


def test_a_cause_contradicts_a_code_that_no_profile_joins_it_with(rules: Rules) -> None:
    for code in range(300, 1000):
        told = set(REGISTRY.causes_for(code)) | set(REGISTRY.relayed_causes(code))
        assert set(np.flatnonzero(rules.joined[code]).tolist()) == told
        assert rules.is_joined[code] == bool(REGISTRY.causes_for(code))
    assert not rules.is_joined[:300].any()


def test_releases_are_the_registrys(rules: Rules) -> None:
    for cause in range(256):
        assert rules.release_of_cause[cause] == RELEASE[REGISTRY.release_rules.of_cause(cause)]
    for code in range(1000):
        assert rules.release_of_sip[code] == RELEASE[REGISTRY.release_rules.of_sip(code)]


def test_special_codes_are_those_that_no_rfc_lists(rules: Rules) -> None:
    assert rules.special[700:].all()
    assert not rules.special[[100, 180, 200, 302, 401, 486, 503, 600]].any()
    assert rules.special[[199 + 20, 299, 399, 499, 599, 699]].all()


def test_a_rule_says_something_else_where_it_rang_or_the_user_said_no(rules: Rules) -> None:
    for rule in REGISTRY.outcome_rules.rules.values():
        number = np.array([rules.id(rule.id)])
        for rang, location, outcome, fault in (
            (NO, NOWHERE, rule.outcome, rule.fault),
            (YES, NOWHERE, rule.ringing_outcome, rule.ringing_fault),
            (NO, np.array([LOCATION_USER]), rule.location_user_outcome, rule.location_user_fault),
        ):
            decided = rules.judged(number, rang, location)
            if location[0] == LOCATION_USER and rule.location_user_outcome == rule.outcome:
                fault = rule.fault  # only another outcome makes the location count
            assert names(Outcome)[decided[0][0]] == outcome, rule.id
            assert names(Fault)[decided[1][0]] == fault, rule.id
            assert (rules.detail_names[decided[2][0]] if decided[2][0] >= 0 else None) == (rule.detail or None)


def test_rules_that_packs_bring_along_are_numbered_once() -> None:
    rules = Rules(REGISTRY, "dss1")
    before = len(rules.rule_names)
    one = rules.own("vendor_pack", Outcome.BUSY, Fault.USER, None)
    other = rules.own("vendor_pack", Outcome.BUSY, None, "a_detail_of_its_own")
    assert rules.own("vendor_pack", Outcome.BUSY, Fault.USER, None) == one == before
    assert other == before + 1
    assert rules.rule_names[before:] == ["vendor_pack", "vendor_pack"]
    both = np.array([one, other])
    outcome, fault, detail = rules.judged(both, np.array([False, True]), np.array([-1, LOCATION_USER]))
    assert outcome.tolist() == [OUTCOME[Outcome.BUSY]] * 2
    assert [names(Fault)[number] for number in fault] == ["user", "server"]
    assert detail[0] == -1
    assert rules.detail_names[detail[1]] == "a_detail_of_its_own"


def test_families_of_codes() -> None:
    codes = np.arange(1000)
    numbers = family_numbers(codes)
    assert numbers[0] == -1
    assert [names(Family)[number] for number in numbers[100:]] == [family_of(code) for code in range(100, 1000)]
