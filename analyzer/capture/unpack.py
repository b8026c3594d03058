"""Packed captures: gz, zst and xz as streams of octets.

All three libraries offer the same incremental decompressor (``decompress(octets, max_length)``, ``eof``,
``needs_input``, ``unused_data``), so that one loop serves them, memory is bounded by one output piece whatever the
ratio (no bomb explodes here), and what stands before a damaged spot is delivered before the damage is told.
"""

from __future__ import annotations

import lzma
import sys
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from analyzer.batch import Octets

PIECE = 1 << 18
#: xz -9 needs 65 MiB; a stream that asks for much more was not made by a capturing machine.
_XZ_MEMORY = 512 << 20


class Raw(Protocol):
    """Where packed octets come from: as `io.RawIOBase`."""

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` octets; none at the end."""


def packing(head: bytes) -> str | None:
    """How a file is packed, by its first octets: ``gz``, ``zst``, ``xz`` or None."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gz"
    # A zstd frame, or a skippable frame in front of one (RFC 8878 §3.1.1, §3.1.2).
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zst"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    return None


def _gz() -> Any:
    from isal import igzip_lib

    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _zst() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdDecompressor()


def _xz() -> Any:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


DECOMPRESSORS: dict[str, Callable[[], Any]] = {"gz": _gz, "zst": _zst, "xz": _xz}


class Unpacked:
    """The octets of a packed file, streaming; several members one after the other are one stream.

    ``damage`` says what is wrong once a damaged or cut spot was reached; what stood before it has been delivered.
    """

    def __init__(self, raw: Raw, kind: str, head: bytes) -> None:
        self.damage: str | None = None
        self.consumed = len(head)
        self._raw = raw
        self._kind = kind
        self._packed = head
        self._decompressor = DECOMPRESSORS[kind]()
        self._ready = b""
        self._is_over = False

    def read_into(self, buffer: Octets) -> int:
        """Fill the beginning of ``buffer``; returns how many octets, 0 at the end."""
        filled = 0
        while filled < len(buffer):
            if not self._ready:
                if filled and len(buffer) - filled < PIECE:
                    break
                self._ready = self._piece()
                if not self._ready:
                    break
            taken = min(len(self._ready), len(buffer) - filled)
            buffer[filled : filled + taken] = np.frombuffer(self._ready, dtype=np.uint8, count=taken)
            self._ready = self._ready[taken:]
            filled += taken
        return filled

    def _piece(self) -> bytes:
        """The next unpacked octets, at most PIECE of them; empty at the end."""
        while not self._is_over:
            if self._decompressor.eof and not self._next_member():
                break
            if not self._packed and self._decompressor.needs_input:
                self._packed = self._raw.read(PIECE) or b""
                self.consumed += len(self._packed)
                if not self._packed:
                    self._end(f"the {self._kind} stream is cut short")
                    break
            packed, self._packed = self._packed, b""
            try:
                piece: bytes = self._decompressor.decompress(packed, PIECE)
            except Exception as error:  # each library has errors of its own; all of them mean damaged octets
                self._end(f"the {self._kind} stream is damaged ({error})")
                break
            if piece:
                return piece
        return b""

    def _next_member(self) -> bool:
        """Go on with the next member of the file; False at its end (padding behind the last one is no damage)."""
        packed: bytes = self._decompressor.unused_data or self._packed
        while len(packed) < 6:
            more = self._raw.read(PIECE)
            if not more:
                break
            self.consumed += len(more)
            packed += more
        if packing(packed) != self._kind:
            self._is_over = True
            return False
        self._packed = packed
        self._decompressor = DECOMPRESSORS[self._kind]()
        return True

    def _end(self, damage: str) -> None:
        self.damage = damage
        self._is_over = True
