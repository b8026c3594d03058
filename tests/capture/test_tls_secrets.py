from __future__ import annotations

import hashlib
import hmac

from analyzer.capture.tls_ciphers import SHA256, SHA384
from analyzer.capture.tls_secrets import expand_label, prf


def test_the_prf_of_tls_1_2() -> None:
    """The vector for SHA-256 that implementers exchange on the TLS working group's list."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    made = prf(SHA256, secret, b"test label", seed, 100)
    assert made.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa0"
        "22f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
    )


def test_an_expanded_label() -> None:
    """HKDF-Expand (RFC 5869 §2.3) of one block, written out."""
    info = b"\x00\x10" + b"\x09tls13 key" + b"\x00"
    for hash_, name in ((SHA256, "sha256"), (SHA384, "sha384")):
        block = hmac.new(b"s" * 48, info + b"\x01", getattr(hashlib, name)).digest()
        assert expand_label(hash_, b"s" * 48, b"key", 16) == block[:16]
