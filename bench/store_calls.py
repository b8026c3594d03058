"""Made rows of a store, millions of them: texts as the wire has them, codes, causes and endpoints that fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer import schema
from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.findings import BranchRow, IntervalRow, TrafficRow
from analyzer.schema import CallRow, Kind, RegistrationRow
from analyzer.vocab import Outcome

SECOND = 1_000_000_000
#: Outcome, status code, cause, where that comes from, family, share of the calls.
ENDINGS: tuple[tuple[Outcome, int, int, str | None, str, float], ...] = (
    (Outcome.ANSWERED, 200, MISSING, None, "success", 0.62),
    (Outcome.BUSY, 486, 17, "reason", "client_error", 0.09),
    (Outcome.CANCELLED, 487, 16, "profile", "client_error", 0.10),
    (Outcome.NO_ANSWER, 480, 19, "reason", "client_error", 0.05),
    (Outcome.INVALID_NUMBER, 404, 1, "profile", "client_error", 0.04),
    (Outcome.REJECTED, 503, 34, "reason", "server_error", 0.03),
    (Outcome.REJECTED, 503, 41, "profile", "server_error", 0.02),
    (Outcome.REJECTED, 488, 65, "profile", "client_error", 0.01),
    (Outcome.FAILED, 500, 41, "profile", "server_error", 0.01),
    (Outcome.TIMED_OUT, 408, 102, "profile", "client_error", 0.01),
    (Outcome.DECLINED, 603, 21, "reason", "global_failure", 0.015),
    (Outcome.OPEN, MISSING, MISSING, None, "", 0.005),
)
_SHARES = np.array([ending[-1] for ending in ENDINGS])
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
PHONES = [f"192.0.2.{n}" for n in range(1, 200)]
TRUNKS = [f"198.51.100.{n}" for n in range(1, 13)]
AGENTS = [
    "Yealink SIP-T46S 66.86.0.15",
    "snomD785/10.1.141.13",
    "Asterisk PBX 20.5.0",
    "Cisco-SIPGateway/IOS-15.4",
    None,
]


def texts(*parts: bytes | NDArray[np.uint8]) -> Texts:
    """Texts of one width: each a row of all parts, which are constant or have a row for each text."""
    count = next(len(part) for part in parts if not isinstance(part, bytes))
    columns = [
        np.broadcast_to(np.frombuffer(part, np.uint8), (count, len(part))) if isinstance(part, bytes) else part
        for part in parts
    ]
    whole = np.concatenate(columns, axis=1)
    width = whole.shape[1]
    return Texts(whole.ravel(), np.arange(count) * width, np.full(count, width, dtype=np.int32))


def call_rows(chance: np.random.Generator, times: Ints) -> Columns:
    """A call for each time of its first INVITE."""
    count = len(times)
    ending = chance.choice(len(ENDINGS), count, p=_SHARES / _SHARES.sum())

    def hexadecimal(width: int) -> NDArray[np.uint8]:
        return _HEX[chance.integers(0, 16, (count, width))]

    def number() -> tuple[bytes, NDArray[np.uint8], bytes]:
        return b"sip:+3120", (chance.integers(48, 58, (count, 7))).astype(np.uint8), b"@voip.example.com"

    def of(values: list[Any], codes: Any) -> Labels:
        names = sorted({value for value in values if value})
        table = np.array([names.index(value) if value else -1 for value in values], dtype=np.int32)
        return Labels(table[codes], names)

    from_user, to_user = number(), number()
    failed = ~np.isin(ending, [0, len(ENDINGS) - 1])
    answered = ending == 0
    status = np.array([one[1] for one in ENDINGS])[ending]
    callee = chance.choice(len(TRUNKS), count, p=np.arange(12, 0, -1) / 78)
    ring, talk = (chance.integers(SECOND, n * SECOND, count) for n in (20, 400))
    none = np.full(count, MISSING)
    made: dict[str, AnyColumn] = {
        "call_no": np.arange(1, count + 1),
        "capture_no": np.ones(count, dtype=np.int64),
        "frame_no": np.arange(1, count + 1) * 9,
        "call_id": texts(hexadecimal(32), b"@192.0.2.77"),
        "from_tag": texts(hexadecimal(10)),
        "to_tag": texts(hexadecimal(10)),
        "from_uri": texts(*from_user),
        "to_uri": texts(*to_user),
        "request_uri": texts(*to_user),
        "caller_ip": of(PHONES, chance.integers(0, len(PHONES), count)),
        "callee_ip": of(TRUNKS, callee),
        "caller_agent": of(AGENTS, chance.integers(0, len(AGENTS), count)),
        "callee_agent": of(AGENTS, chance.integers(0, len(AGENTS), count)),
        "invite_ts": times,
        "progress_ts": times + SECOND // 10,
        "alert_ts": np.where(answered, times + SECOND, none),
        "answer_ts": np.where(answered, times + ring, none),
        "ack_ts": np.where(answered, times + ring + SECOND // 50, none),
        "bye_ts": np.where(answered, times + ring + talk, none),
        "end_ts": times + ring + np.where(answered, talk, 0),
        "status_code": status,
        "outcome": of([one[0].value for one in ENDINGS], ending),
        "outcome_rule": of([f"status_{one[1]}" for one in ENDINGS], ending),
        "family": of([one[4] for one in ENDINGS], ending),
        "cause": np.array([one[2] for one in ENDINGS])[ending],
        "cause_from": of([one[3] for one in ENDINGS], ending),
        "failed_by_ip": of([*TRUNKS, None], np.where(failed, callee, len(TRUNKS))),
        "failed_code": np.where(failed, status, none),
        "cause_profile": of(["rfc3398"], np.zeros(count, dtype=np.int64)),
        "state": of(["completed", "rejected"], failed.astype(np.int64)),
        "fault": of(["none", "network"], failed.astype(np.int64)),
        "failed_side": of(["unknown"], np.zeros(count, dtype=np.int64)),
        "messages": np.where(answered, 9, 6),
        "attempts": np.ones(count, dtype=np.int64),
        "answers": answered.astype(np.int64),
        "hops": np.ones(count, dtype=np.int64),
        "srd_ms": np.where(answered, 1000.0, np.nan),
        "pdd_ms": np.where(answered, chance.lognormal(6.5, 0.6, count), np.nan),
        "sdt_s": np.where(answered, talk / SECOND, np.nan),
        "ring_s": np.where(answered, ring / SECOND, np.nan),
    }
    return filled(CallRow, made, count)


def branch_rows(chance: np.random.Generator, calls: Columns) -> Columns:
    """An INVITE transaction for every third call."""
    chosen = np.flatnonzero(chance.random(len(calls)) < 0.34)
    some = calls.take(chosen)
    made: dict[str, AnyColumn] = {
        "call_no": some.ints("call_no"),
        "transaction_no": some.ints("call_no") * 3,
        "attempt": np.ones(len(chosen), dtype=np.int64),
        "client_ip": some.labels("caller_ip"),
        "server_ip": some.labels("callee_ip"),
        "request_ts": some.ints("invite_ts") + 1,
        "status_code": some.ints("status_code"),
        "fate": Labels(np.zeros(len(chosen), dtype=np.int32), ["decided"]),
    }
    return filled(BranchRow, made, len(chosen))


def registration_rows(chance: np.random.Generator, times: Ints) -> Columns:
    """A registration that was accepted for each time."""
    count = len(times)
    made: dict[str, AnyColumn] = {
        "registration_no": np.arange(1, count + 1),
        "capture_no": np.ones(count, dtype=np.int64),
        "call_id": texts(_HEX[chance.integers(0, 16, (count, 32))]),
        "aor": texts(b"sip:+3120", chance.integers(48, 58, (count, 7)).astype(np.uint8), b"@voip.example.com"),
        "client_ip": Labels(chance.integers(0, len(PHONES), count).astype(np.int32), PHONES),
        "registrar_ip": Labels(np.zeros(count, dtype=np.int32), ["192.0.2.77"]),
        "request_ts": times,
        "status_code": np.full(count, 200),
        "outcome": Labels(np.zeros(count, dtype=np.int32), ["registered"]),
        "attempts": np.full(count, 2),
        "challenges": np.ones(count, dtype=np.int64),
    }
    return filled(RegistrationRow, made, count)


def traffic_rows(hour_ts: int, calls: int) -> Columns:
    """Messages of one hour by code, method and maker."""
    codes = sorted({one[1] for one in ENDINGS if one[1] != MISSING} | {100, 180, 183, 401, 407})
    made: dict[str, AnyColumn] = {
        "hour_ts": np.full(len(codes), hour_ts),
        "status_code": np.array(codes),
        "method": Labels(np.zeros(len(codes), dtype=np.int32), ["INVITE"]),
        "unique": np.full(len(codes), calls),
    }
    return filled(TrafficRow, made, len(codes))


def interval_rows(from_ts: int, to_ts: int, every: int) -> Columns:
    """A live source that is told of ever so often, ns."""
    starts = np.arange(from_ts, to_ts, every)
    made: dict[str, AnyColumn] = {
        "source": Labels(np.zeros(len(starts), dtype=np.int32), ["eth0"]),
        "kind": Labels(np.zeros(len(starts), dtype=np.int32), ["live"]),
        "from_ts": starts,
        "to_ts": np.minimum(starts + every, to_ts),
        "frames": np.full(len(starts), 1000),
        "sip_messages": np.full(len(starts), 900),
    }
    return filled(IntervalRow, made, len(starts))


def filled(row_type: type[Any], made: dict[str, AnyColumn], count: int) -> Columns:
    """The columns of a row type: those made, and for the others nothing, no and 0."""
    for column in schema.columns(row_type):
        if column.name in made:
            continue
        if column.kind is Kind.LABEL:
            made[column.name] = Labels(np.full(count, -1, dtype=np.int32), [])
        elif column.kind is Kind.TEXT:
            nothing = np.zeros(count, dtype=np.int64)
            made[column.name] = Texts(np.empty(0, np.uint8), nothing, np.full(count, -1, dtype=np.int32))
        elif column.kind is Kind.FLAG:
            made[column.name] = np.zeros(count, dtype=np.bool_)
        elif column.kind is Kind.REAL:
            made[column.name] = np.full(count, np.nan)
        else:
            made[column.name] = np.full(count, MISSING if column.optional else 0, dtype=np.int64)
    return Columns(row_type, made, count)
