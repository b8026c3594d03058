"""Where the messages of chosen calls stand: the frames to cut out for Wireshark."""

from __future__ import annotations

import numpy as np

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, D_LAYERS, Ints, MessageBatch
from analyzer.capture.companions import part_of_more

#: Position of call_no in the links that come with a batch: resend_of, transaction_no, call_no, registration_no.
LINK_CALL_NO = 2


class FrameCollector:
    """A message sink that remembers the frames of some calls.

    Its memory grows with the frames that are chosen, not with those that are read: two numbers a frame. ``parts``
    are those, by capture_no, that completed a message of which other frames may hold a part.
    """

    def __init__(self, call_nos: Ints) -> None:
        self._wanted = np.sort(call_nos)
        self._found: list[Ints] = []
        self.parts: dict[int, set[int]] = {}

    def __call__(self, batch: MessageBatch, links: Ints) -> None:
        """Take the frames of wanted calls from a batch."""
        if not len(self._wanted):
            return
        nearest = np.searchsorted(self._wanted, links[:, LINK_CALL_NO]).clip(max=len(self._wanted) - 1)
        mask = self._wanted[nearest] == links[:, LINK_CALL_NO]
        if not mask.any():
            return
        numbers = batch.numbers[mask]
        self._found.append(numbers[:, [D_CAPTURE_NO, D_FRAME_NO]])
        for layers in np.unique(numbers[:, D_LAYERS]).tolist():
            if part_of_more(layers):
                for capture_no, frame_no in numbers[numbers[:, D_LAYERS] == layers][:, [D_CAPTURE_NO, D_FRAME_NO]]:
                    self.parts.setdefault(int(capture_no), set()).add(int(frame_no))

    def frames(self) -> dict[int, set[int]]:
        """For each capture_no, its chosen frame numbers."""
        if not self._found:
            return {}
        joined = np.concatenate(self._found)
        return {int(no): set(joined[joined[:, 0] == no, 1].tolist()) for no in np.unique(joined[:, 0])}
