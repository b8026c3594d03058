"""The frames of chosen calls."""

from __future__ import annotations

import numpy as np

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, M_COLUMNS, MISSING, S_COLUMNS, MessageBatch
from analyzer.stats.frames import LINK_CALL_NO, FrameCollector


def feed(collector: FrameCollector, *messages: tuple[int, int, int]) -> None:
    """Hand over messages as (capture_no, frame_no, call_no)."""
    numbers = np.zeros((len(messages), M_COLUMNS), dtype=np.int64)
    links = np.full((len(messages), 4), MISSING, dtype=np.int64)
    for row, (capture_no, frame_no, call_no) in enumerate(messages):
        numbers[row, D_CAPTURE_NO], numbers[row, D_FRAME_NO], links[row, LINK_CALL_NO] = capture_no, frame_no, call_no
    spans = np.zeros((len(messages), S_COLUMNS, 2), dtype=np.int32)
    collector(MessageBatch(np.zeros(0, dtype=np.uint8), numbers, spans), links)


def test_only_frames_of_wanted_calls_are_kept_each_once() -> None:
    collector = FrameCollector(np.array([7, 3], dtype=np.int64))
    feed(collector, (1, 10, 3), (1, 11, 4), (2, 10, 7), (1, 12, MISSING))
    feed(collector, (1, 10, 3), (2, 99, 8))
    assert collector.frames() == {1: {10}, 2: {10}}


def test_nothing_wanted_keeps_nothing() -> None:
    collector = FrameCollector(np.empty(0, dtype=np.int64))
    feed(collector, (1, 10, 3))
    assert collector.frames() == {}
