"""Observations of the step kernels: rows of numbers that the pipeline makes issues of."""

from __future__ import annotations

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, D_TS, M_MESSAGE_NO, Ints
from analyzer.correlate.layout import S_NOTES
from analyzer.jit import inlined


@inlined
def note(scalars: Ints, notes: Ints, code: int, numbers: Ints, i: int, detail: int) -> None:
    """Write an observation down; beyond the list's end it is only counted."""
    at = scalars[S_NOTES]
    scalars[S_NOTES] = at + 1
    if at < len(notes):
        notes[at, 0] = code
        notes[at, 1] = numbers[i, M_MESSAGE_NO]
        notes[at, 2] = numbers[i, D_FRAME_NO]
        notes[at, 3] = numbers[i, D_TS]
        notes[at, 4] = numbers[i, D_CAPTURE_NO]
        notes[at, 5] = detail
