"""Cipher suites, and the opening of protected records: the only TLS module beside `tls_secrets` that does cryptography.

Imports `cryptography`, so it is imported late: when a connection is to be decrypted.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

SHA1, SHA256, SHA384 = hashes.SHA1(), hashes.SHA256(), hashes.SHA384()
_BLOCK = 16


class CipherSuite(NamedTuple):
    """How records are protected under a cipher suite; how keys were exchanged does not matter to a reader."""

    kind: str  # gcm, ccm, ccm_8, chacha20, cbc
    key_length: int
    hash: hashes.HashAlgorithm  # of the PRF in TLS 1.2 and of HKDF in TLS 1.3
    mac: hashes.HashAlgorithm | None = None  # of CBC records

    @property
    def mac_length(self) -> int:
        """Octets of a MAC key, and of a MAC."""
        return self.mac.digest_size if self.mac else 0

    @property
    def fixed_iv_length(self) -> int:
        """Octets of the initialization vector in the key block of TLS 1.0 to 1.2 (RFC 5288 §3, RFC 7905 §2)."""
        return {"chacha20": 12, "cbc": _BLOCK}.get(self.kind, 4)


#: https://www.iana.org/assignments/tls-parameters: the numbers of the suites that share a protection.
_SUITES = [
    (CipherSuite("gcm", 16, SHA256), "1301 009c 009e 00a0 00a2 00a4 00a6 00a8 00aa 00ac c02b c02d c02f c031 d001"),
    (CipherSuite("gcm", 32, SHA384), "1302 009d 009f 00a1 00a3 00a5 00a7 00a9 00ab 00ad c02c c02e c030 c032 d002"),
    (CipherSuite("chacha20", 32, SHA256), "1303 cca8 cca9 ccaa ccab ccac ccad ccae"),
    (CipherSuite("ccm", 16, SHA256), "1304 c09c c09e c0a4 c0a6 c0ac d005"),
    (CipherSuite("ccm", 32, SHA256), "c09d c09f c0a5 c0a7 c0ad"),
    (CipherSuite("ccm_8", 16, SHA256), "1305 c0a0 c0a2 c0a8 c0aa c0ae d003"),
    (CipherSuite("ccm_8", 32, SHA256), "c0a1 c0a3 c0a9 c0ab c0af"),
    (
        CipherSuite("cbc", 16, SHA256, SHA1),
        "002f 0030 0031 0032 0033 0034 008c 0090 0094 c004 c009 c00e c013 c018 c01d c01e c01f c035",
    ),
    (
        CipherSuite("cbc", 32, SHA256, SHA1),
        "0035 0036 0037 0038 0039 003a 008d 0091 0095 c005 c00a c00f c014 c019 c020 c021 c022 c036",
    ),
    (CipherSuite("cbc", 16, SHA256, SHA256), "003c 003e 003f 0040 0067 006c 00ae 00b2 00b6 c023 c025 c027 c029 c037"),
    (CipherSuite("cbc", 32, SHA256, SHA256), "003d 0068 0069 006a 006b 006d"),
    (CipherSuite("cbc", 32, SHA384, SHA384), "00af 00b3 00b7 c024 c026 c028 c02a c038"),
]
CIPHER_SUITES = {int(number, 16): suite for suite, numbers in _SUITES for number in numbers.split()}


class Opener(Protocol):
    """The keys of one direction at work."""

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes | None:
        """What a record protects, if it is the one of this sequence number and authentic; else None."""

    def seen(self, body: bytes) -> None:
        """Go past a record, opened or not: in TLS 1.0 the next one's initialization vector stands in it."""


def aead(suite: CipherSuite, key: bytes, iv: bytes, is_tls_1_3: bool) -> Opener:
    """The opener of AES-GCM, AES-CCM or ChaCha20-Poly1305 records."""
    if suite.kind == "gcm":
        return _Aead(AESGCM(key), iv, 16, is_tls_1_3)
    if suite.kind == "chacha20":
        return _Aead(ChaCha20Poly1305(key), iv, 16, is_tls_1_3)
    tag_length = 8 if suite.kind == "ccm_8" else 16
    return _Aead(AESCCM(key, tag_length=tag_length), iv, tag_length, is_tls_1_3)


