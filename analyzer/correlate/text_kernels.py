"""Texts out of the octets that they came in, so that a table keeps no others than its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints, Octets
from analyzer.correlate.table_kernels import copy_octets
from analyzer.jit import kernel


@kernel
def move_texts(octets: Octets, starts: Ints, lengths: NDArray[np.int32], out: Octets, at: int) -> int:
    """Copy the texts of a column end to end to ``out[at:]``; ``starts`` then says where they stand there.

    Missing ones have a negative length. Returns where the last text ends.
    """
    for row in range(len(starts)):
        source = starts[row]
        starts[row] = at
        if lengths[row] > 0:
            at = copy_octets(octets, source, lengths[row], out, at)
    return at
