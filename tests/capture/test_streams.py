"""TCP segments in order of their sequence numbers, RFC 9293."""

from __future__ import annotations

from analyzer.batch import TCP_ACK, TCP_FIN, TCP_RST
from analyzer.capture.streams import WAITING_OCTETS, WAITING_SEGMENTS, End, Gap, Piece, Stream

FIRST = 2**32 - 5  # the sequence numbers wrap soon


class Play:
    """A stream and segments at places counted from its first octet."""

    def __init__(self, first: int | None = FIRST) -> None:
        self.stream = Stream(first)
        self.number = 0

    def __call__(
        self, at: int, octets: bytes, flags: int = TCP_ACK, missing: int = 0, clock: int = 0
    ) -> list[bytes | int | str]:
        self.number += 1
        row = [self.number]
        self.stream.receive((FIRST + at) % 2**32, octets, missing, flags, row, clock, self.number)
        return self.events()

    def events(self) -> list[bytes | int | str]:
        said: list[bytes | int | str] = []
        for event in self.stream.taken():
            if isinstance(event, Piece):
                said.append(event.octets)
            else:
                said.append(event.octets if isinstance(event, Gap) else "end")
                assert isinstance(event, Gap | End)
        return said


def test_in_order_through_the_wrap() -> None:
    play = Play()
    assert play(0, b"abcdefgh") == [b"abcdefgh"]
    assert play(8, b"ij") == [b"ij"]


def test_what_was_delivered_is_dropped_and_the_first_wins() -> None:
    play = Play()
    play(0, b"abcdef")
    assert play(0, b"abcdef") == []
    assert play(2, b"XXXXgh") == [b"gh"]
    assert play(7, b"") == []


def test_a_segment_beyond_waits() -> None:
    play = Play()
    assert play(4, b"ef") == []
    assert play(2, b"cd") == []
    assert play(0, b"ab") == [b"ab", b"cd", b"ef"]
    assert play(6, b"gh") == [b"gh"]


def test_waiting_segments_are_delivered_by_place() -> None:
    play = Play()
    play(6, b"gh")
    play(2, b"cdefg")
    play(4, b"XX")  # covered by one that waits
    assert play(0, b"ab") == [b"ab", b"cdefg", b"h"]
    assert play.stream.waiting_octets == 0


def test_the_beginning_is_awaited_when_the_syn_was_seen() -> None:
    assert Play()(3, b"d") == []
    assert Play(None)(3, b"d") == [b"d"]


def test_a_gap_is_final_behind_many_segments() -> None:
    play = Play()
    for number in range(WAITING_SEGMENTS - 1):
        assert play(10 + 2 * number, b"xy") == []
    assert play(10 + 2 * (WAITING_SEGMENTS - 1), b"xy") == [10, *[b"xy"] * WAITING_SEGMENTS]
    assert play(0, b"too late") == []


def test_a_gap_is_final_behind_many_octets() -> None:
    play = Play()
    half = b"x" * (WAITING_OCTETS // 2)
    assert play(10, half) == []
    assert play(10 + len(half), half) == [10, half, half]


def test_a_gap_is_final_after_two_seconds() -> None:
    play = Play()
    play(10, b"k", clock=1_000_000_000)
    play(20, b"u", clock=2_500_000_000)
    play.stream.due(2_900_000_000)
    assert play.events() == []
    play.stream.due(3_000_000_000)
    assert play.events() == [10, b"k"]
    play.stream.due(4_500_000_000)
    assert play.events() == [9, b"u"]


def test_the_tail_that_the_snaplen_took_is_a_gap_at_once() -> None:
    play = Play()
    assert play(0, b"ab", missing=3) == [b"ab", 3]
    assert play(0, b"abcde") == []
    assert play(5, b"f") == [b"f"]


def test_fin_ends_behind_its_octets_and_in_its_place() -> None:
    play = Play()
    assert play(2, b"cd", TCP_FIN | TCP_ACK) == []
    assert play(0, b"ab") == [b"ab", b"cd", "end"]
    assert Play()(0, b"", TCP_FIN) == ["end"]


def test_rst_ends_at_once() -> None:
    play = Play()
    play(2, b"cd")
    assert play(1_000, b"why", TCP_RST) == [2, b"cd", "end"]


def test_a_segment_far_behind_is_of_another_connection() -> None:
    play = Play()
    play(0, b"ab")
    assert play(-(1 << 20) - 10, b"cd") == ["end", b"cd"]
    assert play(-(1 << 20) - 8, b"ef") == [b"ef"]


def test_a_probe_of_a_kept_connection_is_dropped() -> None:
    play = Play()
    play(0, b"ab")
    assert play(1, b"\0") == []
