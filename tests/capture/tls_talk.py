"""Conversations over TLS between two ends of Python's own ``ssl``, in memory, with the key log that they write."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import ssl
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from analyzer.capture.tls import TlsConnection
from analyzer.capture.tls_keylog import KeyLog

CLIENT, SERVER = 0, 1
#: Bits of OpenSSL's SSL_OP_… that Python has no name for.
NO_EXTENDED_MASTER_SECRET, NO_ENCRYPT_THEN_MAC = 1, 1 << 19
OPTIONS = b"OPTIONS sip:example.com SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n"
INVITE = b"INVITE sip:bob@example.com SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Length: 30000\r\n\r\n" + bytes(30_000)
BUSY = b"SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n"
TALK = ((CLIENT, OPTIONS), (SERVER, b"SIP/2.0 200 OK\r\n\r\n"), (CLIENT, INVITE), (SERVER, BUSY), (CLIENT, b"\r\n\r\n"))


class Talk(NamedTuple):
    """What was on the wire, in order, what it meant, and the key log."""

    flights: list[tuple[int, bytes]]
    said: list[bytes]  # by direction
    keylog: bytes
    handshakes: int = 0  # flights up to the first application data
    cipher: str = ""
    version: str = ""
    session: Any = None
    is_resumed: bool = False

    def keys(self, but: Sequence[bytes] = ()) -> KeyLog:
        """The key log without the lines that begin with one of the labels."""
        keys = KeyLog()
        keys.add(b"\n".join(line for line in self.keylog.split(b"\n") if not line.startswith(tuple(but) or b"-")))
        assert not keys.bad_lines
        return keys

    def octets(self, direction: int) -> bytes:
        return b"".join(octets for sender, octets in self.flights if sender == direction)


def heard(connection: TlsConnection, flights: Sequence[tuple[int, bytes]], turned: bool = False) -> list[bytes]:
    """What a connection yields for each direction; ``turned`` calls the client 1 and the server 0."""
    said = [b"", b""]
    for direction, octets in flights:
        said[direction] += b"".join(connection.receive(direction ^ turned, octets))
    return said


def certificate(folder: Path, kind: str) -> Path:
    """A self-signed certificate with its key, in one PEM file."""
    key: Any = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])
    then = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, then, then + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{kind}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path


def context(side: int, pem: Path, version: str, ciphers: str = "", options: int = 0) -> ssl.SSLContext:
    """A context of one version alone; OpenSSL's security level is lowered so that old ones still work."""
    if not getattr(ssl, f"HAS_{version}"):
        pytest.skip(f"this OpenSSL is built without {version}")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if side == CLIENT else ssl.PROTOCOL_TLS_SERVER)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.load_cert_chain(pem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = made.maximum_version = ssl.TLSVersion[version]
        made.options |= options
    if version != "TLSv1_3":
        try:
            made.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
        except ssl.SSLError:
            pytest.skip(f"this OpenSSL is built without {ciphers}")
    return made


def contexts(pem: Path, version: str, ciphers: str = "", options: int = 0) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The client's and the server's."""
    return context(CLIENT, pem, version, ciphers, options), context(SERVER, pem, version, ciphers, options)


def converse(
    client: ssl.SSLContext,
    server: ssl.SSLContext,
    keylog: Path,
    talk: Sequence[tuple[int, bytes]] = TALK,
    session: Any = None,
    has_late_certificate: bool = False,
) -> Talk:
    """Shake hands and talk; ``has_late_certificate``: the server asks for one after the handshake (TLS 1.3)."""
    keylog.unlink(missing_ok=True)
    client.keylog_filename = str(keylog)
    wires = (ssl.MemoryBIO(), ssl.MemoryBIO())  # what each side sends
    flights: list[tuple[int, bytes]] = []
    said = [b"", b""]
    queues = (ssl.MemoryBIO(), ssl.MemoryBIO())  # what has reached the other
    ends = (
        client.wrap_bio(queues[SERVER], wires[CLIENT], session=session),
        server.wrap_bio(queues[CLIENT], wires[SERVER], server_side=True),
    )

    def deliver() -> None:
        for side in (CLIENT, SERVER):
            octets = wires[side].read()
            if octets:
                flights.append((side, octets))
                queues[side].write(octets)

    shaken: set[int] = set()
    while len(shaken) < 2:
        for side in (CLIENT, SERVER):
            try:
                ends[side].do_handshake()
                shaken.add(side)
            except ssl.SSLWantReadError:
                pass
            deliver()
    if has_late_certificate:
        ends[SERVER].verify_client_post_handshake()
    handshakes = len(flights)
    for side, octets in talk:
        ends[side].write(octets)
        said[side] += octets
        deliver()
        received = b""
        while len(received) < len(octets):
            received += ends[1 - side].read(1 << 16)
        assert received == octets
        deliver()
    cipher, version = ends[CLIENT].cipher(), ends[CLIENT].version()
    assert cipher is not None
    assert version is not None
    session, is_resumed = ends[CLIENT].session, bool(ends[CLIENT].session_reused)
    for side in (CLIENT, SERVER, CLIENT):
        with contextlib.suppress(ssl.SSLWantReadError):
            ends[side].unwrap()  # close_notify; without it a session is not resumed
        deliver()
    return Talk(flights, said, keylog.read_bytes(), handshakes, cipher[0], version, session, is_resumed)


def converse_1_3(folder: Path, pem: Path, suite: str) -> Talk:
    """A conversation under one cipher suite of TLS 1.3, which only OpenSSL's configuration file can choose."""
    config = folder / "openssl.cnf"
    config.write_text(
        "openssl_conf = all\n[all]\nssl_conf = modules\n[modules]\nsystem_default = tls\n"
        f"[tls]\nCiphersuites = {suite}\nCipherString = ALL:@SECLEVEL=0\n"
    )
    command = [sys.executable, "-m", "tests.capture.tls_talk", str(pem), str(folder / "keylog")]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OPENSSL_CONF": str(config), "PYTHONPATH": str(root)}
    said = subprocess.run(command, check=True, capture_output=True, cwd=root, env=environment)
    document = json.loads(said.stdout)
    return Talk(
        [(direction, bytes.fromhex(octets)) for direction, octets in document["flights"]],
        [bytes.fromhex(octets) for octets in document["said"]],
        bytes.fromhex(document["keylog"]),
        document["handshakes"],
        document["cipher"],
        document["version"],
    )


def _main(pem: str, keylog: str) -> None:
    talk = converse(*contexts(Path(pem), "TLSv1_3"), Path(keylog))
    document = {
        "flights": [(direction, octets.hex()) for direction, octets in talk.flights],
        "said": [octets.hex() for octets in talk.said],
        "keylog": talk.keylog.hex(),
        "handshakes": talk.handshakes,
        "cipher": talk.cipher,
        "version": talk.version,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    _main(*sys.argv[1:])
