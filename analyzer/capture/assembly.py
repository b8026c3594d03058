"""The second stage as the pipeline uses it: kernels for what comes in volume, the plain-Python assembler for the rest.

Datagrams pass, streams of SIP over TCP are read by `stream_kernels`; everything else, and a stream on which something
is out of the ordinary, goes to `assemble.Assembler` until nothing of it is left over there. What comes out is the same
as if the assembler had taken every row, in the same order; with ``--reader scapy`` it does. Both are imported with the
first row that needs them: most captures hold datagrams alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from analyzer.batch import (
    FLOW_UNDECIDED,
    R_INFO,
    R_KIND,
    RAW_SEGMENT,
    Datagrams,
    Ints,
)
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.scapy_packets import begins_by_kernel, begins_by_parser
from analyzer.capture.wire import WireEvents
from analyzer.issues import IssueLog

if TYPE_CHECKING:
    from analyzer.capture.assemble import Assembler
    from analyzer.capture.kernel_streams import KernelStreams
    from analyzer.capture.streams import Row


class Assembly:
    """Raw rows of a timeline in, rows of whole messages out; ``reader`` as for `open_reader`."""

    def __init__(self, issues: IssueLog, flows: FlowTable, reader: str = "kernels") -> None:
        self._issues = issues
        self._flows = flows
        self._is_plain = reader == "scapy"
        #: Events that explain silence.
        self.wire = WireEvents(flows)
        self._streams: KernelStreams | None = None

    @cached_property
    def assembler(self) -> Assembler:
        """What puts together in plain Python."""
        from analyzer.capture.assemble import Assembler
        from analyzer.capture.inner import Inner

        begins = begins_by_parser if self._is_plain else begins_by_kernel
        self._inner = Inner(self._flows, begins, self._is_plain)
        return Assembler(self._issues, self._flows.keys, begins, self._walk_on)

    @property
    def opaque(self) -> dict[int, tuple[int, int]]:
        """Connections of TLS that keys did not open, and their octets, by capture number."""
        return self.assembler.opaque if "assembler" in self.__dict__ else {}

    def receive(self, raw: Datagrams) -> Iterator[Datagrams]:
        """The messages that these rows complete, in the order of the rows that completed them.

        What is handed out stays valid until two more have been asked for.
        """
        raw = self.wire.receive(raw)
        if self._is_plain:
            yield self.assembler.receive(raw)
            self._tell(raw.rows)
            return
        if self._streams is None:
            if not raw.rows[:, R_KIND].any():
                yield raw  # datagrams alone: nothing is to be put together, and nothing waits
                return
            from analyzer.capture.kernel_streams import KernelStreams

            self._streams = KernelStreams(self.assembler)
        yield from self._streams.receive(raw)
        self._tell(raw.rows)

    def close(self) -> Iterator[Datagrams]:
        """The messages that nothing completes any more."""
        self.wire.close()
        if self._streams is not None:
            self._streams.close()
        if "assembler" in self.__dict__:
            yield self.assembler.close()

    def _walk_on(
        self, protocol: int, src: tuple[int, int], dst: tuple[int, int], payload: bytes, row: Row
    ) -> Datagrams:
        """The rows of a packet out of fragments; the assembler will read them, so a stream among them becomes its."""
        raw = self.wire.receive(self._inner.rows(protocol, src, dst, payload, row))
        if self._streams is not None and len(raw.rows) and raw.rows[0, R_KIND] == RAW_SEGMENT:
            self._streams.surrender(raw.rows[0])
        return raw

    def _tell(self, rows: Ints) -> None:
        """Let the walk know what flows carry that were handed over without a verdict."""
        is_undecided = (rows[:, R_KIND] == RAW_SEGMENT) & (rows[:, R_INFO] >> 8 == FLOW_UNDECIDED)
        if not is_undecided.any():
            return
        from analyzer.capture.assemble import flow_key

        for row in rows[is_undecided].tolist():
            key = flow_key(row)
            known = self.assembler.connections.known(key)
            if known is not None and known[0] != FLOW_UNDECIDED:
                self._flows.tell(key.network, key.src, key.dst, key.src_port << 16 | key.dst_port, known[0])
