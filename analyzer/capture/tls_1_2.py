"""One direction of TLS 1.0 to 1.2: in the clear, then under the keys of each ChangeCipherSpec (RFC 5246 §7.1)."""

from __future__ import annotations

from analyzer.capture.tls_ciphers import Opener
from analyzer.capture.tls_handshake import Handshake, Message
from analyzer.capture.tls_keylog import KeyLog
from analyzer.capture.tls_records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, Record, Unopened
from analyzer.capture.tls_secrets import tls_1_2_keys

#: Records that may be missing in a gap: so many sequence numbers are tried on a record behind it.
WINDOW = 256


class Protection12:
    """Opens the records of one direction, in order. A renegotiation is one more ChangeCipherSpec."""

    def __init__(self, keys: KeyLog, handshake: Handshake, is_client: bool) -> None:
        self._keys = keys
        self._handshake = handshake
        self._is_client = is_client
        self._opener: Opener | None = None
        self._sequence = 0
        self._is_changing = False

    def can_open(self) -> bool:
        """Always: what both hellos say is enough."""
        return True

    def open(self, record: Record) -> Record | None:
        """The record in the clear, None when it says nothing more; raises `Unopened`."""
        if self._is_changing:
            self._change()
        if self._opener is not None:
            content = self._opener.open(record.header, record.body, self._sequence)
            self._opener.seen(record.body)
            if content is None:
                raise Unopened("bad_record")
            self._sequence += 1
            record = Record(record.kind, record.header, content)
        elif record.kind not in (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE):
            raise Unopened("bad_record")  # application data in the clear: no program takes it
        if record.kind == CHANGE_CIPHER_SPEC:
            self._is_changing = True
            return None
        return record

    def _change(self) -> None:
        self._opener = tls_1_2_keys(self._keys, self._handshake, self._is_client)
        self._handshake.changed()
        self._sequence = 0
        self._is_changing = False

    def hear(self, message: Message) -> None:
        """Nothing in a handshake changes the keys; ChangeCipherSpec does."""

    def recover(self, record: Record) -> Record | None:
        """Open a record behind missing ones; None when it cannot be told how many are missing.

        The sequence number is authenticated: the one that opens the record is surely the right one.
        """
        if self._is_changing or self._opener is None:
            self._change()  # application data: the ChangeCipherSpec was in the gap
        assert self._opener is not None
        first = self._sequence
        for sequence in range(first, first + WINDOW):
            content = self._opener.open(record.header, record.body, sequence)
            if content is not None:
                self._sequence = sequence + 1
                self._opener.seen(record.body)
                return Record(record.kind, record.header, content)
        self._opener.seen(record.body)
        self._sequence += 1
        return None
