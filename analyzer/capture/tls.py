"""TLS connections, decrypted with the secrets of a key log as somebody beside them can (docs/transports.md, TLS).

Octets of both directions go in, application data comes out; everything odd is a count and a label, nothing raises. What
the key log does not open is counted, so that a summary can say how much SIP stayed unseen.
"""

from __future__ import annotations

from typing import Protocol

from analyzer.capture.tls_handshake import CLIENT_HELLO, SERVER_HELLO, TLS_1_3, Handshake, Message, Messages
from analyzer.capture.tls_keylog import KeyLog
from analyzer.capture.tls_records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    Record,
    Records,
    Unopened,
)

#: Octets of one direction that wait for the other's hello: a capture seldom swaps more than a few segments.
_WAITING = 1 << 16
#: Records behind gaps on which a direction's sequence numbers are tried in vain: each costs hundreds of openings.
_VAIN_TRIES = 64


class _Protection(Protocol):
    """How the records of one direction are protected: `Protection12` or `Protection13`."""

    def can_open(self) -> bool: ...
    def open(self, record: Record) -> Record | None: ...
    def hear(self, message: Message) -> None: ...
    def recover(self, record: Record) -> Record | None: ...


class _Direction:
    """What one of the two sends."""

    def __init__(self) -> None:
        self.records = Records()
        self.messages = Messages()
        self.protection: _Protection | None = None
        self.has_said_hello = False
        self.is_behind_gap = False
        self.is_opaque = False
        self.is_waiting = False
        self.vain_tries = 0
        self.opaque_octets = 0
        self.ready: list[bytes] = []


