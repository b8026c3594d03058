"""Lookups are total, and say what the definitions in docs/counting.md say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer
from analyzer.batch import DEFECTS, METHODS
from analyzer.errors import UnknownProfile
from analyzer.registry import GENERIC_CAUSES, family_of, load_registry
from analyzer.schema import TABLES, columns
from analyzer.vocab import Family, Fault, Outcome, Release, Severity

registry = load_registry()


@pytest.mark.parametrize("code", range(100, 1000))
def test_every_code_has_an_entry(code: int) -> None:
    status = registry.status(code)
    assert status.code == code
    assert status.meaning
    assert status.responsible
    assert status.origin
    assert status.family is family_of(code)
    assert status.text.startswith(str(code))
    rule = registry.outcome_of_status(code)
    assert rule.id in registry.outcome_rules.rules
    assert rule.origin
    assert registry.fallback_cause(code) is None or 400 <= code <= 699


@given(st.integers(-(2**40), 2**40))
def test_any_number_is_a_code_and_a_cause(number: int) -> None:
    assert registry.status(number).family in Family
    assert registry.outcome_of_status(number).outcome in Outcome
    assert registry.cause(number).name
    assert registry.vendor_codes(number) == () or 100 <= number <= 999
    assert registry.release_rules.of_cause(number) in Release
    assert registry.release_rules.of_sip(number) in Release
    assert registry.causes_for(number) == frozenset() or 200 <= number <= 699


@given(st.text(max_size=400))
def test_any_text_is_a_method_a_protocol_a_header_and_an_agent(text: str) -> None:
    assert registry.method(text).name == text
    assert registry.reason_protocol(text).name.lower() == text.lower()
    assert registry.header(text).known in (True, False)
    assert registry.issue(text).severity in Severity
    registry.vendor_of_agent(text)
    registry.is_scanner(text)
    registry.phrases(486, text)


@pytest.mark.parametrize(
    ("code", "family"),
    [
        (100, Family.PROVISIONAL),
        (199, Family.PROVISIONAL),
        (200, Family.SUCCESS),
        (399, Family.REDIRECTION),
        (400, Family.CLIENT_ERROR),
        (599, Family.SERVER_ERROR),
        (600, Family.GLOBAL_FAILURE),
        (699, Family.GLOBAL_FAILURE),
        (700, Family.VENDOR),
        (999, Family.VENDOR),
        (0, Family.VENDOR),
        (1234, Family.VENDOR),
        (-486, Family.VENDOR),
    ],
)
def test_families(code: int, family: Family) -> None:
    assert family_of(code) is family


def test_an_unlisted_code_takes_its_familys_meaning() -> None:
    status = registry.status(499)
    assert (status.known, status.phrase, status.text) == (False, "", "499 (unlisted)")
    assert status.meaning == registry.family(Family.CLIENT_ERROR).meaning


# docs/counting.md, the table of outcomes: by status code, before and after ringing.
OUTCOMES = {
    "busy": [486, 600],
    "declined": [603, 605, 607],
    "unavailable": [480, 430],
    "invalid_number": [404, 410, 416, 484, 485, 604],
    "unauthorized": [401, 402, 407],
    "blocked": [608, 428, 429, 433, 436, 437, 438, 470, 493, 494],
    "timed_out": [408],
    "failed": [440, 482, 483, 500, 501, 502, 503, 504, 505, 513, 555, 580, 599, 700, 999],
    "rejected": [400, 403, 405, 406, 413, 414, 415, 417, 420, 421, 422, 424, 425, 481, 487, 488, 491, 499, 606, 699],
    "redirected": [300, 301, 302, 305, 380, 399],
    "answered": [200, 202, 299],
}


@pytest.mark.parametrize(("outcome", "code"), [(o, c) for o, codes in OUTCOMES.items() for c in codes])
def test_outcome_of_status(outcome: str, code: int) -> None:
    assert registry.outcome_of_status(code).outcome == outcome


@pytest.mark.parametrize("code", [480, 408, 504])
def test_after_ringing_nobody_answered(code: int) -> None:
    rule = registry.outcome_of_status(code)
    assert (rule.ringing_outcome, rule.ringing_fault) == (Outcome.NO_ANSWER, Fault.USER)


def test_ringing_changes_nothing_else() -> None:
    changed = {c for c in range(200, 1000) if (r := registry.outcome_of_status(c)).ringing_outcome != r.outcome}
    assert changed == {480, 408, 504}


CAUSES = {
    "invalid_number": [1, 5, 14, 22, 28],
    "busy": [17],
    "unavailable": [18, 20, 27],
    "no_answer": [19],
    "rejected": [21],
    "declined": [24],
    "elsewhere": [26],
    "timed_out": [102],
    "failed": [2, 3, 6, 8, 9, 25, *range(34, 50), 58, 63, *range(96, 102), *range(103, 112)],
}


@pytest.mark.parametrize(("outcome", "cause"), [(o, c) for o, causes in CAUSES.items() for c in causes])
def test_outcome_of_cause(outcome: str, cause: int) -> None:
    rule = registry.outcome_of_cause(cause)
    assert rule is not None
    assert rule.outcome == outcome


def test_other_causes_leave_it_to_the_code() -> None:
    decided = {cause for causes in CAUSES.values() for cause in causes}
    for cause in range(128):
        assert (registry.outcome_of_cause(cause) is not None) == (cause in decided), cause
    assert not GENERIC_CAUSES & decided


def test_a_user_who_rejects_declines() -> None:
    rule = registry.outcome_of_cause(21)
    assert rule is not None
    assert (rule.location_user_outcome, rule.location_user_fault) == (Outcome.DECLINED, Fault.USER)
    assert (rule.outcome, rule.fault) == (Outcome.REJECTED, Fault.NETWORK)


@pytest.mark.parametrize(
    ("rule_id", "outcome", "detail"),
    [
        ("no_reply", Outcome.TIMED_OUT, "no_reply"),
        ("only_100", Outcome.TIMED_OUT, "only_100"),
        ("only_18x", Outcome.TIMED_OUT, "only_18x"),
        ("cancelled", Outcome.CANCELLED, None),
        ("abandoned", Outcome.ABANDONED, None),
        ("abandoned_waited", Outcome.ABANDONED, "waited"),
        ("cancelled_by_timer", Outcome.NO_ANSWER, None),
        ("cancelled_elsewhere", Outcome.ELSEWHERE, None),
        ("challenge_failed", Outcome.UNAUTHORIZED, "auth_failed"),
        ("challenge_abandoned", Outcome.UNAUTHORIZED, "auth_abandoned"),
        ("payment", Outcome.UNAUTHORIZED, "payment"),
        ("answered_after_cancel", Outcome.ANSWERED, "cancel_race"),
        ("stir", Outcome.BLOCKED, None),
        ("open", Outcome.OPEN, None),
    ],
)
def test_rules_for_what_happened(rule_id: str, outcome: Outcome, detail: str | None) -> None:
    rule = registry.rule(rule_id)
    assert (rule.outcome, rule.detail) == (outcome, detail)
    assert rule.meaning


def test_every_outcome_has_a_rule() -> None:
    assert {rule.outcome for rule in registry.outcome_rules.rules.values()} == set(Outcome)


def test_releases() -> None:
    of_cause = registry.release_rules.of_cause
    assert {c for c in range(1, 128) if of_cause(c) is Release.NORMAL} == {16, 26, 31}
    assert {c for c in range(1, 128) if of_cause(c) is Release.ABNORMAL} == {3, 8, 9, 25, 27, *range(32, 128)}
    assert of_cause(17) is of_cause(20) is Release.ODD
    of_sip = registry.release_rules.of_sip
    assert of_sip(200) is Release.NORMAL
    assert of_sip(486) is of_sip(487) is of_sip(603) is Release.ODD
    assert of_sip(400) is of_sip(503) is of_sip(700) is Release.ABNORMAL
    assert registry.release_rules.abnormal_release_causes == {2, 3, 4, 5, 6}
    assert registry.release_rules.preemption_is_abnormal


def test_causes_in_three_notations() -> None:
    for value in range(1, 128):
        cause = registry.cause(value)
        assert int(cause.hex, 16) == value
        assert int(cause.dss1_hex, 16) == value + 128
    assert (registry.cause(31).hex, registry.cause(31).dss1_hex) == ("1F", "9F")
    unlisted = registry.cause(36)
    assert (unlisted.known, unlisted.class_name) == (False, "resource_unavailable")
    assert registry.cause(17).name == "User busy"


def test_locations() -> None:
    assert registry.location_tokens["U"] == 0
    location = registry.location(4)
    assert location is not None
    assert location.token == "RLN"
    assert registry.location(16) is None


def test_profiles() -> None:
    dss1, neutral = registry.profile("dss1"), registry.profile("rfc3398")
    assert (dss1.cause(503), neutral.cause(503)) == (63, 41)
    assert dss1.cause(499) is None
    assert (neutral.cause(488), neutral.cause(488, 304), neutral.cause(488, 399)) == (31, 65, 31)
    assert dss1.cause(488, 304) == 127
    assert neutral.reverse(21) == (403, 603)
    assert dss1.reverse(21) == ()
    # Values above 127 are FreeSWITCH's own and no cause.
    assert registry.profile("freeswitch").cause(487) is None
    assert registry.profile("freeswitch").entry.internal[487] == 487
    assert all(1 <= c <= 127 for p in registry.profiles.values() for c in p.entry.causes.values())


def test_an_unknown_profile_lists_the_names() -> None:
    with pytest.raises(UnknownProfile, match=r"no mapping profile 'dss2'; known: .*dss1.*rfc3398") as caught:
        registry.profile("dss2")
    assert "\n" not in str(caught.value)


def test_fallback() -> None:
    assert registry.fallback_cause(499) == 31
    assert registry.fallback_cause(416) == 127
    assert registry.fallback_cause(487) == 31
    assert registry.fallback_cause(302) is None
    assert registry.fallback_cause(703) is None


def test_causes_for_joins_both_directions() -> None:
    assert registry.causes_for(486) == {17}
    assert {34, 38, 41, 42, 47, 58, 63} <= registry.causes_for(503)
    assert 65 in registry.causes_for(488)
    assert registry.causes_for(999) == frozenset()
    assert all(cause <= 127 for code in range(1000) for cause in registry.causes_for(code))


@pytest.mark.parametrize(
    ("agent", "name", "product"),
    [
        ("Asterisk PBX 13.10.0", "asterisk", "Asterisk PBX"),
        ("Asterisk PBX (digium)", "asterisk", "Digium Switchvox"),
        ("C530A IP/42.231.00.000.000", "gigaset", "Gigaset consumer IP bases (C470/C530A/C590/C610/S675/S685 ...)"),
        ("Cisco-SIPGateway/IOS-12.x", "cisco", "IOS/IOS-XE gateway, CUBE"),
        ("kamailio (5.6.4 (x86_64/linux))", "kamailio", "Kamailio"),
    ],
)
def test_vendor_of_agent_takes_the_longest_match(agent: str, name: str, product: str) -> None:
    vendor = registry.vendor_of_agent(agent)
    assert vendor is not None
    assert (vendor.name, vendor.product) == (name, product)


def test_agents_recognise_their_own_examples() -> None:
    for agent in registry.sections["agent"].values():
        for example in (*agent.seen, *agent.built):
            if "User-Agent" in agent.where:
                found = registry.vendor_of_agent(example)
                assert found is not None, (agent.id, example)


def test_agents_name_known_vendors_and_profiles() -> None:
    vendors = registry.sections["vendor"]
    for section in ("agent", "code", "handset", "phrase", "header", "detail", "warning_text"):
        for entry in registry.sections[section].values():
            assert entry.vendor == "" or entry.vendor in vendors, entry.origin
    for vendor in vendors.values():
        assert vendor.profile == "" or vendor.profile in registry.profiles


def test_unknown_agent() -> None:
    assert registry.vendor_of_agent("Nobody knows this/1.0") is None
    assert registry.suggest_profile("Nobody knows this/1.0") is None
    assert registry.suggest_profile("Cisco-SIPGateway/IOS-15.4") == "cisco"
    assert registry.suggest_profile("Yealink SIP-T28P 2.71") is None


def test_scanners() -> None:
    scanner = registry.is_scanner("friendly-scanner")
    assert scanner is not None
    assert scanner.certainty == "certain"
    assert registry.is_scanner("Cisco-CP7960G/8.0") is None
    assert registry.is_scanner("cisco") is not None
    assert registry.is_scanner("Cisco") is None


def test_packs() -> None:
    assert [code.vendor for code in registry.vendor_codes(703)] == ["gigaset", "pjsip"]
    gigaset = registry.pack_code("gigaset", 703)
    assert gigaset is not None
    assert (gigaset.cause, gigaset.outcome) == (102, None)
    hung_up = registry.pack_code("gigaset", 701)
    assert hung_up is not None
    assert (hung_up.outcome, hung_up.fault) == (Outcome.DECLINED, Fault.USER)
    assert registry.pack_code("gigaset", 486) is None
    assert registry.vendor_codes(999) == ()


def test_phrases() -> None:
    cause, origin = registry.phrase_cause(603, "Network Blocked") or (None, "")
    assert cause == 21
    assert "phrase.network_blocked" in origin
    assert registry.phrases(603, "Network Blocked")[0].outcome is Outcome.BLOCKED
    assert registry.phrase_cause(603, "Decline") is None
    assert registry.phrase_cause(486, "Network Blocked") is None
    assert [p.id for p in registry.phrases(478, "Unresolvable destination (478/SL)")] == ["proxy_made"]


def test_details() -> None:
    table = registry.detail("ms_diagnostics")
    assert table is not None
    assert table.meaning(1003) == "user does not exist"
    assert table.meaning(1999) == "SIP stack"
    assert table.meaning("x") is None
    assert table.meaning(95000) is None
    assert registry.detail("nothing") is None


def test_headers_by_any_name() -> None:
    assert registry.header("v").name == registry.header("VIA").name == "Via"
    assert registry.header("i").name == "Call-ID"
    assert not registry.header("X-Nothing").known
    assert registry.cause_headers["x-asterisk-hangupcausecode"] == "q850_cause"
    assert registry.cause_headers["x-cid"] == "call_id"
    assert registry.cause_headers["cisco-guid"] == "shared_id"
    assert registry.cause_headers["p-charging-vector"] == "icid_value"
    assert "x-twilio-callsid" not in registry.cause_headers


def test_methods() -> None:
    for method in METHODS[1:]:
        assert registry.method(method).known, method
    assert registry.method("INVITE").kind == "invite"
    # Methods are told apart by case, RFC 3261 §7.1.
    assert not registry.method("invite").known


def test_reason_protocols() -> None:
    assert registry.reason_protocol("q.850").name == "Q.850"
    cause = registry.reason_cause("release_cause", 2)
    assert cause is not None
    assert cause.text == "RTP/RTCP time-out"
    assert registry.reason_cause("SIP", 486) is None


def test_every_issue_that_the_code_notes_is_explained() -> None:
    package = Path(analyzer.__file__).parent
    noted = {
        code
        for file in package.rglob("*.py")
        for code in re.findall(
            r'"((?:capture|call|response|scan|icmp|ip)\.[a-z_]+|sip\.[a-z_]+)"', file.read_text("utf-8")
        )
    }
    # Wireshark's field names in schema.py look alike, and a text that is no SIP is a refusal, not an issue.
    wireshark = {column.field for row_type in TABLES.values() for column in columns(row_type)}
    unexplained = {code for code in noted - wireshark - {"sip.not_sip"} if not registry.issue(code).known}
    assert noted & set(DEFECTS.values())
    assert unexplained == set()


def test_every_defect_and_issue_is_explained() -> None:
    for code in [
        *DEFECTS.values(),
        "capture.truncated",
        "capture.damaged",
        "capture.frame_cut",
        "capture.unread_tls",
        "capture.copies",
        "capture.keylog",
        "capture.unknown_link_type",
        "capture.clock_step",
        "sip.bad_start_line",
        "sip.unexpected_response",
        "sip.late_response",
        "sip.orphan_response",
        "sip.too_many_responses",
        "sip.too_many_attempts",
        "call.ack_missing",
        "call.cancel_race",
        "ip.fragment",
        "ip.fragment_overlap",
        "tcp.gap",
        "tcp.resync",
        "tcp.bound",
        "sctp.incomplete",
        "websocket.bad_frame",
        "tls.bad_record",
        "hep.bad_packet",
    ]:
        issue = registry.issue(code)
        assert issue.known, code
        assert issue.summary
        assert issue.next
    assert not registry.issue("sip.nothing").known
