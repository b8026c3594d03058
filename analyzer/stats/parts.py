"""Breaking calls down: by endpoint, pair, domain, prefix of the dialled number, User-Agent and hour.

A dimension gives every row the number of its part, so that figures are summed up for all parts at once. Parts are
bounded: `bounded` keeps the first ones and makes one part, `OTHER`, of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Ints, Labels, Texts
from analyzer.stats.distinct import Fold, distinct, folded
from analyzer.stats.kpi import wilson
from analyzer.stats.population import Population
from analyzer.stats.select import digits, user_of
from analyzer.wiretext import printable, printable_text

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry.counting_entries import Numbering

#: The part of rows that have no such thing, and that of the parts beyond the first ones.
NONE, OTHER = "(none)", "(other)"
#: Digits of a national or short number that make a prefix.
NATIONAL_DIGITS = 3
_SECOND = 1_000_000_000
#: Offsets of time zones are multiples of it.
_QUARTER = 900 * _SECOND
_HOST = re.compile(r"\[[^\]]*\]|[^:;?>]*")
_SEPARATORS = b"-.() "
#: Every digit as 0, so that numbers which begin alike are looked at once.
_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_NUMBER = re.compile(r"[0-9*#]+", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """What a break-down needs to know of the site.

    ``prefix_digits``: digits of a prefix; None = the country of an international number, `NATIONAL_DIGITS` of another
    one. ``by_first_invite``: the counting rule ``buckets``.
    """

    zone: tzinfo
    config: Config
    numbering: Numbering
    prefix_digits: int | None = None
    by_first_invite: bool = True


Dimension = Callable[[Population, Settings], Labels]

#: The columns that hold the same thing of calls (and sessions) and of registrations.
_CALLER = {"registrations": "client_ip"}
_CALLEE = {"registrations": "registrar_ip"}
_AGENT = {"registrations": "user_agent"}
_START = {"registrations": "request_ts"}


def caller(rows: Population, settings: Settings) -> Labels:
    """Who called or registered."""
    return _endpoint(rows, _CALLER.get(rows.kind, "caller_ip"))


def callee(rows: Population, settings: Settings) -> Labels:
    """Who was called, the registrar."""
    return _endpoint(rows, _CALLEE.get(rows.kind, "callee_ip"))


def pair(rows: Population, settings: Settings) -> Labels:
    """Who called whom."""
    first, second = caller(rows, settings), callee(rows, settings)
    width = len(second.names) + 1
    joined = (first.codes.astype(np.int64) + 1) * width + second.codes + 1
    found, codes = np.unique(joined, return_inverse=True)
    ones, others = [NONE, *first.names], [NONE, *second.names]
    names = [f"{ones[number // width]} > {others[number % width]}" for number in found.tolist()]
    return Labels(codes.astype(np.int32), names)


def agent(rows: Population, settings: Settings) -> Labels:
    """The program that called or registered, by its User-Agent."""
    return _labels(rows, _AGENT.get(rows.kind, "caller_agent"))


def server(rows: Population, settings: Settings) -> Labels:
    """The program that gave the final response, by its User-Agent or Server."""
    return _labels(rows, "callee_agent")


def request_domain(rows: Population, settings: Settings) -> Labels:
    """Host of the Request-URI."""
    return of_text(rows, "request_uri", _behind_user, domain)


def to_domain(rows: Population, settings: Settings) -> Labels:
    """Host of To; of a registration, of its address of record."""
    return of_text(rows, "aor" if rows.kind == "registrations" else "to_uri", _behind_user, domain)


def from_domain(rows: Population, settings: Settings) -> Labels:
    """Host of From."""
    return of_text(rows, "from_uri", _behind_user, domain)


def prefix(rows: Population, settings: Settings) -> Labels:
    """Beginning of the dialled number: that of To, which proxies leave as it was dialled, else of the Request-URI."""
    # As many octets as scheme, + or 00 and the longest prefix need.
    head = 7 + max([settings.prefix_digits or 3, *map(len, settings.config.number_prefixes)])

    def beginning(uri: bytes) -> bytes:
        front = uri[:head]
        return uri if front.translate(None, _SEPARATORS) != front else front + uri[head:].translate(_ALIKE)

    def part(uri: str) -> str | None:
        return number_prefix(uri, settings)

    return first_known(
        of_text(rows, "to_uri", beginning, part), lambda: of_text(rows, "request_uri", beginning, part)
    )


def first_known(labels: Labels, others: Callable[[], Labels]) -> Labels:
    """A column of labels, and where it has none another one, which is only made where it takes one."""
    if (labels.codes >= 0).all():
        return labels
    other = others()
    names = {name: number for number, name in enumerate(dict.fromkeys([*labels.names, *other.names]))}
    translate = np.array([*(names[name] for name in other.names), -1], dtype=np.int32)
    return Labels(np.where(labels.codes >= 0, labels.codes, translate[other.codes]), list(names))


def hour(rows: Population, settings: Settings) -> Labels:
    """The hour in the site's time zone in which the call began: that of its first INVITE."""
    start = rows.numbers(_START.get(rows.kind, "invite_ts"))
    if not settings.by_first_invite:
        end = rows.numbers("final_ts" if rows.kind == "registrations" else "end_ts")
        start = np.where(end != MISSING, end, start)
    if not len(start):
        return Labels(np.empty(0, np.int32), [])
    quarters, codes = np.unique(start // _QUARTER, return_inverse=True)
    names: dict[str, int] = {}
    of_quarter = [
        names.setdefault(_hour_of(quarter * _QUARTER, settings.zone), len(names)) for quarter in quarters.tolist()
    ]
    return Labels(np.array(of_quarter, dtype=np.int32)[codes], list(names))


#: Dimensions by name, and what ``--by`` calls them.
DIMENSIONS: Mapping[str, Dimension] = {
    "caller": caller,
    "callee": callee,
    "pair": pair,
    "request_domain": request_domain,
    "to_domain": to_domain,
    "from_domain": from_domain,
    "prefix": prefix,
    "agent": agent,
    "server": server,
    "hour": hour,
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "endpoint": ("caller", "callee"),
    "pair": ("pair",),
    "domain": ("request_domain", "to_domain", "from_domain"),
    "prefix": ("prefix",),
    "agent": ("agent", "server"),
    "hour": ("hour",),
}
#: What registrations can be broken down by.
OF_REGISTRATIONS = ("caller", "callee", "pair", "to_domain", "agent", "hour")
#: Dimensions whose parts have an order of their own.
IN_ORDER = ("hour",)


def ranks(failures: Ints, counted: Ints, minimum: int, by_lower_bound: bool = True) -> Ints:
    """Positions of parts, the worst first.

    By the lower end of the interval of their failure share; parts with fewer than ``minimum`` calls come behind the
    others. ``by_lower_bound=False``: by the bare share, whatever it is a share of.
    """
    known = np.maximum(counted, 1)
    size = wilson(failures, known)[0] if by_lower_bound else failures / known
    is_small = counted < minimum if by_lower_bound else np.zeros(len(counted), dtype=np.bool_)
    return np.lexsort((-counted, -size, counted == 0, is_small))


def busiest(counted: Ints, top: int) -> Ints:
    """Positions of the parts with the most calls, in the order of the parts."""
    order = np.argsort(-counted, kind="stable")
    return np.sort(order[:top] if top else order)


def bounded(parts: Labels, order: Ints, top: int) -> Labels:
    """The parts in that order; all but the first ``top`` (0: none) are one, `OTHER`."""
    chosen = order[:top] if top else order
    names = [parts.names[number] for number in chosen.tolist()]
    rest = len(names) if len(chosen) < len(parts.names) else -1
    translate: NDArray[np.int32] = np.full(len(parts.names) + 1, rest, dtype=np.int32)
    translate[chosen] = np.arange(len(chosen), dtype=np.int32)
    translate[-1] = -1
    return Labels(translate[parts.codes], [*names, OTHER] if rest >= 0 else names)


def named(parts: Labels) -> Labels:
    """The same with equal names united, and with rows that have none in a part of their own."""
    names: dict[str, int] = {}
    translate = [names.setdefault(printable_text(name), len(names)) for name in parts.names]
    if (parts.codes < 0).any():
        translate.append(names.setdefault(NONE, len(names)))
    else:
        translate.append(-1)
    return Labels(np.array(translate, dtype=np.int32)[parts.codes], list(names))


def domain(uri: str) -> str | None:
    """The host of a SIP URI in lower case, without port and parameters; None for a telephone number and without one.

    What stands before the @ may be left out.
    """
    _, at, behind = uri.partition("@")
    if not at:
        scheme, _, behind = uri.partition(":")
        if scheme.lower() not in ("sip", "sips"):
            return None
    found = _HOST.match(behind)
    return (found.group().lower() or None) if found else None


def _behind_user(uri: bytes) -> bytes:
    _, at, behind = uri.partition(b"@")
    return at + behind if at else uri


def number_prefix(uri: str, settings: Settings) -> str | None:
    """The beginning of the number in a SIP or tel URI; None where the user part is no number.

    ``+31`` for an international number however it is written (+31, 0031, tel:+31), the first digits of another one as
    they stand; the longest prefix that has a name in ``sipcause.toml`` goes before both.
    """
    user = user_of(uri)
    plain = digits(user)
    if not _NUMBER.fullmatch(plain):
        return None
    is_international = user.lstrip()[:1] == "+" or user.startswith("00")
    number = f"+{plain}" if is_international else plain
    known = settings.config.number_prefix(number)
    if known:
        return known
    if settings.prefix_digits is not None:
        return number[: settings.prefix_digits + is_international]
    if not is_international:
        return number[:NATIONAL_DIGITS]
    return number[: country_digits(plain, settings.numbering) + 1]


def country_digits(number: str, numbering: Numbering) -> int:
    """How many digits of an international number are its country code."""
    if number[:1].isdecimal() and int(number[:1]) in numbering.one:
        return 1
    return 2 if number[:2].isdecimal() and int(number[:2]) in numbering.two else 3


def _endpoint(rows: Population, column: str) -> Labels:
    """Addresses, with the network where there is more than one."""
    addresses = _labels(rows, column)
    networks = rows.numbers("network")
    if not len(networks) or (networks == networks[0]).all():
        return addresses
    found, network_of = np.unique(networks, return_inverse=True)
    joined = (addresses.codes.astype(np.int64) + 1) * len(found) + network_of
    pairs, codes = np.unique(joined, return_inverse=True)
    names = []
    for number in pairs.tolist():
        address, network = divmod(number, len(found))
        text = addresses.names[address - 1] if address else NONE
        names.append(text if found[network] == MISSING else f"{text} ({found[network]})")
    return Labels(codes.astype(np.int32), names)


def _labels(rows: Population, column: str) -> Labels:
    return rows.table.labels(column) if len(rows) else Labels(np.empty(0, np.int32), [])


def of_text(
    rows: Population,
    column: str,
    key: Callable[[bytes], bytes],
    part: Callable[[str], str | None],
    fold: Fold | None = None,
) -> Labels:
    """A column of texts by a part of each; texts of which ``key`` leaves the same are looked at once.

    ``fold``: a coarse ``key`` for the whole column at a time, so that ``key`` has fewer texts to look at.
    """
    if not len(rows):
        return Labels(np.empty(0, np.int32), [])
    texts = rows.table[column]
    names: dict[str, int] = {}

    def number(text: str) -> int:
        found = part(text)
        return -1 if found is None else names.setdefault(found, len(names))

    if isinstance(texts, Labels):
        translate = np.array([*(number(name) for name in texts.names), -1], dtype=np.int32)
        return Labels(translate[texts.codes], list(names))
    assert isinstance(texts, Texts)
    found = distinct(texts) if fold is None else folded(texts, fold)
    known: dict[bytes, int] = {}
    codes = []
    for octets in found.values:
        kept = key(octets)
        code = known.get(kept)
        if code is None:
            code = known[kept] = number(printable(kept))
        codes.append(code)
    return Labels(np.array([*codes, -1], dtype=np.int32)[found.codes], list(names))


def _hour_of(ts: int, zone: tzinfo) -> str:
    """The hour of a time with its offset, which tells the two hours apart when clocks are set back."""
    moment = datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(zone)
    return moment.strftime("%Y-%m-%d %H:00 %z")