class TlsConnection:
    """One TLS connection: both directions' octets in, application data out. Who is the client, it finds out.

    ``bad_records`` counts records that are none or do not authenticate; behind one its direction stays opaque. Secrets
    are looked up at the first protected record of a direction.
    """

    def __init__(self, keys: KeyLog) -> None:
        self.bad_records = 0
        self._keys = keys
        self._handshake = Handshake()
        self._directions = (_Direction(), _Direction())
        self._client: _Direction | None = None
        self._why = ""
        self._opened_records = 0

    @property
    def opaque_octets(self) -> int:
        """Octets of application data, as they were sent, that could not be opened, of both directions."""
        return sum(
            direction.opaque_octets
            + direction.records.unframed_octets
            + getattr(direction.protection, "opaque_octets", 0)
            + (direction.records.waiting_data_octets() if direction.is_waiting else 0)
            for direction in self._directions
        )

    @property
    def why(self) -> str:
        """Why octets could not be opened, the first reason; empty while all could.

        ``no_secret``, ``cipher_suite`` (or a version, or compression, that is not read), ``no_handshake``, ``gap``,
        ``bad_record``.
        """
        if not self._why and any(direction.is_waiting for direction in self._directions):
            return "no_handshake"
        return self._why

    @property
    def is_opaque(self) -> bool:
        """Whether nothing could be opened, and why is known."""
        return bool(self.why) and not self._opened_records

    def receive(self, direction: int, octets: bytes) -> list[bytes]:
        """The next octets of a direction, 0 or 1; returns the application data of the records that they complete."""
        one, other = self._directions[direction], self._directions[1 - direction]
        one.records.add(octets)
        self._read(one)
        if other.is_waiting:
            self._read(other)
            if one.is_waiting:
                self._read(one)
        ready, one.ready = one.ready, []
        return ready

    def gap(self, direction: int) -> None:
        """Octets of a direction are missing here.

        It goes on at the next record of application data that opens under one of the next sequence numbers, which
        only the right one can; a direction whose hello is missing stays opaque.
        """
        one = self._directions[direction]
        one.records.drop()
        one.records.lose()
        one.messages = Messages()
        one.is_waiting = False
        self._why = self._why or "gap"
        if not one.has_said_hello:
            self._give_up(one, "gap")
        elif not one.is_opaque:
            one.is_behind_gap = True

    def _read(self, one: _Direction) -> None:
        """Take the complete records of a direction, up to one that has to wait for the other's hello."""
        one.is_waiting = False
        while True:
            try:
                record = one.records.next()
            except Unopened as reason:
                self._give_up(one, reason.why)
                one.records.lose()
                continue
            if record is None:
                return
            if one.is_opaque:
                _count(one, record)
                continue
            try:
                taken = self._take(one, record)
            except Unopened as reason:
                _count(one, record)
                self._give_up(one, reason.why)
                continue
            if not taken:
                one.records.put_back(record)
                one.is_waiting = True
                if len(one.records) <= _WAITING:
                    return
                self._give_up(one, "no_handshake")

    def _give_up(self, one: _Direction, why: str) -> None:
        if one.is_opaque:
            return
        if not one.has_said_hello:
            why = "no_handshake"
        one.is_opaque = True
        one.is_waiting = False
        self._why = self._why or why
        self.bad_records += why == "bad_record"
        if self._handshake.is_early_data_accepted is None:
            self._handshake.is_early_data_accepted = False  # whoever waits for the answer waits in vain

    def _take(self, one: _Direction, record: Record) -> bool:
        """Take in one record; False when it has to wait. Raises `Unopened`."""
        if one.protection is None:
            if record.kind == HANDSHAKE and not one.is_behind_gap:
                self._hear(one, record.body)
                return True
            if record.kind == ALERT:
                return True
            if not one.has_said_hello:
                raise Unopened("no_handshake")
            server = self._handshake.server
            if server is None or self._handshake.client is None:
                return False
            if server.is_retry:
                # Early data that the retry refuses, up to the second hello; ChangeCipherSpec means nothing here.
                is_refused = one is self._client and self._handshake.client_hellos == 1
                return is_refused or record.kind == CHANGE_CIPHER_SPEC
            one.protection = self._protection(one)
        if one.is_behind_gap:
            return self._recover(one, one.protection, record)
        if not one.protection.can_open():
            return False
        opened = one.protection.open(record)
        if opened is not None:
            self._deliver(one, opened)
        return True

    def _recover(self, one: _Direction, protection: _Protection, record: Record) -> bool:
        if record.kind != APPLICATION_DATA:
            return True
        if one.vain_tries >= _VAIN_TRIES:
            raise Unopened("gap")
        opened = protection.recover(record)
        if opened is None:
            one.vain_tries += 1
            _count(one, record)
        else:
            one.is_behind_gap = False
            self._deliver(one, opened)
        return True

    def _deliver(self, one: _Direction, opened: Record) -> None:
        if opened.kind == HANDSHAKE:
            self._hear(one, opened.body)
        elif opened.kind == APPLICATION_DATA:
            self._opened_records += 1
            if opened.body:  # empty ones shift the initialization vector of TLS 1.0
                one.ready.append(opened.body)

    def _hear(self, one: _Direction, fragment: bytes) -> None:
        for message in one.messages.add(fragment):
            if not one.has_said_hello:
                if message.kind == 0:
                    continue  # HelloRequest
                if message.kind not in (CLIENT_HELLO, SERVER_HELLO):
                    raise Unopened("no_handshake")
            is_client = one is self._client if self._client is not None else message.kind == CLIENT_HELLO
            if not self._handshake.hear(message, is_client):
                raise Unopened("bad_record" if one.has_said_hello else "no_handshake")
            if not one.has_said_hello:
                one.has_said_hello = True
                first, second = self._directions
                self._client = one if is_client else (second if one is first else first)
            if one.protection is not None:
                one.protection.hear(message)

    def _protection(self, one: _Direction) -> _Protection:
        """How a direction is protected; both hellos are known."""
        # Imported late: most captures have no TLS, and the library takes its time.
        from analyzer.capture.tls_1_2 import Protection12
        from analyzer.capture.tls_1_3 import Protection13

        server = self._handshake.server
        assert server is not None
        kind = Protection13 if server.version == TLS_1_3 else Protection12
        return kind(self._keys, self._handshake, one is self._client)


def _count(one: _Direction, record: Record) -> None:
    """Count what was sent as application data and stays closed."""
    if record.kind == APPLICATION_DATA:
        one.opaque_octets += len(record.body)
