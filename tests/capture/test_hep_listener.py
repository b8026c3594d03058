"""HEP from sockets: what comes in goes out as frames, and nobody harms the others."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.capture import hep_connections, hep_listener, hep_senders
from analyzer.capture.hep_listener import HepListener
from analyzer.capture.hep_sockets import place
from analyzer.capture.hep_tally import REASONS, TOLD_MOST, HepTally
from analyzer.capture.listening import LEAST_BUFFER, Listener
from analyzer.errors import CaptureError
from analyzer.issues import IssueLog
from analyzer.registry import load_registry
from analyzer.vocab import SourceKind
from pcaps.make import HERE as PCAPS
from tests.capture.hep_made import INVITE, chunk, hep1, hep3
from tests.capture.raw import START
from tests.capture.test_hep_intake import pcap_of
from tests.reading import analyse, rows

EVERYBODY = ("0.0.0.0/0", "::/0")
BUFFER = np.zeros(LEAST_BUFFER, dtype=np.uint8)
PATIENCE_S = 20.0


class Got(NamedTuple):
    ts: int
    frame: bytes
    packet: bytes


def split(octets: bytes) -> list[Got]:
    """Records, taken apart."""
    found = []
    while octets:
        seconds, rest, length, sent = struct.unpack("<IIII", octets[:16])
        assert length == sent
        frame = octets[16 : 16 + length]
        assert len(frame) == length
        found.append(Got(seconds * 10**9 + rest, frame, frame[28 if frame[0] == 0x45 else 48 :]))
        octets = octets[16 + length :]
    return found


def read_until(listener: HepListener, enough: Callable[[list[Got]], bool]) -> list[Got]:
    """Read until it is enough; what never comes fails the test."""
    got: list[Got] = []
    deadline = time.monotonic() + PATIENCE_S
    while not enough(got):
        assert time.monotonic() < deadline, (len(got), listener.refused)
        got += split(BUFFER[: listener.read_into(BUFFER)].tobytes())
    return got


def packets(listener: HepListener, count: int) -> list[bytes]:
    return [one.packet for one in read_until(listener, lambda got: len(got) >= count)]


@contextlib.contextmanager
def listening(
    text: str = "127.0.0.1:0", allowed: Sequence[str] = EVERYBODY, rate: float | None = None, key: str | None = None
) -> Iterator[HepListener]:
    with contextlib.closing(hep_listener.hep_listener(text, allowed, rate, key)) as listener:
        yield listener


@contextlib.contextmanager
def agent(listener: HepListener, host: str = "127.0.0.1", kind: int = socket.SOCK_DGRAM) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as sending:
        sending.settimeout(PATIENCE_S)
        sending.connect((host, listener.port))
        yield sending


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


def now() -> int:
    return time.time_ns()


# -- what comes in ----------------------------------------------------------------------------------------------------


def test_it_is_a_listener() -> None:
    with listening() as listener:
        as_protocol: Listener = listener
        assert (as_protocol.name, as_protocol.kind) == (f"hep:127.0.0.1:{listener.port}", SourceKind.HEP)
        assert (as_protocol.link_type, as_protocol.dropped, as_protocol.trouble) == (101, 0, None)
        assert len(as_protocol.filenos()) == 1
        assert as_protocol.read_into(BUFFER) == 0
        as_protocol.tick()
    as_protocol.close()
    as_protocol.tick()
    assert as_protocol.read_into(BUFFER) == 0
    assert as_protocol.dropped == 0
    assert not as_protocol.filenos()


def test_every_version_over_udp() -> None:
    with listening() as listener, agent(listener) as sending:
        before = now()
        sent = [hep3(ts=before), hep1(), hep1(version=2, ts=before)]
        for packet in sent:
            sending.send(packet)
        got = read_until(listener, lambda got: len(got) == 3)
        assert [one.packet for one in got] == sent
        assert before <= got[0].ts <= got[1].ts <= got[2].ts <= now()
        ports = struct.pack(">HH", sending.getsockname()[1], listener.port)
        assert {one.frame[12:24] for one in got} == {b"\x7f\0\0\1\x7f\0\0\1" + ports}
        assert listener.dropped == 0
        assert listener.taken_notes(1) == []


@needs_ipv6
@pytest.mark.parametrize("text", [":0", "[::]:0", "0"])
def test_all_addresses_are_both_families(text: str) -> None:
    with listening(text) as listener, agent(listener) as four, agent(listener, "::1") as six:
        assert listener.name == f"hep:[::]:{listener.port}"
        four.send(hep1())
        six.send(hep1(INVITE + b"6"))
        with agent(listener, "127.0.0.1", socket.SOCK_STREAM) as stream:
            stream.sendall(hep3(ts=now()))
            got = {one.packet[-1:]: one.frame for one in read_until(listener, lambda got: len(got) == 3)}
        # The address that it was sent to, though the socket is bound to none.
        assert got[b"6"][8:40] == (bytes(15) + b"\1") * 2
        assert sorted(frame[12:20] for frame in got.values() if frame[0] == 0x45)[0] == b"\x7f\0\0\1" * 2


@needs_ipv6
def test_ipv6_alone() -> None:
    with listening("[::1]:0") as listener, agent(listener, "::1", socket.SOCK_STREAM) as sending:
        assert listener.name == f"hep:[::1]:{listener.port}"
        sending.sendall(hep3(ts=now()))
        (got,) = read_until(listener, lambda got: len(got) == 1)
        assert got.frame[:1] == b"\x60"


def test_udp_and_tcp_at_once_in_order_of_arrival() -> None:
    with listening() as listener, agent(listener) as sending, agent(listener, kind=socket.SOCK_STREAM) as stream:
        read_until(listener, lambda _: len(listener._connections) == 1)
        for n in range(10):
            sending.send(hep3(INVITE + b"u%d" % n, ts=now()))
            stream.sendall(hep3(INVITE + b"t%d" % n, ts=now()))
        got = read_until(listener, lambda got: len(got) == 20)
        assert [one.packet[-2:] for one in got if one.packet[-2:-1] == b"u"] == [b"u%d" % n for n in range(10)]
        assert [one.packet[-2:] for one in got if one.packet[-2:-1] == b"t"] == [b"t%d" % n for n in range(10)]


def test_the_file_descriptor_is_readable_when_anything_waits() -> None:
    import select

    with listening() as listener, agent(listener) as sending:
        poll = select.poll()
        (fileno,) = listener.filenos()
        poll.register(fileno, select.POLLIN)
        assert poll.poll(0) == []
        sending.send(hep1())
        assert poll.poll(PATIENCE_S * 1000)
        assert packets(listener, 1) == [hep1()]
        assert poll.poll(0) == []
        with agent(listener, kind=socket.SOCK_STREAM) as stream:
            assert poll.poll(PATIENCE_S * 1000)
            read_until(listener, lambda _: len(listener._connections) == 1)
            assert poll.poll(0) == []
            stream.sendall(hep3(ts=now()))
            assert poll.poll(PATIENCE_S * 1000)


def test_no_record_is_cut_by_the_buffers_end() -> None:
    with listening() as listener, agent(listener) as sending, agent(listener, kind=socket.SOCK_STREAM) as stream:
        long = b"HEP3" + struct.pack(">H", 60_000) + chunk(15, INVITE + bytes(60_000 - 12 - len(INVITE)))
        small = b"HEP3\0\6"
        for _ in range(20):
            sending.send(long)
        stream.sendall(long * 3 + small * 20_000)
        got = packets(listener, 23 + 20_000)
        assert got.count(long) == 23
        assert got.count(small) == 20_000
        assert listener.dropped == 0


# -- streams ----------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b"", b"x", b"rubbish", b"HEP3\0\2", b"HEP"]), min_size=1, max_size=4), st.data())
def test_a_stream_may_be_cut_anywhere(rubbish: list[bytes], data: st.DataObject) -> None:
    sent = [hep3(INVITE + b"%d" % n, ts=now()) for n in range(len(rubbish))]
    octets = b"".join(before + packet for before, packet in zip(rubbish, sent, strict=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    with listening() as listener, agent(listener, kind=socket.SOCK_STREAM) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = []
        for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
            stream.sendall(octets[start:end])
            got += split(BUFFER[: listener.read_into(BUFFER)].tobytes())
        stream.shutdown(socket.SHUT_WR)
        missing = len(sent) - len(got)
        got += read_until(listener, lambda more: len(more) >= missing)
        assert [one.packet for one in got] == sent
        assert listener.dropped == 0
        read_until(listener, lambda _: len(listener._connections) == 0)
        codes = {note.code for note, _ in listener.taken_notes(1)}
        assert codes == ({"hep.bad_packet"} if any(rubbish) else set())


def test_a_packet_that_is_never_whole_is_counted() -> None:
    with listening() as listener, agent(listener, kind=socket.SOCK_STREAM) as stream:
        stream.sendall(hep3(ts=now()) + hep3()[:50])
        assert len(packets(listener, 1)) == 1
        stream.close()
        read_until(listener, lambda _: bool(listener.refused))
        assert listener.refused == {"cut": 1}


def test_what_speaks_something_else_is_closed() -> None:
    with listening() as listener, agent(listener, kind=socket.SOCK_STREAM) as stream:
        with contextlib.suppress(OSError):
            for _ in range(200):
                stream.sendall(hep1() * 10)
                listener.read_into(BUFFER)
        read_until(listener, lambda _: "not_hep" in listener.refused)
        assert len(listener._connections) == 0


def test_a_packet_longer_than_a_datagram_is_dropped() -> None:
    long = b"HEP3" + struct.pack(">H", 65_535) + chunk(15, bytes(65_535 - 12))
    with listening() as listener, agent(listener, kind=socket.SOCK_STREAM) as stream:
        stream.sendall(long)
        stream.sendall(hep3(ts=now()))
        read_until(listener, lambda got: len(got) == 1)
        assert listener.refused == {"too_long": 1}
        assert listener.dropped == 1


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep_connections, "OF_ONE_SENDER", 2)
    monkeypatch.setattr(hep_connections, "CONNECTIONS_MOST", 3)
    with listening() as listener, contextlib.ExitStack() as stack:
        open_ = [stack.enter_context(agent(listener, kind=socket.SOCK_STREAM)) for _ in range(3)]
        read_until(listener, lambda _: bool(listener.refused))
        assert listener.refused == {"connections": 1}
        assert open_[2].recv(1) == b""  # closed at once
        open_[0].close()
        read_until(listener, lambda _: len(listener._connections) == 1)
        again = stack.enter_context(agent(listener, kind=socket.SOCK_STREAM))
        again.sendall(hep3(ts=now()))
        assert len(packets(listener, 1)) == 1
        others = []
        for n in (2, 3):  # other addresses of the loopback network
            other = stack.enter_context(socket.socket())
            other.settimeout(PATIENCE_S)
            other.bind((f"127.0.0.{n}", 0))
            other.connect(("127.0.0.1", listener.port))
            others.append(other)
        read_until(listener, lambda _: listener.refused["connections"] == 2)
        assert others[1].recv(1) == b""


def test_silent_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as listener, agent(listener, kind=socket.SOCK_STREAM) as stream:
        read_until(listener, lambda _: len(listener._connections) == 1)
        listener.tick()
        assert len(listener._connections) == 1
        monkeypatch.setattr(hep_connections, "IDLE_S", -1.0)
        listener.tick()
        assert len(listener._connections) == 0
        assert stream.recv(1) == b""
        assert listener.dropped == 0


def test_without_file_descriptors_it_waits_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as listener:
        class Full:
            def accept(self) -> None:
                raise OSError(24, "Too many open files")

            def fileno(self) -> int:
                return listener._tcp.fileno()

        with agent(listener, kind=socket.SOCK_STREAM) as stream, agent(listener) as sending:
            listener._connections._listening = Full()  # type: ignore[assignment]
            sending.send(hep1())
            assert packets(listener, 1) == [hep1()]
            read_until(listener, lambda _: listener.trouble is not None)
            assert listener.trouble == "takes no more TCP connections (Too many open files)"
            listener._connections._listening = listener._tcp
            listener.tick()
            assert listener.trouble is None
            stream.sendall(hep3(ts=now()))
            assert len(packets(listener, 1)) == 1


def test_neither_a_flood_nor_a_busy_connection_keeps_the_others_waiting() -> None:
    long = b"HEP3" + struct.pack(">H", 60_000) + chunk(15, INVITE + bytes(60_000 - 12 - len(INVITE)))
    with listening() as listener, contextlib.ExitStack() as stack, agent(listener) as flood:
        streams = [stack.enter_context(agent(listener, kind=socket.SOCK_STREAM)) for _ in range(4)]
        read_until(listener, lambda _: len(listener._connections) == 4)
        for _ in range(100):  # six times what a buffer holds
            flood.send(long)
        for n, stream in enumerate(streams):
            stream.sendall((b"HEP3\0\x0d" + chunk(99, b"%d" % n)) * 5_000)
        heard: set[bytes] = set()
        for _ in streams:
            new = {one.packet[-1:] for one in split(BUFFER[: listener.read_into(BUFFER)].tobytes())} - {b"\0"}
            assert new - heard
            heard |= new
        assert heard == {b"0", b"1", b"2", b"3"}


# -- who may send, and how much ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_strangers_are_refused(kind: int) -> None:
    with listening(allowed=["192.0.2.0/24", "127.0.0.9"]) as listener, agent(listener, kind=kind) as sending:
        sending.send(hep3())
        read_until(listener, lambda _: bool(listener.refused))
        assert listener.refused == {"sender": 1}
        assert listener.dropped == 1
        with socket.socket(socket.AF_INET, kind) as friend:
            friend.bind(("127.0.0.9", 0))
            friend.connect(("127.0.0.1", listener.port))
            friend.send(hep3(ts=now()))
            assert len(packets(listener, 1)) == 1
        ((note, count),) = listener.taken_notes(3)
        assert (note.code, note.capture_no, count) == ("hep.refused", 3, 1)
        assert note.detail == "127.0.0.1: not an allowed sender; --hep-from lets it in"


@needs_ipv6
def test_ipv4_on_an_ipv6_socket_is_known_by_its_own_address() -> None:
    with listening(":0", ["127.0.0.1"]) as listener, agent(listener) as four, agent(listener, "::1") as six:
        six.send(hep1())
        four.send(hep1())
        assert packets(listener, 1) == [hep1()]
        read_until(listener, lambda _: listener.refused == {"sender": 1})


def test_who_may_send_unless_the_user_says() -> None:
    senders = hep_senders.Senders(hep_senders.networks(hep_senders.LOCAL_NETWORKS), 1.0)
    of_mine = ("127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.9.9", "::1", "::ffff:10.0.0.1", "fd00::1", "fe80::1%lo")
    for text in of_mine:
        assert senders.sender(text).is_allowed, text
    for text in ("203.0.113.1", "172.32.0.1", "2001:db8::1", "::ffff:203.0.113.1"):
        assert not senders.sender(text).is_allowed, text


def test_the_notice_says_who_may_send() -> None:
    with listening(":0", allowed=()) as listener:
        notice = f"{listener.name} takes HEP from private networks alone; --hep-from NETWORK names others"
        assert listener.notice == notice
    for text, allowed in ((":0", EVERYBODY), ("127.0.0.1:0", ())):
        with listening(text, allowed) as listener:
            assert listener.notice is None


def test_senders_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hep_senders, "SENDERS_MOST", 2)
    senders = hep_senders.Senders(hep_senders.networks(["192.0.2.0/24"]), 8.0)
    first, second, third, fourth = (senders.sender(f"192.0.2.{n}") for n in range(1, 5))
    assert third.share is fourth.share is not first.share
    assert sum(senders.admits(one, START) for one in (third, fourth) * 8) == 6  # all but the two of first
    assert senders.admits(first, START)
    for n in range(100):
        assert not senders.sender(f"198.51.100.{n}").is_allowed
    assert len(senders._strangers) <= 2
    senders.forget_idle(START + hep_senders.IDLE_NS)
    assert senders.sender("192.0.2.3").share is not third.share
    assert second.text == "192.0.2.2"


def test_beyond_the_rate_is_counted() -> None:
    with listening(rate=2) as listener, agent(listener) as sending:
        for _ in range(50):
            sending.send(hep1())
        got: list[Got] = []
        while len(got) + listener.dropped < 50:
            got += split(BUFFER[: listener.read_into(BUFFER)].tobytes())
        assert set(listener.refused) == {"rate"}
        assert len(got) >= 2
        spent_s = (got[-1].ts - got[0].ts) / 10**9
        assert len(got) <= 2 + 2 * spent_s + 1


def test_the_key_lets_in_and_is_kept_nowhere() -> None:
    with listening(key="open sesame") as listener, agent(listener) as sending:
        sending.send(hep3(INVITE, chunk(14, b"open sesam"), ts=now()))
        sending.send(hep3(INVITE, chunk(14, b"open sesame"), ts=now()))
        (got,) = packets(listener, 1)
        assert b"sesam" not in got
        assert listener.refused == {"key": 1}
        assert "sesam" not in str(listener.taken_notes(1)) + repr(listener) + repr(listener._intake)


def test_what_is_no_hep_is_no_frame() -> None:
    with listening() as listener, agent(listener) as sending:
        for packet in (b"", b"\0", INVITE, bytes(range(5, 99))):
            sending.send(packet)
        sending.send(hep1())
        assert packets(listener, 1) == [hep1()]
        assert listener.refused == {"not_hep": 4}


def test_what_the_kernel_threw_away_is_counted() -> None:
    with listening() as listener, agent(listener) as sending:
        listener._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        for _ in range(300):
            sending.send(hep1())
        got = []
        while octets := listener.read_into(BUFFER):
            got += split(BUFFER[:octets].tobytes())
        assert 0 < len(got) < 300
        assert len(got) + listener.dropped == 300
        assert listener.refused == {"kernel": 300 - len(got)}
        listener.tick()
        assert listener.dropped == 300 - len(got)
    assert listener.dropped == 300 - len(got)


# -- clocks and rows --------------------------------------------------------------------------------------------------


def test_a_wrong_clock_becomes_a_row() -> None:
    with listening() as listener, agent(listener) as sending:
        for hours in (1, -5, 2):
            sending.send(hep3(ts=now() + hours * 3600 * 10**9))
        got = read_until(listener, lambda got: len(got) == 3)
        ((note, count),) = listener.taken_notes(7)
        assert (note.code, note.capture_no, note.ts, count) == ("hep.clock", 7, got[-1].ts, 3)
        assert note.detail == "127.0.0.1: its clock is -18000 s off"
        sending.send(hep1(version=2, ts=0))
        read_until(listener, lambda got: len(got) == 1)
        assert listener.taken_notes(7) == []  # a row a minute
        ((note, count),) = listener.taken_notes(7, at_once=True)
        assert (note.detail, count) == ("127.0.0.1: it states no time that can be one", 1)


def test_rows_are_bounded_and_counts_are_not() -> None:
    tally, log = HepTally(), IssueLog()
    for n in range(TOLD_MOST + 50):
        tally.refuse("sender", f"198.51.{n // 256}.{n % 256}", START)
    found = tally.taken(START, 1)
    for note, count in found:
        log.add(note, count)
    assert len(found) == TOLD_MOST + 1
    assert log.counts == {"hep.refused": TOLD_MOST + 50}
    assert tally.refused == {"sender": TOLD_MOST + 50}
    tally.refuse("rate", "192.0.2.1", START)
    assert tally.taken(START + 59 * 10**9, 1) == []
    assert [note.detail for note, _ in tally.taken(START + 60 * 10**9, 1)] == ["192.0.2.1: " + REASONS["rate"]]


def test_the_issues_are_explained() -> None:
    registry = load_registry()
    for code in ("hep.clock", "hep.refused", "hep.bad_packet"):
        assert registry.issue(code).known


# -- where to listen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("0.0.0.0:9060", "0.0.0.0", 9060),
        ("[::]:9060", "::", 9060),
        ("[2001:db8::1]:1", "2001:db8::1", 1),
        (":9060", "", 9060),
        ("9060", "", 9060),
        ("*:65535", "", 65_535),
        ("localhost:9060", "127.0.0.1", 9060),
        (" 192.0.2.1:9060 ", "192.0.2.1", 9060),
    ],
)
def test_places(text: str, address: str, port: int) -> None:
    assert place(text) == (address, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "eth0", "::1:9060x", "::", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "[::1]", "a:-1", "9٣"),
        *("example.com:9060", "1.2.3:9060", "[1.2.3]:9060", "300.1.1.1:9060", "[::g]:1"),
    ],
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(CaptureError, match="is no address and port; write one like"):
        place(text)


def test_a_port_in_use() -> None:
    for kind, protocol in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
        with socket.socket(socket.AF_INET, kind) as other:
            other.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                other.listen()
            port = other.getsockname()[1]
            with pytest.raises(CaptureError) as raised:
                hep_listener.hep_listener(f"127.0.0.1:{port}")
            reason = f"{protocol} port {port} is in use; stop what listens there, or choose another port"
            assert str(raised.value) == f"--hep 127.0.0.1:{port}: {reason}"


def test_an_address_of_somebody_else() -> None:
    with pytest.raises(CaptureError, match="this machine has no such address; :9060 listens on all that it has"):
        hep_listener.hep_listener("203.0.113.77:9060")


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Forbidden)
    with pytest.raises(CaptureError, match="not allowed; ports below 1024 need CAP_NET_BIND_SERVICE"):
        hep_listener.hep_listener("127.0.0.1:906")


@pytest.mark.parametrize(
    ("allowed", "rate", "key", "said"),
    [
        (["office"], None, None, "--hep-from office: is no network"),
        (["10.0.0.0/33"], None, None, "--hep-from 10.0.0.0/33: is no network"),
        ((), 0, None, "--hep-rate 0: is no number of messages a second"),
        ((), float("nan"), None, "--hep-rate nan: is no number of messages a second"),
        ((), None, "", "--hep-key-file: holds no key"),
    ],
)
def test_wrong_options(allowed: Sequence[str], rate: float | None, key: str | None, said: str) -> None:
    with pytest.raises(CaptureError) as raised:
        hep_listener.hep_listener("127.0.0.1:0", allowed, rate, key)
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


# -- a real sender, as it was recorded ---------------------------------------------------------------------------------


def recorded() -> tuple[list[bytes], bytes]:
    """Of pcaps/hep_kamailio: the datagrams, and the octets of the connection."""
    from scapy.layers.inet import TCP, UDP
    from scapy.utils import PcapNgReader

    datagrams, stream = [], b""
    with PcapNgReader(str(PCAPS / "hep_kamailio" / "capture.pcapng")) as reader:
        for frame in reader:
            if UDP in frame:
                datagrams.append(bytes(frame[UDP].payload))
            elif TCP in frame and frame[TCP].dport == 9060:
                stream += bytes(frame[TCP].payload)
    return datagrams, stream


def test_a_recorded_kamailio_is_counted_as_in_its_file(tmp_path: Path) -> None:
    datagrams, stream = recorded()
    with listening() as listener:
        with agent(listener) as sending:
            for packet in datagrams:
                sending.send(packet)
            got = read_until(listener, lambda got: len(got) == len(datagrams))
        with agent(listener, kind=socket.SOCK_STREAM) as connected:
            connected.sendall(stream)
            got += read_until(listener, lambda got: len(got) == 9)
        assert listener.dropped == 0
        # Recorded long ago: the time of arrival counts for all that state one.
        ((note, count),) = listener.taken_notes(1)
        assert (note.code, count) == ("hep.clock", 49)
    heads = [struct.pack("<IIII", *divmod(one.ts, 10**9), len(one.frame), len(one.frame)) for one in got]
    path = tmp_path / "kept.pcap"
    path.write_bytes(pcap_of(*(head + one.frame for head, one in zip(heads, got, strict=True))))
    asked = ("call_id", "outcome", "status_code", "failed_code", "cause", "hops", "messages", "resends")
    kept, file = (
        [[row[name] for name in asked] for row in rows(analyse(source), "calls")]
        for source in (path, PCAPS / "hep_kamailio" / "capture.pcapng")
    )
    assert kept == file
    assert len(kept) == 6
