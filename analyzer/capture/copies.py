"""Packets that a capture holds more than once, told from what was really sent again.

Mirror ports show a packet at its entry and at its exit, the ``any`` device before and behind a bridge or a bond, taps
on both ends of a link, a capture agent in its own packets. Counted as they stand they would be twice the calls, or
resends that nobody sent. A copy is (docs/counting.md)

- the same octets between the same addresses and ports within 10 ms, with the same IP identification that is not 0
  (IPv6: without one, within 1 ms),
- or a repeat within 10 ms that the capture's own pattern explains: at least 90 % of the messages of one *channel*
  (capture, interface, network, HEP) stand in another as well, or come more than once. Different IP identifications
  are never a copy, whatever the pattern: that is a retransmission.

The pattern is measured over the first messages, which are held back for that long, and then further with every
message. Everything is told by the number of messages and the capture's time, so that it does not matter how
they were cut into batches.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np

from analyzer.batch import D_LENGTH, D_OFFSET, MISSING, Datagrams, Ints
from analyzer.capture import copy_kernels as ck
from analyzer.capture import packet_kernels as packets
from analyzer.capture import pair_kernels as pk
from analyzer.issues import IssueLog, IssueNote


class Channel(NamedTuple):
    """Where messages of a capture come from. ``network`` is as it was captured: VLAN or VNI, None without one."""

    capture_no: int
    interface_no: int
    network: int | None
    is_hep: bool


class Verdict(NamedTuple):
    """One channel repeats another (or itself).

    ``copies`` messages of ``repeating`` were captured before, in ``original``, ``lag_ns`` earlier in the median. With
    ``is_mutual`` either channel repeats the other, whichever was first. ``is_pattern`` says that nearly all
    of one of the two does so; ``messages`` is how many ``repeating`` has.
    """

    original: Channel
    repeating: Channel
    copies: int
    messages: int
    lag_ns: int
    is_mutual: bool
    is_pattern: bool


class Copies:
    """Marks copies (D_COPY) and joins the networks (D_NETWORK) of what is captured more than once.

    Feed it datagrams in the timeline's order; what comes back is ready, in the same order, its rows changed in place.
    With ``keep`` nothing is changed, only measured. Hostile input never raises; memory is bounded.
    """

    def __init__(self, issues: IssueLog, keep: bool = False) -> None:
        self.keep = keep
        self._issues = issues
        self._held: list[Datagrams] = []
        self._is_holding = True
        self._seeds = np.frombuffer(secrets.token_bytes(24), dtype=np.uint64) | np.array([0, 0, 1], np.uint64)
        self._state = np.zeros(pk.ST_COLUMNS, dtype=np.int64)
        self._channels = np.zeros((pk.CHANNELS, pk.CH_COLUMNS), dtype=np.int64)
        self._nodes = np.zeros((pk.CHANNELS, pk.NODE_COLUMNS), dtype=np.int64)
        self._packets = np.zeros((packets.PACKETS, packets.P_COLUMNS), dtype=np.int64)
        self._heads = np.zeros(packets.HEADS, dtype=np.int64)
        self._pair_of = np.zeros((pk.CHANNELS, pk.CHANNELS), dtype=np.int64)
        self._pairs = np.zeros((pk.PAIRS, pk.PAIR_COLUMNS), dtype=np.int64)

    def receive(self, datagrams: Datagrams) -> list[Datagrams]:
        """Take datagrams; returns what is ready: nothing while the pattern is being measured.

        What is held back is copied, so ``datagrams`` need not outlive the call unless it is returned.
        """
        if not len(datagrams.rows):
            return []
        if not self._is_holding:
            self._watch(datagrams, ck.MEASURE | ck.MARK)
            return [datagrams]
        octets, rows = datagrams
        end = self._watch(datagrams, ck.MEASURE)
        self._held.append(_copied(Datagrams(octets, rows[:end])))
        if not self._state[ck.ST_ENOUGH]:
            return []
        ready = self._released(is_short=False)
        return [*ready, *self.receive(Datagrams(octets, rows[end:]))]

    def measured(self) -> list[Datagrams]:
        """End the measuring for want of messages; returns what was held back. What comes later is not held."""
        return self._released(is_short=True) if self._is_holding else []

    def close(self) -> list[Datagrams]:
        """What was still held back; the verdicts become issues."""
        ready = self.measured()
        for verdict in self.verdicts:
            what = "kept" if self.keep else "left out"
            detail = (
                f"{verdict.copies} messages {what}: {channel_text(verdict.repeating)} repeats "
                f"{channel_text(verdict.original)}, {verdict.lag_ns / 1000:g} µs apart"
            )
            capture_no = verdict.repeating.capture_no
            self._issues.add(IssueNote("capture.copies", capture_no, detail=detail), verdict.copies)
        return ready

    @property
    def verdicts(self) -> list[Verdict]:
        """What repeats what, most copies first; complete once all is closed."""
        found: dict[frozenset[Channel], list[Ints]] = {}
        for pair in self._pairs[: self._state[pk.ST_PAIRS]]:
            if pair[pk.PAIR_LOW_COPIES] or pair[pk.PAIR_HIGH_COPIES]:
                channels = frozenset(self._channel(pair[side]) for side in (pk.PAIR_LOW, pk.PAIR_HIGH))
                found.setdefault(channels, []).append(pair)
        verdicts = [self._verdict(pairs) for pairs in found.values()]
        return sorted(verdicts, key=lambda verdict: -verdict.copies)

    @property
    def copies(self) -> int:
        """Copies so far, those among them that no verdict tells of because there are too many channels."""
        counted = self._pairs[:, [pk.PAIR_LOW_COPIES, pk.PAIR_HIGH_COPIES]].sum()
        return int(counted + self._state[pk.ST_UNPAIRED])

    # ---------------------------------------------------------------------------------------------------------------

    def _watch(self, datagrams: Datagrams, doing: int) -> int:
        return ck.watch(
            datagrams.octets, datagrams.rows, 0, doing, self.keep, self._seeds, self._state, self._channels,
            self._nodes, self._packets, self._heads, self._pair_of, self._pairs,
        )  # fmt: skip

    def _released(self, is_short: bool) -> list[Datagrams]:
        """What was held back, looked at once more now that the pattern is known."""
        self._is_holding = False
        pk.settle(is_short, self._channels, self._nodes, self._pairs, self._state)
        self._state[packets.ST_PACKETS] = 0
        self._heads[:] = 0
        ready, self._held = self._held, []
        for datagrams in ready:
            self._watch(datagrams, ck.MARK)
        return ready

    def _verdict(self, pairs: list[Ints]) -> Verdict:
        """What is said of two channels; there are several pairs where streams or fragments are among the messages."""
        copies: dict[Channel, int] = {}
        numbers: set[int] = set()
        for pair in pairs:
            for side, count in ((pk.PAIR_LOW, pk.PAIR_LOW_COPIES), (pk.PAIR_HIGH, pk.PAIR_HIGH_COPIES)):
                channel = self._channel(pair[side])
                copies[channel] = copies.get(channel, 0) + int(pair[count])
                numbers.add(int(pair[side]))
        by_copies = sorted(copies, key=lambda channel: copies[channel])
        original, repeating = by_copies[0], by_copies[-1]
        main = max(pairs, key=lambda pair: int(pair[pk.PAIR_LAG_COUNT]))
        lags = np.sort(main[pk.PAIR_LAG : pk.PAIR_LAG + main[pk.PAIR_LAGS]])
        total = sum(copies.values())
        return Verdict(
            original,
            repeating,
            total,
            sum(int(self._channels[n, pk.CH_TOTAL]) for n in numbers if self._channel(n) == repeating),
            int(lags[(len(lags) - 1) // 2]),
            original != repeating and 10 * copies[original] > total,
            bool(main[pk.PAIR_IS_PATTERN]),
        )

    def _channel(self, number: int) -> Channel:
        row = self._channels[number]
        network = int(row[pk.CH_NETWORK])
        return Channel(
            int(row[pk.CH_CAPTURE_NO]),
            int(row[pk.CH_INTERFACE_NO]),
            None if network == MISSING else network,
            bool(row[pk.CH_KIND] & pk.KIND_HEP),
        )


def channel_text(channel: Channel) -> str:
    """A channel in words, for lists of issues."""
    network = "untagged" if channel.network is None else f"VLAN/VNI {channel.network}"
    return f"interface {channel.interface_no} {network}{' HEP' if channel.is_hep else ''}"


def _copied(datagrams: Datagrams) -> Datagrams:
    """The rows and their octets, end to end."""
    octets, rows = datagrams
    rows = rows.copy()
    parts = [octets[start : start + length] for start, length in rows[:, [D_OFFSET, D_LENGTH]].tolist()]
    rows[:, D_OFFSET] = np.cumsum(rows[:, D_LENGTH]) - rows[:, D_LENGTH]
    return Datagrams(np.concatenate([*parts, np.empty(0, np.uint8)]), rows)
