"""Lasting keys: what names a call or a registration in every run, capture and store.

Numbers (``call_no``) begin at 1 in each run. A key is a hash of what the wire said: 128 bits of BLAKE2b as 32
hexadecimal digits, over the network, the octets of the Call-ID and of the From tag and the time of the first INVITE,
each text behind its length, so that no two different calls can be written alike.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Columns, Ints, Labels, Texts
from analyzer.findings import KeptCaptureRow
from analyzer.tables.texts import end_to_end
from analyzer.vocab import SourceKind

#: Octets of a key; twice as many digits.
KEY_OCTETS = 16
_FIXED = np.dtype([("network", "<i8"), ("time", "<i8"), ("one", "<i4"), ("two", "<i4")])
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


def key_names(keys: Texts) -> list[str]:
    """Keys that were made just now, as texts."""
    digits = keys.octets.tobytes().decode("ascii")
    width = 2 * KEY_OCTETS
    return [digits[at : at + width] for at in range(0, len(digits), width)]


def _keys(columns: Columns, second: str, time: str, person: bytes) -> Texts:
    (one, one_ends, one_lengths), (two, two_ends, two_lengths) = _octets(columns, "call_id"), _octets(columns, second)
    count = len(one_lengths)
    # A missing text has length -1: it is not the empty one.
    fixed = np.empty(count, dtype=_FIXED)
    fixed["network"], fixed["time"] = columns.ints("network"), columns.ints(time)
    fixed["one"], fixed["two"] = one_lengths, two_lengths
    before, size = fixed.tobytes(), _FIXED.itemsize
    digests = []
    hashed, at, one_at, two_at = hashlib.blake2b(digest_size=KEY_OCTETS, person=person), 0, 0, 0
    for one_end, two_end in zip(one_ends.tolist(), two_ends.tolist(), strict=True):
        made = hashed.copy()
        made.update(before[at : at + size] + one[one_at:one_end] + two[two_at:two_end])
        digests.append(made.digest())
        at, one_at, two_at = at + size, one_end, two_end
    octets = np.frombuffer(b"".join(digests).hex().encode(), dtype=np.uint8)
    width = 2 * KEY_OCTETS
    starts = np.arange(count, dtype=np.int64) * width
    return Texts(octets, starts, np.full(count, width, dtype=np.int32))


def _octets(columns: Columns, name: str) -> tuple[bytes, Ints, NDArray[np.int32]]:
    """The octets of a text column end to end, where each text ends, and how long it is (-1 = missing)."""
    column = columns[name]
    if isinstance(column, Labels):
        coded = [text.encode("utf-8", "surrogateescape") for text in column.names]
        texts = [None if code < 0 else coded[code] for code in column.codes.tolist()]
        lengths = np.array([-1 if text is None else len(text) for text in texts], dtype=np.int32)
        return b"".join(text or b"" for text in texts), np.cumsum(np.maximum(lengths, 0)), lengths
    assert isinstance(column, Texts), "texts come as Labels or Texts"
    whole = end_to_end(*column)
    return whole.octets.tobytes(), whole.offsets[1:], column.lengths
