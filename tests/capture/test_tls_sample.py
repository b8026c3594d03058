"""The recorded sample pcaps/tls: OpenSSL's programs, read with the key log that they wrote."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from analyzer.capture.container import Pcapng
from analyzer.capture.tls import TlsConnection
from analyzer.capture.tls_keylog import KeyLog, read_keylog
from tests.reading import expected

SAMPLE = Path(__file__).parents[2] / "pcaps" / "tls"
PORT = 5061
TLS_SECRETS = 0x544C534B  # "TLSK", the type of a decryption secrets block


def segments(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Client port, direction and octets of each segment; on the loopback interface all come once and in order."""
    octets, at = path.read_bytes(), 24
    while at < len(octets):
        length = struct.unpack_from("<I", octets, at + 8)[0]
        packet = octets[at + 16 + 14 : at + 16 + length]  # behind the record header and Ethernet
        segment = packet[20 : struct.unpack_from(">H", packet, 2)[0]]
        source, target = struct.unpack_from(">HH", segment)
        payload = segment[(segment[12] >> 4) * 4 :]
        if payload:
            yield (target, 1, payload) if source == PORT else (source, 0, payload)
        at += 16 + length


def read(keys: KeyLog) -> tuple[list[TlsConnection], Counter[tuple[str, str]]]:
    """The connections in order, and how often each method, or code and method, was said."""
    connections: dict[int, TlsConnection] = {}
    said: Counter[tuple[str, str]] = Counter()
    for port, direction, octets in segments(SAMPLE / "capture.pcap"):
        connection = connections.setdefault(port, TlsConnection(keys))
        for message in connection.receive(direction, octets):
            first, *fields = message.decode().split("\r\n")
            words = first.split()
            method = next(field.split()[2] for field in fields if field.startswith("CSeq:"))
            said[(words[1], method) if words[0] == "SIP/2.0" else ("", method)] += 1
    return list(connections.values()), said


def test_what_the_programs_said() -> None:
    connections, said = read(read_keylog(str(SAMPLE / "keylog")))
    wanted = {(row["status_code"], row["method"]): int(row["messages"]) for row in expected_rows("responses")}
    wanted |= {("", row["method"]): int(row["messages"]) for row in expected_rows("requests")}
    assert said == wanted
    assert [connection.why for connection in connections] == [""] * 6 + ["no_secret"]
    assert [connection.opaque_octets for connection in connections] == [0] * 6 + [4160]
    assert [connection.is_opaque for connection in connections] == [False] * 6 + [True]


def expected_rows(table: str) -> list[dict[str, str]]:
    return expected(SAMPLE / "expected" / f"{table}.tsv")


def test_without_the_key_log_all_is_opaque() -> None:
    connections, said = read(KeyLog())
    assert not said
    assert {connection.why for connection in connections} == {"no_secret"}


def test_the_secrets_in_the_capture_are_those_of_the_key_log() -> None:
    capture, octets, at = Pcapng(), (SAMPLE / "capture.pcapng").read_bytes(), 0
    while not capture.secrets:
        length = capture.block_length(octets[at : at + 12])
        assert capture.read_block(octets[at : at + length])
        at += length
    assert capture.secrets == [(TLS_SECRETS, (SAMPLE / "keylog").read_bytes())]
