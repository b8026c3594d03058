"""The calls table as what legs are compared by: ranks in time, elements, keys of ids and numbers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Columns, Ints, Labels, Texts
from analyzer.correlate import leg_key_kernels as kernels
from analyzer.correlate.link_kernels import (
    L_ANSWERED,
    L_CALLED_DIGITS,
    L_CALLED_VALUE,
    L_CALLEE,
    L_CALLER,
    L_COLUMNS,
    L_END,
    L_NETWORK,
    L_SET_UP_END,
    L_START,
)
from analyzer.hash_kernels import Words

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

_SECOND = 1_000_000_000
_NEVER = 2**62
#: How much later than its end a leg may still get another one behind it: captures' clocks and timers are not exact.
_SLACK = _SECOND


class Users(NamedTuple):
    """Whom a URI of each call means: a number and its digits, or a hash of its user (`leg_key_kernels.user_keys`)."""

    values: Ints
    digits: Ints

    def keys(self, digits: int) -> Ints:
        """A key under which equal users always stand: the last ``digits`` of a number, or the hash; -1 for none."""
        number: Ints = self.values % 10**digits
        # Hashes and numbers must not share keys: numbers are below 10**digits, hashes are moved beyond.
        name = self.values | np.int64(1 << 61)
        return np.where(self.digits > 0, number, np.where(self.digits < 0, name, np.int64(-1)))

    def same(self, other: Users, a: Ints, b: Ints) -> NDArray[np.bool_]:
        """Whether users of calls here are those of calls there: the shorter number ends the longer one."""
        value_a, value_b, digits_a, digits_b = self.values[a], other.values[b], self.digits[a], other.digits[b]
        shorter = 10 ** np.clip(np.minimum(digits_a, digits_b), 0, kernels.MOST_DIGITS)
        same_number = (digits_a > 0) & (digits_b > 0) & (value_a % shorter == value_b % shorter)
        same_name = (digits_a < 0) & (digits_b < 0) & (value_a == value_b)
        same: NDArray[np.bool_] = same_number | same_name
        return same

    def differ(self, other: Users, a: Ints, b: Ints) -> NDArray[np.bool_]:
        """Whether both are numbers, and not the same."""
        both: NDArray[np.bool_] = (self.digits[a] > 0) & (other.digits[b] > 0) & ~self.same(other, a, b)
        return both


class Legs(NamedTuple):
    """The calls in the order of their first INVITEs; ``order``: their rows in the table. All else is by rank."""

    order: Ints
    numbers: Ints  # n × L_COLUMNS
    elements: dict[str, int]  # numbers of L_CALLER and L_CALLEE by address
    call_ids: Words  # n × 2: key of the Call-ID without endings that elements put to it
    linked_ids: Words  # n × 2: key of the id that its INVITE names; that of the Call-ID in front where its own tells it
    is_ending: NDArray[np.bool_]  # its own Call-ID tells that in front
    dialogs: Words  # n × 2: key of Call-ID and From tag
    uuids: Words  # n × 4
    caller: Users
    called: Users  # by the Request-URI
    addressed: Users  # by To
    origins: Words  # n × 2: key of the o= line
    origin_ids: Words  # n × 2: key of its session id


def legs_of(calls: Columns, registry: Registry, config: Config) -> Legs:
    """What legs are compared by, of every call."""
    invite = calls.ints("invite_ts")
    order = np.lexsort((calls.ints("call_no"), invite))
    seeds = np.frombuffer(secrets.token_bytes(24), dtype=np.uint64) | np.array([0, 0, 1], np.uint64)
    texts = {
        name: as_texts(calls, name).take(order)
        for name in (
            "call_id", "from_tag", "from_uri", "to_uri", "request_uri", "session_id", "linked_id", "sdp_origin",
        )
    }  # fmt: skip
    call_id = texts["call_id"]
    lengths = call_id.lengths.astype(np.int64)
    bases = np.empty(len(order), dtype=np.int64)
    kernels.base_lengths(call_id.octets, call_id.starts, lengths, _endings(registry), bases)
    own = _keys(call_id, seeds)
    base = _keys(Texts(call_id.octets, call_id.starts, bases.astype(np.int32)), seeds)
    linked = _keys(texts["linked_id"], seeds)
    is_ending = (bases < lengths) & (linked[:, 0] == 0) & (linked[:, 1] == 0)
    linked[is_ending] = base[is_ending]
    tag = _keys(texts["from_tag"], seeds)
    dialogs = own ^ (tag << np.uint64(1) | tag >> np.uint64(63))
    dialogs[(own == 0).all(axis=1) | (tag == 0).all(axis=1)] = 0
    uuids = np.empty((len(order), 4), dtype=np.uint64)
    kernels.session_uuids(*_spans(texts["session_id"]), uuids)
    elements = _elements(calls, config)
    if not _has_middle(calls, elements):  # nobody who is called calls: nothing will be weighed
        texts |= dict.fromkeys(("from_uri", "request_uri", "to_uri", "sdp_origin"), _nothing(len(order)))
    origin = texts["sdp_origin"]
    id_starts, id_lengths = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    kernels.origin_sessions(*_spans(origin), registry.link_limit("origin_octets"), id_starts, id_lengths)
    origins = _keys(origin, seeds)
    origins[id_lengths < 0] = 0
    fewest, nobody = registry.link_limit("digits"), _nobody(registry, seeds)
    caller, called, addressed = (
        _users(texts[name], seeds, fewest, nobody) for name in ("from_uri", "request_uri", "to_uri")
    )
    return Legs(
        order,
        _numbers(calls, order, elements, called, registry.link_limit("set_up_s") * _SECOND),
        elements,
        base,
        linked,
        is_ending,
        dialogs,
        uuids,
        caller,
        called,
        addressed,
        origins,
        _keys(Texts(origin.octets, id_starts, id_lengths.astype(np.int32)), seeds),
    )


def _has_middle(calls: Columns, elements: dict[str, int]) -> bool:
    """Whether an element that is called by another one makes calls too."""
    caller, callee = ({elements[ip] for ip in calls.labels(name).names} for name in ("caller_ip", "callee_ip"))
    return bool(caller & callee)


def _nothing(count: int) -> Texts:
    """A column of missing texts."""
    return Texts(np.zeros(1, np.uint8), np.zeros(count, np.int64), np.full(count, -1, np.int32))


def as_texts(calls: Columns, name: str) -> Texts:
    """A column of texts, whichever way it is kept."""
    column = calls[name]
    if isinstance(column, Texts):
        return column
    assert isinstance(column, Labels)
    names = [text.encode() for text in column.names]
    ends = np.cumsum([0, *map(len, names)], dtype=np.int64)
    starts = np.append(ends[:-1], 0)[column.codes]
    lengths = np.append(np.diff(ends), -1).astype(np.int32)[column.codes]
    return Texts(np.frombuffer(b"".join(names) or b"\0", dtype=np.uint8), starts, lengths)


def _spans(texts: Texts) -> tuple[NDArray[np.uint8], Ints, Ints]:
    return texts.octets, texts.starts, texts.lengths.astype(np.int64)


def _keys(texts: Texts, seeds: Words) -> Words:
    keys = np.empty((len(texts.starts), 2), dtype=np.uint64)
    kernels.text_keys(*_spans(texts), seeds, keys)
    return keys


def _endings(registry: Registry) -> NDArray[np.uint8]:
    endings = [ending.encode() for ending in registry.call_id_endings]
    listed = b"".join(bytes([len(ending)]) + ending for ending in endings)
    return np.frombuffer(listed, dtype=np.uint8)


def _nobody(registry: Registry, seeds: Words) -> Ints:
    """The hashes of user parts that are nobody's number."""
    uris = [f"sip:{user}@x".encode() for user in registry.no_numbers]
    ends = np.cumsum([0, *map(len, uris)], dtype=np.int64)
    octets = np.frombuffer(b"".join(uris) or b"\0", dtype=np.uint8)
    values, digits = np.empty(len(uris), np.int64), np.empty(len(uris), np.int64)
    kernels.user_keys(octets, ends[:-1], np.diff(ends), seeds, 1, values, digits)
    return values


