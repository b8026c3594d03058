"""The ladder of a call, before anything draws it."""

from __future__ import annotations

from analyzer.views.ladder import ladder
from analyzer.views.table import Tone
from analyzer.views.words import words
from tests.explaining import explain_flow

FLOW = """
alice = 192.0.2.10
bob = 203.0.113.20

alice -> bob INVITE
alice -> bob INVITE +500ms resend
alice <- bob 180
alice <- bob 486 +2s
alice -> bob ACK
"""


def no_alias(_: str) -> None:
    return None


def test_who_sent_what_to_whom_and_when() -> None:
    seen = ladder(explain_flow(FLOW).messages, no_alias, words())
    assert seen.parties == ["192.0.2.10", "203.0.113.20"]
    assert [(rung.frame_no, rung.source, rung.target) for rung in seen.rungs] == [
        (1, 0, 1), (2, 0, 1), (3, 1, 0), (4, 1, 0), (5, 0, 1),
    ]  # fmt: skip
    assert [rung.since_start // 10**6 for rung in seen.rungs] == [0, 500, 510, 2510, 2520]
    assert [rung.since_last // 10**6 for rung in seen.rungs] == [0, 500, 10, 2000, 10]
    assert [rung.tone for rung in seen.rungs] == [Tone.PLAIN, Tone.FAINT, Tone.FAINT, Tone.WARN, Tone.PLAIN]
    assert [rung.is_again for rung in seen.rungs] == [False, True, False, False, False]


def test_labels_from_the_fullest_form_to_the_shortest() -> None:
    seen = ladder(explain_flow(FLOW).messages, no_alias, words("nl"))
    assert seen.rungs[0].labels[0] == "INVITE SDP CSeq 1"
    assert seen.rungs[1].labels[0] == "INVITE SDP CSeq 1 (herhaling)"
    assert seen.rungs[3].labels[0].startswith("486 ")
    for rung in seen.rungs:
        assert [len(label) for label in rung.labels] == sorted((len(label) for label in rung.labels), reverse=True)
        assert rung.labels[-1] in ("INVITE", "180", "486", "ACK")


def test_parties_have_our_names() -> None:
    seen = ladder(explain_flow(FLOW).messages, {"203.0.113.20": "Trunk 1"}.get, words())
    assert seen.parties == ["192.0.2.10", "Trunk 1"]


def test_an_address_that_talks_to_itself_is_told_apart_by_its_ports() -> None:
    text = FLOW.replace("203.0.113.20", "192.0.2.10:5070")
    seen = ladder(explain_flow(text).messages, no_alias, words())
    assert seen.parties == ["192.0.2.10:5060", "192.0.2.10:5070"]
