"""TLS connections record by record, with secrets made up: for what Python's ``ssl`` does not do of itself."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from analyzer.capture.tls_ciphers import SHA256
from analyzer.capture.tls_keylog import KeyLog
from analyzer.capture.tls_secrets import expand_label, prf

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_RANDOM, SERVER_RANDOM = b"c" * 32, b"s" * 32
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
SUPPORTS_TLS_1_3, EARLY_DATA = b"\x00\x2b\x00\x02\x03\x04", b"\x00\x2a\x00\x00"
FINISHED = b"\x14\x00\x00\x20" + b"f" * 32
END_OF_EARLY_DATA = b"\x05\x00\x00\x00"
KEY_UPDATE = b"\x18\x00\x00\x01\x00"
TICKET = b"\x04\x00\x00\x04tick"


def vector(octets: bytes, length_octets: int = 2) -> bytes:
    return len(octets).to_bytes(length_octets, "big") + octets


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + version.to_bytes(2, "big") + vector(body)


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(body, 3)


def client_hello(extensions: bytes = b"", random: bytes = CLIENT_RANDOM) -> bytes:
    return message(1, b"\x03\x03" + random + vector(b"", 1) + vector(b"\x13\x01") + b"\x01\x00" + vector(extensions))


def server_hello(suite: int, extensions: bytes = b"", random: bytes = SERVER_RANDOM) -> bytes:
    return message(2, b"\x03\x03" + random + vector(b"", 1) + suite.to_bytes(2, "big") + b"\x00" + vector(extensions))


def encrypted_extensions(extensions: bytes = b"") -> bytes:
    return message(8, vector(extensions))


SECRETS = {
    "CLIENT_EARLY_TRAFFIC_SECRET": b"0" * 32,
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": b"1" * 32,
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": b"2" * 32,
    "CLIENT_TRAFFIC_SECRET_0": b"3" * 32,
    "SERVER_TRAFFIC_SECRET_0": b"4" * 32,
    "CLIENT_RANDOM": b"m" * 48,
}


def keylog(*but: str) -> KeyLog:
    """All secrets but those."""
    keys = KeyLog()
    for label, secret in SECRETS.items():
        if label not in but:
            keys.add(f"{label} {CLIENT_RANDOM.hex()} {secret.hex()}".encode())
    return keys


class Sealer13:
    """One direction under TLS_AES_128_GCM_SHA256."""

    def __init__(self, label: str, secret: bytes = b"") -> None:
        self._use(secret or SECRETS[label])

    def _use(self, secret: bytes) -> None:
        self.secret = secret
        self.cipher = AESGCM(expand_label(SHA256, secret, b"key", 16))
        self.iv = int.from_bytes(expand_label(SHA256, secret, b"iv", 12), "big")
        self.sequence = 0

    def update(self) -> None:
        self._use(expand_label(SHA256, self.secret, b"traffic upd", 32))

    def seal(self, content: bytes, kind: int = APPLICATION_DATA, padding: int = 0) -> bytes:
        inner = content + bytes([kind]) + bytes(padding)
        header = record(APPLICATION_DATA, b"")[:3] + (len(inner) + 16).to_bytes(2, "big")
        nonce = (self.iv ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        return header + self.cipher.encrypt(nonce, inner, header)


class Sealer12:
    """One direction under TLS_RSA_WITH_AES_128_GCM_SHA256."""

    def __init__(self, is_client: bool, master: bytes, randoms: bytes = SERVER_RANDOM + CLIENT_RANDOM) -> None:
        block = prf(SHA256, master, b"key expansion", randoms, 40)
        at = 0 if is_client else 1
        self.cipher = AESGCM(block[16 * at :][:16])
        self.salt = block[32 + 4 * at :][:4]
        self.sequence = 0

    def seal(self, content: bytes, kind: int = APPLICATION_DATA) -> bytes:
        number = self.sequence.to_bytes(8, "big")
        self.sequence += 1
        additional = number + bytes([kind]) + b"\x03\x03" + len(content).to_bytes(2, "big")
        return record(kind, number + self.cipher.encrypt(self.salt + number, content, additional))
