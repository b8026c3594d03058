"""What TLS 1.3 may do besides shaking hands and talking: early data, retries, key updates, padding."""

from __future__ import annotations

import pytest

from analyzer.capture.tls import TlsConnection
from tests.capture.tls_made import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    EARLY_DATA,
    END_OF_EARLY_DATA,
    FINISHED,
    HANDSHAKE,
    KEY_UPDATE,
    RETRY_RANDOM,
    SUPPORTS_TLS_1_3,
    TICKET,
    Sealer13,
    client_hello,
    encrypted_extensions,
    keylog,
    message,
    record,
    server_hello,
)

CLIENT, SERVER = 0, 1
SERVER_HELLO = record(HANDSHAKE, server_hello(0x1301, SUPPORTS_TLS_1_3))
CCS = record(CHANGE_CIPHER_SPEC, b"\x01")


class Ends:
    """Both ends' keys."""

    def __init__(self) -> None:
        self.early = Sealer13("CLIENT_EARLY_TRAFFIC_SECRET")
        self.shaking = (Sealer13("CLIENT_HANDSHAKE_TRAFFIC_SECRET"), Sealer13("SERVER_HANDSHAKE_TRAFFIC_SECRET"))
        self.talking = (Sealer13("CLIENT_TRAFFIC_SECRET_0"), Sealer13("SERVER_TRAFFIC_SECRET_0"))


def shaken(connection: TlsConnection) -> Ends:
    """A connection up to the client's Finished."""
    ends = Ends()
    flight = ends.shaking[SERVER].seal(encrypted_extensions() + FINISHED, HANDSHAKE)
    assert connection.receive(CLIENT, record(HANDSHAKE, client_hello(SUPPORTS_TLS_1_3))) == []
    assert connection.receive(SERVER, SERVER_HELLO + CCS + flight) == []
    assert connection.receive(CLIENT, CCS + ends.shaking[CLIENT].seal(FINISHED, HANDSHAKE)) == []
    return ends


def assert_read(connection: TlsConnection) -> None:
    assert (connection.why, connection.opaque_octets, connection.bad_records) == ("", 0, 0)


def test_padding_is_no_data() -> None:
    connection = TlsConnection(keylog())
    one, other = shaken(connection).talking
    assert connection.receive(CLIENT, one.seal(b"a\x00", padding=100) + one.seal(b"", padding=9)) == [b"a\x00"]
    assert connection.receive(SERVER, other.seal(b"b", padding=1)) == [b"b"]
    assert_read(connection)


def test_nothing_but_padding_is_no_record() -> None:
    connection = TlsConnection(keylog())
    one, _ = shaken(connection).talking
    assert connection.receive(CLIENT, one.seal(b"", kind=0) + one.seal(b"a")) == []
    assert (connection.why, connection.bad_records) == ("bad_record", 1)


def test_key_updates_turn_the_keys_of_one_direction() -> None:
    connection = TlsConnection(keylog())
    one, other = shaken(connection).talking
    for _ in range(3):
        assert connection.receive(CLIENT, one.seal(b"a") + one.seal(KEY_UPDATE, HANDSHAKE)) == [b"a"]
        one.update()
        assert connection.receive(CLIENT, one.seal(b"b")) == [b"b"]
        assert connection.receive(SERVER, other.seal(b"c")) == [b"c"]
    assert_read(connection)


def test_tickets_and_alerts_are_no_data() -> None:
    connection = TlsConnection(keylog())
    one, other = shaken(connection).talking
    ticket = other.seal(TICKET[:5], HANDSHAKE) + other.seal(TICKET[5:] + TICKET, HANDSHAKE)
    assert connection.receive(SERVER, ticket + other.seal(b"a")) == [b"a"]
    assert connection.receive(CLIENT, one.seal(b"\x01\x00", ALERT)) == []
    assert_read(connection)


def test_a_handshake_in_small_records() -> None:
    connection = TlsConnection(keylog())
    ends = Ends()
    hello = client_hello(SUPPORTS_TLS_1_3)
    for at in range(0, len(hello), 7):
        connection.receive(CLIENT, record(HANDSHAKE, hello[at : at + 7], 0x0301))
    connection.receive(SERVER, SERVER_HELLO)
    flight = encrypted_extensions() + message(11, bytes(40_000)) + message(15, bytes(70_000)) + FINISHED
    for at in range(0, len(flight), 16_000):
        connection.receive(SERVER, ends.shaking[SERVER].seal(flight[at : at + 16_000], HANDSHAKE))
    assert connection.receive(SERVER, ends.talking[SERVER].seal(b"a")) == [b"a"]
    assert_read(connection)


def early(connection: TlsConnection, ends: Ends, is_accepted: bool = True) -> list[bytes]:
    """A connection with early data, up to the server's Finished; returns what the client said so far."""
    flight = encrypted_extensions(EARLY_DATA if is_accepted else b"") + FINISHED
    hello = record(HANDSHAKE, client_hello(SUPPORTS_TLS_1_3 + EARLY_DATA))
    said = connection.receive(CLIENT, hello + CCS + ends.early.seal(b"early") + ends.early.seal(b"bird"))
    assert connection.receive(SERVER, SERVER_HELLO + CCS + ends.shaking[SERVER].seal(flight, HANDSHAKE)) == []
    return said


