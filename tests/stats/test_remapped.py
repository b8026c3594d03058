"""Causes derived once more from stored calls are those that `analyze --causes` derives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzer import api
from analyzer.batch import Columns
from analyzer.errors import UnknownProfile
from analyzer.registry import load_registry
from analyzer.stats.counting import one_of
from analyzer.stats.remapped import NEEDED, remapped

CAPTURES = Path(__file__).parents[2] / "pcaps"
REGISTRY = load_registry()
#: What a store does not keep: docs of `analyzer.stats.remapped`.
WARNED = (488, 606)


@pytest.fixture(scope="module")
def made() -> dict[str, Columns]:
    """The demo's calls under every profile."""
    return {
        profile: api.analyze(str(CAPTURES / "demo.pcapng"), causes=profile, registry=REGISTRY).columns("calls")
        for profile in ("dss1", "rfc3398", "asterisk", "cisco")
    }


@pytest.mark.parametrize("before", ["dss1", "rfc3398", "asterisk"])
@pytest.mark.parametrize("after", ["dss1", "rfc3398", "asterisk", "cisco"])
def test_as_analysed(made: dict[str, Columns], before: str, after: str) -> None:
    found, right = remapped(made[before], REGISTRY, after), made[after]
    sure = ~np.isin(right.ints("status_code"), WARNED)
    sure &= ~one_of(right.labels("cause_from"), ["reason_sip"]) & ~one_of(found.labels("cause_from"), ["reason_sip"])
    assert sure.sum() > 0.99 * len(right)
    rows = np.flatnonzero(sure).tolist()
    for name in NEEDED:
        assert [found.value(name, row) for row in rows] == [right.value(name, row) for row in rows], name


def test_causes_do_change(made: dict[str, Columns]) -> None:
    before, after = made["dss1"].ints("cause"), remapped(made["dss1"], REGISTRY, "rfc3398").ints("cause")
    assert (before != after).sum() > 10


def test_rows_of_the_profile_are_left_alone(made: dict[str, Columns]) -> None:
    assert remapped(made["dss1"], REGISTRY, "dss1") is made["dss1"]


def test_read_causes_stay(made: dict[str, Columns]) -> None:
    before, after = made["dss1"], remapped(made["dss1"], REGISTRY, "rfc3398")
    read = one_of(before.labels("cause_from"), ["isup", "reason", "reason_18x", "vendor_pack", "event"])
    assert read.any()
    assert (before.ints("cause")[read] == after.ints("cause")[read]).all()
    assert (one_of(after.labels("cause_from"), before.labels("cause_from").names) == (after.ints("cause") > 0)).all()


def test_no_calls_and_no_profile(made: dict[str, Columns]) -> None:
    nothing = made["dss1"].take(np.zeros(0, dtype=np.int64))
    assert len(remapped(nothing, REGISTRY, "cisco")) == 0
    with pytest.raises(UnknownProfile, match="no mapping profile 'dss2'"):
        remapped(nothing, REGISTRY, "dss2")
