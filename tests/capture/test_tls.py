"""TLS connections as somebody beside them reads them: the two ends are Python's ``ssl``, which is OpenSSL."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzer.capture.tls import TlsConnection
from analyzer.capture.tls_keylog import KeyLog
from tests.capture.tls_talk import (
    BUSY,
    CLIENT,
    INVITE,
    NO_ENCRYPT_THEN_MAC,
    OPTIONS,
    SERVER,
    TALK,
    Talk,
    contexts,
    converse,
    heard,
)


@pytest.fixture(scope="session")
def talks(tmp_path_factory: pytest.TempPathFactory, pem: Path) -> dict[str, Talk]:
    """One conversation of each kind, to be cut and broken."""
    keylog = tmp_path_factory.mktemp("talks") / "keylog"
    made = {}
    for name, version, suite, options in (
        ("gcm", "TLSv1_2", "ECDHE-RSA-AES256-GCM-SHA384", 0),
        ("cbc", "TLSv1_2", "ECDHE-RSA-AES128-SHA256", 0),
        ("mac first", "TLSv1_2", "ECDHE-RSA-AES256-SHA", NO_ENCRYPT_THEN_MAC),
        ("chacha20", "TLSv1_2", "ECDHE-RSA-CHACHA20-POLY1305", 0),
        ("tls 1.0", "TLSv1", "AES128-SHA", 0),
        ("tls 1.3", "TLSv1_3", "", 0),
    ):
        ends = contexts(pem, version, suite, options)
        made[name] = converse(*ends, keylog, [*TALK, *TALK])
    return made


KINDS = ("gcm", "cbc", "mac first", "chacha20", "tls 1.0", "tls 1.3")


@pytest.mark.parametrize("name", KINDS)
def test_who_is_the_client_is_found_out(talks: dict[str, Talk], name: str) -> None:
    talk = talks[name]
    assert heard(TlsConnection(talk.keys()), talk.flights, turned=True) == talk.said


@pytest.mark.parametrize("name", KINDS)
def test_octet_by_octet(talks: dict[str, Talk], name: str) -> None:
    talk = talks[name]
    flights = [(side, octets[at : at + 1]) for side, octets in talk.flights for at in range(len(octets))]
    assert heard(TlsConnection(talk.keys()), flights) == talk.said


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_how_the_octets_are_cut_does_not_matter(talks: dict[str, Talk], name: str, data: st.DataObject) -> None:
    talk = talks[name]
    flights = []
    for side, octets in talk.flights:
        cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=4).map(sorted))
        flights += [(side, octets[begin:end]) for begin, end in pairwise([0, *cuts, len(octets)])]
    connection = TlsConnection(talk.keys())
    assert heard(connection, flights) == talk.said
    assert connection.why == ""


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("first", [CLIENT, SERVER])
def test_one_direction_may_come_before_the_other(talks: dict[str, Talk], name: str, first: int) -> None:
    talk = talks[name]
    hellos = 2 if first == CLIENT else 3  # what the first one says waits for the other's hello
    flights = [flight for flight in talk.flights if flight[0] == first][:hellos]
    flights += [flight for flight in talk.flights if flight[0] != first]
    flights += [flight for flight in talk.flights if flight[0] == first][hellos:]
    assert heard(TlsConnection(talk.keys()), flights) == talk.said


@pytest.mark.parametrize("name", KINDS)
def test_without_secrets_everything_is_counted(talks: dict[str, Talk], name: str) -> None:
    talk = talks[name]
    connection = TlsConnection(KeyLog())
    assert heard(connection, talk.flights) == [b"", b""]
    assert connection.is_opaque
    assert (connection.why, connection.bad_records) == ("no_secret", 0)
    said = len(talk.said[0] + talk.said[1])
    assert said < connection.opaque_octets < said + 6000  # tags, padding; in TLS 1.3 the handshake too


@pytest.mark.parametrize("name", KINDS)
def test_wrong_secrets_open_nothing(talks: dict[str, Talk], name: str) -> None:
    talk = talks[name]
    wrong = KeyLog()
    for line in talk.keylog.splitlines():
        if line.startswith((b"CLIENT_", b"SERVER_")):
            label, random, secret = line.split()
            wrong.add(b"%s %s %s" % (label, random, bytes.fromhex(secret.decode())[::-1].hex().encode()))
    connection = TlsConnection(wrong)
    assert heard(connection, talk.flights) == [b"", b""]
    assert connection.is_opaque
    assert (connection.why, connection.bad_records) == ("bad_record", 2)
    assert connection.opaque_octets > len(talk.said[0] + talk.said[1])


def test_a_key_log_of_other_connections(talks: dict[str, Talk]) -> None:
    connection = TlsConnection(talks["tls 1.3"].keys())
    assert heard(connection, talks["gcm"].flights) == [b"", b""]
    assert connection.why == "no_secret"


def test_secrets_may_come_up_to_the_first_protected_record(talks: dict[str, Talk]) -> None:
    talk = talks["gcm"]
    keys = KeyLog()
    connection = TlsConnection(keys)
    hello = heard(connection, talk.flights[:2])
    keys.add(talk.keylog)
    assert hello == [b"", b""]
    assert heard(connection, talk.flights[2:]) == talk.said


def test_without_handshake_secrets_tls_1_3_goes_on_behind_it(talks: dict[str, Talk]) -> None:
    talk = talks["tls 1.3"]
    connection = TlsConnection(talk.keys(but=[b"CLIENT_HANDSHAKE", b"SERVER_HANDSHAKE"]))
    assert heard(connection, talk.flights) == talk.said
    assert (connection.why, connection.opaque_octets) == ("", 0)


def test_the_secrets_of_one_side_alone(talks: dict[str, Talk]) -> None:
    talk = talks["tls 1.3"]
    connection = TlsConnection(talk.keys(but=[b"SERVER_"]))
    assert heard(connection, talk.flights) == [talk.said[CLIENT], b""]
    assert connection.why == "no_secret"
    assert not connection.is_opaque


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_octet_ends_a_direction(talks: dict[str, Talk], name: str) -> None:
    talk = talks[name]
    at = next(at for at, flight in enumerate(talk.flights) if flight[0] == CLIENT and len(flight[1]) > len(INVITE))
    flipped = bytearray(talk.flights[at][1])
    flipped[-100] ^= 1  # in the record that ends the INVITE
    connection = TlsConnection(talk.keys())
    said = heard(connection, [*talk.flights[:at], (CLIENT, bytes(flipped)), *talk.flights[at + 1 :]])
    assert said[SERVER] == talk.said[SERVER]
    assert talk.said[CLIENT].startswith(said[CLIENT])
    assert len(OPTIONS) < len(said[CLIENT]) < len(OPTIONS + INVITE)
    assert (connection.why, connection.bad_records, connection.is_opaque) == ("bad_record", 1, False)
    assert len(talk.said[CLIENT]) - len(said[CLIENT]) <= connection.opaque_octets


@pytest.mark.parametrize("name", KINDS)
def test_a_connection_that_was_running_already(talks: dict[str, Talk], name: str) -> None:
    talk = talks[name]
    running = talk.flights[talk.handshakes + len(TALK) :]
    connection = TlsConnection(talk.keys())
    assert heard(connection, running) == [b"", b""]
    assert (connection.is_opaque, connection.why, connection.bad_records) == (True, "no_handshake", 0)
    said = len(b"".join(octets for _, octets in TALK))
    assert said < connection.opaque_octets < said + 500


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_a_capture_of_one_direction(talks: dict[str, Talk], name: str, side: int) -> None:
    talk = talks[name]
    connection = TlsConnection(talk.keys())
    assert heard(connection, [flight for flight in talk.flights if flight[0] == side]) == [b"", b""]
    assert (connection.is_opaque, connection.why) == (True, "no_handshake")
    assert connection.opaque_octets > len(talk.said[side])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("is_cut", [False, True])
def test_behind_a_gap_it_goes_on(talks: dict[str, Talk], name: str, is_cut: bool) -> None:
    talk = talks[name]
    at = next(at for at, flight in enumerate(talk.flights) if flight[0] == CLIENT and len(flight[1]) > len(INVITE))
    connection = TlsConnection(talk.keys())
    said = heard(connection, talk.flights[:at])
    if is_cut:  # the INVITE's beginning and end were captured, the middle not
        said[CLIENT] += b"".join(connection.receive(CLIENT, talk.flights[at][1][:1000]))
    connection.gap(CLIENT)
    if is_cut:
        said[CLIENT] += b"".join(connection.receive(CLIENT, talk.flights[at][1][-5000:]))
    rest = heard(connection, talk.flights[at + 1 :])
    assert said[SERVER] + rest[SERVER] == talk.said[SERVER]
    assert said[CLIENT] == OPTIONS
    # The first record behind a gap cannot be opened in TLS 1.0; OpenSSL sends an empty one first.
    assert rest[CLIENT] == b"\r\n\r\n" + OPTIONS + INVITE + b"\r\n\r\n"
    assert (connection.why, connection.bad_records, connection.is_opaque) == ("gap", 0, False)
    assert connection.opaque_octets >= 6000 - 40 if is_cut else connection.opaque_octets < 50


@pytest.mark.parametrize("name", KINDS)
def test_a_gap_in_the_handshake(talks: dict[str, Talk], name: str) -> None:
    """The client's second flight is missing, with its Finished."""
    talk = talks[name]
    at = [at for at, flight in enumerate(talk.flights) if flight[0] == CLIENT][1]
    connection = TlsConnection(talk.keys())
    said = heard(connection, talk.flights[:at])
    connection.gap(CLIENT)
    rest = heard(connection, talk.flights[at + 1 :])
    assert said[SERVER] + rest[SERVER] == talk.said[SERVER]
    assert rest[CLIENT] == talk.said[CLIENT]
    assert connection.why == "gap"