def test_early_data() -> None:
    connection = TlsConnection(keylog())
    ends = Ends()
    said = early(connection, ends)
    end = ends.early.seal(END_OF_EARLY_DATA, HANDSHAKE) + ends.shaking[CLIENT].seal(FINISHED, HANDSHAKE)
    said += connection.receive(CLIENT, end + ends.talking[CLIENT].seal(b"a"))
    assert said == [b"early", b"bird", b"a"]
    assert_read(connection)


def test_early_data_without_its_secret() -> None:
    connection = TlsConnection(keylog("CLIENT_EARLY_TRAFFIC_SECRET"))
    ends = Ends()
    said = early(connection, ends)
    end = ends.early.seal(END_OF_EARLY_DATA, HANDSHAKE) + ends.shaking[CLIENT].seal(FINISHED, HANDSHAKE)
    said += connection.receive(CLIENT, end + ends.talking[CLIENT].seal(b"a"))
    assert said == [b"a"]
    assert (connection.bad_records, connection.is_opaque) == (0, False)
    assert connection.opaque_octets == len(b"earlybird" + END_OF_EARLY_DATA) + 3 * 17


def test_early_data_that_the_server_refuses_was_never_received() -> None:
    connection = TlsConnection(keylog())
    ends = Ends()
    said = early(connection, ends, is_accepted=False)
    end = ends.shaking[CLIENT].seal(FINISHED, HANDSHAKE)
    said += connection.receive(CLIENT, end + ends.talking[CLIENT].seal(b"early"))
    assert said == [b"early"]
    assert_read(connection)


def test_early_data_before_a_retried_hello() -> None:
    connection = TlsConnection(keylog())
    ends = Ends()
    hello = record(HANDSHAKE, client_hello(SUPPORTS_TLS_1_3 + EARLY_DATA))
    assert connection.receive(CLIENT, hello + CCS + ends.early.seal(b"early")) == []
    retry = record(HANDSHAKE, server_hello(0x1301, SUPPORTS_TLS_1_3, RETRY_RANDOM))
    assert connection.receive(SERVER, retry + CCS) == []
    assert connection.receive(CLIENT, record(HANDSHAKE, client_hello(SUPPORTS_TLS_1_3))) == []
    flight = ends.shaking[SERVER].seal(encrypted_extensions() + FINISHED, HANDSHAKE)
    assert connection.receive(SERVER, SERVER_HELLO + flight) == []
    end = ends.shaking[CLIENT].seal(FINISHED, HANDSHAKE)
    assert connection.receive(CLIENT, CCS + end + ends.talking[CLIENT].seal(b"a")) == [b"a"]
    assert_read(connection)


def test_early_data_of_a_connection_whose_server_cannot_be_read() -> None:
    connection = TlsConnection(keylog("SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"))
    ends = Ends()
    assert early(connection, ends) == []
    end = ends.early.seal(END_OF_EARLY_DATA, HANDSHAKE) + ends.shaking[CLIENT].seal(FINISHED, HANDSHAKE)
    assert connection.receive(CLIENT, end + ends.talking[CLIENT].seal(b"a")) == [b"a"]
    assert connection.why == "no_secret"


def test_a_key_update_in_a_gap() -> None:
    connection = TlsConnection(keylog())
    one, _ = shaken(connection).talking
    assert connection.receive(CLIENT, one.seal(b"a")) == [b"a"]
    one.seal(KEY_UPDATE, HANDSHAKE)
    one.update()
    one.seal(b"b")
    connection.gap(CLIENT)
    assert connection.receive(CLIENT, one.seal(b"c")) == [b"c"]
    assert connection.why == "gap"


def test_a_client_that_gives_up_says_so_in_the_clear() -> None:
    connection = TlsConnection(keylog())
    ends = Ends()
    connection.receive(CLIENT, record(HANDSHAKE, client_hello(SUPPORTS_TLS_1_3)))
    connection.receive(SERVER, SERVER_HELLO + ends.shaking[SERVER].seal(encrypted_extensions(), HANDSHAKE))
    assert connection.receive(CLIENT, CCS + record(ALERT, b"\x02\x30")) == []
    assert_read(connection)


@pytest.mark.parametrize("kind", [ALERT, HANDSHAKE])
def test_records_in_the_clear_behind_the_handshake_are_bad(kind: int) -> None:
    connection = TlsConnection(keylog())
    one, _ = shaken(connection).talking
    connection.receive(CLIENT, one.seal(b"a"))
    assert connection.receive(CLIENT, record(kind, b"\x01\x00") + one.seal(b"b")) == []
    assert (connection.why, connection.bad_records) == ("bad_record", 1)


@pytest.mark.parametrize("suite", [0x1306, 0x009C, 0xC02F])
def test_a_suite_of_another_version(suite: int) -> None:
    connection = TlsConnection(keylog())
    ends = Ends()
    connection.receive(CLIENT, record(HANDSHAKE, client_hello(SUPPORTS_TLS_1_3)))
    hello = record(HANDSHAKE, server_hello(suite, SUPPORTS_TLS_1_3))
    connection.receive(SERVER, hello + ends.shaking[SERVER].seal(FINISHED, HANDSHAKE))
    connection.gap(CLIENT)
    connection.receive(CLIENT, ends.talking[CLIENT].seal(b"a"))
    assert (connection.is_opaque, connection.why) == (True, "cipher_suite")
    assert connection.opaque_octets == len(FINISHED) + 17 + 18
