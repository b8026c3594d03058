"""Renegotiation, and what else TLS 1.2 may do in the middle of a connection."""

from __future__ import annotations

import pytest

from analyzer.capture.tls import TlsConnection
from tests.capture.tls_made import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    FINISHED,
    HANDSHAKE,
    SECRETS,
    Sealer12,
    client_hello,
    keylog,
    message,
    record,
    server_hello,
)

CLIENT, SERVER = 0, 1
SUITE = 0x009C
HELLO_REQUEST = message(0, b"")
CCS = record(CHANGE_CIPHER_SPEC, b"\x01")
AGAIN_CLIENT, AGAIN_SERVER = b"C" * 32, b"S" * 32
AGAIN_MASTER = b"M" * 48


def shaken(connection: TlsConnection) -> list[Sealer12]:
    sealers = [Sealer12(is_client, SECRETS["CLIENT_RANDOM"]) for is_client in (True, False)]
    assert connection.receive(CLIENT, record(HANDSHAKE, client_hello())) == []
    assert connection.receive(SERVER, record(HANDSHAKE, server_hello(SUITE) + message(14, b""))) == []
    for side, sealer in enumerate(sealers):
        assert connection.receive(side, CCS + sealer.seal(FINISHED, HANDSHAKE)) == []
    return sealers


def renegotiated(connection: TlsConnection, sealers: list[Sealer12]) -> list[Sealer12]:
    one, other = sealers
    connection.receive(SERVER, other.seal(HELLO_REQUEST, HANDSHAKE))
    connection.receive(CLIENT, one.seal(client_hello(random=AGAIN_CLIENT), HANDSHAKE))
    connection.receive(SERVER, other.seal(server_hello(SUITE, random=AGAIN_SERVER) + message(14, b""), HANDSHAKE))
    again = [Sealer12(is_client, AGAIN_MASTER, AGAIN_SERVER + AGAIN_CLIENT) for is_client in (True, False)]
    for side, sealer in enumerate(again):
        assert connection.receive(side, sealers[side].seal(b"\x01", CHANGE_CIPHER_SPEC)) == []
        assert connection.receive(side, sealer.seal(FINISHED, HANDSHAKE)) == []
    return again


def test_renegotiation() -> None:
    keys = keylog()
    keys.add(f"CLIENT_RANDOM {AGAIN_CLIENT.hex()} {AGAIN_MASTER.hex()}".encode())
    connection = TlsConnection(keys)
    sealers = shaken(connection)
    assert connection.receive(CLIENT, sealers[CLIENT].seal(b"a")) == [b"a"]
    again = renegotiated(connection, sealers)
    assert connection.receive(CLIENT, again[CLIENT].seal(b"b")) == [b"b"]
    assert connection.receive(SERVER, again[SERVER].seal(b"c")) == [b"c"]
    assert (connection.why, connection.opaque_octets, connection.bad_records) == ("", 0, 0)


def test_renegotiation_without_a_second_secret() -> None:
    connection = TlsConnection(keylog())
    sealers = shaken(connection)
    assert connection.receive(CLIENT, sealers[CLIENT].seal(b"a")) == [b"a"]
    again = renegotiated(connection, sealers)
    assert connection.receive(CLIENT, again[CLIENT].seal(b"b")) == []
    assert (connection.why, connection.is_opaque, connection.bad_records) == ("no_secret", False, 0)
    assert connection.opaque_octets == 8 + 1 + 16


def test_renegotiation_that_the_server_refuses() -> None:
    connection = TlsConnection(keylog())
    one, other = shaken(connection)
    connection.receive(CLIENT, one.seal(client_hello(random=AGAIN_CLIENT), HANDSHAKE))
    connection.receive(SERVER, other.seal(b"\x01\x64", ALERT))
    assert connection.receive(CLIENT, one.seal(b"a")) == [b"a"]
    assert connection.why == ""


def test_alerts_heartbeats_and_empty_records_are_no_data() -> None:
    connection = TlsConnection(keylog())
    one, _ = shaken(connection)
    said = one.seal(b"\x01\x00", ALERT) + one.seal(b"\x01\x00\x00", 24) + one.seal(b"") + one.seal(b"a")
    assert connection.receive(CLIENT, said) == [b"a"]


def test_application_data_in_the_clear_is_bad() -> None:
    connection = TlsConnection(keylog())
    connection.receive(CLIENT, record(HANDSHAKE, client_hello()))
    connection.receive(SERVER, record(HANDSHAKE, server_hello(SUITE)))
    assert connection.receive(CLIENT, record(APPLICATION_DATA, b"INVITE")) == []
    assert (connection.why, connection.bad_records, connection.opaque_octets) == ("bad_record", 1, 6)


def test_a_change_of_cipher_in_a_gap() -> None:
    connection = TlsConnection(keylog())
    one = Sealer12(True, SECRETS["CLIENT_RANDOM"])
    connection.receive(CLIENT, record(HANDSHAKE, client_hello()))
    connection.receive(SERVER, record(HANDSHAKE, server_hello(SUITE)))
    connection.gap(CLIENT)
    one.seal(FINISHED, HANDSHAKE)
    assert connection.receive(CLIENT, one.seal(b"a") + one.seal(b"b")) == [b"a", b"b"]
    connection.gap(CLIENT)
    one.seal(b"c")
    assert connection.receive(CLIENT, b"rest of a record" + one.seal(b"d")) == [b"d"]
    assert (connection.why, connection.bad_records, connection.opaque_octets) == ("gap", 0, 16)


def test_a_second_hello_that_is_malformed_changes_nothing_for_the_other_side() -> None:
    """A client whose server sends nonsense after the hellos: its own direction is read on."""
    connection = TlsConnection(keylog())
    one = Sealer12(True, SECRETS["CLIENT_RANDOM"])
    connection.receive(CLIENT, record(HANDSHAKE, client_hello()))
    connection.receive(SERVER, record(HANDSHAKE, server_hello(SUITE)))
    connection.receive(CLIENT, CCS)
    connection.receive(SERVER, record(HANDSHAKE, message(2, b"\x03\x03")))
    assert connection.receive(CLIENT, one.seal(FINISHED, HANDSHAKE) + one.seal(b"a")) == [b"a"]
    assert (connection.why, connection.bad_records) == ("bad_record", 1)


@pytest.mark.parametrize(("at", "octet"), [(41, 1), (5, 0)])
def test_deflate_and_ssl_3_are_not_read(at: int, octet: int) -> None:
    hello = bytearray(server_hello(SUITE))
    hello[at] = octet
    connection = TlsConnection(keylog())
    connection.receive(CLIENT, record(HANDSHAKE, client_hello()))
    connection.receive(SERVER, record(HANDSHAKE, bytes(hello)) + CCS + record(HANDSHAKE, bytes(40)))
    assert (connection.is_opaque, connection.why) == (True, "cipher_suite")


def test_who_waits_too_long_for_the_other_s_hello_is_given_up() -> None:
    connection = TlsConnection(keylog())
    one = Sealer12(True, SECRETS["CLIENT_RANDOM"])
    connection.receive(CLIENT, record(HANDSHAKE, client_hello()) + CCS)
    for _ in range(10):
        assert connection.receive(CLIENT, one.seal(bytes(16_000))) == []
        assert (connection.is_opaque, connection.why) == (True, "no_handshake")
    assert connection.opaque_octets == 10 * (16_000 + 24)
    connection.receive(SERVER, record(HANDSHAKE, server_hello(SUITE)))
    assert connection.receive(CLIENT, one.seal(b"a")) == []
