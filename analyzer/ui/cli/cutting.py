"""The frames of chosen calls, cut out of their captures into one pcapng file."""

from __future__ import annotations

import numpy as np

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, Ints, MessageBatch

#: Columns of the links that come with a batch: resend_of, transaction_no, call_no, registration_no.
_CALL_NO = 2


class FrameCollector:
    """A message sink that remembers where the messages of some calls stand.

    Its memory grows with the frames that are chosen, not with those that are read: two numbers a frame.
    """

    def __init__(self, call_nos: Ints) -> None:
        self._wanted = np.sort(call_nos)
        self._found: list[Ints] = []

    def __call__(self, batch: MessageBatch, links: Ints) -> None:
        """Take the frames of wanted calls from a batch."""
        mask = np.isin(links[:, _CALL_NO], self._wanted)
        if mask.any():
            self._found.append(batch.numbers[mask][:, [D_CAPTURE_NO, D_FRAME_NO]])

    def frames(self) -> dict[int, Ints]:
        """For each capture_no, its chosen frame numbers, ascending and each once."""
        if not self._found:
            return {}
        joined = np.unique(np.concatenate(self._found), axis=0)
        return {int(no): joined[joined[:, 0] == no, 1] for no in np.unique(joined[:, 0])}
