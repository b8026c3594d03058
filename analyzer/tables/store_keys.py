"""Lasting keys: what names a call or a registration in every run, capture and store.

Numbers (``call_no``) begin at 1 in each run. A key is a hash of what the wire said: 128 bits of BLAKE2b as 32
hexadecimal digits, over the network, the octets of the Call-ID and of the From tag and the time of the first INVITE,
each text behind its length, so that no two different calls can be written alike.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

import numpy as np

from analyzer.batch import Columns, Labels, Texts
from analyzer.findings import KeptCaptureRow
from analyzer.vocab import SourceKind

#: Octets of a key; twice as many digits.
KEY_OCTETS = 16
_FIXED = struct.Struct("<qqii")
_CALL, _REGISTRATION = b"sipcause call", b"sipcause reg"


def call_keys(calls: Columns) -> Texts:
    """The key of each call: network, Call-ID, From tag, ``invite_ts``; about 2 µs a call.

    The texts must be as on the wire (`batch.Texts` out of the correlator), not as tables show them.
    """
    return _keys(calls, "from_tag", "invite_ts", _CALL)


def registration_keys(registrations: Columns) -> Texts:
    """The key of each registration: network, Call-ID, address of record, ``request_ts``."""
    return _keys(registrations, "aor", "request_ts", _REGISTRATION)


def source_row(run: str, number: int, source: str, kind: SourceKind, start_ts: int, end_ts: int) -> KeptCaptureRow:
    """What ``capture_no`` stands for in a run where that is no capture of its own, from when to when (ns): a source of
    a live run, or a capture of an earlier run of which a call goes on. It counts nothing, and no other row is it."""
    said = f"{run} {number} {start_ts}".encode()
    return KeptCaptureRow(
        capture_no=number,
        source=source,
        kind=kind,
        digest=hashlib.blake2b(said, digest_size=KEY_OCTETS, person=b"sipcause source").hexdigest(),
        start_ts=start_ts,
        end_ts=end_ts,
        added_ts=start_ts,
        frames=0,
        octets=0,
        sip_messages=0,
        dropped=None,
        truncated=False,
        duplicates=0,
        opaque=0,
        unread=0,
    )


def _keys(columns: Columns, second: str, time: str, person: bytes) -> Texts:
    networks, times = columns.ints("network").tolist(), columns.ints(time).tolist()
    digests = []
    texts = zip(_octets(columns, "call_id"), _octets(columns, second), strict=True)
    for network, ts, (one, two) in zip(networks, times, texts, strict=True):
        # A missing text has length -1: it is not the empty one.
        fixed = _FIXED.pack(network, ts, -1 if one is None else len(one), -1 if two is None else len(two))
        said = fixed + (one or b"") + (two or b"")
        digests.append(hashlib.blake2b(said, digest_size=KEY_OCTETS, person=person).hexdigest())
    width = 2 * KEY_OCTETS
    octets = np.frombuffer("".join(digests).encode(), dtype=np.uint8)
    starts = np.arange(len(digests), dtype=np.int64) * width
    return Texts(octets, starts, np.full(len(digests), width, dtype=np.int32))


def _octets(columns: Columns, name: str) -> Iterator[bytes | None]:
    """The octets of a text column, row by row."""
    column = columns[name]
    if isinstance(column, Labels):
        coded = [text.encode("utf-8", "surrogateescape") for text in column.names]
        yield from (None if code < 0 else coded[code] for code in column.codes.tolist())
        return
    assert isinstance(column, Texts), "texts come as Labels or Texts"
    octets = memoryview(np.ascontiguousarray(column.octets))  # a slice of it costs a third of one of the array
    for start, length in zip(column.starts.tolist(), column.lengths.tolist(), strict=True):
        yield None if length < 0 else bytes(octets[start : start + length])
