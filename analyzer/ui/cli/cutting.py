"""``calls -w FILE``: the frames of the calls that were chosen, for Wireshark.

Of messages over TCP, TLS, SCTP or in fragments that is every frame of their connections and datagrams, and the secrets
of these connections. Which calls fit is known only when the captures have been read to their end, so they are read a
second time: that costs time once, where remembering every frame of every call would cost memory always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analyzer import api
from analyzer.batch import Ints
from analyzer.capture.companions import companions
from analyzer.capture.write import write_frames
from analyzer.stats.frames import FrameCollector


def cut_calls(
    out_path: str,
    captures: Sequence[str],
    options: Mapping[str, Any],
    call_nos: Ints,
    progress: Callable[[float, int], None],
) -> int:
    """Write the frames of some calls to a pcapng file; returns how many. Raises OutputError and CaptureError."""
    collector = FrameCollector(call_nos)
    result = api.analyze(*captures, **options, keep=(), message_sink=collector, progress=progress)
    sources = {row.capture_no: row.source for row in result.captures}
    chosen = {sources[no]: frames for no, frames in collector.frames().items()}
    if not collector.parts:
        return write_frames(out_path, chosen)
    parts = {sources[no]: frames for no, frames in collector.parts.items()}
    found = companions(list(sources.values()), chosen, parts)
    return write_frames(out_path, found.frames, result.secrets_of(found.client_randoms))
