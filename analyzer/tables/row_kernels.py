"""The kernel that writes rows of text (CSV, JSON) out of columns, without an object per cell.

A block of rows comes as a grid of int64 ``cells`` (columns × rows). The kind of a column tells what they mean:

- `NUMBER`  the number itself
- `TIME`    ns since the epoch, UTC, written as RFC 3339 with nine decimals
- `REAL`    the value times 10^9, written with as many decimals as it has; from 2^62 on a place in ``texts``
- `FLAG`    0 or 1, written as false or true
- `TEXT`    a place in ``texts``: start * 2^31 + length; the octets there are written as they stand

`MISSING` is the missing mark in any column.

Digits are made eight at a time in one number and everything is copied eight octets at a time: the row is written
from left to right, so what is written too far is overwritten by the next cell. The helpers take and give numbers
alone, and what walks along an array stands in `write_rows` itself: handing an array to a helper that loops
costs more than what it writes (reference counts).
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, Ints, Octets
from analyzer.jit import inlined, kernel
from analyzer.tables.gather_kernels import LENGTH_BITS, load, store

NUMBER, TIME, REAL, FLAG, TEXT = range(5)
#: A cell of reals from here on is a place in ``texts``.
ELSEWHERE = 2**62
LENGTH_MASK = 2**LENGTH_BITS - 1
#: The most octets that a cell without text takes (a time in quotes), and room to write too far.
WIDEST = 40

_0, _1, _2, _3, _8 = (np.uint64(n) for n in (0, 1, 2, 3, 8))
_10, _16, _20, _32, _60 = (np.uint64(n) for n in (10, 16, 20, 32, 60))
_100, _1000 = np.uint64(100), np.uint64(1000)
_10_000 = np.uint64(10_000)
_1_000_000 = np.uint64(1_000_000)
_10_TO_8 = np.uint64(10**8)
_10_TO_16 = np.uint64(10**16)
_NANOSECONDS = np.uint64(10**9)
_DAY = 86_400 * 10**9  # ns
_LENGTH = np.uint64(LENGTH_MASK)
_LENGTH_BITS = np.uint64(LENGTH_BITS)
_LANES_32 = np.uint64(0x0000007F0000007F)
_LANES_16 = np.uint64(0x000F000F000F000F)
# Eight octets as one number, the first one lowest.
_ZEROS = np.uint64(int.from_bytes(b"00000000", "little"))
_DATE = np.uint64(int.from_bytes(b"0000-00-", "little"))
_CLOCK = np.uint64(int.from_bytes(b"00:00:00", "little"))
_TRUE = np.uint64(int.from_bytes(b"true", "little"))
_FALSE = np.uint64(int.from_bytes(b"false", "little"))
_DOT, _MINUS, _ZERO, _T, _Z = 46, 45, np.uint64(48), 84, 90


@inlined
def eight_digits(number: np.uint64) -> np.uint64:
    """The digits of a number below 10^8 as eight octets 0 to 9 in one number, the first digit lowest."""
    # Quotients by 100, then by 10, in lanes of 32 and 16 bits: multiplied with 2^20/100 and 2^10/10.
    upper = number // _10_000
    pair = upper | (number - upper * _10_000) << _32
    hundreds = pair * np.uint64(10_486) >> _20 & _LANES_32
    quad = hundreds | (pair - hundreds * _100) << _16
    tens = quad * np.uint64(103) >> _10 & _LANES_16
    return tens | (quad - tens * _10) << _8


@inlined
def digits(number: np.uint64) -> np.uint64:
    """How many digits a number below 10^8 has."""
    few = 1 + (number >= _10) + (number >= _100) + (number >= _1000)
    many = few + (number >= _10_000) + (number >= np.uint64(100_000)) + (number >= _1_000_000)
    return np.uint64(many + (number >= np.uint64(10_000_000)))


@inlined
def decimals(billionths: np.uint64) -> np.uint64:
    """How many decimals a fraction in 10^-9 parts needs, at least one."""
    count = _0 + np.uint64(9)
    thousandth = billionths // _1000
    if thousandth * _1000 == billionths:  # mostly: times are measured in ns and told in ms
        billionths = thousandth
        count = np.uint64(6)
    while count > _1 and billionths // _10 * _10 == billionths:
        billionths //= _10
        count -= _1
    return count


@inlined
def date(day: int) -> int:
    """The date of a day since 1970-01-01 as a number YYYYMMDD, in the proleptic Gregorian calendar."""
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
    return year * 10_000 + month * 100 + of_month


@inlined
def write_time(ymd: np.uint64, of_day: np.uint64, out: Octets, at: np.uint64) -> np.uint64:
    """A time as RFC 3339 §5.6, from its date (YYYYMMDD) and its ns of the day; thirty octets."""
    seconds = of_day // _NANOSECONDS
    billionths = of_day - seconds * _NANOSECONDS
    minutes = seconds // _60
    hours = minutes // _60
    first = billionths // _10_TO_8
    months = ymd // _100
    # YYYY0MM0 and HH0MM0SS: the zeros between become dashes and colons.
    year_month = months // _100 * _10_000 + months % _100 * _10
    clock = hours * _1_000_000 + (minutes - hours * _60) * _1000 + seconds - minutes * _60
    store(out, at, eight_digits(year_month) + _DATE)
    out[at + _8] = _ZERO + (ymd - months * _100) // _10
    out[at + np.uint64(9)] = _ZERO + ymd % _10
    out[at + _10] = _T
    store(out, at + np.uint64(11), eight_digits(clock) + _CLOCK)
    out[at + np.uint64(19)] = _DOT
    out[at + _20] = _ZERO + first
    store(out, at + np.uint64(21), eight_digits(billionths - first * _10_TO_8) + _ZEROS)
    out[at + np.uint64(29)] = _Z
    return at + np.uint64(30)


@kernel
def write_rows(
    kinds: Ints,
    cells: Ints,
    texts: Octets,
    prefixes: Octets,
    prefix_ends: Ints,
    missing: np.uint64,
    missing_length: np.uint64,
    row_end: int,
    time_quote: int,
    out: Octets,
) -> int:
    """Write the rows of a block: before each cell its column's prefix, behind each row the octet ``row_end``.

    ``prefix_ends[c]`` and ``prefix_ends[c + 1]`` bound the prefix of column c. ``missing`` is up to eight octets
    as a number, the first one lowest. Times stand between two ``time_quote`` (an octet; 0 = none). ``texts`` and
    ``prefixes`` have `gather_kernels.SPARE` octets behind what is used, and ``out`` must hold it all with
    `WIDEST` octets for each cell without text. Returns the octets written.
    """
    at = _0
    day_written, ymd = -(2**62), _0
    for row in range(cells.shape[1]):
        for column in range(cells.shape[0]):
            source, end = np.uint64(prefix_ends[column]), np.uint64(prefix_ends[column + 1])
            behind = at + end - source
            while source < end:
                store(out, at, load(prefixes, source))
                source += _8
                at += _8
            at = behind
            cell = cells[column, row]
            kind = kinds[column]
            if cell == MISSING:
                store(out, at, missing)
                at += missing_length
            elif kind == TEXT or (kind == REAL and cell >= ELSEWHERE):
                place = np.uint64(cell & (ELSEWHERE - 1))
                source = place >> _LENGTH_BITS
                behind = at + (place & _LENGTH)
                while at < behind:
                    store(out, at, load(texts, source))
                    source += _8
                    at += _8
                at = behind
            elif kind == FLAG:
                store(out, at, _TRUE if cell else _FALSE)
                at += np.uint64(4 if cell else 5)
            elif kind == TIME:
                day = cell // _DAY
                if day != day_written:
                    day_written, ymd = day, np.uint64(date(day))
                if time_quote:
                    out[at] = time_quote
                    at += _1
                at = write_time(ymd, np.uint64(cell - day * _DAY), out, at)
                if time_quote:
                    out[at] = time_quote
                    at += _1
            else:
                if cell < 0:
                    out[at] = _MINUS
                    at += _1
                    cell = -cell
                number = np.uint64(cell)
                billionths = _0
                if kind == REAL:
                    whole = number // _NANOSECONDS
                    billionths = number - whole * _NANOSECONDS
                    number = whole
                if number >= _10_TO_16:
                    head = number // _10_TO_16
                    number -= head * _10_TO_16
                    store(out, at, eight_digits(head) + _ZEROS >> (_8 - digits(head)) * _8)
                    at += digits(head)
                    head = number // _10_TO_8
                    store(out, at, eight_digits(head) + _ZEROS)
                    store(out, at + _8, eight_digits(number - head * _10_TO_8) + _ZEROS)
                    at += _16
                elif number >= _10_TO_8:
                    head = number // _10_TO_8
                    store(out, at, eight_digits(head) + _ZEROS >> (_8 - digits(head)) * _8)
                    at += digits(head)
                    store(out, at, eight_digits(number - head * _10_TO_8) + _ZEROS)
                    at += _8
                else:
                    store(out, at, eight_digits(number) + _ZEROS >> (_8 - digits(number)) * _8)
                    at += digits(number)
                if kind == REAL:
                    first = billionths // _10_TO_8
                    out[at] = _DOT
                    out[at + _1] = _ZERO + first
                    store(out, at + _2, eight_digits(billionths - first * _10_TO_8) + _ZEROS)
                    at += _1 + decimals(billionths)
        out[at] = row_end
        at += _1
    return int(at)
