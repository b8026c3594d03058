"""Looking ahead changes nothing, whatever stands in the rows; texts that move stay what they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer import batch as b
from analyzer.correlate import key_kernels
from analyzer.correlate.layout import K_COLUMNS
from analyzer.correlate.text_kernels import move_texts
from analyzer.correlate.touch_kernels import touch, touch_bucket
from tests.correlate.made import Run, answered, batch_of, in_order, invite, refused, request


def run_of_everything() -> Run:
    flows = [answered(k / 10, f"a{k}") if k % 2 else refused(k / 10, f"r{k}") for k in range(40)]
    return Run().take(in_order(*flows, [invite(1, "open")]))


@pytest.mark.parametrize("how", ["compiled", "plain"])
def test_looking_ahead_leaves_every_row_as_it_is(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, bucket = (touch, touch_bucket) if how == "compiled" else (touch.py_func, touch_bucket.py_func)  # type: ignore[attr-defined]
    correlator = run_of_everything().correlator
    state = {name: value.copy() for name, value in vars(correlator).items() if isinstance(value, np.ndarray)}
    sent = [*answered(5, "a1"), *refused(6, "new"), request(7, "a3", "BYE", 9)]
    batch = batch_of(sent, b.MethodNames())
    keys, links = np.empty((len(sent), K_COLUMNS), np.int64), np.empty((len(sent), 4), np.int64)
    key_kernels.message_keys(batch.octets, batch.numbers, batch.spans, correlator._seeds, keys)
    with np.errstate(over="ignore"):
        ahead(
            0, len(sent), batch.numbers, keys, links, correlator._tx, correlator._tx_index, correlator._groups,
            correlator._call_index,
        )  # fmt: skip
    assert (links[:, 0] >= 0).sum() >= 4  # it did find the transactions of the call that is known
    for first in correlator._wheel[correlator._wheel >= 0].tolist():
        bucket(
            correlator._groups, correlator._tx, correlator._tx_index, correlator._call_index, correlator._latest_index,
            first, 2**62,
        )  # fmt: skip
    for name, before in state.items():
        assert np.array_equal(getattr(correlator, name), before), name


@pytest.mark.parametrize("how", ["compiled", "plain"])
def test_texts_move_end_to_end(how: str) -> None:
    move: Any = move_texts if how == "compiled" else move_texts.py_func  # type: ignore[attr-defined]
    octets = np.frombuffer(b"..Call-ID...tag.uri", dtype=np.uint8)
    starts, lengths = np.array([12, 0, 2, 15, 16]), np.array([3, -1, 7, 0, 3], dtype=np.int32)
    out = np.zeros(16, dtype=np.uint8)
    assert move(octets, starts, lengths, out, 2) == 15
    texts = [out[s : s + n].tobytes() for s, n in zip(starts.tolist(), lengths.tolist(), strict=True) if n >= 0]
    assert texts == [b"tag", b"Call-ID", b"", b"uri"]
