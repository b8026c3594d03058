"""Chosen frames, cut out of captures into a pcapng that Wireshark opens.

Link types, time stamps to the nanosecond and original lengths are kept; each interface of each source becomes an
interface of the new file. Frames of several sources are put in order of time.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from analyzer.batch import Ints
from analyzer.capture.blocks import decryption_secrets, enhanced_packet, interface_description, section_header
from analyzer.capture.frames import Frame, chosen_frames
from analyzer.capture.source import STDIN, Source, open_source
from analyzer.errors import CaptureError, OutputError

#: Sources merged by time; beyond it they follow one another, because too many files would be open at once.
MERGED_SOURCES = 100


def write_frames(
    out_path: str, selections: Mapping[str, Collection[int] | Ints], secrets: Sequence[tuple[int, bytes]] = ()
) -> int:
    """Write the frames with these numbers, by capture path, to ``out_path`` as pcapng; returns how many were written.

    ``secrets`` (kind, text) become decryption secrets blocks in front of all frames, where Wireshark looks for them.
    OutputError when the file cannot be written or is one of the captures; CaptureError when a capture is gone or
    was standard input. The file appears once it is whole.
    """
    for path in selections:
        if path == STDIN:
            raise CaptureError("standard input", "cannot be read a second time; save the capture in a file")
        if os.path.exists(out_path) and os.path.exists(path) and os.path.samefile(out_path, path):
            raise OutputError(out_path, "is one of the captures being read; choose another name")
    unfinished = f"{out_path}.part"
    try:
        with ExitStack() as stack:
            out = stack.enter_context(open(unfinished, "wb"))
            stack.callback(_remove, unfinished)
            count = _write(out, selections, secrets, stack)
            out.close()
            os.replace(unfinished, out_path)
    except OSError as error:
        raise OutputError(out_path, f"cannot be written ({error.strerror})") from error
    return count


def _remove(path: str) -> None:
    """Leave nothing half written behind; nothing is there any more when all went well."""
    if os.path.exists(path):
        os.remove(path)


def _write(
    out: BinaryIO,
    selections: Mapping[str, Collection[int] | Ints],
    secrets: Sequence[tuple[int, bytes]],
    stack: ExitStack,
) -> int:
    out.write(section_header())
    for kind, text in secrets:
        out.write(decryption_secrets(kind, text))
    interfaces: dict[tuple[int, int], int] = {}
    count = 0
    for source_no, frame in _in_order(selections, stack):
        key = (source_no, frame.interface_no)
        if key not in interfaces:
            interfaces[key] = len(interfaces)
            out.write(interface_description(frame.link_type))
        out.write(enhanced_packet(interfaces[key], frame.ts, frame.octets, frame.wire_length))
        count += 1
    return count


def _in_order(selections: Mapping[str, Collection[int] | Ints], stack: ExitStack) -> Iterator[tuple[int, Frame]]:
    """The frames of all sources by time."""
    numbered = list(enumerate(selections.items()))
    if len(numbered) > MERGED_SOURCES:
        for source_no, (path, frame_nos) in numbered:
            with open_source(path) as source:
                for frame in chosen_frames(source, frame_nos):
                    yield source_no, frame
        return
    streams = [
        _stream(source_no, stack.enter_context(open_source(path)), frame_nos)
        for source_no, (path, frame_nos) in numbered
    ]
    yield from heapq.merge(*streams, key=lambda item: item[1].ts)


def _stream(source_no: int, source: Source, frame_nos: Collection[int] | Ints) -> Iterator[tuple[int, Frame]]:
    for frame in chosen_frames(source, frame_nos):
        yield source_no, frame
