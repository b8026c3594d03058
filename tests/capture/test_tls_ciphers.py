"""Cipher suites against the list that OpenSSL gives of its own; records are opened in test_tls.py."""

from __future__ import annotations

import re
import ssl
from typing import Any

import pytest

from analyzer.capture.tls_ciphers import CIPHER_SUITES

#: OpenSSL's words for what a record is protected with.
WORDS = re.compile(r"Enc=(AES(GCM|CCM|CCM8)?|CHACHA20/POLY1305)\((\d+)\)\s+Mac=(\w+)")


def offered() -> list[dict[str, Any]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    return [dict(suite) for suite in context.get_ciphers() if WORDS.search(suite["description"])]


@pytest.mark.parametrize("suite", offered(), ids=lambda suite: str(suite["name"]))
def test_the_table_agrees_with_openssl(suite: dict[str, Any]) -> None:
    found = WORDS.search(suite["description"])
    assert found is not None
    ours = CIPHER_SUITES[suite["id"] & 0xFFFF]
    kind = {"AES": "cbc", "AESGCM": "gcm", "AESCCM": "ccm", "AESCCM8": "ccm_8"}.get(found[1], "chacha20")
    assert (ours.kind, ours.key_length * 8) == (kind, int(found[3]))
    assert (ours.mac.name if ours.mac else "aead") == found[4].lower()
    assert ours.hash.name == ("sha384" if "SHA384" in suite["name"] else "sha256")


def test_no_number_stands_twice() -> None:
    from analyzer.capture.tls_ciphers import _SUITES

    assert len(CIPHER_SUITES) == sum(len(numbers.split()) for _, numbers in _SUITES)
