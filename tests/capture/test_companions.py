"""The frames that belong to chosen ones: their streams and datagrams, whole and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.companions import companions, part_of_more
from analyzer.capture.layer_kernels import L_FRAGMENT, L_IPV4, L_SCTP, L_TCP, L_UDP
from analyzer.errors import CaptureError
from tests.capture.tls_made import CLIENT_RANDOM, client_hello, record
from tests.flow import sent
from tests.frames import Datagram, write_pcap
from tests.packets import ACK, Packet, tcp

TWO = """
a = 192.0.2.1
b = 192.0.2.2
c = 192.0.2.3
a -- b   {link}
a -- c   {link}
a -> b   INVITE   call=b
a -> c   INVITE   call=c
a <- b   486      call=b
a <- c   486      call=c
a -> b   ACK      call=b
a -> c   ACK      call=c
a -> b   close    +1s
a -> c   close    +1s
"""
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes packets into a capture of this name."""

    def written(packets: list[Datagram | Packet], name: str = "made.pcapng") -> str:
        write_pcap(packets, tmp_path / name)
        return str(tmp_path / name)

    return written


def with_b(packets: list[Datagram | Packet]) -> list[int]:
    """Frame numbers of all packets from or to the second participant."""
    return [no for no, packet in enumerate(packets, 1) if "192.0.2.2" in (packet.src, packet.dst)]


@pytest.mark.parametrize("link", ["tcp mss=200", "websocket", "sctp mss=200", "tcp mss=99 inside=erspan:5"])
def test_a_connection_is_taken_whole_and_no_other(write: Write, link: str) -> None:
    packets = sent(TWO.format(link=link))
    numbers = with_b(packets)
    path = write(packets)
    found = companions([path], {path: {numbers[5]}}, {path: {numbers[5]}})
    assert found.frames[path].tolist() == numbers
    assert not found.client_randoms


def test_networks_keep_connections_apart(write: Write) -> None:
    text = TWO.format(link="tcp inside=vxlan:1")
    other = [one._replace(inside=("vxlan", 2)) for one in sent(text) if isinstance(one, Packet)]
    packets = [one for pair in zip(sent(text), other, strict=True) for one in pair]
    path = write(packets)
    found = companions([path], {}, {path: [1]})
    assert found.frames[path].tolist() == [2 * number - 1 for number in with_b(sent(text))]


def test_a_connection_goes_on_in_the_next_file(write: Write) -> None:
    packets = sent(TWO.format(link="tcp"))
    paths = [write(packets[:10], "1.pcapng"), write(packets[10:], "2.pcapng")]
    chosen = with_b(packets[10:])[:1]
    found = companions(paths, {paths[1]: chosen}, {paths[1]: chosen})
    assert [found.frames[path].tolist() for path in paths] == [with_b(packets[:10]), with_b(packets[10:])]


def test_fragments_of_a_datagram_by_identification_and_time(write: Write) -> None:
    packets = sent("a -- b   udp fragments=200\na -> b INVITE\na <- b 486")
    invite = [one for one in packets if isinstance(one, Packet) and one.place != 0x4000 and one.src.endswith(".10")]
    later = [one._replace(ts=one.ts + 40 * 10**9) for one in invite]  # the identification comes round again
    path = write([*packets, *later])
    last = packets.index(invite[-1]) + 1
    found = companions([path], {path: {last, len(packets)}}, {path: {last}})
    assert found.frames[path].tolist() == [*(packets.index(one) + 1 for one in invite), len(packets)]


def test_frames_that_stand_alone_bring_nothing(write: Write) -> None:
    packets = sent("a -> b INVITE\na <- b 486\na -> b ACK")
    path = write(packets)
    found = companions([path, path], {path: [2]}, {path: [2, 99]})
    assert found.frames[path].tolist() == [2]


def test_the_clients_of_tls_are_known_by_their_randoms(write: Write) -> None:
    hellos = [
        Packet(n, "192.0.2.1", "192.0.2.2", 6, tcp("192.0.2.1", port, "192.0.2.2", 5061, 1, 1, ACK, octets))
        for n, (port, octets) in enumerate(
            [
                (4001, record(22, client_hello(random=b"1" * 32), 0x0301)),
                (4002, record(22, client_hello())),
                (4002, record(23, b"x" * 80)),
            ]
        )
    ]
    path = write(list(hellos))
    found = companions([path], {}, {path: [3]})
    assert found.frames[path].tolist() == [2, 3]
    assert found.client_randoms == {CLIENT_RANDOM}


def test_which_messages_may_need_other_frames() -> None:
    assert [part_of_more(L_IPV4 << 5 | layer) for layer in (L_UDP, L_TCP, L_SCTP)] == [False, True, True]
    assert part_of_more((L_IPV4 << 5 | L_FRAGMENT) << 5 | L_UDP)


def test_a_capture_that_is_gone(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.pcap")
    with pytest.raises(CaptureError):
        companions([gone], {}, {gone: [1]})


@pytest.mark.parametrize("name", ["media.pcap", "media.pcapng"])
def test_media_between_is_passed_over(write: Write, name: str) -> None:
    packets = sent(TWO.format(link="tcp"))
    rtp = [Datagram(one.ts, "192.0.2.1", 4000, "192.0.2.2", 4002, b"\x80" + bytes(171)) for one in packets]
    path = write([one for pair in zip(rtp, packets, strict=True) for one in pair], name)
    found = companions([path], {path: [1]}, {path: [2]})
    assert found.frames[path].tolist() == [1, *(2 * number for number in with_b(packets))]
