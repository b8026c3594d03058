"""A bound on the rate: none gets more than it, and who asks for little gets it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.fair_rate import FairRate, Share

START = 1_800_000_000 * 10**9
SECOND = 10**9


@given(
    st.integers(1, 50),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3 * SECOND)), max_size=300),
)
def test_never_more_than_the_rate_and_one_second_at_once(
    rate: int, senders: int, arrivals: list[tuple[int, int]]
) -> None:
    bound = FairRate(rate)
    bound.share_by(senders)
    shares = [Share() for _ in range(5)]
    times = sorted(START + after for _, after in arrivals)
    let_in = [ts for (who, _), ts in zip(arrivals, times, strict=True) if bound.admits(shares[who], ts)]
    for first in range(len(let_in)):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= max(rate, 2) + rate * (let_in[last] - let_in[first]) / SECOND + 1e-6


def test_one_sender_may_have_all_of_it() -> None:
    bound, share = FairRate(100), Share()
    bound.share_by(2)
    let_in = sum(bound.admits(share, START + n * SECOND // 1000) for n in range(10_000))
    # 100 a second for ten seconds, and of the second's messages at once the half that is not kept for others.
    assert 1049 <= let_in <= 1051


def test_a_flood_does_not_silence_the_others() -> None:
    bound, flood, quiet = FairRate(100), Share(), Share()
    bound.share_by(2)
    heard = flooded = 0
    for n in range(100_000):  # ten seconds: 10,000 a second, beside 49 a second
        ts = START + n * SECOND // 10_000
        flooded += bound.admits(flood, ts)
        if n % 204 == 0:
            heard += bound.admits(quiet, ts)
    assert heard == 491
    assert flooded + heard <= 1100


def test_senders_that_want_more_than_there_is_get_the_same() -> None:
    bound = FairRate(100)
    bound.share_by(4)
    shares = [Share() for _ in range(4)]
    let_in = [0] * 4
    for n in range(20_000):  # the fourth sends seventeen times as much as each of the others
        who = n % 20 if n % 20 < 3 else 3
        let_in[who] += bound.admits(shares[who], START + n * SECOND // 1000)
    assert all(500 <= count <= 600 for count in let_in), let_in


def test_a_clock_that_is_set_back_neither_fills_nor_stops_it() -> None:
    bound, share = FairRate(10), Share()
    assert sum(bound.admits(share, START) for _ in range(20)) == 10
    assert not bound.admits(share, START - SECOND // 2)
    assert not bound.admits(share, START)
    assert not bound.admits(share, START - 3600 * SECOND)
    assert sum(bound.admits(share, START - 3599 * SECOND) for _ in range(20)) == 10
