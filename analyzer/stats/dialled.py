"""What was dialled, over many URIs at once: their users, numbers that count up, prefixes before one number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analyzer.batch import AnyColumn, Ints, Labels, Texts
from analyzer.stats.select import digits, user_of
from analyzer.wiretext import printable

#: So many digits at the end of a number are the subscriber's; what stands before them is a prefix.
_SUBSCRIBER_DIGITS = 9
#: Numbers of more digits than E.164 and its prefixes have are no numbers that anybody counts up.
_MOST_DIGITS = 24


def octets(column: AnyColumn, rows: Ints) -> list[bytes]:
    """The texts of some rows as they stood on the wire; b"" where missing."""
    if isinstance(column, Labels):
        names = column.names
        codes = column.codes[rows].tolist()
        return [names[code].encode("utf-8", "backslashreplace") if code >= 0 else b"" for code in codes]
    assert isinstance(column, Texts)
    raw = column.octets.data
    starts, lengths = column.starts[rows].tolist(), column.lengths[rows].tolist()
    return [bytes(raw[start : start + max(length, 0)]) for start, length in zip(starts, lengths, strict=True)]


def users(uris: Iterable[bytes]) -> Mapping[bytes, str]:
    """The user of each different URI, numbers without separators and international prefix."""
    return {uri: digits(user_of(printable(uri))) if uri else "" for uri in set(uris)}


def counted_up(numbers: Sequence[str]) -> int:
    """How many of some different numbers follow another one of the same length by one."""
    known = {(len(number), int(number)) for number in numbers if len(number) <= _MOST_DIGITS}
    return sum(1 for length, number in known if (length, number - 1) in known)


def prefixes(numbers: Sequence[str]) -> int:
    """Before how many different prefixes one number (its last digits) was tried, of the number tried with most."""
    tried: dict[str, set[str]] = {}
    for number in numbers:
        if len(number) >= _SUBSCRIBER_DIGITS:
            tried.setdefault(number[-_SUBSCRIBER_DIGITS:], set()).add(number[:-_SUBSCRIBER_DIGITS])
    return max(map(len, tried.values()), default=0)
