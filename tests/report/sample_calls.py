"""The calls of the sample report, and what strangers write into headers."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from analyzer.periods import parsed_week
from analyzer.report.lines import CallRef, Count
from analyzer.vocab import CauseFrom, Outcome

ZONE = ZoneInfo("Europe/Amsterdam")
WEEK = parsed_week("2026-W46", ZONE)
#: What strangers write into headers, user parts and device names.
HOSTILE = (
    "<script>window.pwned=1</script>",
    "\"><img src=x onerror='window.pwned=1'>",
    "</style></script><b>bold</b>]]>&amp;&lt;",
    "name\u202egnp.exe\u2066\x00\x1b[31m",
    "{{ 7*7 }}{% raw %}${7*7}`'",
    "javascript:window.pwned=1//",
)
CALLS = 60


def at(weekday: int, hour: int, minute: int = 0, second: int = 0) -> int:
    """A moment of the week, ns."""
    day = WEEK.days[weekday]
    return int(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE).timestamp()) * 10**9


def key(number: int) -> str:
    """The key of a call of the sample."""
    return f"{number:032x}"


def count(calls: int, first: int = 0, choice: str = "") -> Count:
    """A number with up to five of the sample's calls."""
    return Count(calls, tuple(key((first + n) % CALLS) for n in range(min(calls, 5))), choice)


def call(number: int) -> CallRef:
    """One call of the sample; those below six have a hostile text wherever a stranger writes one."""
    strange = HOSTILE[number] if number < len(HOSTILE) else None
    is_firmware = number % 3 == 0
    return CallRef(
        key=key(number),
        call_id=strange or f"{number:08x}-7f3a@192.0.2.{number}",
        invite_ts=at(1 + number % 5, 14, number, number) + 123_456_789,
        a_number=strange or f"+3120555{number:04d}",
        b_number=strange or f"+4930777{number:04d}",
        carrier=strange or ("Carrier A" if number % 2 else None),
        caller_ip="192.0.2.10",
        callee_ip="198.51.100.7" if is_firmware else "192.0.2.7",
        outcome=Outcome.BUSY if is_firmware else Outcome.FAILED,
        outcome_rule="trunk_busy" if is_firmware else "service_unavailable",
        status_code=486 if is_firmware else 503,
        vendor=None,
        cause=34,
        cause_from=CauseFrom.REASON,
        cause_conflict=is_firmware,
        failed_by_ip="198.51.100.7" if is_firmware else "192.0.2.7",
        failed_code=486 if is_firmware else 503,
        caller_agent=strange or "Asterisk PBX 18.1",
        callee_agent=strange or ("Acme GW 4.2.1" if is_firmware else None),
        source=strange or "monday.pcapng",
        frame_no=None if number == 7 else 1000 + number,
    )
