"""The kernel's receive ring: memory shared with the kernel, into which it puts frames without being called for each.

The frames come in blocks. The kernel hands one over when it is full or `RETIRE_MS` old, and drops frames when the next
one in turn was not given back yet.
"""

from __future__ import annotations

import errno
import mmap
import socket
import struct
import threading

import numpy as np

from analyzer.batch import Octets
from analyzer.capture.packet_socket import PACKET_RX_RING, PACKET_VERSION, SOL_PACKET, TPACKET_V3
from analyzer.capture.ring_kernels import AT_COLUMNS, AT_LEFT, BLOCK_OURS, BLOCK_STATUS, read_block

#: Octets of a ring unless told otherwise: a second of a mirror port that carries half a gigabit.
RING_OCTETS = 64 << 20
#: A frame lies within a block, the longest (a segment before the network card cuts it) too.
BLOCK_OCTETS = 1 << 20
#: The longest time that a frame waits for others to fill its block.
RETIRE_MS = 50
_FRAME_OCTETS = 2048  # of no importance but that the kernel wants the sizes to agree
_LEAST_BLOCKS = 4


class Ring:
    """A ring on a packet socket that is not bound yet. OSError where the kernel gives none."""

    def __init__(self, receiving: socket.socket, octets: int = RING_OCTETS) -> None:
        receiving.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        self.block_count = _set_up(receiving, max(octets // BLOCK_OCTETS, _LEAST_BLOCKS))
        self._memory = mmap.mmap(receiving.fileno(), self.block_count * BLOCK_OCTETS)
        blocks = np.frombuffer(self._memory, dtype=np.uint8).reshape(self.block_count, BLOCK_OCTETS)
        self._blocks: list[Octets] = list(blocks)
        self._status = blocks[:, BLOCK_STATUS : BLOCK_STATUS + 4].view(np.uint32)[:, 0]
        self._turn = 0
        self._at = np.zeros(AT_COLUMNS, dtype=np.int64)
        self._fence = threading.Lock()
        # Compiled now, not while frames wait: there is none before the socket is bound.
        read_block(self._blocks[0], self._at, np.empty(0, dtype=np.uint8), 0)

    def read_into(self, buffer: Octets) -> int:
        """Records of the frames that wait, as many as fit; returns the octets used, 0 when none waits."""
        used = 0
        while self._status[self._turn] & BLOCK_OURS:
            # The lock is a fence: a block is read after its status and before it is given back, on any processor.
            with self._fence:
                used = read_block(self._blocks[self._turn], self._at, buffer, used)
            if self._at[AT_LEFT]:
                break
            with self._fence:
                self._status[self._turn] = 0
            self._turn = (self._turn + 1) % self.block_count
        return used

    def close(self) -> None:
        """Give the memory back. The arrays go first: while they look into it, it cannot be let go."""
        self._blocks = []
        del self._status
        self._memory.close()


def _set_up(receiving: socket.socket, block_count: int) -> int:
    """Ask for so many blocks, and for half as many while the machine has not the memory; returns how many it gave."""
    while True:
        frame_count = block_count * (BLOCK_OCTETS // _FRAME_OCTETS)
        sizes = (BLOCK_OCTETS, block_count, _FRAME_OCTETS, frame_count, RETIRE_MS, 0, 0)
        try:
            receiving.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("7I", *sizes))
        except OSError as error:
            if error.errno != errno.ENOMEM or block_count <= _LEAST_BLOCKS:
                raise
            block_count = max(block_count // 2, _LEAST_BLOCKS)
        else:
            return block_count
