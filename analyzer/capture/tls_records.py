"""TLS records out of the octets of one direction, wherever these were cut (RFC 8446 §5.1, RFC 5246 §6.2.1)."""

from __future__ import annotations

from typing import NamedTuple

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = range(20, 25)

HEADER = 5
#: TLSCiphertext of TLS 1.2; TLS 1.3 allows less.
LONGEST = (1 << 14) + 2048
#: No protected record of application data is shorter: eight octets of a CCM_8 tag.
_SHORTEST_PROTECTED = 8


class Unopened(Exception):
    """A direction cannot be read any further; ``why`` is the label that `TlsConnection.why` tells."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Record(NamedTuple):
    """One record: its content type, its header as additional data wants it, its fragment."""

    kind: int
    header: bytes
    body: bytes


def _is_header(octets: bytes | bytearray) -> bool:
    """Whether five octets may be a record header: a content type, any version of SSL 3.0 to TLS 1.3, a length."""
    length = octets[3] << 8 | octets[4]
    return CHANGE_CIPHER_SPEC <= octets[0] <= HEARTBEAT and octets[1] == 3 and octets[2] <= 4 and length <= LONGEST


class Records:
    """The records of one direction.

    ``unframed_octets`` counts what was dropped because nobody can tell where its records begin.
    """

    def __init__(self) -> None:
        self.unframed_octets = 0
        self.is_lost = False
        self._octets = bytearray()
        self._at = 0

    def __len__(self) -> int:
        """Octets that wait: of records not taken, and of one that is not complete."""
        return len(self._octets) - self._at

    def add(self, octets: bytes) -> None:
        """The next octets of the direction."""
        del self._octets[: self._at]
        self._at = 0
        self._octets += octets

    def next(self) -> Record | None:
        """The next complete record, None while there is none.

        Raises `Unopened` where no record header stands; `lose` then goes on searching.
        """
        if self.is_lost and not self._find():
            return None
        at = self._at
        header = bytes(self._octets[at : at + HEADER])
        if len(header) < HEADER:
            return None
        if not _is_header(header):
            raise Unopened("bad_record")
        end = at + HEADER + (header[3] << 8 | header[4])
        if end > len(self._octets):
            return None
        self._at = end
        return Record(header[0], header, bytes(self._octets[at + HEADER : end]))

    def put_back(self, record: Record) -> None:
        """Undo the last `next`: the record has to wait."""
        self._at -= HEADER + len(record.body)

    def waiting_data_octets(self) -> int:
        """Octets of application data in the records that were put back."""
        at, count = self._at, 0
        while len(header := self._octets[at : at + HEADER]) == HEADER and _is_header(header):
            length = header[3] << 8 | header[4]
            if header[0] == APPLICATION_DATA:
                count += min(length, len(self._octets) - at - HEADER)
            at += HEADER + length
        return count

    def lose(self) -> None:
        """Octets are missing, or no header stood where one should: search for application data from here."""
        self.is_lost = True

    def drop(self) -> None:
        """Give up what waits: nothing behind missing octets completes it."""
        self.unframed_octets += self.waiting_data_octets()
        self._octets.clear()
        self._at = 0

    def _find(self) -> bool:
        """Go to what looks like the header of protected application data; False if there is none yet.

        Three given octets and a length seldom stand in ciphertext by chance; when they do, the record does not
        authenticate and the search goes on behind it.
        """
        at = self._at
        while (found := self._octets.find(b"\x17\x03", at)) >= 0 and found + HEADER <= len(self._octets):
            header = self._octets[found : found + HEADER]
            if _is_header(header) and (header[3] << 8 | header[4]) >= _SHORTEST_PROTECTED:
                self._skip_to(found)
                self.is_lost = False
                return True
            at = found + 1
        self._skip_to(found if found >= 0 else max(self._at, len(self._octets) - 1))
        return False

    def _skip_to(self, at: int) -> None:
        self.unframed_octets += at - self._at
        self._at = at
