"""What is captured more than once, in words."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.capture.copies import Channel, Verdict
from analyzer.views.copies import copies_remarks
from analyzer.views.words import words
from tests.stats.made import MadeAnalysis, capture

PLAIN = Channel(1, 0, None, False)
TEN, TWENTY = PLAIN._replace(network=10), PLAIN._replace(network=20)


def said(
    original: Channel, repeating: Channel, copies: int = 4211, lag_ns: int = 14_000, lang: str = "en", **given: Any
) -> str:
    verdict = Verdict(original, repeating, copies, 5000, lag_ns, False, True)._replace(**given)
    made = MadeAnalysis({}, captures=[capture(), capture(capture_no=2, source="tap b.pcapng")], copies=[verdict])
    (sentence,) = copies_remarks(made, words(lang))
    return sentence


@pytest.mark.parametrize(
    ("original", "repeating", "sentence"),
    [
        (PLAIN, TEN, "VLAN 10 repeats untagged traffic 14 µs later: 4,211 copies removed."),
        (TEN, PLAIN, "Untagged traffic repeats VLAN 10 14 µs later: 4,211 copies removed."),
        (TEN, PLAIN._replace(network=5001), "VNI 5001 repeats VLAN 10 14 µs later: 4,211 copies removed."),
        (PLAIN, PLAIN._replace(interface_no=2), "Interface 2 repeats interface 0 14 µs later: 4,211 copies removed."),
        (PLAIN, PLAIN._replace(is_hep=True), "HEP repeats plain traffic 14 µs later: 4,211 copies removed."),
        (
            TEN,
            TWENTY._replace(interface_no=1),
            "Interface 1, VLAN 20 repeats interface 0, VLAN 10 14 µs later: 4,211 copies removed.",
        ),
        (
            PLAIN,
            PLAIN._replace(capture_no=2),
            "tap b.pcapng repeats morning.pcapng 14 µs later: 4,211 copies removed.",
        ),
    ],
)
def test_a_channel_that_repeats_another_is_named_by_what_tells_them_apart(
    original: Channel, repeating: Channel, sentence: str
) -> None:
    assert said(original, repeating) == sentence


def test_what_repeats_itself() -> None:
    every = said(PLAIN, PLAIN, 2500, 3000)
    assert every == "Every packet stands in the capture twice, 3 µs apart: 2,500 copies removed."
    assert said(PLAIN, PLAIN, 3300, 700).startswith("Every packet stands in the capture several times, 700 ns apart")
    some = said(PLAIN, PLAIN, 1, 1_540_000, is_pattern=False)
    assert some == "Some packets stand in the capture more than once, 1.5 ms apart: one copy removed."


def test_either_way_and_only_some() -> None:
    assert said(TEN, TWENTY, is_mutual=True) == (
        "VLAN 20 and VLAN 10 hold the same packets, 14 µs apart: 4,211 copies removed."
    )
    assert said(TEN, TWENTY, is_pattern=False).startswith("VLAN 20 repeats packets of VLAN 10 14 µs later")


def test_in_dutch() -> None:
    assert said(PLAIN, TEN, lag_ns=1_540_000, lang="nl") == (
        "VLAN 10 herhaalt verkeer zonder VLAN, 1,5 ms later: 4.211 kopieën weggelaten."
    )


def test_copies_that_are_kept_are_told() -> None:
    verdict = Verdict(PLAIN, TEN, 12, 12, 14_000, False, True)
    made = MadeAnalysis({}, captures=[capture()], copies=[verdict], keeps_copies=True)
    assert copies_remarks(made, words()) == [
        "VLAN 10 repeats untagged traffic 14 µs later; counted all the same, because of --keep-copies: 12."
    ]


def test_many_pairs_are_summed() -> None:
    verdicts = [Verdict(PLAIN, PLAIN._replace(network=vlan), 10, 10, 14_000, False, True) for vlan in range(1, 9)]
    sentences = copies_remarks(MadeAnalysis({}, captures=[capture()], copies=verdicts), words())
    assert len(sentences) == 6
    assert sentences[-1] == "3 more pairs repeat each other: 30 copies removed."
