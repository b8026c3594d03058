"""Made columns of any row type: odd values of every kind, the same ones for the same seed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from analyzer import schema
from analyzer.batch import MISSING, AnyColumn, Columns, Texts, labels_of
from analyzer.schema import Kind

#: What strangers write: formulas, quotes, direction marks, controls, octets that are not UTF-8.
HOSTILE = [
    b"", b" ", b"a", b"sip:alice@example.com", b"=cmd|' /C calc'!A0", b"+31201234567", b"-1", b"@SUM(A1)", b"\t=1+1",
    b"\r\n", b"\x00", b"nul\x00inside", b"\xff\xfe", b"\xed\xa0\x80", "\u202egnp.exe".encode(), "é".encode(),
    "日本語".encode(), "\u200b\ufeff".encode(), b'say "hi"', b"a,b", b" lead", b"trail ", b"back\\slash", b"'quoted",
    b"\x1b[31mred", b"x" * 300, b"12345678", b"1234567", b"123456789", b"null", b"NaN", b"NA", b"{}",
]  # fmt: skip
LABELS = ["INVITE", "a label", "=1+1", 'quo"te', "com,ma", "é", "", "sip:x@y", " edge "]

REALS = [0.0, -0.0, 1.5, 0.1, 1 / 3, 1210.123456, 12.000000001, 1e-12, -7.25, 123456789.123, 1e17, -2.5e300, 60.01]
NUMBERS = {
    Kind.KEY: [1, 2, 10, 99, 100, 12345, 2**62, 2**63 - 1, -(2**63) + 1, 0],
    Kind.REF: [0, 1, 9, 10_000, 4294967295, 2**40, -3],
    Kind.COUNT: [0, 1, 65535, 2**31 - 1, -(2**31)],
    Kind.CODE: [0, 100, 486, 32767, -32768],
    Kind.TIME: [0, 1, -1, 1_700_000_000_123_456_789, 951_782_400_000_000_000, 4_102_444_799_999_999_999, -(10**17)],
}
_LIMITS = {Kind.KEY: 2**60, Kind.REF: 2**60, Kind.COUNT: 2**31, Kind.CODE: 2**15, Kind.TIME: 2**62}


def made_columns(row_type: type[Any], rows: int, seed: int = 0) -> Columns:
    """Some rows of a row type; columns that may be missing are so now and then."""
    chance = random.Random(seed)
    columns = {column.name: _column(column, rows, chance) for column in schema.columns(row_type)}
    return Columns(row_type, columns, rows)


def _column(column: schema.Column, rows: int, chance: random.Random) -> AnyColumn:
    absent = [column.optional and chance.random() < 0.3 for _ in range(rows)]
    if column.kind is Kind.TEXT and column.name in ("by_status_code", "unread", "layers"):
        return labels_of(f'{{"486":{chance.randrange(9)}}}' for _ in range(rows))
    if column.kind is Kind.LABEL:
        return labels_of(None if missing else chance.choice(LABELS) for missing in absent)
    if column.kind is Kind.TEXT:
        return texts_of([None if missing else _octets(chance) for missing in absent])
    if column.kind is Kind.FLAG:
        return np.array([chance.random() < 0.5 for _ in range(rows)], dtype=np.bool_)
    if column.kind is Kind.REAL:
        reals = [float("nan") if missing else _real(chance) for missing in absent]
        return np.array(reals, dtype=np.float64)
    numbers = [MISSING if missing else _number(column.kind, chance) for missing in absent]
    return np.array(numbers, dtype=np.int64)


def texts_of(values: list[bytes | None]) -> Texts:
    """A text column whose octets stand somewhere inside a larger window, not in order."""
    window = bytearray(b"window")
    starts = []
    for value in values[::-1]:
        starts.append(len(window))
        window += (value or b"") + b"|"
    lengths = [-1 if value is None else len(value) for value in values]
    octets = np.frombuffer(window, dtype=np.uint8)
    return Texts(octets, np.array(starts[::-1], dtype=np.int64), np.array(lengths, dtype=np.int32))


def _octets(chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return chance.choice(HOSTILE)
    return bytes(chance.randrange(0x20, 0x7F) for _ in range(chance.randrange(40)))


def _real(chance: random.Random) -> float:
    return chance.choice(REALS) if chance.random() < 0.5 else chance.randrange(10**12) / 1e6


def _number(kind: Kind, chance: random.Random) -> int:
    if chance.random() < 0.5:
        return chance.choice(NUMBERS[kind])
    limit = _LIMITS[kind]
    return chance.randrange(-limit, limit)
