"""Made snapshots of a live run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyzer.batch import Columns
from analyzer.config import Aliases, Config
from analyzer.config_entries import Settings
from analyzer.registry import load_registry
from analyzer.schema import RegistrationRow
from analyzer.stats.snapshot import LiveSnapshot, Rates, SourceState
from analyzer.stats.tally import Tally
from analyzer.vocab import SourceKind
from tests.stats.made import SECOND, START, calls, empty

REGISTRY = load_registry()
CONFIG = Config(Settings(timezone="UTC", aliases=Aliases(endpoints={"198.51.100.7": "Carrier A"})))
NOW = START + 7200 * SECOND

ANSWERED: dict[str, Any] = {"status_code": 200, "family": "success", "callee_ip": "198.51.100.7"}
BUSY: dict[str, Any] = {
    "outcome": "busy", "status_code": 486, "cause": 17, "cause_from": "profile", "fault": "user",
    "family": "client_error",
}  # fmt: skip
TRUNK: dict[str, Any] = {
    "outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason", "fault": "network",
    "failed_by_ip": "198.51.100.7", "callee_ip": "198.51.100.7", "family": "server_error",
    "end_ts": NOW - 5 * SECOND,
}  # fmt: skip
HOSTILE = "\x1b[2J\x1b]0 owned\x07\u202e\n\r\t\x9b31m電話" * 20


def source(name: str = "eth0", **given: Any) -> SourceState:
    """A listener that is well."""
    usual: dict[str, Any] = {
        "capture_no": 1, "name": name, "kind": SourceKind.LIVE, "frames": 40_000, "octets": 9_000_000,
        "sip_messages": 1_200, "dropped": 0, "trouble": None,
    }  # fmt: skip
    return SourceState(**{**usual, **given})


def tally(*decided: tuple[int, Sequence[Mapping[str, Any]]], now: int = NOW) -> Tally:
    """Calls that were decided so many seconds ago."""
    made = Tally(REGISTRY, CONFIG)
    for ago, rows in sorted(decided, key=lambda part: -part[0]):
        made.add(calls(*rows), empty(RegistrationRow), now - ago * SECOND)
    made.tick(now)
    return made


#: Of the last minute, the hour before, and before that.
USUAL = ((5, [ANSWERED, ANSWERED, TRUNK, BUSY]), (600, [TRUNK, ANSWERED]), (7000, [BUSY, TRUNK, ANSWERED]))


def snapshot(decided: Tally | None = None, **given: Any) -> LiveSnapshot:
    """A run of two hours that does well; what is given is another."""
    made = decided or tally(*USUAL)
    usual: dict[str, Any] = {
        "now_ts": NOW, "start_ts": START, "sources": [source()], "rates": Rates(4012.0, 3e6, 120.4, 3.21),
        "setting_up": 12, "in_call": 340, "lingering": 3, "open_groups": 400, "evicted": 0, "tally": made,
        "newest_failures": list(failed().rows()), "responses": [], "requests": [], "orphans": 0,
        "memory_octets": 132_000_000,
    }  # fmt: skip
    return LiveSnapshot(**{**usual, **given})


def failed(count: int = 1, **given: Any) -> Columns:
    """Calls that failed."""
    return calls(*[{**TRUNK, **given}] * count)


def nothing(**given: Any) -> LiveSnapshot:
    """A run that has not heard anything."""
    quiet = source(frames=0, octets=0, sip_messages=0)
    usual: dict[str, Any] = {
        "sources": [quiet], "rates": Rates(), "setting_up": 0, "in_call": 0, "newest_failures": [],
    }  # fmt: skip
    return snapshot(tally(), **{**usual, **given})


def troubled(**given: Any) -> LiveSnapshot:
    """Everything goes wrong, and strangers write what they like."""
    rows = [
        {**TRUNK, "failed_by_ip": f"198.51.100.{n}", "callee_ip": f"198.51.100.{n}", "status_code": 500 + n % 9}
        for n in range(30)
    ]
    usual: dict[str, Any] = {
        "sources": [
            source("eth0", dropped=1_234, trouble="is down"),
            *(source(f"hep:0.0.0.0:906{n}", capture_no=n) for n in range(2, 9)),
        ],
        "newest_failures": list(failed(50, from_uri=f"sip:{HOSTILE}@x", to_uri=f"sip:{HOSTILE}@y").rows()),
        "evicted": 7, "queue_dropped": 5, "store": "/var/lib/sipcause",
        "store_trouble": "No space left on device", "frames_file": "0003.pcapng",
        "notices": ((NOW - 10 * SECOND, f"eth0 is down {HOSTILE}"),), "alerts": ("SER < 0.9 over 15m",),
    }  # fmt: skip
    return snapshot(tally((5, rows), (600, rows)), **{**usual, **given})
