"""Every version and cipher suite that OpenSSL here offers, and the ways to shake hands, read with its own key log."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from analyzer.capture.tls import TlsConnection
from analyzer.capture.tls_keylog import KeyLog
from tests.capture.tls_talk import (
    CLIENT,
    NO_ENCRYPT_THEN_MAC,
    NO_EXTENDED_MASTER_SECRET,
    SERVER,
    Talk,
    contexts,
    converse,
    converse_1_3,
    heard,
)

TLS_1_2 = (
    "ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-CHACHA20-POLY1305 ECDHE-RSA-AES128-SHA"
    " ECDHE-RSA-AES256-SHA ECDHE-RSA-AES128-SHA256 ECDHE-RSA-AES256-SHA384 AES128-GCM-SHA256 AES256-GCM-SHA384"
    " AES128-SHA AES256-SHA AES128-SHA256 AES256-SHA256 AES128-CCM AES256-CCM AES128-CCM8 AES256-CCM8"
    " AECDH-AES128-SHA"
)
ECDSA = (
    "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305"
    " ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-AES256-SHA384 ECDHE-ECDSA-AES128-CCM ECDHE-ECDSA-AES256-CCM8"
)
OLD = "ECDHE-RSA-AES128-SHA ECDHE-RSA-AES256-SHA AES128-SHA AES256-SHA"
TLS_1_3 = (
    "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_CCM_SHA256"
    " TLS_AES_128_CCM_8_SHA256"
)
SUITES = [
    *(("TLSv1_2", suite, "rsa") for suite in TLS_1_2.split()),
    *(("TLSv1_2", suite, "ecdsa") for suite in ECDSA.split()),
    *((version, suite, "rsa") for version in ("TLSv1", "TLSv1_1") for suite in OLD.split()),
]


def read(talk: Talk, keys: KeyLog | None = None) -> TlsConnection:
    """A connection that has heard all, and was right."""
    connection = TlsConnection(talk.keys() if keys is None else keys)
    assert heard(connection, talk.flights) == talk.said
    assert (connection.why, connection.opaque_octets, connection.bad_records) == ("", 0, 0)
    assert not connection.is_opaque
    return connection


@pytest.mark.parametrize(("version", "suite", "key"), SUITES)
def test_every_suite_of_tls_1_0_to_1_2(
    tmp_path: Path, certificates: dict[str, Path], version: str, suite: str, key: str
) -> None:
    ends = contexts(certificates[key], version, suite)
    talk = converse(*ends, tmp_path / "keylog")
    assert (talk.version.replace(".", "_"), talk.cipher) == (version, suite)
    read(talk)


@pytest.mark.parametrize("suite", TLS_1_3.split())
def test_every_suite_of_tls_1_3(tmp_path: Path, pem: Path, suite: str) -> None:
    talk = converse_1_3(tmp_path, pem, suite)
    assert (talk.version, talk.cipher) == ("TLSv1.3", suite)
    read(talk)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2"])
@pytest.mark.parametrize("options", [0, NO_ENCRYPT_THEN_MAC])
def test_the_mac_before_encryption_or_behind_it(tmp_path: Path, pem: Path, version: str, options: int) -> None:
    ends = contexts(pem, version, "ECDHE-RSA-AES128-SHA", options)
    talk = converse(*ends, tmp_path / "keylog")
    extension = b"\x00\x16\x00\x00"  # RFC 7366: in the ServerHello where both want it
    assert (extension in talk.octets(SERVER)[:200]) == (not options)
    read(talk)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2"])
@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET])
def test_an_old_key_log_has_the_premaster_secret(tmp_path: Path, pem: Path, version: str, options: int) -> None:
    ends = contexts(pem, version, "AES256-SHA", options)
    talk = converse(*ends, tmp_path / "keylog")
    assert b"RSA " in talk.keylog
    read(talk, talk.keys(but=[b"CLIENT_RANDOM"]))


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("has_tickets", [True, False])
def test_a_resumed_session_has_a_line_of_its_own(tmp_path: Path, pem: Path, version: str, has_tickets: bool) -> None:
    options = 0 if has_tickets else ssl.OP_NO_TICKET
    ends = contexts(pem, version, options=options)
    first = converse(*ends, tmp_path / "first")
    again = converse(*ends, tmp_path / "again", session=first.session)
    assert (first.is_resumed, again.is_resumed) == (False, True)
    read(first)
    read(again)


def test_a_retried_hello(tmp_path: Path, pem: Path) -> None:
    ends = contexts(pem, "TLSv1_3")
    ends[SERVER].set_ecdh_curve("secp384r1")  # for which the client has sent no key share
    talk = converse(*ends, tmp_path / "keylog")
    assert [octets[5] for _, octets in talk.flights[:3]] == [1, 2, 1]
    read(talk)


def test_a_client_certificate_after_the_handshake(tmp_path: Path, pem: Path) -> None:
    ends = contexts(pem, "TLSv1_3")
    ends[CLIENT].post_handshake_auth = ends[SERVER].post_handshake_auth = True
    ends[SERVER].verify_mode = ssl.CERT_REQUIRED
    ends[SERVER].load_verify_locations(pem)
    read(converse(*ends, tmp_path / "keylog", has_late_certificate=True))


@pytest.mark.parametrize("suite", ["ARIA128-GCM-SHA256", "CAMELLIA128-SHA", "NULL-SHA256"])
def test_a_suite_that_is_not_read(tmp_path: Path, pem: Path, suite: str) -> None:
    ends = contexts(pem, "TLSv1_2", suite)
    talk = converse(*ends, tmp_path / "keylog")
    connection = TlsConnection(talk.keys())
    assert heard(connection, talk.flights) == [b"", b""]
    assert (connection.is_opaque, connection.why) == (True, "cipher_suite")
    assert connection.opaque_octets >= len(talk.said[0] + talk.said[1])