def test_a_gap_that_holds_the_hello(talks: dict[str, Talk]) -> None:
    talk = talks["gcm"]
    connection = TlsConnection(talk.keys())
    connection.gap(CLIENT)
    assert heard(connection, talk.flights[1:]) == [b"", b""]
    assert (connection.is_opaque, connection.why) == (True, "gap")
    assert connection.opaque_octets > len(talk.said[0] + talk.said[1])


@pytest.mark.parametrize("name", ["gcm", "mac first", "tls 1.3"])
def test_too_many_records_in_a_gap(talks: dict[str, Talk], name: str, tmp_path: Path, pem: Path) -> None:
    version, suite = talks[name].version.replace(".", "_"), talks[name].cipher
    ends = contexts(pem, version, suite if version == "TLSv1_2" else "")
    talk = converse(*ends, tmp_path / "keylog", [(CLIENT, b"\r\n\r\n")] * 400)
    at = talk.handshakes
    connection = TlsConnection(talk.keys())
    heard(connection, talk.flights[:at])
    connection.gap(CLIENT)
    assert heard(connection, talk.flights[at + 256 : at + 266]) == [b"", b""]
    connection = TlsConnection(talk.keys())
    heard(connection, talk.flights[:at])
    connection.gap(CLIENT)
    assert heard(connection, talk.flights[at + 255 :])[CLIENT] == b"\r\n\r\n" * 145