def _users(texts: Texts, seeds: Words, fewest: int, nobody: Ints) -> Users:
    values, digits = np.empty(len(texts.starts), np.int64), np.empty(len(texts.starts), np.int64)
    kernels.user_keys(*_spans(texts), seeds, fewest, values, digits)
    unnamed = (digits == kernels.NAME) & np.isin(values, nobody)
    values[unnamed] = digits[unnamed] = kernels.NO_USER
    return Users(values, digits)


def _elements(calls: Columns, config: Config) -> dict[str, int]:
    """Numbers of the elements that addresses belong to: those with the same alias are one."""
    numbers: dict[str, int] = {}
    named = [*calls.labels("caller_ip").names, *calls.labels("callee_ip").names, *calls.labels("failed_by_ip").names]
    return {ip: numbers.setdefault(config.alias(ip) or ip, len(numbers)) for ip in dict.fromkeys(named)}


def _numbers(calls: Columns, order: Ints, elements: dict[str, int], called: Users, set_up: int) -> Ints:
    """The L_* columns."""
    numbers = np.empty((len(order), L_COLUMNS), dtype=np.int64)
    start, answer, end, bye = (calls.ints(name)[order] for name in ("invite_ts", "answer_ts", "end_ts", "bye_ts"))
    caller, callee = calls.labels("caller_ip"), calls.labels("callee_ip")
    for column, labels in ((L_CALLER, caller), (L_CALLEE, callee)):
        named = [elements[ip] for ip in labels.names]
        numbers[:, column] = np.array([*named, -1], dtype=np.int64)[labels.codes[order]]
    over = np.where(answer != MISSING, np.where(bye != MISSING, bye, end), end)
    first_end = np.where(answer != MISSING, answer, end)
    numbers[:, L_START] = start
    numbers[:, L_END] = np.where(over == MISSING, _NEVER, over + _SLACK)
    numbers[:, L_SET_UP_END] = np.minimum(np.where(first_end == MISSING, _NEVER, first_end), start + set_up)
    numbers[:, L_NETWORK] = calls.ints("network")[order]
    numbers[:, L_ANSWERED] = answer != MISSING
    numbers[:, L_CALLED_VALUE], numbers[:, L_CALLED_DIGITS] = called.values, called.digits
    return numbers
