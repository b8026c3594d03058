"""Each rule that the kernels follow, and what counting without it makes of the same ladder."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.correlate.layout import OFF
from analyzer.registry import load_registry
from tests.flow import play

ANSWERED = "alice <- bob 200\nalice -> bob ACK\nalice -> bob BYE +9s\nalice <- bob 200\n"


def outcomes(text: str, *without: str) -> list[tuple[str, int | None]]:
    return [(row["outcome"], row["status_code"]) for row in play(text, without=without).calls]


#: Rule → ladder, outcomes with the rule, outcomes without it.
LADDERS: dict[str, tuple[str, list[Any], list[Any]]] = {
    "challenge": (
        "alice -> bob INVITE\nalice <- bob 407\nalice -> bob ACK\nalice -> bob INVITE\n" + ANSWERED,
        [("answered", 200)],
        [("unauthorized", 407), ("answered", 200)],
    ),
    "redirect": (
        "alice -> bob INVITE\nalice <- bob 302\nalice -> bob ACK\nalice -> carol INVITE\nalice <- carol 200\n"
        "alice -> carol ACK\nend +40s\n",
        [("answered", 200)],
        [("redirected", 302), ("answered", 200)],
    ),
    "cseq_method": (
        "alice -> bob INVITE\nalice <- bob 180\nalice -> bob CANCEL +3s\nalice <- bob 200\n"
        "alice <- bob 487 for=INVITE\nalice -> bob ACK\n",
        [("cancelled", 487)],
        [("answered", 200)],
    ),
    "in_dialog": (
        "alice -> bob INVITE\n" + ANSWERED.split("alice -> bob BYE")[0] + "alice -> bob INVITE +5s\nalice <- bob 488\n"
        "alice -> bob ACK\nalice -> bob BYE +9s\nalice <- bob 200\n",
        [("answered", 200)],
        [("answered", 200), ("rejected", 488)],
    ),
    "hops": (
        "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy <- bob 486\nproxy -> bob ACK\nalice <- proxy 486\n"
        "alice -> proxy ACK\n",
        [("busy", 486)],
        [("busy", 486), ("busy", 486)],
    ),
    "order": (
        "alice -> bob INVITE skew=50ms\nalice <- bob 486\nalice -> bob ACK +90ms\n",
        [("busy", 486)],
        [],
    ),
    "reuse": (
        "alice -> bob INVITE\nalice <- bob 486\nalice -> bob ACK\nalice -> bob INVITE +20s\n" + ANSWERED,
        [("busy", 486), ("answered", 200)],
        [("answered", 200)],
    ),
    "route_advance": (
        "alice -> bob INVITE\nalice <- bob 503 retry_after=30\nalice -> bob ACK\nalice -> carol INVITE\n"
        "alice <- carol 200\nalice -> carol ACK\n",
        [("answered", 200)],
        [("failed", 503), ("answered", 200)],
    ),
}


@pytest.mark.parametrize("rule", LADDERS)
def test_a_rule_that_is_switched_off_counts_otherwise(rule: str) -> None:
    text, with_rule, without = LADDERS[rule]
    assert outcomes(text) == with_rule
    assert outcomes(text, rule) == without


def test_without_the_rule_for_forks_the_last_final_counts() -> None:
    text = """
    alice -> edge INVITE vias=1 branch=z9hG4bKa
    alice -> other INVITE vias=1 branch=z9hG4bKb cseq=1
    alice <- edge 600 for=INVITE
    alice <- other 404 for=INVITE +1s
    """
    assert outcomes(text) == [("busy", 600)]
    assert outcomes(text, "forks") == [("invalid_number", 404)]


def test_without_the_rule_for_resends_each_sight_counts() -> None:
    text = "alice -> bob INVITE resends=2\nalice <- bob 486\nalice <- bob 486 resend +500ms\nalice -> bob ACK\n"
    with_rule, without = play(text), play(text, without=["resends"])
    assert [(row["messages"], row["resends"]) for row in with_rule.calls] == [(6, 3)]
    assert [(row["messages"], row["resends"]) for row in without.calls] == [(6, 0)]
    assert [row.unique for row in with_rule.result.responses] == [1]
    assert [row.unique for row in without.result.responses] == [2]


def test_without_the_rule_for_early_media_only_180_rings() -> None:
    text = """
    alice -> bob INVITE
    alice <- bob 183 reason=Q.850;cause=1
    alice <- bob 480 +8s
    alice -> bob ACK
    """
    (row,) = play(text).calls
    (naive,) = play(text, without=["early_media"]).calls
    assert (row["outcome"], row["cause"], row["cause_from"]) == ("no_answer", 1, "reason_18x")
    assert (naive["outcome"], naive["cause"], naive["cause_from"]) == ("unavailable", 18, "profile")
    assert row["media_ts"] is not None
    assert naive["media_ts"] is None


def test_every_switch_is_a_rule() -> None:
    assert set(OFF) <= set(load_registry().counting_rules)


def test_a_rule_that_there_is_not() -> None:
    with pytest.raises(KeyError):
        play("alice -> bob INVITE", without=["luck"])
