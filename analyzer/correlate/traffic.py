"""Messages counted by code and method: messages = unique + resends + copies (docs/counting.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from analyzer.batch import (
    D_COPY,
    D_TS,
    M_CSEQ_METHOD,
    M_METHOD,
    M_STATUS,
    METHOD_UNLISTED,
    MISSING,
    S_AGENT,
    Ints,
    MessageBatch,
    Octets,
)
from analyzer.correlate.layout import COPY, RESEND, UNIQUE
from analyzer.correlate.rules import Rules, family_numbers
from analyzer.registry.entries import family_of
from analyzer.schema import RequestRow, ResponseRow
from analyzer.vocab import Family

#: The timeline's buckets begin at a minute; when there are too many they are joined in pairs.
MINUTE = 60_000_000_000
MAX_BUCKETS = 20_000
_MAX_RARE = 20_000


class Traffic:
    """Counts messages. ``counts`` is filled by the step kernel; codes and methods that it leaves out, here.

    A response with a code from 700, or one that no registry lists, is counted with the code pack that its User-Agent or
    Server points to.
    """

    def __init__(self, rules: Rules, methods: Sequence[str], timeline: bool = False) -> None:
        self._rules = rules
        self._methods = methods
        self.counts = np.zeros((1000, 16, 3), dtype=np.int64)
        self._counted = 0  # by the kernel, so far
        self.special: Octets = rules.special.astype(np.uint8)
        self.special[0] = 0  # requests are counted under it
        self._rare: Counter[tuple[int, int, str | None, int]] = Counter()
        self.timeline_bucket_ns = MINUTE
        self._timeline: Counter[int] | None = Counter() if timeline else None

    def receive(self, batch: MessageBatch, links: Ints) -> None:
        """Count what the kernel left out, and the responses over time where that is asked for."""
        counted = int(self.counts.sum())
        left_out = len(batch) - (counted - self._counted)
        self._counted = counted
        numbers = batch.numbers
        status = numbers[:, M_STATUS]
        if self._timeline is not None:
            self._over_time(numbers, status)
        if not left_out:
            return
        method = np.where(numbers[:, M_METHOD] > 0, numbers[:, M_METHOD], numbers[:, M_CSEQ_METHOD])
        none = (status == 0) & (numbers[:, M_METHOD] == 0)
        rare = (self.special[status] != 0) & (status > 0) | (method >= METHOD_UNLISTED) | none
        if rare.any():
            kind = np.where(numbers[:, D_COPY] != 0, COPY, np.where(links[:, 0] != MISSING, RESEND, UNIQUE))
            for row in np.flatnonzero(rare).tolist():
                self._count(batch, row, int(status[row]), int(method[row]), int(kind[row]))

    def _count(self, batch: MessageBatch, row: int, status: int, method: int, kind: int) -> None:
        vendor = None
        is_request = batch.numbers[row, M_METHOD] > 0
        if not is_request and self.special[status] and self._rules.counts("vendor_codes"):
            agent = batch.text(row, S_AGENT)
            maker = self._rules.registry.vendor_of_agent(agent) if agent else None
            vendor = maker.name if maker else None
        key = (-1 if is_request else status, method, vendor, kind)
        if key not in self._rare and len(self._rare) >= _MAX_RARE:
            key = (key[0], METHOD_UNLISTED, None, kind)
        self._rare[key] += 1

    def _over_time(self, numbers: Ints, status: Ints) -> None:
        responses = (numbers[:, M_METHOD] == 0) & (status >= 100) & (numbers[:, D_COPY] == 0)
        family = family_numbers(status[responses])
        keys = (numbers[responses, D_TS] // self.timeline_bucket_ns) * 8 + family
        assert self._timeline is not None
        for key, count in zip(*(a.tolist() for a in np.unique(keys, return_counts=True)), strict=True):
            self._timeline[key] += count
        while len(self._timeline) > MAX_BUCKETS:
            self.timeline_bucket_ns *= 2
            joined: Counter[int] = Counter()
            for key, count in self._timeline.items():
                joined[(key >> 4) * 8 + (key & 7)] += count
            self._timeline = joined

    @property
    def family_timeline(self) -> dict[Family, tuple[Ints, Ints]]:
        """Responses over time by family: (start of each bucket in ns, count), without empty buckets."""
        found: dict[Family, list[tuple[int, int]]] = {}
        families = list(Family)
        for key, count in sorted((self._timeline or {}).items()):
            found.setdefault(families[key & 7], []).append(((key >> 3) * self.timeline_bucket_ns, count))
        return {
            family: (np.array([at for at, _ in rows]), np.array([n for _, n in rows]))
            for family, rows in found.items()
        }

    def _rows(self) -> dict[tuple[int, str | None, str | None], list[int]]:
        """Messages by (status, -1 = request; method; vendor): unique, resends, copies."""
        rows: dict[tuple[int, str | None, str | None], list[int]] = {}
        for status, method, kind in np.argwhere(self.counts).tolist():
            key = (status or -1, self._methods[method] or None, None)
            rows.setdefault(key, [0, 0, 0])[kind] += int(self.counts[status, method, kind])
        for (status, method, vendor, kind), count in self._rare.items():
            rows.setdefault((status, self._methods[method] or None, vendor), [0, 0, 0])[kind] += count
        return rows

    def responses(self) -> list[ResponseRow]:
        """Responses by (code, CSeq method, vendor), most first, then by code and method."""
        found = []
        for (status, method, vendor), counts in self._rows().items():
            if status < 0:
                continue
            guess = None
            if vendor is None and self._rules.special[status]:
                packs = dict.fromkeys(code.vendor for code in self._rules.registry.vendor_codes(status))
                guess = " ".join(packs) or None
            found.append(ResponseRow(status, method, family_of(status), vendor, guess, sum(counts), *counts))
        return sorted(found, key=lambda r: (-r.messages, r.status_code, r.method or "", r.vendor or ""))

    def requests(self) -> list[RequestRow]:
        """Requests by method, most first, then by name."""
        found = [
            RequestRow(method or "", sum(counts), *counts)
            for (status, method, _), counts in self._rows().items()
            if status < 0
        ]
        return sorted(found, key=lambda r: (-r.messages, r.method))