class _Aead:
    """AEAD records of TLS 1.2 (RFC 5246 §6.2.3.3, RFC 5288, RFC 6655, RFC 7905) and 1.3 (RFC 8446 §5.2)."""

    def __init__(
        self, cipher: AESGCM | AESCCM | ChaCha20Poly1305, iv: bytes, tag_length: int, is_tls_1_3: bool
    ) -> None:
        self._cipher = cipher
        self._iv = iv
        self._tag_length = tag_length
        self._is_tls_1_3 = is_tls_1_3
        # GCM and CCM of TLS 1.2 keep four octets of the nonce secret and send the other eight in front.
        self._explicit = 12 - len(iv)

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes | None:
        length = len(body) - self._explicit - self._tag_length
        if length < 0:
            return None
        if self._explicit:
            nonce = self._iv + body[: self._explicit]
        else:
            nonce = (int.from_bytes(self._iv, "big") ^ sequence).to_bytes(12, "big")
        if self._is_tls_1_3:
            additional = header
        else:
            additional = sequence.to_bytes(8, "big") + header[:3] + length.to_bytes(2, "big")
        try:
            return self._cipher.decrypt(nonce, body[self._explicit :], additional)
        except (InvalidTag, ValueError, OverflowError):
            return None

    def seen(self, body: bytes) -> None:
        """Nothing of a record is carried over to the next."""


class Cbc:
    """AES-CBC records with an HMAC, before encryption (RFC 5246 §6.2.3.2) or behind it (RFC 7366).

    ``iv`` is the first record's in TLS 1.0 (RFC 2246 §6.2.3.2); empty from TLS 1.1 on, where each record has its own.
    """

    def __init__(self, suite: CipherSuite, key: bytes, mac_key: bytes, iv: bytes, is_mac_last: bool) -> None:
        assert suite.mac is not None
        self._algorithm = algorithms.AES(key)
        self._hash, self._mac_key, self._mac_length = suite.mac, mac_key, suite.mac_length
        self._iv = iv
        self._is_mac_last = is_mac_last

    def open(self, header: bytes, body: bytes, sequence: int) -> bytes | None:
        """The content without padding and MAC; None unless both are right."""
        prefix = sequence.to_bytes(8, "big") + header[:3]
        if self._is_mac_last:
            body, mac = body[: -self._mac_length], body[-self._mac_length :]
            if self._mac(prefix, body) != mac:
                return None
        iv, sealed = (self._iv, body) if self._iv else (body[:_BLOCK], body[_BLOCK:])
        if len(iv) != _BLOCK or not sealed or len(sealed) % _BLOCK:
            return None
        decryptor = Cipher(self._algorithm, modes.CBC(iv)).decryptor()
        content = decryptor.update(sealed) + decryptor.finalize()
        padding = content[-1] + 1
        if padding > len(content) or content[-padding:] != bytes([padding - 1]) * padding:
            return None
        content = content[:-padding]
        if self._is_mac_last:
            return content
        if len(content) < self._mac_length:
            return None
        content, mac = content[: -self._mac_length], content[-self._mac_length :]
        return content if self._mac(prefix, content) == mac else None

    def _mac(self, prefix: bytes, content: bytes) -> bytes:
        made = hmac.HMAC(self._mac_key, self._hash)
        made.update(prefix + len(content).to_bytes(2, "big") + content)
        return made.finalize()

    def seen(self, body: bytes) -> None:
        """Keep the last block of ciphertext for the next record of TLS 1.0."""
        if not self._iv:
            return
        sealed = body[: -self._mac_length] if self._is_mac_last else body
        self._iv = sealed[-_BLOCK:] if len(sealed) >= _BLOCK else self._iv
