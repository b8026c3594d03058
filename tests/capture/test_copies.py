"""Packets captured more than once: told by IP identification, by time and by the capture's own pattern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import batch as b
from analyzer import hash_kernels
from analyzer.capture import copy_kernels, packet_kernels, pair_kernels
from analyzer.capture.copies import Channel, Copies, Verdict
from analyzer.capture.layer_kernels import L_ETHERNET, L_FRAGMENT, L_HEP, L_IPV4, L_UDP, push
from analyzer.issues import IssueLog
from analyzer.vocab import Transport, names

US, MS, SECOND = 1000, 1_000_000, 1_000_000_000
START = 1_773_122_400 * SECOND
V4 = 0xFFFF << 32
HEP = push(push(push(push(0, L_ETHERNET), L_IPV4), L_UDP), L_HEP)


class Shown(NamedTuple):
    """One message as a channel shows it; times in ns after the start."""

    ts: int
    text: bytes
    ip_id: int = 0
    network: int | None = None
    interface: int = 0
    capture: int = 1
    layers: int = 0
    src: tuple[int, int] = (0, V4 | 1)
    port: int = 5060
    transport: int = 0


def datagrams(shown: Sequence[Shown]) -> b.Datagrams:
    rows = np.zeros((len(shown), b.D_COLUMNS), dtype=np.int64)
    window = bytearray(b"\xff" * 5)
    for row, one in zip(rows, shown, strict=True):
        row[b.D_TS] = START + one.ts
        row[[b.D_OFFSET, b.D_LENGTH, b.D_WIRE_LENGTH]] = len(window), len(one.text), len(one.text)
        row[[b.D_SRC_HI, b.D_SRC_LO]] = one.src
        row[[b.D_DST_HI, b.D_DST_LO]] = one.src[0], one.src[1] + 1
        row[[b.D_SRC_PORT, b.D_DST_PORT, b.D_TRANSPORT]] = one.port, 5060, one.transport
        row[b.D_NETWORK] = b.MISSING if one.network is None else one.network
        row[[b.D_IP_ID, b.D_INTERFACE_NO, b.D_CAPTURE_NO]] = one.ip_id, one.interface, one.capture
        row[b.D_LAYERS] = one.layers
        window += one.text
    return b.Datagrams(np.frombuffer(window, dtype=np.uint8), rows)


class Marked(NamedTuple):
    """What came out: texts, copies (0 or 1) and networks in order, and what is said of it."""

    texts: list[bytes]
    copies: list[int]
    networks: list[int | None]
    verdicts: list[Verdict]
    issues: IssueLog


def marked(shown: Sequence[Shown], cuts: Iterable[int] = (), keep: bool = False) -> Marked:
    """Let `Copies` look at messages, cut into batches before these places."""
    issues = IssueLog()
    copies = Copies(issues, keep)
    texts: list[bytes] = []
    rows: list[Any] = []
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(shown)}), len(shown)]

    def take(parts: Iterable[b.Datagrams]) -> None:
        for octets, found in parts:
            texts.extend(
                octets[start : start + size].tobytes() for start, size in found[:, [b.D_OFFSET, b.D_LENGTH]].tolist()
            )
            rows.extend(found.tolist())

    for start, end in pairwise(places):
        batch = datagrams(shown[start:end])
        octets = batch.octets.copy()
        ready = copies.receive(b.Datagrams(octets, batch.rows))
        take(ready)
        octets[:] = 0  # the window is used again
        batch.rows[:] = 0
    take(copies.close())
    networks = [None if row[b.D_NETWORK] == b.MISSING else row[b.D_NETWORK] for row in rows]
    return Marked(texts, [row[b.D_COPY] for row in rows], networks, copies.verdicts, issues)


def copies_of(*shown: Shown) -> list[int]:
    return marked(shown).copies


def conversation(count: int, step: int = 20 * MS, **given: Any) -> list[Shown]:
    """Different messages, one after the other."""
    return [Shown(number * step, b"message %d" % number, **given) for number in range(count)]


def again(shown: Iterable[Shown], lag: int, **given: Any) -> list[Shown]:
    """The same, that much later, elsewhere."""
    return [one._replace(ts=one.ts + lag, **given) for one in shown]


def in_order(*parts: Iterable[Shown]) -> list[Shown]:
    return sorted((one for part in parts for one in part), key=lambda one: one.ts)


# ----------------------------------------------------------------------------------------------------
# The basic rule. Nine other messages see to it that a repeat is no pattern.

OTHERS = conversation(9, ip_id=0)
ONE = Shown(500 * MS, b"INVITE", ip_id=7)


@pytest.mark.parametrize(
    ("change", "is_copy"),
    [
        ({"ts": ONE.ts + 10 * MS}, True),
        ({"ts": ONE.ts + 10 * MS + 1}, False),
        ({"ts": ONE.ts - 2 * MS}, True),  # behind it in the capture, stamped earlier
        ({"ip_id": 8}, False),
        ({"ip_id": 0}, False),
        ({"network": 10}, True),
        ({"interface": 3}, True),
        ({"capture": 2}, True),
        ({"text": b"INVITe"}, False),
        ({"port": 5061}, False),
        ({"src": (0, V4 | 9)}, False),
        ({"transport": 1}, False),
    ],
)
def test_the_same_packet_has_its_identification_and_comes_soon(change: dict[str, Any], is_copy: bool) -> None:
    assert copies_of(*OTHERS, ONE, ONE._replace(**change)) == [0] * 10 + [int(is_copy)]


@pytest.mark.parametrize(("lag", "is_copy"), [(MS, True), (MS + 1, False)])
def test_ipv6_has_no_identification_and_one_millisecond(lag: int, is_copy: bool) -> None:
    one = Shown(500 * MS, b"INVITE", src=(0x20010DB8 << 32, 1))
    assert copies_of(*OTHERS, one, one._replace(ts=one.ts + lag)) == [0] * 10 + [int(is_copy)]


def test_a_retransmission_with_its_own_identification_has_copies_of_its_own() -> None:
    first = [Shown(0, b"INVITE", ip_id=1), Shown(3 * US, b"INVITE", ip_id=1)]
    resent = [Shown(5 * MS, b"INVITE", ip_id=2), Shown(5 * MS + 3 * US, b"INVITE", ip_id=2)]
    assert copies_of(*first, *resent) == [0, 1, 0, 1]


def test_the_first_that_was_captured_counts_and_all_others_are_copies() -> None:
    shown = [Shown(number * US, b"INVITE", ip_id=5, interface=number) for number in range(20)]
    assert copies_of(*shown) == [0] + [1] * 19


# ----------------------------------------------------------------------------------------------------
# Patterns.


def test_two_vlans_with_the_same_packets_are_one_network_whichever_comes_first() -> None:
    first = conversation(20, network=10)
    requests, responses = first[::2], [one._replace(network=20) for one in first[1::2]]
    shown = in_order(requests, again(requests, 14 * US, network=20), responses, again(responses, 14 * US, network=10))
    seen = marked(shown)
    assert seen.copies == [0, 1] * 20
    assert seen.networks == [10] * 40
    (verdict,) = seen.verdicts
    assert (verdict.copies, verdict.lag_ns, verdict.is_mutual, verdict.is_pattern) == (20, 14 * US, True, True)


def test_a_part_that_repeats_joins_the_whole_that_it_repeats() -> None:
    whole = conversation(30)
    seen = marked(in_order(whole, again(whole[:10], 20 * US, network=10)))
    assert sum(seen.copies) == 10
    assert set(seen.networks) == {None}
    assert seen.verdicts == [
        Verdict(Channel(1, 0, None, False), Channel(1, 0, 10, False), 10, 10, 20 * US, False, True)
    ]
    assert seen.issues.counts == {"capture.copies": 10}
    assert seen.issues.notes[0].detail == (
        "10 messages left out: interface 0 VLAN/VNI 10 repeats interface 0 untagged, 20 µs apart"
    )


@pytest.mark.parametrize(("repeated", "is_pattern"), [(9, True), (8, False)])
def test_ninety_of_a_hundred_make_a_pattern(repeated: int, is_pattern: bool) -> None:
    here, other = conversation(100), conversation(10, network=10)
    other = [one if k < repeated else one._replace(text=b"elsewhere %d" % k) for k, one in enumerate(other)]
    seen = marked(in_order(here, again(other, 20 * US)))
    assert sum(seen.copies) == (repeated if is_pattern else 0)
    assert (10 in seen.networks) is not is_pattern


def test_a_channel_that_shows_everything_twice_repeats_itself() -> None:
    once = conversation(40)
    seen = marked(in_order(once, again(once, 3 * US)))
    assert seen.copies == [0, 1] * 40
    assert (seen.verdicts[0].original, seen.verdicts[0].copies, seen.verdicts[0].messages) == (
        Channel(1, 0, None, False), 40, 80,
    )  # fmt: skip


def test_the_pattern_says_nothing_of_what_comes_later_than_10_ms_or_with_another_identification() -> None:
    once = conversation(40)
    resent = [Shown(SECOND, b"INVITE"), Shown(SECOND + 500 * MS, b"INVITE"),
              Shown(2 * SECOND, b"BYE", ip_id=1), Shown(2 * SECOND + MS, b"BYE", ip_id=2)]  # fmt: skip
    assert marked([*in_order(once, again(once, 3 * US)), *resent]).copies[-4:] == [0, 0, 0, 0]


def test_a_message_sent_again_by_the_one_and_repeated_by_the_other() -> None:
    here = conversation(40, network=10)
    resent = [Shown(2 * SECOND, b"INVITE", network=10), Shown(2 * SECOND + 4 * MS, b"INVITE", network=10)]
    shown = in_order(here, again(here, US, network=20), resent, again(resent, US, network=20))
    # Each showing in VLAN 10 has one in VLAN 20: the second in VLAN 10 was sent.
    assert marked(shown).copies[-4:] == [0, 1, 0, 1]


def test_networks_that_merely_use_the_same_addresses_stay_apart() -> None:
    here = conversation(40, network=10)
    there = [one._replace(ts=one.ts + US, text=one.text + b"!", network=20) for one in here]
    seen = marked(in_order(here, there))
    assert not any(seen.copies)
    assert seen.networks == [10, 20] * 40
    assert seen.verdicts == []


def test_what_an_agent_sends_repeats_what_was_captured_plainly() -> None:
    here = conversation(40, ip_id=9)
    seen = marked(in_order(here, again(here, 2 * MS, layers=HEP, ip_id=77)))
    assert seen.copies == [0, 1] * 40
    assert seen.verdicts[0].repeating.is_hep
    assert seen.verdicts[0].lag_ns == 2 * MS


def test_an_agent_joins_the_network_of_the_plain_packets_also_where_it_was_first() -> None:
    here = conversation(40, layers=HEP)
    seen = marked(in_order(here, again(here, 2 * MS, layers=0, network=10)))
    assert set(seen.networks) == {10}


def test_an_agent_that_sends_late_says_when_it_was() -> None:
    here = conversation(40)
    late = [(one.ts + SECOND, one._replace(layers=HEP)) for one in here]
    shown = [one for _, one in sorted([(one.ts, one) for one in here] + late, key=lambda pair: pair[0])]
    assert sum(marked(shown).copies) == 40


def test_streams_do_not_hide_that_a_channel_repeats_itself() -> None:
    # The second sight of a stream is gone before it comes here, as a TCP retransmission is.
    once = conversation(20)
    streams = [one._replace(ts=one.ts + MS, text=one.text + b" over TCP", transport=1) for one in conversation(40)]
    fragments = conversation(20, layers=push(push(0, L_IPV4), L_FRAGMENT), port=7)
    seen = marked(in_order(once, again(once, US), streams, fragments))
    assert sum(seen.copies) == 20
    over_both = marked(in_order(once, again(once, US, network=10), streams, again(streams, US, network=10)))
    assert [(verdict.copies, verdict.messages) for verdict in over_both.verdicts] == [(60, 60)]


def test_three_taps_in_three_captures() -> None:
    here = conversation(20)
    seen = marked(in_order(here, again(here, US, capture=2), again(here, 2 * US, capture=3)))
    assert seen.copies == [0, 1, 1] * 20
    pairs = [(verdict.original.capture_no, verdict.repeating.capture_no) for verdict in seen.verdicts]
    assert pairs == [(1, 2), (1, 3)]
    assert [verdict.copies for verdict in seen.verdicts] == [20, 20]


def test_a_short_capture_needs_all_of_its_messages() -> None:
    here = conversation(3)
    assert marked(in_order(here, again(here, US, interface=1))).copies == [0, 1] * 3
    alone = Shown(SECOND, b"alone", interface=1)
    wider = in_order(here, again(here, US, interface=1), [alone, *conversation(5, 3 * SECOND)[1:]])
    assert not any(marked(wider).copies)


def test_a_pattern_that_begins_late_is_noticed() -> None:
    here = conversation(6000, MS)
    late = again(here[3000:], US, network=10)
    seen = marked(in_order(here, late))
    # The first eight tell it.
    assert sum(seen.copies) == len(late) - pair_kernels.LEAST + 1


def test_nothing_is_changed_where_copies_are_kept_but_they_are_counted() -> None:
    here = conversation(20, network=10)
    seen = marked(in_order(here, again(here, US, network=20)), keep=True)
    assert not any(seen.copies)
    assert seen.networks == [10, 20] * 20
    assert seen.verdicts[0].copies == 20
    assert "kept" in seen.issues.notes[0].detail


def test_the_kernels_know_which_transport_is_udp() -> None:
    assert names(Transport)[copy_kernels.UDP] == Transport.UDP


# ----------------------------------------------------------------------------------------------------
# Whatever comes.

channels = st.sampled_from([{}, {"network": 10}, {"network": 20}, {"interface": 1}, {"layers": HEP}])


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from((60, 700, 2600)),
    st.lists(st.integers(1, 6000), max_size=30),
    st.lists(channels, min_size=1, max_size=3),
)
def test_it_does_not_matter_how_messages_were_cut_into_batches(
    seed: int, count: int, cuts: list[int], places: list[dict[str, Any]]
) -> None:
    random = np.random.default_rng(seed)
    here = [
        one._replace(ip_id=int(random.integers(0, 3)), ts=one.ts + int(random.integers(0, MS)))
        for one in conversation(count, int(random.choice([100 * US, 3 * MS])))
    ]
    shown = list(here)
    for number, place in enumerate(places, 1):
        kept = random.random(count) < random.choice([0.5, 0.93, 1.0])
        shown += again((one for one, is_kept in zip(here, kept, strict=True) if is_kept), number * 7 * US, **place)
    shown = in_order(shown)
    whole = marked(shown)
    assert whole.texts == [one.text for one in shown]
    assert marked(shown, cuts)[:4] == whole[:4]


def test_a_flood_of_the_same_octets_costs_no_more_than_its_length() -> None:
    flood = [Shown(0, b"INVITE", ip_id=number % 65535 + 1) for number in range(20_000)]
    assert not any(marked(flood, range(0, 20_000, 2000)).copies)


def test_more_channels_than_are_kept_lose_their_pattern_but_not_their_copies() -> None:
    shown: list[Shown] = []
    for network in range(pair_kernels.CHANNELS + 50):
        one = Shown(network * 20 * MS, b"message %d" % network, network=network, ip_id=1 + network)
        shown += [one, one._replace(ts=one.ts + US)]
    seen = marked(shown)
    assert seen.copies == [0, 1] * (pair_kernels.CHANNELS + 50)
    assert len(seen.verdicts) == pair_kernels.CHANNELS


def test_the_ring_forgets_the_oldest_packet() -> None:
    many = [Shown(0, b"message %d" % number, ip_id=1) for number in range(packet_kernels.PACKETS + 1)]
    shown = [*many, many[0], many[-1]]
    assert marked(shown, range(0, len(many), 2000)).copies[-2:] == [0, 1]


def test_times_that_no_clock_shows_do_no_harm() -> None:
    shown = [Shown(ts, b"INVITE", ip_id=1) for ts in (0, 2**62, -(2**62), 5, 2**62 + 1)]
    assert marked(shown).copies == [0, 0, 0, 0, 1]


def test_plain_python_marks_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    here = conversation(12, network=10)
    resent = [Shown(SECOND, b"INVITE", ip_id=5), Shown(SECOND + MS, b"INVITE", ip_id=6, layers=HEP)]
    shown = in_order(here, again(here, US, network=20), resent, conversation(copy_kernels.MOST_MESSAGES, MS, port=7))
    compiled = marked(shown)
    for module in (hash_kernels, packet_kernels, pair_kernels, copy_kernels):
        for name, kernel in vars(module).copy().items():
            if hasattr(kernel, "py_func"):
                monkeypatch.setattr(module, name, kernel.py_func)
    with np.errstate(over="ignore"):
        assert marked(shown)[:4] == compiled[:4]
