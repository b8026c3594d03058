"""The kernel that writes rows of text (CSV, JSON) out of columns, without an object per cell.

A block of rows comes as a grid of int64 ``cells`` (columns × rows). The kind of a column tells what they mean:

- `NUMBER`  the number itself
- `TIME`    ns since the epoch, UTC, written as RFC 3339 with nine decimals
- `REAL`    the value times 10^9, written with as many decimals as it has
- `FLAG`    0 or 1, written as false or true
- `TEXT`    a place in ``texts``: start * 2^31 + length; the octets there are written as they stand

In any column a cell from 2^62 on is a place in ``texts`` (2^62 taken off), and `MISSING` is the ``missing``
mark.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, Ints, Octets
from analyzer.jit import inlined, kernel
from analyzer.tables.gather_kernels import copy

NUMBER, TIME, REAL, FLAG, TEXT = range(5)
#: Cells from here on are places in ``texts``, whatever their column's kind.
ELSEWHERE = 2**62
#: A place in ``texts`` is start * 2^31 + length.
LENGTH_BITS = 31
LENGTH_MASK = 2**LENGTH_BITS - 1
#: The most octets that a cell without text takes: a sign and nineteen digits, or a time.
WIDEST = 32

_NANOSECONDS = 1_000_000_000
_DAY = 86_400
#: The two digits of 0 to 99.
_PAIRS = np.frombuffer("".join(f"{n:02}" for n in range(100)).encode(), dtype=np.uint8)
_TRUE = np.frombuffer(b"true", dtype=np.uint8)
_FALSE = np.frombuffer(b"false", dtype=np.uint8)


@inlined
def write_pair(number: int, out: Octets, at: int) -> int:
    """Two digits."""
    out[at] = _PAIRS[2 * number]
    out[at + 1] = _PAIRS[2 * number + 1]
    return at + 2


@inlined
def digits(number: int) -> int:
    """How many digits a number from 0 on has."""
    count = 1
    while number >= 10_000:
        number //= 10_000
        count += 4
    if number >= 100:
        return count + (3 if number >= 1000 else 2)
    return count + (1 if number >= 10 else 0)


@inlined
def write_padded(number: int, width: int, out: Octets, at: int) -> int:
    """A number from 0 on in just ``width`` digits."""
    place = at + width
    while place - at >= 2:
        place -= 2
        rest = number // 100
        write_pair(number - rest * 100, out, place)
        number = rest
    if place > at:
        out[at] = 48 + number
    return at + width


@inlined
def write_number(number: int, out: Octets, at: int) -> int:
    """A whole number (more than -2^63) in decimal."""
    if number < 0:
        out[at] = 45  # -
        at += 1
        number = -number
    return write_padded(number, digits(number), out, at)


@inlined
def write_real(scaled: int, out: Octets, at: int) -> int:
    """A number given in 10^-9 parts, with as many decimals as it has, at least one."""
    if scaled < 0:
        out[at] = 45  # -
        at += 1
        scaled = -scaled
    whole = scaled // _NANOSECONDS
    at = write_padded(whole, digits(whole), out, at)
    out[at] = 46  # .
    at = write_padded(scaled - whole * _NANOSECONDS, 9, out, at + 1)
    last = at - 8
    while at > last and out[at - 1] == 48:
        at -= 1
    return at


@inlined
def write_date(day: int, out: Octets, at: int) -> int:
    """The date of a day since 1970-01-01, proleptic Gregorian calendar, as YYYY-MM-DD."""
    # Years begin in March here, so that the leap day is the last of its year; an era is 400 years.
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    of_month = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    at = write_padded(year, 4, out, at)
    out[at] = 45  # -
    at = write_pair(month, out, at + 1)
    out[at] = 45
    return write_pair(of_month, out, at + 1)


@inlined
def write_time(ts: int, out: Octets, at: int) -> int:
    """A time as RFC 3339 §5.6 in UTC with nine decimals: 2026-11-22T00:36:23.123456789Z."""
    second = ts // _NANOSECONDS
    day = second // _DAY
    of_day = second - day * _DAY
    at = write_date(day, out, at)
    out[at] = 84  # T
    at = write_pair(of_day // 3600, out, at + 1)
    out[at] = 58  # :
    at = write_pair(of_day // 60 % 60, out, at + 1)
    out[at] = 58
    at = write_pair(of_day % 60, out, at + 1)
    out[at] = 46  # .
    at = write_padded(ts - second * _NANOSECONDS, 9, out, at + 1)
    out[at] = 90  # Z
    return at + 1


@kernel
def write_rows(
    kinds: Ints,
    cells: Ints,
    texts: Octets,
    prefixes: Octets,
    prefix_ends: Ints,
    missing: Octets,
    row_end: Octets,
    time_quote: int,
    out: Octets,
) -> int:
    """Write the rows of a block: before each cell its column's prefix, behind each row ``row_end``.

    ``prefix_ends[c]`` and ``prefix_ends[c + 1]`` bound the prefix of column c. Times stand between two
    ``time_quote`` (an octet; 0 = none). ``out`` must hold it all, with some
    octets to spare (`WIDEST`). Returns the octets written.
    """
    at = 0
    for row in range(cells.shape[1]):
        for column in range(cells.shape[0]):
            start = prefix_ends[column]
            at = copy(prefixes, start, prefix_ends[column + 1] - start, out, at)
            cell = cells[column, row]
            kind = kinds[column]
            if cell == MISSING:
                at = copy(missing, 0, len(missing), out, at)
            elif kind == TEXT or cell >= ELSEWHERE:
                place = cell & (ELSEWHERE - 1)
                at = copy(texts, place >> LENGTH_BITS, place & LENGTH_MASK, out, at)
            elif kind == NUMBER:
                at = write_number(cell, out, at)
            elif kind == TIME:
                if time_quote:
                    out[at] = time_quote
                    at = write_time(cell, out, at + 1)
                    out[at] = time_quote
                    at += 1
                else:
                    at = write_time(cell, out, at)
            elif kind == REAL:
                at = write_real(cell, out, at)
            elif cell:
                at = copy(_TRUE, 0, 4, out, at)
            else:
                at = copy(_FALSE, 0, 5, out, at)
        at = copy(row_end, 0, len(row_end), out, at)
    return at
