"""Interfaces as listeners, in networks of their own: what comes out, what is lost, what happens when a link goes."""

from __future__ import annotations

import socket
import struct
import subprocess
import time
from fcntl import ioctl
from typing import Any

import numpy as np
import pytest

from analyzer.capture import sockets
from analyzer.capture.bpf import RETURN, Instruction
from analyzer.capture.interfaces import Interface, interfaces, may_capture
from analyzer.capture.listening import LEAST_BUFFER
from analyzer.capture.sockets import InterfaceListener, listeners
from analyzer.errors import CaptureError
from tests.capture.made import INVITE, RTP, ether, ipv4, ipv6, sip, udp
from tests.capture.network import (
    PATIENCE_S,
    in_own_network,
    ip,
    is_quiet,
    pair,
    received,
    send,
    until,
    without_capabilities,
)
from tests.capture.records import records
from tests.capture.test_filters import FRAGMENTS

pytestmark = pytest.mark.skipif(not may_capture(), reason="needs CAP_NET_RAW")
WAYS = pytest.mark.parametrize("ring_octets", [8 << 20, 0], ids=["ring", "plain"])
TAGGED = ether(ipv4(udp(INVITE)), tags=[(0x8100, 0x2064)])
#: Of linux/if_tun.h.
TUNSETIFF, TUN_OF_BARE_PACKETS = 0x400454CA, 0x1001
STACKED = ether(ipv4(udp(INVITE)), tags=[(0x88A8, 100), (0x8100, 7)])


@WAYS
def test_frames_come_out_as_they_were_on_the_wire(ring_octets: int) -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=ring_octets)
        assert (listener.name, listener.link_type, listener.trouble) == ("near", 1, None)
        assert listener.has_ring == bool(ring_octets)
        frames = [sip(), TAGGED, STACKED, *FRAGMENTS.values(), ether(ipv6(udp(INVITE)), 0x86DD), sip(bytes(1400))]
        before = time.time_ns()
        send("far", [*frames, sip(RTP)])
        got = received(listener, len(frames))
        assert [record.frame for record in got] == frames
        assert [record.wire_length for record in got] == [len(frame) for frame in frames]
        times = [record.ts for record in got]
        assert times == sorted(times)
        assert before - 1000 <= times[0] <= times[-1] <= time.time_ns()
        send("near", [sip(b"out")])
        assert [record.frame for record in received(listener, 1)] == [sip(b"out")]
        assert (listener.dropped, is_quiet(listener)) == (0, True)
        listener.close()
        listener.close()
        assert (listener.dropped, list(listener.filenos())) == (0, [])
        assert listener.read_into(np.empty(LEAST_BUFFER, dtype=np.uint8)) == 0
        listener.tick()

    in_own_network(body)


@WAYS
def test_on_loopback_each_packet_comes_once(ring_octets: int) -> None:
    def body() -> None:
        (listener,) = listeners(["any"], ring_octets=ring_octets)
        assert listener.name == "lo"
        sent = [*(b"OPTIONS %d" % number for number in range(20)), b"x" * 60_000]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.bind(("127.0.0.1", 0))
            for payload in (*sent, RTP):
                sending.sendto(payload, sending.getsockname())
        assert [record.frame[42:] for record in received(listener, len(sent))] == sent
        listener.close()

    in_own_network(body)


@WAYS
def test_ports_and_expressions_narrow_what_comes(ring_octets: int) -> None:
    def body() -> None:
        pair("near", "far")
        pytest.importorskip("scapy.libs.winpcapy", exc_type=OSError)
        by_ports = listeners(["near"], ports=[5061], ring_octets=ring_octets)
        by_expression = listeners(["near"], expression="vlan 100 and udp port 5060", ring_octets=ring_octets)
        other = ether(ipv4(udp(INVITE, 5061, 5061)))
        last = ether(ipv4(RTP, place=20))
        send("far", [sip(), other, TAGGED, last])
        assert [record.frame for record in received(by_ports[0], 2)] == [other, last]
        assert [record.frame for record in received(by_expression[0], 2)] == [TAGGED, last]
        for listener in by_ports + by_expression:
            listener.close()

    in_own_network(body)


def test_a_full_ring_counts_what_it_loses() -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=1)
        count = 5000
        send("far", [sip(bytes(1400))] * count)
        deadline = time.monotonic() + PATIENCE_S
        while not listener.dropped and time.monotonic() < deadline:
            listener.tick()
        lost = listener.dropped
        assert 0 < lost < count
        assert listener.freezes > 0
        assert len(received(listener, count - lost)) == count - lost
        send("far", [sip()])
        received(listener, 1)
        assert listener.dropped == lost
        listener.close()
        assert listener.dropped == lost

    in_own_network(body)


