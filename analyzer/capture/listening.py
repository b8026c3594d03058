"""What a live capture reads from: interfaces and capture agents, both as classic-pcap records.

A listener hands over frames in the form in which a capture file holds them, so that everything behind it (kernels,
assembly, the frames file) is the same for a file and for a wire. Time stamps are the kernel's or the arrival's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from analyzer.batch import Octets
from analyzer.issues import IssueNote
from analyzer.vocab import SourceKind

#: Of a record: seconds, nanoseconds, octets that follow, octets on the wire; little endian, 32 bits each.
RECORD_OCTETS = 16
#: A buffer handed to `Listener.read_into` holds at least so many octets, the longest record among them.
LEAST_BUFFER = 1 << 20


class Listener(Protocol):
    """One place that frames come from.

    ``name`` is what the user named it by (``eth0``, ``hep:0.0.0.0:9060``), ``link_type`` a number of the LINKTYPE
    registry, the same for all its frames.
    """

    name: str
    kind: SourceKind
    link_type: int

    @property
    def dropped(self) -> int:
        """Frames lost so far between the wire and `read_into`: by the kernel, a full queue, a bound on the rate."""

    @property
    def trouble(self) -> str | None:
        """Why nothing can come at the moment, in a few words (``is down``, ``is gone``); None while all is well."""

    def filenos(self) -> Sequence[int]:
        """What to wait for with ``select.poll``: readable when frames wait. May change from call to call."""

    def read_into(self, buffer: Octets) -> int:
        """Put whole records of frames that wait into the beginning of ``buffer``, in the order in which they came;
        returns the octets used, 0 when nothing waits. Never blocks, never raises for what the wire does."""

    def tick(self) -> None:
        """Called about once a second: look after links that went down or came back, counters of drops and the like."""

    def close(self) -> None:
        """Let go of everything; twice does no harm."""


@runtime_checkable
class Noting(Protocol):
    """A listener that has something to say about who sends to it."""

    def taken_notes(self, capture_no: int, at_once: bool = False) -> list[tuple[IssueNote, int]]:
        """What is due since it was asked last, for `IssueLog.add`: each with how many observations it stands for.

        To be asked about once a second; with ``at_once`` everything is due.
        """
