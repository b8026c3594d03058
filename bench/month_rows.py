"""Rows of a made month: who calls whom with which texts, registrations, OPTIONS and what the listener heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.periods import Period
from analyzer.registry import Registry
from analyzer.schema import columns
from analyzer.stats.counting import Mask
from analyzer.tables.slices import Slice
from analyzer.tables.store_tables import STORED
from bench.month_kinds import Fields

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
TRUNK, TRUNK_AGENT = "192.0.2.7", "Carrier-A SBC/4.2"
FIRMWARE, OLD_FIRMWARE = "Acme DP750/2.2", "Acme DP750/2.1"
#: Ways of calls: out by three trunks, in, and from telephone to telephone.
FLOWS = ("out0", "out1", "out2", "in", "internal")
#: `Tries.planted`.
REFUSED, UPDATED = 1, 2
CALLERS, PHONES, STRANGERS, NUMBERS = 1200, 240, 20_000, 30_000
_TRUNKS, _TRUNK_AGENTS = [TRUNK, "198.51.100.9", "203.0.113.5"], [TRUNK_AGENT, "OracleE-SBC/9.2", "Sonus SBC"]
_SBC, _SBC_AGENT = "10.0.0.1", "OurSBC/7.1"
_PBXES = [f"10.0.0.{number}" for number in range(11, 17)]
_PBX_AGENTS = ["Asterisk PBX 20.5", "3CXPhoneSystem 20.0", "FPBX-16.0", "Asterisk PBX 18.9", "Mitel-3300", "PBXact"]
_MODELS = ["Yealink SIP-T46U 108.86", "snomD785/10.1.169", OLD_FIRMWARE, "PolyVVX-VVX_450/6.4"]
_MODEL_SHARES = [0.35, 0.25, 0.25, 0.15]
_PREFIXES = ["+3120", "+3110", "+316", "+49", "+44", "+1", "+32", "+46", "080", "112"]
_PREFIX_SHARES = [0.3, 0.15, 0.25, 0.08, 0.06, 0.05, 0.05, 0.03, 0.028, 0.002]
_ADDRESSES = [*_PBXES, _SBC, *_TRUNKS, *(f"10.1.0.{number + 1}" for number in range(PHONES))]
_AGENTS = [*_PBX_AGENTS, _SBC_AGENT, *_TRUNK_AGENTS, *_MODELS, FIRMWARE]
_INSIDE, _FIRST_TRUNK = len(_PBXES), len(_PBXES) + 1
_FIRST_PHONE = _FIRST_MODEL = _FIRST_TRUNK + len(_TRUNKS)


class Tries(NamedTuple):
    """INVITEs to be: columns of equal length. ``caller`` and ``called``: numbers of persons on their way."""

    ts: Ints
    flow: Ints
    caller: Ints
    called: Ints
    kind: Ints
    planted: Ints

    def take(self, rows: Mask | Ints) -> Tries:
        """Some of them."""
        return Tries(*(column[rows] for column in self))


class Site:
    """Endpoints, programs and persons, and rows of their calls."""

    def __init__(self, registry: Registry, chance: np.random.Generator) -> None:
        self.kinds = Fields(registry)
        self._chance = chance
        self._models: Ints = chance.choice(len(_MODELS), PHONES, p=_MODEL_SHARES).astype(np.int64)
        prefix = chance.choice(len(_PREFIXES), NUMBERS, p=_PREFIX_SHARES).tolist()
        tails = chance.integers(1_000_000, 9_999_999, NUMBERS).tolist()
        callers = [f"sip:+3120{5_550_000 + number}@{_PBXES[number % len(_PBXES)]}" for number in range(CALLERS)]
        self._phones = [f"sip:{200 + number}@pbx.example.net" for number in range(PHONES)]
        strangers = [f"sip:+31{610_000_000 + 37 * number}@carrier.example" for number in range(STRANGERS)]
        dialled = [_dialled(_PREFIXES[one], tail) for one, tail in zip(prefix, tails, strict=True)]
        self._uris = _named([*callers, *self._phones, *strangers, *dialled])

    def is_old(self, phone: Ints) -> Mask:
        """Telephones that the update of the firmware is for."""
        found: Mask = self._models[phone] == _MODELS.index(OLD_FIRMWARE)
        return found

    def calls(self, tries: Tries, run: str) -> Columns:
        """A row of the stored table of calls for each."""
        chance, size = self._chance, len(tries.ts)
        made = self.kinds.of(tries.kind, tries.ts, chance)
        outward, inward = tries.flow < len(_TRUNKS), tries.flow == FLOWS.index("in")
        internal = ~outward & ~inward
        pbx, phone = tries.caller % len(_PBXES), np.where(outward, 0, tries.called)
        calling = np.where(internal, tries.caller, 0)
        caller = np.where(outward, pbx, np.where(inward, _INSIDE, _FIRST_PHONE + calling))
        callee = np.where(outward, _FIRST_TRUNK + tries.flow, _FIRST_PHONE + phone)
        model = _FIRST_MODEL + self._models
        caller_agent = np.where(outward, pbx, np.where(inward, _INSIDE, model[calling]))
        callee_agent = np.where(outward, _FIRST_TRUNK + tries.flow, model[phone])
        callee_agent = np.where(tries.planted == UPDATED, _AGENTS.index(FIRMWARE), callee_agent)
        speaks, charged = (self.kinds.flag(name)[tries.kind] for name in ("speaks", "is_charged"))
        made["caller_ip"] = Labels(caller.astype(np.int32), _ADDRESSES)
        made["callee_ip"] = Labels(callee.astype(np.int32), _ADDRESSES)
        made["failed_by_ip"] = Labels(np.where(charged, callee, -1).astype(np.int32), _ADDRESSES)
        made["caller_agent"] = Labels(caller_agent.astype(np.int32), _AGENTS)
        made["callee_agent"] = Labels(np.where(speaks, callee_agent, -1).astype(np.int32), _AGENTS)
        asks = (tries.planted == REFUSED) & (chance.random(size) < 0.6)
        made["retry_after_s"] = np.where(asks, chance.choice([5, 10, 30], size), MISSING)
        person = np.where(outward, 0, np.where(inward, CALLERS + PHONES, CALLERS)) + tries.caller
        made["from_uri"] = self._uris(person)
        made["to_uri"] = made["request_uri"] = self._uris(
            np.where(outward, CALLERS + PHONES + STRANGERS, CALLERS) + tries.called
        )
        made["call_id"] = _hexadecimal(chance, size, 24, b"@call.example")
        for name, digits in (("from_tag", 8), ("to_tag", 8), ("call_key", 32)):
            made[name] = _hexadecimal(chance, size, digits)
        for name in ("session_id", "linked_id", "sdp_origin", "relayed_by"):
            made[name] = Texts(np.zeros(1, np.uint8), np.zeros(size, np.int64), np.full(size, -1, np.int32))
        made["run"] = _same(run, size)
        made["call_no"] = np.arange(1, size + 1, dtype=np.int64)
        made["capture_no"] = np.ones(size, dtype=np.int64)
        made["frame_no"] = np.cumsum(made["messages"], dtype=np.int64)
        return _table("calls", made, size)

    def registrations(self, period: Period, rows: int) -> Columns:
        """Registrations of telephones, some of them refused."""
        chance = self._chance
        ts = np.sort(chance.integers(period.from_ts, period.to_ts, rows))
        phone, kind = chance.integers(0, PHONES, rows), chance.choice(3, rows, p=[0.97, 0.025, 0.005])
        took = (chance.lognormal(3.5, 0.4, rows) * 1e6).astype(np.int64)
        addresses = _ADDRESSES[_FIRST_PHONE:]
        contacts = [f"sip:{200 + number}@{address}" for number, address in enumerate(addresses)]
        made: dict[str, AnyColumn] = {
            "registration_no": np.arange(1, rows + 1, dtype=np.int64),
            "capture_no": np.ones(rows, dtype=np.int64),
            "call_id": _hexadecimal(chance, rows, 16),
            "aor": _named(self._phones)(phone),
            "contact_uri": _named(contacts)(phone),
            "network": np.full(rows, MISSING),
            "client_ip": Labels(phone.astype(np.int32), addresses),
            "registrar_ip": _same(_SBC, rows),
            "user_agent": Labels(self._models[phone].astype(np.int32), _MODELS),
            "request_ts": ts,
            "final_ts": np.where(kind < 2, ts + took, MISSING),
            "status_code": np.array([200, 403, MISSING])[kind],
            "outcome": Labels(kind.astype(np.int32), ["registered", "rejected", "timed_out"]),
            "expires_s": np.full(rows, 600),
            "attempts": np.where(kind == 0, 2, 1),
            "challenges": np.where(kind == 0, 1, 0),
            "rrd_ms": np.where(kind == 0, took / 1e6, np.nan),
            "registration_key": _hexadecimal(chance, rows, 32),
            "run": _same("made-1", rows),
        }
        return _table("registrations", made, rows)


def options(period: Period) -> Columns:
    """OPTIONS of ours to every trunk, an hour a row."""
    begins = np.arange(period.from_ts, period.to_ts, HOUR)
    rows = len(begins) * len(_TRUNKS)
    made: dict[str, AnyColumn] = {
        "method": _same("OPTIONS", rows),
        "in_dialog": np.zeros(rows, dtype=np.bool_),
        "network": np.full(rows, MISSING),
        "client_ip": _same(_SBC, rows),
        "server_ip": Labels(np.tile(np.arange(len(_TRUNKS), dtype=np.int32), len(begins)), _TRUNKS),
        "status_code": np.full(rows, 200),
        "ended_by": _same("final", rows),
        "transactions": np.full(rows, 60),
        "last_ts": np.repeat(begins + 59 * 60 * SECOND, len(_TRUNKS)),
        "run": _same("made-1", rows),
    }
    return _table("others", made, rows)


def intervals(period: Period, calls: Columns) -> Columns:
    """One listener that heard everything, an hour a row."""
    begins = np.arange(period.from_ts, period.to_ts, HOUR)
    rows = len(begins)
    hour = (calls.ints("invite_ts") - period.from_ts) // HOUR
    messages = np.bincount(hour, weights=calls.ints("messages"), minlength=rows).astype(np.int64)
    made: dict[str, AnyColumn] = {
        "source": _same("eth0", rows),
        "kind": _same("live", rows),
        "from_ts": begins,
        "to_ts": np.minimum(begins + HOUR, period.to_ts),
        "frames": messages,
        "octets": messages * 700,
        "sip_messages": messages,
        **{name: np.zeros(rows, dtype=np.int64) for name in ("dropped", "open_calls", "evicted", "unstored")},
        "run": _same("made-1", rows),
    }
    return _table("intervals", made, rows)


def later(part: Slice, period: Period) -> Slice:
    """The same rows once more, in another period of the same length."""
    shift, tables = period.from_ts - part.period.from_ts, {}
    for name, table in part.tables.items():
        moved: dict[str, AnyColumn] = {}
        for key in table:
            column = table[key]
            is_time = key.endswith("_ts") and isinstance(column, np.ndarray)
            moved[key] = np.where(column != MISSING, column + shift, MISSING) if is_time else column
        tables[name] = Columns(table.row_type, moved, len(table))
    return Slice(period, tables)


def _table(name: str, made: dict[str, AnyColumn], rows: int) -> Columns:
    row_type = STORED[name].row_type
    return Columns(row_type, {column.name: made[column.name] for column in columns(row_type)}, rows)


def _dialled(prefix: str, tail: int) -> str:
    return f"sip:{prefix if prefix == '112' else f'{prefix}{tail}'}@carrier.example"


def _same(text: str, rows: int) -> Labels:
    return Labels(np.zeros(rows, dtype=np.int32), [text])


def _hexadecimal(chance: np.random.Generator, rows: int, digits: int, behind: bytes = b"") -> Texts:
    octets = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)[chance.integers(0, 16, (rows, digits), dtype=np.uint8)]
    ending = np.broadcast_to(np.frombuffer(behind, dtype=np.uint8), (rows, len(behind)))
    width = digits + len(behind)
    starts = np.arange(rows, dtype=np.int64) * width
    return Texts(np.hstack([octets, ending]).ravel(), starts, np.full(rows, width, dtype=np.int32))


def _named(names: Sequence[str]) -> Callable[[Ints], Texts]:
    """A maker of text columns out of names, which are stored once."""
    coded = [name.encode() for name in names]
    octets = np.frombuffer(b"".join(coded), dtype=np.uint8)
    lengths = np.array(list(map(len, coded)), dtype=np.int32)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    return lambda which: Texts(octets, starts[which], lengths[which])