def test_a_full_socket_counts_what_it_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "RING_OCTETS", 1 << 16)

    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=0)
        send("far", [sip(bytes(1400))] * 500)
        lost = listener.dropped
        assert 0 < lost < 500
        assert len(received(listener, 500 - lost)) == 500 - lost
        listener.close()

    in_own_network(body)


@WAYS
def test_a_small_buffer_takes_a_block_in_pieces(ring_octets: int) -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=ring_octets)
        frames = [sip(b"%04d" % number + bytes(1380)) for number in range(1500)]
        send("far", frames)
        assert [record.frame for record in received(listener, len(frames))] == frames
        listener.close()

    in_own_network(body)


@WAYS
def test_a_link_that_goes_down_is_waited_for(ring_octets: int) -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=ring_octets)
        buffer = np.empty(LEAST_BUFFER, dtype=np.uint8)
        ip("link set near down")
        assert listener.read_into(buffer) == 0
        assert (listener.trouble, is_quiet(listener)) == ("is down", True)
        listener.tick()
        assert (listener.trouble, is_quiet(listener)) == ("is down", True)
        ip("link set near up")
        until(lambda: is_well(listener))
        send("far", [sip(RTP), sip()])
        assert [record.frame for record in received(listener, 1)] == [sip()]
        ip("link set far down")
        until(lambda: not is_well(listener))
        assert listener.trouble == "has no carrier"
        ip("link set far up")
        until(lambda: is_well(listener))
        listener.close()

    in_own_network(body)


@WAYS
def test_an_interface_that_is_made_again_is_listened_to_again(ring_octets: int) -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=ring_octets)
        send("far", [sip(b"before")])
        received(listener, 1)
        ip("link del near")
        assert listener.read_into(np.empty(LEAST_BUFFER, dtype=np.uint8)) == 0
        for _ in range(2):
            assert (listener.trouble, is_quiet(listener)) == ("is gone", True)
            listener.tick()
        pair("near", "far")
        with without_capabilities():
            listener.tick()
            assert (listener.trouble, is_quiet(listener)) == (None, True)
        send("far", [sip(RTP), TAGGED])
        with without_capabilities():
            assert [record.frame for record in received(listener, 1)] == [TAGGED]
            assert listener.dropped == 0
        assert "promiscuity 1" in _details("near")
        listener.close()

    in_own_network(body)


def test_an_interface_that_comes_back_as_another_kind_is_left_alone() -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"])
        ip("link del near")
        ip("tuntap add near mode tun")
        listener.tick()
        assert listener.trouble == "came back with other frames"
        listener.close()

    in_own_network(body)


def test_an_interface_that_is_renamed_stays() -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"])
        ip("link set near down")
        ip("link set near name close")
        ip("link set close up")
        until(lambda: is_well(listener))
        send("far", [sip()])
        received(listener, 1)
        listener.close()

    in_own_network(body)


def test_an_interface_may_be_down_at_first() -> None:
    def body() -> None:
        pair("near", "far")
        ip("link set near down")
        (listener,) = listeners(["near"])
        assert (listener.trouble, is_quiet(listener)) == ("is down", True)
        ip("link set near up")
        until(lambda: is_well(listener))
        send("far", [sip()])
        received(listener, 1)
        listener.close()

    in_own_network(body)


@WAYS
def test_frames_of_tunnels_are_bare_packets(ring_octets: int) -> None:
    def body() -> None:
        with open("/dev/net/tun", "r+b", buffering=0) as tunnel:
            ioctl(tunnel, TUNSETIFF, struct.pack("16sH", b"tunnel", TUN_OF_BARE_PACKETS))
            ip("link set tunnel addrgenmode none")
            ip("link set tunnel up")
            (listener,) = listeners(["tunnel"], ring_octets=ring_octets)
            assert listener.link_type == 101
            packets = [ipv4(udp(INVITE)), ipv6(udp(INVITE)), ipv4(RTP, place=20)]
            for packet in [ipv4(udp(RTP)), *packets]:
                tunnel.write(packet)
            got = [record.frame for record in received(listener, 3)]
            assert got == packets
            listener.close()

    in_own_network(body)


@pytest.mark.parametrize("is_promiscuous", [True, False])
def test_promiscuous_unless_told_otherwise(is_promiscuous: bool) -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], is_promiscuous=is_promiscuous)
        assert f"promiscuity {int(is_promiscuous)}" in _details("near")
        listener.close()
        assert "promiscuity 0" in _details("near")

    in_own_network(body)


