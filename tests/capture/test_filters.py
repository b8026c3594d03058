"""What the kernel lets through: all that the reader would find SIP in, no media, and fragments whatever the filter."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import D_FRAME_NO
from analyzer.capture.bpf import MOST_INSTRUCTIONS, PACKET_OUTGOING, RETURN, Instruction, Program, number_runs
from analyzer.capture.filters import behind_fragments, default_filter, kernel_filter, ports_filter
from analyzer.capture.frames import chosen_frames
from analyzer.capture.interfaces import Interface
from analyzer.capture.source import open_source
from analyzer.capture.timeline import timeline
from analyzer.errors import CaptureError
from analyzer.issues import IssueLog
from tests.capture.bpf_machine import kernel_verdicts, passes, verdict
from tests.capture.made import INVITE, RTP, ether, ipv4, ipv6, sip, udp
from tests.capture.test_frames import OTHER_FRAMES, SIP_FRAMES

PCAPS = Path(__file__).parents[2] / "pcaps"
ETHERNET, RAW = 1, 101
TAG, SERVICE_TAG, OLD_TAG = (0x8100, 7), (0x88A8, 9), (0x9100, 11)
#: Somebody's filter that passes nothing.
NOTHING: Program = (Instruction(RETURN),)
MORE = 0x2000
FRAGMENT6 = struct.pack("!BBHI", 17, 0, 1, 9)
HOP_BY_HOP = bytes([44, 1]) + bytes(14)
DESTINATION = bytes([44, 0]) + bytes(6)
ROUTING_THEN_DESTINATION = bytes([60, 2]) + bytes(22) + DESTINATION

FRAGMENTS = {
    "first": ether(ipv4(udp(RTP), place=MORE)),
    "middle": ether(ipv4(RTP, place=MORE | 20)),
    "last": ether(ipv4(RTP, place=20)),
    "of TCP": ether(ipv4(RTP, 6, place=20)),
    "in a VLAN": ether(ipv4(RTP, place=20), tags=[TAG]),
    "in two VLANs": ether(ipv4(RTP, place=20), tags=[SERVICE_TAG, TAG]),
    "of IPv6": ether(ipv6(FRAGMENT6 + RTP, 44), 0x86DD),
    "of IPv6 in two VLANs": ether(ipv6(FRAGMENT6 + RTP, 44), 0x86DD, tags=[OLD_TAG, TAG]),
    "behind hop-by-hop": ether(ipv6(HOP_BY_HOP + FRAGMENT6 + RTP, 0), 0x86DD),
    "behind destination options": ether(ipv6(DESTINATION + FRAGMENT6 + RTP, 60), 0x86DD),
    "behind two headers": ether(ipv6(ROUTING_THEN_DESTINATION + FRAGMENT6 + RTP, 43), 0x86DD),
}
MEDIA = {
    "IPv4": sip(RTP),
    "with options": ether(ipv4(udp(RTP), options=bytes(12))),
    "don't fragment": ether(ipv4(udp(RTP), place=0x4000)),
    "IPv6": ether(ipv6(udp(RTP)), 0x86DD),
    "in a VLAN": ether(ipv4(udp(RTP)), tags=[TAG]),
    "in two VLANs": ether(ipv4(udp(RTP)), tags=[SERVICE_TAG, TAG]),
    "of IPv6 in an old stack": ether(ipv6(udp(RTP)), 0x86DD, tags=[OLD_TAG, TAG]),
    "RTCP": sip(b"\x80\xc8" + bytes(26)),
}


def filters(link_type: int, is_loopback: bool = False) -> dict[str, Program]:
    return {
        "default": default_filter(link_type, is_loopback),
        "ports": ports_filter(link_type, [5060, 5061], is_loopback),
        "theirs": behind_fragments(NOTHING, link_type, is_loopback),
    }


@pytest.mark.parametrize("what", [what for what, (link_type, _) in SIP_FRAMES.items() if link_type in (ETHERNET, RAW)])
@pytest.mark.parametrize("name", ["default", "ports"])
def test_every_frame_with_sip_passes(what: str, name: str) -> None:
    link_type, frame = SIP_FRAMES[what]
    assert passes(filters(link_type)[name], frame)


@pytest.mark.parametrize("path", sorted(PCAPS.glob("*/capture.pcapng")), ids=lambda path: path.parent.name)
def test_every_frame_of_the_corpus_that_the_reader_takes_something_from_passes(path: Path) -> None:
    taken = {int(number) for datagrams in timeline([str(path)], IssueLog()) for number in datagrams.rows[:, D_FRAME_NO]}
    assert taken
    program = default_filter(ETHERNET)
    with open_source(str(path)) as source:
        passed = {frame.frame_no for frame in chosen_frames(source) if passes(program, frame.octets)}
    assert taken <= passed


@pytest.mark.parametrize("what", MEDIA)
def test_media_is_dropped(what: str) -> None:
    program = default_filter(ETHERNET)
    assert not passes(program, MEDIA[what])
    assert not passes(ports_filter(ETHERNET, [5070]), MEDIA[what])


def test_media_without_a_link_header_is_dropped() -> None:
    for packet in (ipv4(udp(RTP)), ipv4(udp(RTP), options=bytes(12)), ipv6(udp(RTP))):
        assert not passes(default_filter(RAW), packet)
        assert not passes(ports_filter(RAW, [5070]), packet)


@pytest.mark.parametrize("name", ["default", "ports", "theirs"])
@pytest.mark.parametrize("what", FRAGMENTS)
def test_no_filter_loses_fragments(what: str, name: str) -> None:
    frame = FRAGMENTS[what]
    assert passes(filters(ETHERNET)[name], frame)
    if "VLAN" not in what:
        assert passes(filters(RAW)[name], frame[14:])


def test_their_filter_is_asked_about_everything_else() -> None:
    everything: Program = (Instruction(RETURN, k=1),)
    whole = [
        sip(),
        MEDIA["IPv6"],
        ether(ipv6(HOP_BY_HOP.replace(b",", b"\x11") + udp(RTP), 0), 0x86DD),
        ether(bytes(28), 0x0806),
    ]
    assert [verdict(behind_fragments(NOTHING, ETHERNET), frame) for frame in whole] == [0] * 4
    assert [verdict(behind_fragments(everything, ETHERNET), frame) for frame in whole] == [1] * 4


def test_ports_are_those_of_either_side_and_of_tcp_udp_and_sctp() -> None:
    program = ports_filter(ETHERNET, [5060, 5061, 5062, 5080])
    for protocol in (6, 17, 132):
        for wanted in (5060, 5061, 5062, 5080):
            assert passes(program, ether(ipv4(udp(INVITE, wanted, 9), protocol)))
            assert passes(program, ether(ipv6(udp(INVITE, 9, wanted), protocol), 0x86DD))
        for other in (5059, 5063, 5079, 5081, 80):
            assert not passes(program, ether(ipv4(udp(INVITE, other, 9), protocol)))
    assert passes(program, ether(ipv4(udp(bytes(9), 9, 4789))))
    assert not passes(program, ether(ipv4(udp(bytes(9), 9, 4789), 6)))


def test_on_loopback_a_packet_counts_once() -> None:
    for program in (
        default_filter(1, True),
        ports_filter(1, [5060], True),
        behind_fragments((Instruction(RETURN, k=1),), 1, True),
    ):
        assert verdict(program, sip())
        assert not verdict(program, sip(), PACKET_OUTGOING)
        assert not verdict(program, FRAGMENTS["first"], PACKET_OUTGOING)
    assert verdict(default_filter(1), sip(), PACKET_OUTGOING)


def test_ports_that_fit_into_no_program_are_refused() -> None:
    assert len(ports_filter(1, range(1, 65536))) < 120
    assert number_runs([7, 5, 6, 9, 9]) == [(5, 7), (9, 9)]
    with pytest.raises(ValueError, match="5000 separate"):
        ports_filter(1, range(1, 10_001, 2))
    with pytest.raises(ValueError, match="4090 instructions"):
        behind_fragments(NOTHING * 4090, 1)
    loopback = Interface("lo", 772, 1, True, True, 65536, ())
    with pytest.raises(CaptureError, match=r"^filter: 5000 separate"):
        kernel_filter(loopback, range(1, 10_001, 2))
    assert kernel_filter(loopback) == default_filter(1, True)
    assert kernel_filter(loopback, [5060]) == ports_filter(1, [5060], True)


class Made(NamedTuple):
    """A frame and what it is made of."""

    tags: int
    is_ipv6: bool
    protocol: int
    has_options: bool
    place: int
    ports: tuple[int, int]
    payload: bytes

    def frame(self, link_type: int) -> bytes:
        datagram = udp(self.payload, *self.ports)
        if self.is_ipv6:
            body = struct.pack("!BBHI", self.protocol, 0, (self.place & 0x1FFF) << 3 | self.is_more, 1) + datagram
            whole = ipv6(body if self.is_fragment else datagram, 44 if self.is_fragment else self.protocol)
        else:
            whole = ipv4(datagram, self.protocol, self.place, bytes(8) if self.has_options else b"")
        if link_type == RAW:
            return whole
        return ether(whole, 0x86DD if self.is_ipv6 else 0x0800, tags=[SERVICE_TAG, TAG, TAG][: self.tags])

    @property
    def is_more(self) -> bool:
        return bool(self.place & MORE)

    @property
    def is_fragment(self) -> bool:
        return bool(self.place & 0x3FFF)

    def passes_default(self) -> bool:
        is_datagram = self.protocol == 17 and not self.is_fragment and bool(self.payload)
        return not is_datagram or self.payload[0] < 0x80 or bool({4500, 9899, 4789, 8472, 4790} & {*self.ports})

    def passes_ports(self, ports: set[int]) -> bool:
        if self.is_fragment or self.protocol not in (6, 17, 132):
            return True
        tunnels = {4500, 9899, 4789, 8472, 4790, 2152, 6081, 37008, 1701} if self.protocol == 17 else set()
        return bool((ports | tunnels) & {*self.ports})


PORTS = st.sampled_from([5060, 5061, 4500, 4789, 2152, 40000, 0, 65535])
MADE = st.builds(
    Made,
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([17, 17, 17, 6, 132, 47, 50, 1, 4]),
    st.booleans(),
    st.sampled_from([0, 0x4000, MORE, 1, 0x1FFF, MORE | 100, 0x8000]),
    st.tuples(PORTS, PORTS),
    st.binary(max_size=40),
)


@given(MADE, st.sampled_from([ETHERNET, RAW]), st.sets(PORTS, min_size=1))
def test_the_filters_say_what_their_rules_say(made: Made, link_type: int, ports: set[int]) -> None:
    frame = made.frame(link_type)
    is_hidden = link_type == ETHERNET and made.tags == 3  # behind a third tag it is nothing that the filter knows
    assert passes(default_filter(link_type), frame) == (is_hidden or made.passes_default())
    assert passes(ports_filter(link_type, ports), frame) == (is_hidden or made.passes_ports(ports))
    assert passes(behind_fragments(NOTHING, link_type), frame) == (made.is_fragment and not is_hidden)


@pytest.mark.parametrize("name", ["default", "ports", "theirs"])
@pytest.mark.parametrize(("link_type", "is_loopback"), [(ETHERNET, False), (ETHERNET, True), (RAW, False)])
def test_the_kernel_judges_as_the_machine_in_these_tests(name: str, link_type: int, is_loopback: bool) -> None:
    program = filters(link_type, is_loopback)[name]
    frames = [frame for _, frame in SIP_FRAMES.values()] + [frame for _, frame, _ in OTHER_FRAMES.values() if frame]
    frames += [*MEDIA.values(), *FRAGMENTS.values(), *(frame[14:] for frame in FRAGMENTS.values())]
    assert kernel_verdicts(program, frames) == [passes(program, frame) for frame in frames]


def test_the_kernel_takes_the_longest_program() -> None:
    program = behind_fragments((Instruction(RETURN, k=1 << 18),) * (MOST_INSTRUCTIONS - 68), 1)
    assert len(program) == MOST_INSTRUCTIONS
    assert kernel_verdicts(program, [sip()]) == [True]
