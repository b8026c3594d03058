"""What is odd about capture agents: counted exactly, and told in one row a minute for each sender."""

from __future__ import annotations

from collections import Counter

from analyzer.batch import MISSING
from analyzer.issues import IssueNote

#: Rows about the same sender and code are written once in so long.
TOLD_EVERY_NS = 60_000_000_000
#: Senders and codes between two such times that get rows of their own.
TOLD_MOST = 256
#: Why something is not taken, in words, by the reasons that `HepTally.refused` counts.
REASONS = {
    "sender": "not an allowed sender; --hep-from lets it in",
    "key": "not the key of --hep-key-file",
    "rate": "beyond --hep-rate",
    "not_hep": "no HEP",
    "too_long": "longer than a datagram can be",
    "connections": "too many connections",
    "cut": "the connection ended within a packet",
}


class HepTally:
    """Counts and rows; ``refused`` holds what was not taken, by reason."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self._found: dict[tuple[str, str, str], list[int]] = {}
        self._told_ts = MISSING

    def refuse(self, reason: str, sender: str, ts: int) -> None:
        """A packet or a connection is not taken (REASONS)."""
        self.refused[reason] += 1
        self.add("hep.refused", sender, ts, REASONS[reason])

    def clock(self, sender: str, ts: int, off_ns: int) -> None:
        """The time in a packet is not believed: so far ahead of its arrival ``ts``; MISSING when it is no time."""
        if off_ns == MISSING:
            self.add("hep.clock", sender, ts, "it states no time that can be one")
        else:
            self.add("hep.clock", sender, ts, "its clock is {:+} s off", round(off_ns / 10**9))

    def add(self, code: str, sender: str, ts: int, said: str = "", amount: int = 0) -> None:
        """One more; of the ``amount`` the one that is furthest from 0 is told, in the place of ``{}`` in ``said``."""
        key = (code, sender, said)
        if key not in self._found and len(self._found) >= TOLD_MOST:
            key = (code, "others", said)
        found = self._found.setdefault(key, [0, 0, 0])
        found[0] += 1
        found[1] = max(found[1], amount, key=abs)
        found[2] = ts

    def taken(self, ts: int, capture_no: int, at_once: bool = False) -> list[tuple[IssueNote, int]]:
        """The rows and how many observations each stands for, if it is time for them."""
        if not self._found or (not at_once and abs(ts - self._told_ts) < TOLD_EVERY_NS):
            return []
        self._told_ts = ts
        rows = []
        for (code, sender, said), (count, amount, last_ts) in self._found.items():
            detail = f"{sender}: {said.format(amount)}" if said else sender
            rows.append((IssueNote(code, capture_no, last_ts, detail=detail), count))
        self._found = {}
        return rows