def test_any_is_every_interface_that_is_up_and_each_is_opened_once() -> None:
    def body() -> None:
        pair("near", "far")
        ip("link set far down")
        opened = listeners(["near", "any", "near"])
        assert [listener.name for listener in opened] == ["near", "lo"]
        for listener in opened:
            listener.close()

    in_own_network(body)


def test_without_a_ring_frames_come_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(sockets, "Ring", refuse)
    opened = sockets._receiving

    def seen(*arguments: Any) -> Any:
        chosen.append(opened(*arguments))
        return chosen[-1]

    chosen: list[Any] = []
    monkeypatch.setattr(sockets, "_receiving", seen)

    def body() -> None:
        (listener,) = listeners(["lo"])
        assert isinstance(chosen[0], sockets.PlainReceiving)
        listener.close()

    in_own_network(body)


def test_a_name_that_is_not_there_is_one_line_with_those_that_are() -> None:
    with pytest.raises(CaptureError, match=r"^nosuch0: no such interface; known: .*\blo\b"):
        listeners(["nosuch0"])
    with pytest.raises(CaptureError, match=r"^loo: no such interface; did you mean lo\?$"):
        listeners(["lo", "loo"])


def test_missing_rights_are_one_line_with_the_command_that_grants_them() -> None:
    def body() -> None:
        with without_capabilities():
            assert not may_capture()
            with pytest.raises(CaptureError) as caught:
                listeners(["lo"])
        line = str(caught.value)
        assert line.startswith("lo: not allowed to capture; sudo setcap cap_net_raw+ep /")
        assert line.endswith(", or run it with sudo and --user")

    in_own_network(body)


def test_frames_that_are_not_understood_are_refused() -> None:
    wireless = Interface("wlan0mon", 803, None, True, True, 1500, ())
    with pytest.raises(CaptureError, match=r"^wlan0mon: its frames \(ARPHRD 803\) are not understood; .*Ethernet"):
        InterfaceListener(wireless, (Instruction(RETURN),))


def test_what_is_already_open_is_closed_when_the_next_one_fails() -> None:
    def body() -> None:
        with pytest.raises(CaptureError):
            listeners(["lo", "none"])
        pair("near", "far")
        with pytest.raises(CaptureError, match="not both"):
            listeners(["near"], ports=[5060], expression="udp")
        assert "promiscuity 0" in _details("near")

    in_own_network(body)


def test_nothing_comes_in_before_the_filter_is_there() -> None:
    def body() -> None:
        pair("near", "far")
        opened = sockets._open("near")
        send("far", [sip()] * 10)
        with pytest.raises(BlockingIOError):
            opened.ins.recv(100, socket.MSG_DONTWAIT)
        opened.close()

    in_own_network(body)


def test_a_block_is_given_back_only_when_it_was_read_to_its_end() -> None:
    def body() -> None:
        pair("near", "far")
        (listener,) = listeners(["near"], ring_octets=4 << 20)
        frames = [sip(b"%05d" % number + bytes(1395)) for number in range(1400)]
        send("far", frames)
        ring: Any = listener._receiving
        buffer, got = np.empty(100_000, dtype=np.uint8), []
        deadline = time.monotonic() + PATIENCE_S
        while len(got) < len(frames) and time.monotonic() < deadline:
            got += [record.frame for record in records(buffer, ring.read_into(buffer))]
        assert got == frames
        listener.close()

    in_own_network(body)


def is_well(listener: InterfaceListener) -> bool:
    listener.tick()
    return listener.trouble is None


def _details(name: str) -> str:

    return subprocess.run(["ip", "-d", "link", "show", name], capture_output=True, text=True, check=True).stdout


def test_interfaces_are_listed_with_what_they_are() -> None:
    def body() -> None:
        pair("near", "far")
        ip("link set far down")
        ip("addr add 192.0.2.1/24 dev near")
        ip("addr add 2001:db8::1/64 dev near nodad")
        found = {interface.name: interface for interface in interfaces()}
        assert found["near"] == Interface("near", 1, 1, True, False, 1500, ("192.0.2.1/24", "2001:db8::1/64"))
        assert found["far"] == Interface("far", 1, 1, False, False, 1500, ())
        assert (found["lo"].is_loopback, found["lo"].link, found["near"].link) == (True, "loopback", "Ethernet")
        assert found["lo"].addresses == ("127.0.0.1/8", "::1/128")

    in_own_network(body)
