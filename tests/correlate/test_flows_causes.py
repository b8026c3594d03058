"""Where a call's cause comes from, in order of trust: docs/counting.md, "Causes"."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import check_call, play


def refused(code: int, options: str = "", before: str = "", **expected: Any) -> dict[str, Any]:
    refusal = f"alice <- bob {code} +1s {options}\nalice -> bob ACK\nend +60s"
    text = f"alice -> bob INVITE\nalice <- bob 100\n{before}\n{refusal}"
    return check_call(text, **expected)


def test_read_in_the_reason_of_the_final() -> None:
    refused(503, "reason=Q.850;cause=34", cause=34, cause_from="reason", cause_mapped=63, cause_profile="dss1")


def test_a_generic_cause_is_read_too() -> None:
    refused(503, "reason=Q.850;cause=31", cause=31, cause_from="reason", outcome="failed")


def test_cause_0_says_nothing() -> None:
    refused(503, "reason=Q.850;cause=0", cause=63, cause_from="profile")


def test_the_reason_of_the_ringing_counts_where_the_final_says_nothing() -> None:
    """It tells why, and leaves the outcome to the final: only what the deciding event says outranks the code."""
    refused(
        480, before='alice <- bob 183 +1s reason=Q.850;cause=1', cause=1, cause_from="reason_18x",
        outcome="no_answer",
    )  # fmt: skip


@pytest.mark.parametrize("generic", [16, 31, 127])
def test_the_reason_of_the_ringing_outranks_a_generic_one(generic: int) -> None:
    before = "alice <- bob 183 +1s reason=Q.850;cause=38"
    refused(480, f"reason=Q.850;cause={generic}", before, cause=38, cause_from="reason_18x", outcome="no_answer")


def test_the_reason_of_the_ringing_does_not_outrank_a_specific_one() -> None:
    refused(480, "reason=Q.850;cause=18", "alice <- bob 183 +1s reason=Q.850;cause=1", cause=18, cause_from="reason")


def test_a_generic_reason_of_the_ringing_says_nothing() -> None:
    refused(480, before="alice <- bob 183 +1s reason=Q.850;cause=31", cause=18, cause_from="profile")


def test_the_last_reason_of_the_ringing_counts() -> None:
    before = "alice <- bob 180 +1s reason=Q.850;cause=1\nalice <- bob 183 +1s reason=Q.850;cause=38"
    refused(480, before=before, cause=38, cause_from="reason_18x")


def test_the_reason_of_a_100_does_not_count() -> None:
    text = "alice -> bob INVITE\nalice <- bob 100 reason=Q.850;cause=1\nalice <- bob 480\nalice -> bob ACK"
    check_call(text, cause=18, cause_from="profile")


@pytest.mark.parametrize(("raw", "cause"), [(145, 17), (162, 34)])
def test_the_octet_of_dss1_is_masked_to_seven_bits(raw: int, cause: int) -> None:
    refused(480, f"reason=Q.850;cause={raw}", cause=cause, cause_from="reason")


def test_of_several_values_the_first_specific_one() -> None:
    refused(503, 'reason="Q.850;cause=31, Q.850;cause=42"', cause=42, cause_from="reason")


def test_a_reason_of_protocol_sip_goes_through_the_profile() -> None:
    refused(503, "reason=SIP;cause=486", cause=17, cause_from="reason_sip")


def test_a_reason_of_protocol_sip_does_not_outrank_the_code() -> None:
    refused(503, "reason=SIP;cause=486", outcome="failed", status_code=503)


def test_q850_stands_before_sip() -> None:
    refused(503, 'reason="SIP;cause=486, Q.850;cause=38"', cause=38, cause_from="reason")


def test_the_pack_of_the_maker() -> None:
    refused(
        703, 'agent="C530A IP/42.231.00.000.000"', cause=102, cause_from="vendor_pack", vendor_code=703,
        family="vendor", cause_mapped=None,
    )  # fmt: skip


def test_no_pack_no_cause() -> None:
    refused(703, 'agent="Example 1.0"', cause=None, cause_from=None, vendor=None, vendor_code=None, outcome="failed")


@pytest.mark.parametrize(
    ("code", "cause"), [(403, 57), (404, 1), (486, 17), (488, 127), (500, 41), (503, 63), (606, 58)]
)
def test_the_profile(code: int, cause: int) -> None:
    refused(code, cause=cause, cause_from="profile", cause_mapped=cause)


@pytest.mark.parametrize(("code", "cause"), [(416, 127), (433, 31), (499, 31), (513, 127)])
def test_what_the_profile_does_not_list(code: int, cause: int) -> None:
    refused(code, cause=cause, cause_from="profile_fallback", cause_mapped=None)


def test_another_profile_on_request() -> None:
    text = "alice -> bob INVITE\nalice <- bob 503\nalice -> bob ACK"
    row = play(text, causes="rfc3398").calls[0]
    assert (row["cause"], row["cause_from"], row["cause_mapped"], row["cause_profile"]) == (
        41,
        "profile",
        41,
        "rfc3398",
    )


def test_the_profile_never_changes_an_outcome() -> None:
    text = "alice -> bob INVITE\nalice <- bob {}\nalice -> bob ACK\nend +60s"
    for code in (403, 480, 488, 500, 503, 606):
        first, second = (play(text.format(code), causes=name).calls[0] for name in ("dss1", "rfc3398"))
        assert (first["outcome"], first["fault"]) == (second["outcome"], second["fault"])


def test_unresolved_challenges_have_the_profiles_cause() -> None:
    refused(401, cause=57, cause_from="profile")
    refused(407, cause=21, cause_from="profile")


def test_no_reply() -> None:
    check_call("alice -> bob INVITE\nend +40s", cause=18, cause_from="event", cause_mapped=None)


@pytest.mark.parametrize("text", [
    "alice <- bob 180\nalice -> bob CANCEL +3s\nalice <- bob 200\nalice <- bob 487\nalice -> bob ACK",
    "alice -> bob CANCEL +3s\nalice <- bob 200\nalice <- bob 487\nalice -> bob ACK",
])  # fmt: skip
def test_who_hangs_up_is_no_interworking_problem(text: str) -> None:
    check_call("alice -> bob INVITE\n" + text, cause=16, cause_from="event", cause_conflict=False)


def test_redirected_and_open_calls_have_no_cause() -> None:
    refused(302, outcome="redirected", cause=None, cause_from=None)
    check_call("alice -> bob INVITE\nalice <- bob 180", outcome="open", cause=None, cause_from=None)


@pytest.mark.parametrize(("code", "cause", "conflict"), [
    (503, 34, False), (486, 17, False), (404, 1, False), (480, 18, False), (486, 34, True), (404, 17, True),
])  # fmt: skip
def test_conflicts(code: int, cause: int, conflict: bool) -> None:
    refused(code, f"reason=Q.850;cause={cause}", cause=cause, cause_conflict=conflict)


def test_a_cause_that_was_not_read_cannot_contradict() -> None:
    refused(503, cause_conflict=False)


def test_an_isup_release_in_the_body_outranks_the_reason() -> None:
    """REL (0x0c), one mandatory variable parameter, cause indicators of two octets: network, 34 (Q.763 §3.12)."""
    body = r"\x0c\x02\x00\x02\x8a\xa2"
    refused(
        503, f'type=application/ISUP;version=itu-t92+ body="{body}" reason=Q.850;cause=16', cause=34, cause_from="isup",
        outcome="failed",
    )  # fmt: skip
