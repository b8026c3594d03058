"""One direction of TLS 1.3: early data, handshake and application traffic, each under its secret (RFC 8446 §5, §7)."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.capture.tls_1_2 import WINDOW
from analyzer.capture.tls_ciphers import CIPHER_SUITES, CipherSuite, Opener
from analyzer.capture.tls_handshake import (
    ENCRYPTED_EXTENSIONS,
    END_OF_EARLY_DATA,
    FINISHED,
    KEY_UPDATE,
    Handshake,
    Message,
    accepts_early_data,
)
from analyzer.capture.tls_keylog import KeyLog
from analyzer.capture.tls_records import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Record, Unopened
from analyzer.capture.tls_secrets import tls_1_3_keys, updated

#: Records under keys that the key log does not have, passed over until one opens: early data, a handshake.
_PASSED_OVER = 1024


class _Phase(NamedTuple):
    """Which traffic secret protects a direction, and its keys."""

    name: str  # early, handshake, application
    secret: bytes
    opener: Opener


class Protection13:
    """Opens the records of one direction, in order.

    ``opaque_octets`` counts the records that were passed over and may have held application data.
    """

    def __init__(self, keys: KeyLog, handshake: Handshake, is_client: bool) -> None:
        assert handshake.client is not None
        assert handshake.server is not None
        self.opaque_octets = 0
        handshake.forget_transcript()  # of use for TLS 1.2 only
        self._keys = keys
        self._handshake = handshake
        self._is_client = is_client
        self._random = handshake.client.random
        self._has_early_data = is_client and handshake.client.has_early_data and handshake.client_hellos == 1
        suite = CIPHER_SUITES.get(handshake.server.cipher_suite)
        self._suite = suite if handshake.server.cipher_suite >> 8 == 0x13 else None
        self._phase: _Phase | None = None
        self._sequence = 0
        self._to_pass = 0  # records that may still be passed over
        self._candidates: list[tuple[_Phase, int]] = []  # behind a gap: phases, the next sequence number of each

    def can_open(self) -> bool:
        """Whether it is settled what comes next: with early data, once the server has said whether it takes them."""
        return not self._has_early_data or self._handshake.is_early_data_accepted is not None

    def open(self, record: Record) -> Record | None:
        """The record in the clear, None when it says nothing more; raises `Unopened`."""
        if record.kind == CHANGE_CIPHER_SPEC:
            return None  # for middleboxes only, RFC 8446 appendix D.4
        if record.kind == ALERT and self._sequence == 0:
            return None  # in the clear, from a side that could not go on
        if record.kind != APPLICATION_DATA:
            raise Unopened("bad_record")
        if self._phase is None:
            self._begin()
        assert self._phase is not None
        content = self._phase.opener.open(record.header, record.body, self._sequence)
        if content is None:
            if not self._to_pass:
                raise Unopened("bad_record")
            self._to_pass -= 1
            if self._has_early_data and self._handshake.is_early_data_accepted:
                self.opaque_octets += len(record.body)
            return None
        self._to_pass = 0
        self._sequence += 1
        return _inner(record, content)

    def hear(self, message: Message) -> None:
        """Follow what a protected handshake message does to the keys; raises `Unopened` without the next secret."""
        assert self._phase is not None
        name = self._phase.name
        if message.kind == ENCRYPTED_EXTENSIONS and not self._is_client:
            self._handshake.is_early_data_accepted = accepts_early_data(message.octets)
        elif message.kind == END_OF_EARLY_DATA and name == "early":
            self._enter_handshake()
        elif message.kind == FINISHED and name == "handshake":
            self._enter("application")
        elif message.kind == KEY_UPDATE and name == "application":
            self._phase = self._next_generation(self._phase)
            self._sequence = 0

    def _begin(self) -> None:
        if self._suite is None:
            raise Unopened("cipher_suite")
        if self._has_early_data and self._handshake.is_early_data_accepted and self._made("early"):
            self._enter("early")
            return
        self._enter_handshake()
        if self._has_early_data:
            self._to_pass = _PASSED_OVER

    def _enter_handshake(self) -> None:
        """The handshake keys; a key log without them still opens what comes behind the handshake."""
        if self._made("handshake"):
            self._enter("handshake")
        else:
            self._enter("application")
            self._to_pass = _PASSED_OVER
            if not self._is_client and self._handshake.is_early_data_accepted is None:
                self._handshake.is_early_data_accepted = False  # nobody can tell

    def _enter(self, name: str) -> None:
        self._phase = self._made(name)
        self._sequence = 0
        if self._phase is None:
            raise Unopened("no_secret")

    def _made(self, name: str) -> _Phase | None:
        side = "CLIENT" if self._is_client else "SERVER"
        label = {
            "early": "CLIENT_EARLY_TRAFFIC_SECRET",
            "handshake": f"{side}_HANDSHAKE_TRAFFIC_SECRET",
            "application": f"{side}_TRAFFIC_SECRET_0",
        }[name]
        secret = self._keys.secret(label, self._random)
        suite = self._known_suite()
        if secret is None or len(secret) != suite.hash.digest_size:
            return None
        return _Phase(name, secret, tls_1_3_keys(suite, secret))

    def _next_generation(self, phase: _Phase) -> _Phase:
        suite = self._known_suite()
        secret = updated(suite, phase.secret)
        return _Phase(phase.name, secret, tls_1_3_keys(suite, secret))

    def _known_suite(self) -> CipherSuite:
        if self._suite is None:
            raise Unopened("cipher_suite")
        return self._suite

    def recover(self, record: Record) -> Record | None:
        """Open a record behind missing ones; None when it cannot be told how many are missing.

        The sequence number is authenticated: the one that opens the record is surely the right one.
        """
        if not self._candidates:
            self._candidates = self._behind_gap()
        for phase, first in self._candidates:
            for sequence in range(first, first + WINDOW):
                content = phase.opener.open(record.header, record.body, sequence)
                if content is not None:
                    self._phase, self._sequence, self._to_pass = phase, sequence + 1, 0
                    self._candidates = []
                    return _inner(record, content)
        self._candidates = [(phase, first + 1) for phase, first in self._candidates]
        return None

    def _behind_gap(self) -> list[tuple[_Phase, int]]:
        """The keys that may go on: those of now, or the next ones if the change to them is missing."""
        if self._phase is not None and self._phase.name == "application":
            return [(self._phase, self._sequence), (self._next_generation(self._phase), 0)]
        application = self._made("application")
        if application is None:
            raise Unopened("no_secret")
        return [(application, 0)]


def _inner(record: Record, content: bytes) -> Record:
    """TLSInnerPlaintext: the content, its type, and padding of zeros (RFC 8446 §5.2, §5.4)."""
    content = content.rstrip(b"\x00")
    if not content:
        raise Unopened("bad_record")
    return Record(content[-1], record.header, content[:-1])
