"""Messages made for the correlator, and what it makes of them, without a capture between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from analyzer import batch as b
from analyzer.correlate.calls import CallTable
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.registrations import RegistrationTable
from analyzer.correlate.rules import Rules
from analyzer.correlate.transactions import TransactionTable
from analyzer.registry import load_registry
from analyzer.sip.read import read_messages

SECOND = 1_000_000_000
START = 1_773_122_400 * SECOND
ALICE, BOB = 1, 2


class Sent(NamedTuple):
    """One message: seconds after the start, source and target as numbers, octets."""

    at: float
    source: int
    target: int
    octets: bytes


def sip(start: str, call: str, cseq: str = "1 INVITE", *more: str, branch: str = "", to_tag: str = "") -> bytes:
    """A message of a call; the branch belongs to the CSeq unless it is given."""
    branch = branch or f"z9hG4bK{call}{cseq.split()[0]}{cseq.split()[1].replace('ACK', 'INVITE')}"
    tag = f";tag={to_tag}" if to_tag else ""
    lines = [
        start, f"Via: SIP/2.0/UDP 192.0.2.1;branch={branch}", f"From: <sip:a@example.com>;tag=f{call}",
        f"To: <sip:b@example.com>{tag}", f"Call-ID: {call}", f"CSeq: {cseq}", *more, "Content-Length: 0", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def invite(at: float, call: str, *more: str, cseq: int = 1, branch: str = "", source: int = ALICE) -> Sent:
    octets = sip("INVITE sip:b@example.com SIP/2.0", call, f"{cseq} INVITE", *more, branch=branch)
    return Sent(at, source, BOB, octets)


def response(at: float, call: str, code: int, cseq: str = "1 INVITE", to_tag: str = "t", *more: str) -> Sent:
    return Sent(at, BOB, ALICE, sip(f"SIP/2.0 {code} Said", call, cseq, *more, to_tag=to_tag))


def request(at: float, call: str, method: str, cseq: int, to_tag: str = "t", branch: str = "") -> Sent:
    start = f"{method} sip:b@example.com SIP/2.0"
    return Sent(at, ALICE, BOB, sip(start, call, f"{cseq} {method}", branch=branch, to_tag=to_tag))


def answered(at: float, call: str) -> list[Sent]:
    """A call that is answered and ended by its caller, within 400 ms."""
    return [
        invite(at, call),
        response(at + 0.1, call, 200),
        request(at + 0.2, call, "ACK", 1, branch=f"z9hG4bKack{call}"),
        request(at + 0.3, call, "BYE", 2),
        response(at + 0.4, call, 200, "2 BYE"),
    ]


def refused(at: float, call: str, code: int = 486) -> list[Sent]:
    return [invite(at, call), response(at + 0.1, call, code), request(at + 0.2, call, "ACK", 1)]


@cache
def rules() -> Rules:
    return Rules(load_registry(), "dss1")


def batch_of(sent: Sequence[Sent], methods: b.MethodNames, first_no: int = 1) -> b.MessageBatch:
    """The messages as the reader hands them on."""
    rows = np.zeros((len(sent), b.D_COLUMNS), dtype=np.int64)
    offset = 0
    for row, one in enumerate(sent):
        rows[row, b.D_FRAME_NO] = first_no + row
        rows[row, b.D_TS] = START + round(one.at * SECOND)
        rows[row, b.D_OFFSET] = offset
        rows[row, [b.D_LENGTH, b.D_WIRE_LENGTH]] = len(one.octets)
        rows[row, [b.D_SRC_LO, b.D_DST_LO]] = (0xFFFF << 32) + one.source, (0xFFFF << 32) + one.target
        rows[row, [b.D_SRC_PORT, b.D_DST_PORT]] = 5060
        rows[row, b.D_CAPTURE_NO] = 1
        offset += len(one.octets)
    rows[:, [b.D_FILE_OFFSET, b.D_NETWORK]] = b.MISSING
    octets = np.frombuffer(b"".join(one.octets for one in sent) + bytes(64), dtype=np.uint8)
    read = read_messages(b.Datagrams(octets, rows), methods, rules().registry.cause_headers)
    read.numbers[:, b.M_MESSAGE_NO] = np.arange(first_no, first_no + len(sent))
    return read


class Run:
    """A correlator, fed by hand, with its tables."""

    def __init__(self, keep_transactions: bool = True, drain_at: int = 4096) -> None:
        self.correlator = Correlator(keep_transactions=keep_transactions, drain_at=drain_at)
        self.methods = b.MethodNames()
        self.counts = np.zeros((1000, 16, 3), dtype=np.int64)
        self.links: list[list[int]] = []
        self.notes: list[list[int]] = []
        self.ended: list[Ended] = []

    def take(self, sent: Sequence[Sent], cut: int = 2048) -> Run:
        """Feed messages, ``cut`` at a time."""
        for at in range(0, len(sent), cut):
            batch = batch_of(sent[at : at + cut], self.methods, len(self.links) + 1)
            links, ended, notes = self.correlator.receive(batch, self.counts, np.zeros(1000, np.uint8))
            self.links += links.tolist()
            self.ended += ended
            self.notes += notes.tolist()
        return self

    def wait(self, until: float) -> Run:
        """Let time pass, until seconds after the start."""
        self.ended += self.correlator.advance(START + round(until * SECOND))
        return self

    def close(self) -> Run:
        self.ended += self.correlator.close()
        return self

    def noted(self, kind: int) -> int:
        """How many notes of a kind were made."""
        return sum(note[0] == kind for note in self.notes)

    def table(self, kept: Any) -> list[dict[str, Any]]:
        for part in self.ended:
            kept.add(part)
        return list(kept.columns().rows())

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.table(CallTable(rules(), self.correlator))

    @property
    def registrations(self) -> list[dict[str, Any]]:
        return self.table(RegistrationTable(self.correlator))

    @property
    def transactions(self) -> list[dict[str, Any]]:
        return self.table(TransactionTable(self.correlator, self.methods.names))


def in_order(*flows: Iterable[Sent]) -> list[Sent]:
    """Several flows as one capture."""
    return sorted((one for flow in flows for one in flow), key=lambda one: one.at)
