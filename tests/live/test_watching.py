"""What is said of links and drops, and which times become gaps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from analyzer.correlate.gaps import Gaps
from analyzer.live.watching import Watch
from analyzer.vocab import SourceKind

S = 1_000_000_000


def reader(number: int, kind: SourceKind = SourceKind.LIVE) -> Any:
    listener = SimpleNamespace(name=f"eth{number}", kind=kind, trouble=None)
    return SimpleNamespace(capture_no=number, listener=listener, dropped=0)


class Watched:
    def __init__(self, *readers: Any, frames: Any = None) -> None:
        self.gaps = Gaps()
        self.said: list[tuple[int, str]] = []
        self.watch = Watch(readers, frames, self.gaps, lambda ts, text: self.said.append((ts // S, text)))

    def look(self, second: int) -> None:
        self.watch.look(second * S)


def test_the_only_interface_that_was_down_leaves_a_gap() -> None:
    one = reader(1)
    seen = Watched(one)
    seen.look(1)
    one.listener.trouble = "is down"
    seen.look(2)
    seen.look(3)
    one.listener.trouble = None
    seen.look(9)
    assert seen.said == [(2, "eth1 is down; waits for it"), (9, "eth1 is back after 7 s")]
    assert len(seen.gaps) == 1


def test_while_another_interface_hears_there_is_no_gap() -> None:
    one, two = reader(1), reader(2)
    seen = Watched(one, two)
    one.listener.trouble = "is gone"
    seen.look(1)
    one.listener.trouble = None
    seen.look(5)
    assert len(seen.gaps) == 0
    one.listener.trouble = "is down"
    seen.look(10)
    two.listener.trouble = "is down"
    seen.look(12)
    two.listener.trouble = None
    seen.look(20)
    assert len(seen.gaps) == 1  # from the second one's end, at 12, to 20
    one.listener.trouble = None
    seen.look(30)
    assert len(seen.gaps) == 1


def test_agents_may_have_been_heard_meanwhile() -> None:
    one = reader(1)
    seen = Watched(one, reader(2, SourceKind.HEP))
    one.listener.trouble = "is down"
    seen.look(1)
    one.listener.trouble = None
    seen.look(5)
    assert len(seen.gaps) == 0


def test_the_first_drops_are_said_once() -> None:
    one = reader(1)
    seen = Watched(one)
    for second, dropped in enumerate((0, 5, 9, 9)):
        one.dropped = dropped
        seen.look(second)
    assert seen.said == [(1, "eth1: the first 5 frames were dropped before they could be read")]


def test_a_full_disk_is_said_and_its_end() -> None:
    frames = SimpleNamespace(trouble=None, lost=0)
    seen = Watched(reader(1), frames=frames)
    seen.look(1)
    frames.trouble = "no room"
    seen.look(2)
    seen.look(3)
    frames.trouble, frames.lost = None, 1200
    seen.look(4)
    assert seen.said == [(2, "no room"), (4, "frames are written again; 1,200 were lost")]
