"""The ledger of one call, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzer.batch import (
    D_COPY,
    D_FRAME_NO,
    D_LENGTH,
    D_TS,
    INVITE,
    M_CSEQ_METHOD,
    M_MESSAGE_NO,
    M_STATUS,
    MISSING,
)
from analyzer.correlate.kept import Kept
from analyzer.correlate.layout import (
    G_KIND,
    G_NO,
    GROUP_CALL,
    NOTE_CLOCK_STEP,
    NOTE_TOO_MANY_RESPONSES,
    NOTE_UNEXPECTED_RESPONSE,
    OUT_CLOCK,
    OUT_CLOSING,
    T_PROGRESS_CLOCK,
    T_STATUS,
)
from analyzer.correlate.ledger.clock import Deadlines, of_end
from analyzer.correlate.ledger.requests import of_request
from analyzer.correlate.ledger.responses import of_response
from analyzer.correlate.ledger.scene import Said, Scene, dialog_of
from analyzer.correlate.replay import Step

_NOTES = {
    NOTE_UNEXPECTED_RESPONSE: "not expected in the state of its transaction",
    NOTE_TOO_MANY_RESPONSES: "more different messages of one transaction than are kept apart",
    NOTE_CLOCK_STEP: "its time is {seconds} s before the capture's clock",
}


class Line(NamedTuple):
    """One thing that happened to a call, at message ``at`` of those kept (-1: by the clock alone), ns."""

    at: int
    ts: int
    said: Said


class Book(NamedTuple):
    """The lines of a call, which of the kept messages are its, and which message each of them repeats.

    ``copy_of`` and ``resend_of`` give positions among those kept.
    """

    lines: Sequence[Line]
    messages: Sequence[int]
    resend_of: dict[int, int]
    copy_of: dict[int, int]


def book(kept: Sequence[Kept], steps: Sequence[Step], call_no: int, off: int, is_open: bool) -> Book:
    """The ledger of call ``call_no`` of a replay; ``is_open`` as it was judged."""
    return _Book(kept, call_no, off, is_open).read(steps)


class _Book:
    def __init__(self, kept: Sequence[Kept], call_no: int, off: int, is_open: bool) -> None:
        self._kept = kept
        self._call_no = call_no
        self._off = off
        self._is_open = is_open
        self._frames = {int(k.batch.numbers[0, M_MESSAGE_NO]): int(k.batch.numbers[0, D_FRAME_NO]) for k in kept}
        self._places = {int(k.batch.numbers[0, M_MESSAGE_NO]): at for at, k in enumerate(kept)}
        self._seen: dict[tuple[bytes, ...], int] = {}
        self._answers: dict[tuple[str | None, int], int] = {}
        self._deadlines = Deadlines(call_no, off)
        self._messages: list[int] = []
        self._resends: dict[int, int] = {}
        self._copies: dict[int, int] = {}

    def read(self, steps: Sequence[Step]) -> Book:
        lines: list[Line] = []
        newest = 0  # the newest call of the Call-ID so far: what belongs to none is told with it
        waiting: list[tuple[int, list[Line]]] = []
        for step in steps:
            lines += self._time(step)
            if step.at >= 0:
                own = int(step.links[2]) if step.links[2] != MISSING else 0
                told = [Line(step.at, self._ts(step.at), said) for said in self._said(step)]
                newest = max(newest, own)
                if (own or newest) == self._call_no:
                    for at, early in (*waiting, (step.at, told)):
                        self._messages.append(at)
                        lines += early
                    waiting = []
                elif not newest:
                    waiting.append((step.at, told))  # before any call: of the first one
                else:
                    waiting = []
            lines += self._ends(step)
        return Book(lines, self._messages, self._resends, self._copies)

    def _ts(self, at: int) -> int:
        return int(self._kept[at].batch.numbers[0, D_TS])

    def _time(self, step: Step) -> Iterator[Line]:
        for due, said in sorted(self._deadlines.passed(step.before, step.clock), key=lambda pair: pair[0]):
            yield Line(-1, due, said)

    def _said(self, step: Step) -> Iterator[Said]:
        kept = self._kept[step.at]
        numbers = kept.batch.numbers[0]
        identity = _identity(kept)
        if numbers[D_COPY]:
            first = self._seen.get(identity)
            if first is not None:
                self._copies[step.at] = first
            values = {"frame": 0 if first is None else int(self._kept[first].batch.numbers[0, D_FRAME_NO])}
            yield Said("frame {frame} captured once more: counts as a message and nowhere else", values, "copies")
            return
        self._seen[identity] = step.at
        scene = Scene(kept, step, self._frames, self._answers, self._off)
        if 200 <= numbers[M_STATUS] < 300 and numbers[M_CSEQ_METHOD] == INVITE:
            self._answers.setdefault(dialog_of(kept), int(numbers[D_FRAME_NO]))
        if step.links[0] != MISSING:
            first = self._places.get(int(step.links[0]))
            if first is not None:
                self._resends[step.at] = first
            values = {"frame": scene.frame(int(step.links[0]))}
            yield Said("sent again, as frame {frame}: counts once", values, "resends")
            if _rings_on(scene):
                yield Said("it rings on: the timer begins anew", {}, "timers")
        else:
            yield from of_response(scene) if numbers[M_STATUS] > 0 else of_request(scene)
        for note in step.notes:
            if note[0] in _NOTES:
                yield Said(_NOTES[note[0]], {"seconds": note[5]}, "order" if note[0] == NOTE_CLOCK_STEP else None)

    def _ends(self, step: Step) -> Iterator[Line]:
        for ended in step.ended:
            for row in ended.groups:
                if row[G_KIND] == GROUP_CALL and row[G_NO] == self._call_no:
                    said = of_end(row, bool(row[OUT_CLOSING]), self._is_open)
                    if said is not None:
                        yield Line(-1, int(row[OUT_CLOCK]), said)


def _rings_on(scene: Scene) -> bool:
    before, row = scene.transaction_before, scene.transaction
    if before is None or row is None or row[T_STATUS] != 0:
        return False
    return bool(before[T_PROGRESS_CLOCK] != row[T_PROGRESS_CLOCK])


def _identity(kept: Kept) -> tuple[bytes, ...]:
    """What a copy has in common with the packet that it shows again: octets and both ends."""
    numbers = kept.batch.numbers[0]
    return kept.batch.octets[: int(numbers[D_LENGTH])].tobytes(), numbers[6:12].tobytes()
