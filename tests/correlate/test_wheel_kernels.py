"""The timer wheel: chains that hold, dues that move, and silences longer than the wheel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer.correlate import wheel_kernels
from analyzer.correlate.layout import G_ARMED, G_COLUMNS, G_DUE, G_FOLLOWING, G_PREVIOUS, SECOND, WHEEL
from tests.correlate.made import Run, answered, in_order, invite, refused, request, response

LINGER = 64  # s; RFC 3261: 64*T1 twice, so that what resends may still come finds its transaction


class Wheel:
    """A wheel and its groups, and what hangs where."""

    def __init__(self, how: str) -> None:
        self.groups = np.zeros((16, G_COLUMNS), dtype=np.int64)
        self.buckets = np.full(WHEEL, -1, dtype=np.int64)
        self.how = how

    def __getattr__(self, name: str) -> Any:
        kernel = getattr(wheel_kernels, name)
        kernel = kernel if self.how == "compiled" else kernel.py_func
        return lambda *arguments: kernel(self.groups, self.buckets, *arguments)

    def chains(self) -> dict[int, list[int]]:
        """The groups of each bucket, in order; every backward link is checked."""
        found: dict[int, list[int]] = {}
        for bucket in np.flatnonzero(self.buckets >= 0).tolist():
            before, group = -1, int(self.buckets[bucket])
            while group >= 0:
                assert self.groups[group, G_PREVIOUS] == before
                assert self.groups[group, G_ARMED] % WHEEL == bucket
                found.setdefault(bucket, []).append(group)
                before, group = group, int(self.groups[group, G_FOLLOWING])
        return found


@pytest.fixture(params=["compiled", "plain"])
def wheel(request: pytest.FixtureRequest) -> Wheel:
    return Wheel(request.param)


def test_groups_of_one_second_hang_together(wheel: Wheel) -> None:
    for group, seconds in enumerate((5, 5 + WHEEL, 5, 9)):
        wheel.arm(group, seconds * SECOND)
    assert wheel.chains() == {6: [2, 1, 0], 10: [3]}
    wheel.unlink(1)
    assert wheel.chains() == {6: [2, 0], 10: [3]}
    wheel.unlink(2)
    wheel.unlink(3)
    assert wheel.chains() == {6: [0]}
    wheel.unlink(0)
    assert wheel.chains() == {}


def test_a_due_that_comes_nearer_moves_its_group_at_once(wheel: Wheel) -> None:
    wheel.arm(0, 4000 * SECOND)
    wheel.arm(1, 4000 * SECOND)
    wheel.set_due(0, 70 * SECOND)
    assert wheel.chains() == {71: [0], 4001 % WHEEL: [1]}
    assert wheel.groups[0, G_DUE] == 70 * SECOND


def test_a_due_that_moves_away_is_noticed_when_the_old_second_comes(wheel: Wheel) -> None:
    wheel.arm(0, 70 * SECOND)
    wheel.set_due(0, 4000 * SECOND)
    assert wheel.chains() == {71: [0]}
    assert wheel.groups[0, G_DUE] == 4000 * SECOND


def test_the_wheel_looks_only_after_the_due_is_over(wheel: Wheel) -> None:
    """A due within a second is looked at in the next one: never too early."""
    wheel.arm(0, 7 * SECOND)
    wheel.arm(1, 8 * SECOND - 1)
    assert wheel.chains() == {8: [1, 0]}


def test_an_ended_call_does_not_wait_for_the_four_hours_of_an_answered_one() -> None:
    run = Run().take(answered(0, "a"))
    assert run.wait(0.4 + LINGER - 1).correlator.open_groups > 0
    assert run.wait(0.4 + LINGER + 2).correlator.open_groups == 0
    assert len(run.calls) == 1


def test_an_open_call_is_ended_when_its_later_due_comes() -> None:
    """A ringing call waits for Timer C (180 s), though it was armed for the 32 s of an unanswered INVITE."""
    run = Run().take([invite(0, "a"), response(1, "a", 180)])
    assert run.wait(32 + LINGER + 2).correlator.open_groups == 1
    assert run.wait(1 + 180 + LINGER - 2).correlator.open_groups == 1
    assert run.wait(1 + 180 + LINGER + 2).correlator.open_groups == 0


@pytest.mark.parametrize("silence", [WHEEL - 1, WHEEL, WHEEL + 1, 5 * WHEEL, 14 * 3600])
def test_a_silence_longer_than_the_wheel_ends_everything(silence: int) -> None:
    flows = [refused(number / 10, f"call{number}") for number in range(50)]
    run = Run().take(in_order(*flows)).wait(5 + silence)
    assert run.correlator.open_groups == 0
    assert len(run.calls) == 50


def test_an_answered_call_lives_for_four_hours_after_its_last_sign() -> None:
    early = [invite(0, "a"), response(1, "a", 200), request(2, "a", "ACK", 1, branch="z9hG4bKack")]
    run = Run().take([*early, request(3 * 3600, "a", "OPTIONS", 2)])
    assert run.wait(7 * 3600 - 60).correlator.open_groups == 1
    assert run.wait(7 * 3600 + 60).correlator.open_groups == 0


def test_a_clock_that_goes_back_ends_nothing_early_and_nothing_late() -> None:
    run = Run().take([invite(1000, "a"), *refused(0, "b")])
    assert run.correlator.open_groups == 2
    run.wait(1000 + 32 + LINGER + 2)
    assert run.correlator.open_groups == 0
