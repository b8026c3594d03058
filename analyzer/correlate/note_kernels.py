"""What the step kernels only write down: observations that the pipeline makes issues of, and copies."""

from __future__ import annotations

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FRAME_NO,
    D_TS,
    M_CSEQ_METHOD,
    M_MESSAGE_NO,
    M_METHOD,
    M_STATUS,
    METHOD_UNLISTED,
    MISSING,
    Ints,
    Octets,
)
from analyzer.correlate.layout import COPY, S_NOTES
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


@inlined
def count_copy(numbers: Ints, i: int, links: Ints, counts: Ints, special: Octets) -> None:
    """A packet that was captured once more: it is counted, and belongs to nothing."""
    for link in range(4):
        links[i, link] = MISSING
    status = numbers[i, M_STATUS]
    is_request = status == 0 and numbers[i, M_METHOD] != 0
    method = numbers[i, M_METHOD] if is_request else numbers[i, M_CSEQ_METHOD]
    if method < METHOD_UNLISTED and special[status] == 0 and (is_request or status > 0):
        counts[status, method, COPY] += 1
