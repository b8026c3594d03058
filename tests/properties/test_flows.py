"""What the correlator promises, held over generated flows of several hops, forks, retransmissions and cuts.

Few seeds are tried here; `python -m tests.properties.promises 0 1000 40` looks at many. A seed that broke a promise
once stays as a ladder in tests/correlate.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.stats.document import document
from tests.frames import write_pcap
from tests.properties.fed import fed
from tests.properties.flows import datagrams, flow, spoilt
from tests.properties.promises import END, PROMISES

#: Calls of one capture: what is fed by hand costs by the table, not by the call.
CALLS = 12
EXAMPLES = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
TABLES = ("calls", "registrations", "transactions", "midcall", "others", "branches", "blocks", "sessions", "links")


@pytest.mark.parametrize("promise", PROMISES)
def test_promise(promise: str) -> None:
    @EXAMPLES
    @given(st.integers(0, 2**32))
    def kept(seed: int) -> None:
        assert PROMISES[promise](seed, CALLS) == []

    kept()


def test_the_flows_show_what_they_are_for() -> None:
    """A promise over flows in which nothing happens would be kept by anything."""
    tables = fed(flow(2, 120), END).tables
    calls = tables["calls"]
    assert {row["hops"] for row in calls} == {1, 2, 3, 4}
    assert max(row["attempts"] for row in calls) >= 3
    assert max(row["forks"] for row in calls) >= 4
    assert max(row["answers"] for row in calls) >= 2
    outcomes = Counter(row["outcome"] for row in calls)
    wanted = {"answered", "cancelled", "abandoned", "elsewhere", "redirected", "unauthorized", "failed", "timed_out",
              "no_answer", "rejected"}  # fmt: skip
    assert wanted <= outcomes.keys()
    assert {"normal", "abnormal", "odd", "still_up"} <= {row["release"] for row in calls}
    assert {"glare", "bye_race", "dialog_lost", "no_reply"} <= {row["kind"] for row in tables["midcall"]}
    assert {row["fate"] for row in tables["branches"]} >= {"decided", "relayed", "outranked", "cancelled", "step"}
    assert sum(row["resends"] for row in calls) > 100


#: What is asked of each file.
OF_FILES = ("no_times", "not_merged", "truncated")


def told(result: Any) -> dict[str, Any]:
    """Everything that an analysis says, without what names the files that it was read from."""
    where = {"frame_no", "capture_no"}
    tables = {
        name: [{key: cell for key, cell in row.items() if key not in where} for row in result.columns(name).rows()]
        for name in TABLES
    }
    whole = {key: part for key, part in document(result).items() if key != "captures"}
    checks = whole["vantage"]["checks"]
    whole["vantage"]["checks"] = [check for check in checks if check["check"] not in OF_FILES]
    return {**tables, **whole, "requests": result.requests, "responses": result.responses}


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_one_capture_or_the_same_frames_in_several(tmp_path_factory: Any, seed: int, cuts: int) -> None:
    """Tables and JSON document do not depend on the files that the frames stand in, nor on their order."""
    random, frames = Random(seed), datagrams(sorted(spoilt(seed, CALLS), key=lambda one: one.ts))
    folder = tmp_path_factory.getbasetemp()
    paths: list[Path] = []
    places = sorted({0, len(frames), *(random.randint(0, len(frames)) for _ in range(cuts))})
    for number, (start, end) in enumerate(pairwise(places)):
        paths.append(folder / f"part{number}.pcap")
        write_pcap(frames[start:end], paths[-1])
    if not paths:
        return
    write_pcap(frames, folder / "whole.pcap")
    keep = ("calls", "registrations", "transactions")
    whole = told(analyzer.analyze(str(folder / "whole.pcap"), keep=keep))
    random.shuffle(paths)
    assert told(analyzer.analyze(*map(str, paths), keep=keep)) == whole
