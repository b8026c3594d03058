"""Where the messages of chosen calls stand: the frames to cut out for Wireshark."""

from __future__ import annotations

import numpy as np

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, Ints, MessageBatch

#: Position of call_no in the links that come with a batch: resend_of, transaction_no, call_no, registration_no.
LINK_CALL_NO = 2


class FrameCollector:
    """A message sink that remembers the frames of some calls.

    Its memory grows with the frames that are chosen, not with those that are read: two numbers a frame.
    """

    def __init__(self, call_nos: Ints) -> None:
        self._wanted = np.sort(call_nos)
        self._found: list[Ints] = []

    def __call__(self, batch: MessageBatch, links: Ints) -> None:
        """Take the frames of wanted calls from a batch."""
        if not len(self._wanted):
            return
        nearest = np.searchsorted(self._wanted, links[:, LINK_CALL_NO]).clip(max=len(self._wanted) - 1)
        mask = self._wanted[nearest] == links[:, LINK_CALL_NO]
        if mask.any():
            self._found.append(batch.numbers[mask][:, [D_CAPTURE_NO, D_FRAME_NO]])

    def frames(self) -> dict[int, set[int]]:
        """For each capture_no, its chosen frame numbers."""
        if not self._found:
            return {}
        joined = np.concatenate(self._found)
        return {int(no): set(joined[joined[:, 0] == no, 1].tolist()) for no in np.unique(joined[:, 0])}
