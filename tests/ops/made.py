"""A made live run: a tally that calls can be added to, and snapshots of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from analyzer.config import Config
from analyzer.registry import load_registry
from analyzer.schema import RegistrationRow, RequestRow, ResponseRow
from analyzer.stats.snapshot import LiveSnapshot, Rates, SourceState
from analyzer.stats.tally import SECOND, Tally
from analyzer.vocab import Family, SourceKind
from tests.stats import made

START = made.START
REGISTRY, CONFIG = load_registry(), Config()


def response(code: int, unique: int, method: str | None = "INVITE", **more: int) -> ResponseRow:
    resends, copies = more.get("resends", 0), more.get("copies", 0)
    family = Family.CLIENT_ERROR if code < 500 else Family.SERVER_ERROR if code < 600 else Family.VENDOR
    return ResponseRow(code, method, family, None, None, unique + resends + copies, unique, resends, copies)


def request(method: str, unique: int, resends: int = 0, copies: int = 0) -> RequestRow:
    return RequestRow(method, unique + resends + copies, unique, resends, copies)


def source(name: str = "eth0", kind: SourceKind = SourceKind.LIVE, trouble: str | None = None, **numbers: int) -> Any:
    counts = {"frames": 0, "octets": 0, "sip_messages": 0, "dropped": 0} | numbers
    return SourceState(capture_no=1, name=name, kind=kind, trouble=trouble, **counts)


class Run:
    """A live run by hand: `add` decides calls, `at` moves the clock, in seconds since the start."""

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally if tally is not None else Tally(REGISTRY, CONFIG)
        self.now_s = 0.0

    def at(self, second: float) -> Run:
        self.now_s = second
        self.tally.tick(self.now_ts)
        return self

    @property
    def now_ts(self) -> int:
        return START + round(self.now_s * SECOND)

    def add(self, count: int, registrations: Mapping[str, int] | None = None, **call: Any) -> Run:
        calls = made.calls(*[call] * count) if count else made.calls()
        rows = [{"outcome": outcome} for outcome, number in (registrations or {}).items() for _ in range(number)]
        self.tally.add(calls, made.table(RegistrationRow, rows), self.now_ts)
        return self

    def snapshot(self, **more: Any) -> LiveSnapshot:
        plain = LiveSnapshot(
            now_ts=self.now_ts,
            start_ts=START,
            sources=[source()],
            rates=Rates(),
            setting_up=0,
            in_call=0,
            lingering=0,
            open_groups=0,
            evicted=0,
            tally=self.tally,
            newest_failures=[],
            responses=[],
            requests=[],
            orphans=0,
            memory_octets=100_000_000,
        )
        return replace(plain, **more)
