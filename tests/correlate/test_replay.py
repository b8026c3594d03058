"""A replay of one call comes to the row that the whole analysis came to: the ledger is what the kernels did."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analyzer.batch import MISSING
from analyzer.correlate import kept
from analyzer.correlate.kept import CallMessages
from pcaps.make import HERE
from tests.conftest import SHARED
from tests.correlate.made import answered, batch_of, refused
from tests.explaining import differences, explained_calls
from tests.frames import Datagram, write_pcap
from tests.reference.ladders import ladder

CORPUS = sorted(HERE.glob("*/capture.pcapng"))
#: Real ones, of other people's making: clock steps, copies, broken messages, Call-IDs used again.
REAL = (
    "generated/d_out_of_order_2.pcap", "generated/snaplen_200.pcap", "ntop__nDPI/fuzz-2006-06-26-2594.pcap",
    "irontec__sngrep/ipv6frag.pcap", "goffinet__sip_captures/private-test-sip-2.pcapng",
)  # fmt: skip


@pytest.mark.parametrize("path", CORPUS, ids=[path.parent.name for path in CORPUS])
def test_calls_of_the_corpus_come_to_the_same_row(path: Path) -> None:
    assert differences(list(explained_calls(path))) == []


def test_calls_of_the_demo_come_to_the_same_row() -> None:
    seen = list(explained_calls(HERE / "demo.pcapng", most=40))
    assert len(seen) == 40
    assert differences(seen) == []


@pytest.mark.parametrize("name", REAL)
def test_calls_of_real_captures_come_to_the_same_row(name: str) -> None:
    path = SHARED / "captures" / name
    if not path.exists():
        pytest.skip("no captures beside the repository")
    assert differences(list(explained_calls(path, most=25))) == []


@settings(
    max_examples=12, deadline=None, derandomize=True, phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.integers(0, 2**32), st.sampled_from(("orderly", "realistic", "unruly")), st.booleans())
def test_calls_of_any_ladder_come_to_the_same_row(tmp_path_factory: Any, seed: int, kind: str, disturb: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "replayed.pcap"
    sent = ladder(Random(seed), kind, disturb)
    write_pcap(
        [Datagram(one.ts, one.src, 5060, one.dst, 5060, one.payload, n % 65_535 + 1) for n, one in enumerate(sent)],
        path,
    )
    seen = list(explained_calls(path))
    assert differences(seen) == []
    for call in seen:
        told = {effect.at for effect in call.effects}
        assert told >= set(range(len(call.messages))), "every message has a line"
        assert sum(rule.decided for rule in call.trace.outcomes) == 1
        (decided,) = [rule for rule in call.trace.outcomes if rule.decided]
        assert (decided.rule, decided.outcome) == (call.call["outcome_rule"], call.call["outcome"])
        chosen = [candidate.cause for candidate in call.trace.causes if candidate.chosen]
        assert chosen == ([] if call.call["cause"] is None else [call.call["cause"]])
        assert call.trace.party.ip == call.call["failed_by_ip"]


def test_the_messages_of_one_call_id_and_no_others() -> None:
    from analyzer.batch import MethodNames

    batch = batch_of([*answered(0, "one"), *refused(0.05, "two"), *refused(3, "one two")], MethodNames())
    links = np.full((len(batch), 4), MISSING)
    messages = CallMessages(b"two")
    messages(batch, links)
    assert len(messages.messages) == 3
    assert {one.batch.text(0, 3) for one in messages.messages} == {"two"}
    assert messages.ticks.tolist() == sorted(set(messages.ticks.tolist()))


def test_what_is_kept_of_one_call_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.batch import MethodNames

    monkeypatch.setattr(kept, "MAX_MESSAGES", 2)
    batch = batch_of(answered(0, "one"), MethodNames())
    messages = CallMessages(b"one")
    messages(batch, np.full((len(batch), 4), MISSING))
    assert (len(messages.messages), messages.left_out) == (2, 3)
