"""From the secrets of a key log to the keys of a direction: PRF of TLS 1.0 to 1.2, key schedule of TLS 1.3."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from analyzer.capture.tls_ciphers import CIPHER_SUITES, SHA1, Cbc, CipherSuite, Opener, aead
from analyzer.capture.tls_handshake import TLS_1_0, TLS_1_2, Handshake
from analyzer.capture.tls_keylog import KeyLog
from analyzer.capture.tls_records import Unopened


def tls_1_2_keys(keys: KeyLog, handshake: Handshake, is_client: bool) -> Opener:
    """The keys of a direction that has changed its cipher, TLS 1.0 to 1.2 (RFC 5246 §6.3).

    Raises `Unopened` when the key log has no secret or the cipher suite is none that is read here.
    """
    client, server = handshake.client, handshake.server
    assert client is not None
    assert server is not None
    suite = CIPHER_SUITES.get(server.cipher_suite)
    if suite is None or server.is_compressed or not TLS_1_0 <= server.version <= TLS_1_2:
        raise Unopened("cipher_suite")
    old = server.version < TLS_1_2
    if old and suite.mac != SHA1:
        raise Unopened("cipher_suite")  # RFC 5246 appendix A.5: for TLS 1.2 only
    try:
        master = _master_secret(keys, handshake, None if old else suite.hash)
        key, mac, iv = suite.key_length, suite.mac_length, suite.fixed_iv_length
        seed = server.random + client.random
        block = prf(None if old else suite.hash, master, b"key expansion", seed, 2 * (mac + key + iv))
        ours = 0 if is_client else 1
        mac_key = block[ours * mac :][:mac]
        write_key = block[2 * mac + ours * key :][:key]
        write_iv = block[2 * (mac + key) + ours * iv :][:iv]
        if suite.kind != "cbc":
            return aead(suite, write_key, write_iv, is_tls_1_3=False)
        first_iv = write_iv if server.version == TLS_1_0 else b""
        return Cbc(suite, write_key, mac_key, first_iv, server.has_encrypt_then_mac)
    except UnsupportedAlgorithm:  # a library built without MD5, say
        raise Unopened("cipher_suite") from None


def _master_secret(keys: KeyLog, handshake: Handshake, hash_: hashes.HashAlgorithm | None) -> bytes:
    client, server = handshake.client, handshake.server
    assert client is not None
    assert server is not None
    master = keys.secret("CLIENT_RANDOM", client.random)
    if master is not None:
        return master
    # The encrypted premaster secret stands behind its length of two octets (RFC 5246 §7.4.7.1).
    premaster = keys.secret("RSA", handshake.key_exchange[2:10])
    if premaster is None:
        raise Unopened("no_secret")
    if not server.has_extended_master_secret:
        return prf(hash_, premaster, b"master secret", client.random + server.random, 48)
    transcript = handshake.transcript()
    session = _digest(hash_, transcript) if hash_ else _digest(hashes.MD5(), transcript) + _digest(SHA1, transcript)
    return prf(hash_, premaster, b"extended master secret", session, 48)  # RFC 7627 §4


def prf(hash_: hashes.HashAlgorithm | None, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudorandom function of TLS 1.2 (RFC 5246 §5), or without a hash that of TLS 1.0 and 1.1 (RFC 2246 §5)."""
    if hash_ is not None:
        return _expanded(hash_, secret, label + seed, length)
    half = (len(secret) + 1) // 2
    by_md5 = _expanded(hashes.MD5(), secret[:half], label + seed, length)
    by_sha1 = _expanded(SHA1, secret[-half:], label + seed, length)
    return bytes(a ^ b for a, b in zip(by_md5, by_sha1, strict=True))


def _expanded(hash_: hashes.HashAlgorithm, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash of RFC 5246 §5."""
    made, link = b"", seed
    while len(made) < length:
        link = _hmac(hash_, secret, link)
        made += _hmac(hash_, secret, link + seed)
    return made[:length]


def _hmac(hash_: hashes.HashAlgorithm, key: bytes, octets: bytes) -> bytes:
    made = hmac.HMAC(key, hash_)
    made.update(octets)
    return made.finalize()


def _digest(hash_: hashes.HashAlgorithm, octets: bytes) -> bytes:
    made = hashes.Hash(hash_)
    made.update(octets)
    return made.finalize()


def tls_1_3_keys(suite: CipherSuite, secret: bytes) -> Opener:
    """The keys of a traffic secret (RFC 8446 §7.3)."""
    key = expand_label(suite.hash, secret, b"key", suite.key_length)
    return aead(suite, key, expand_label(suite.hash, secret, b"iv", 12), is_tls_1_3=True)


def updated(suite: CipherSuite, secret: bytes) -> bytes:
    """The application traffic secret that follows a KeyUpdate (RFC 8446 §7.2)."""
    return expand_label(suite.hash, secret, b"traffic upd", suite.hash.digest_size)


def expand_label(hash_: hashes.HashAlgorithm, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 §7.1)."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\x00"
    return HKDFExpand(hash_, length, info).derive(secret)