def test_what_is_no_tls() -> None:
    connection = TlsConnection(KeyLog())
    assert heard(connection, [(CLIENT, OPTIONS), (SERVER, BUSY)]) == [b"", b""]
    assert (connection.is_opaque, connection.why, connection.bad_records) == (True, "no_handshake", 0)


def test_two_clients_are_no_connection(talks: dict[str, Talk]) -> None:
    hello = talks["gcm"].flights[0][1]
    connection = TlsConnection(talks["gcm"].keys())
    assert heard(connection, [(CLIENT, hello), (SERVER, hello)]) == [b"", b""]
    assert connection.why == "no_handshake"


@given(flights=st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=60)), max_size=8))
@settings(max_examples=100)
@example(flights=[(0, b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"), (1, b"\x16\x03\x03\x00\x04\x02\x00\x00\x00")])
@example(flights=[(0, b"\x16\x03\x01\x40\x01"), (1, b"\x16\x03\x01\x00\x00" * 9), (0, b"\x16\x03\x01\xff\xff")])
def test_any_octets_are_taken(flights: list[tuple[int, bytes]]) -> None:
    connection = TlsConnection(KeyLog())
    assert heard(connection, flights) == [b"", b""]
    assert connection.opaque_octets <= sum(len(octets) for _, octets in flights)


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_anywhere_never_raises_nor_makes_things_up(
    talks: dict[str, Talk], name: str, data: st.DataObject
) -> None:
    """Octets overwritten, inserted, left out, gaps told and not told: what comes out was said, in order."""
    talk = talks[name]
    flights = list(talk.flights)
    connection = TlsConnection(talk.keys())
    gaps = data.draw(st.sets(st.integers(0, len(flights) - 1), max_size=2))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(flights) - 1))
        side, octets = flights[at]
        place, width = data.draw(st.integers(0, min(len(octets), 400))), data.draw(st.integers(0, 6))
        flights[at] = (side, octets[:place] + data.draw(st.binary(max_size=6)) + octets[place + width :])
    came: list[list[bytes]] = [[], []]
    for at, (side, octets) in enumerate(flights):
        if at in gaps:
            connection.gap(side)
        came[side] += connection.receive(side, octets)
    for side in (CLIENT, SERVER):
        place = 0
        for piece in came[side]:
            place = talk.said[side].index(piece, place) + len(piece)
