"""Rows of whole messages (D_*) while they are being gathered, and how a row of the walk becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_COPY,
    D_FILE_OFFSET,
    D_LAYERS,
    D_LENGTH,
    D_OFFSET,
    D_TRANSPORT,
    D_WIRE_LENGTH,
    MISSING,
    Datagrams,
)
from analyzer.capture.layer_kernels import push
from analyzer.capture.streams import Row
from analyzer.vocab import Transport, numbered

TRANSPORT_NUMBERS: dict[Transport, int] = numbered(Transport)


class Rows:
    """Gathers messages; `taken` hands them out with an array of octets of their own."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._rows: list[Row] = []

    def add(self, row: Row, octets: bytes) -> None:
        """One message with these octets; the other columns as they stand in ``row``."""
        row = row[:D_COLUMNS]
        row[D_OFFSET] = len(self._octets)
        row[D_LENGTH] = len(octets)
        self._octets += octets
        self._rows.append(row)

    def taken(self) -> Datagrams:
        """All that was added since the last call, in that order."""
        octets = np.frombuffer(self._octets, dtype=np.uint8)
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, D_COLUMNS)
        self._octets, self._rows = bytearray(), []
        return Datagrams(octets, rows)


def message_row(
    row: Row, wire_length: int, transport: Transport, layers: Sequence[int], file_offset: int | None
) -> Row:
    """The row of a message that the frame of ``row`` completed, with the headers that were read inside."""
    made = row[:D_COLUMNS]
    made[D_WIRE_LENGTH] = wire_length
    made[D_TRANSPORT] = TRANSPORT_NUMBERS[transport]
    made[D_LAYERS] = with_layers(made[D_LAYERS], tuple(layers))
    made[D_FILE_OFFSET] = MISSING if file_offset is None else file_offset
    made[D_COPY] = 0
    return made


@cache
def with_layers(packed: int, layers: tuple[int, ...]) -> int:
    """A column of headers with more inside."""
    for layer in layers:
        packed = int(push(packed, layer))
    return packed


def place_in_file(row: Row, offset: int | None) -> int | None:
    """Where an octet of a row stands in the file; None when it does not."""
    return None if offset is None or row[D_FILE_OFFSET] == MISSING else row[D_FILE_OFFSET] + offset
