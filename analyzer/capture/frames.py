"""Frames one by one, for what needs few of them: cutting some out of a capture, looking at its first time stamp."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from analyzer.batch import R_COLUMNS, Ints
from analyzer.capture import walk_kernels as walk
from analyzer.capture.source import Source
from analyzer.capture.windows import Windows
from analyzer.issues import IssueLog


class Frame(NamedTuple):
    """One captured frame. ``ts`` in ns since 1970, ``wire_length`` octets were sent of which ``octets`` were
    captured."""

    ts: int
    frame_no: int
    interface_no: int
    link_type: int
    wire_length: int
    octets: bytes


def chosen_frames(source: Source, frame_nos: Collection[int] | Ints | None = None) -> Iterator[Frame]:
    """The frames of a capture with these numbers, in captured order; every frame when no numbers are given.

    Numbers that the capture does not have are left out; a cut or damaged capture ends where it can no longer be read.
    """
    for windows in chosen_windows(source, frame_nos):
        state = windows.state
        number = int(state[walk.W_FRAME_INTERFACE])
        yield Frame(
            ts=int(state[walk.W_FRAME_TS]),
            frame_no=int(state[walk.W_FRAMES]),
            interface_no=number,
            link_type=windows.container.link_type(number),
            wire_length=int(state[walk.W_FRAME_WIRE]),
            octets=windows.frame().tobytes(),
        )


def chosen_windows(
    source: Source, frame_nos: Collection[int] | Ints | None = None, has_media: bool = True
) -> Iterator[Windows]:
    """As `chosen_frames`, without copying them: the window, whose ``state`` tells of the frame (W_FRAME_*).

    Without ``has_media`` frames that are told to be media at first sight are passed over, quickly.
    """
    windows = Windows(source, 0, IssueLog())
    windows.state[walk.W_ALL_DECLINED] = walk.ALL if has_media else walk.ALL_BUT_MEDIA
    rows, arena = np.empty((0, R_COLUMNS), dtype=np.int64), np.empty(0, dtype=np.uint8)
    wanted = iter(np.unique(np.fromiter(frame_nos, dtype=np.int64))) if frame_nos is not None else None
    if wanted is not None and not _want_next(windows, wanted):
        return
    while True:
        why = windows.walk(rows, arena)
        if why != walk.FRAME:
            if not windows.go_on(why):
                return
            continue
        yield windows
        if wanted is not None and not _want_next(windows, wanted):
            return


def _want_next(windows: Windows, wanted: Iterator[np.int64]) -> bool:
    for frame_no in wanted:
        if frame_no > 0:
            windows.state[walk.W_WANTED] = frame_no
            return True
    return False
