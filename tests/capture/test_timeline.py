from __future__ import annotations

import gzip
import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, D_LENGTH, D_OFFSET, D_TS
from analyzer.capture import timeline as timeline_module
from analyzer.capture.timeline import timeline
from analyzer.errors import CaptureError
from analyzer.issues import IssueLog
from tests.capture.made import RTP, interface, packet, pcap, section, sip

S = 1_000_000_000


def _message(number: int) -> bytes:
    return b"SIP/2.0 %03d x\r\n\r\n" % number


def _capture(path: Path, times: list[float], what: bytes = b"") -> str:
    frames = [(int(t) << 32 | int(t % 1 * 1e6), sip(what or _message(int(t) % 1000)), 60) for t in times]
    path.write_bytes(pcap(frames))
    return str(path)


def _rows(paths: list[str], issues: IssueLog | None = None) -> list[tuple[int, int, int]]:
    """(capture_no, frame_no, ts in s) of every row; each payload must be the one of its time."""
    found = []
    line = timeline(paths, issues or IssueLog())
    for octets, rows in line:
        for row in rows:
            payload = octets[row[D_OFFSET] : row[D_OFFSET] + row[D_LENGTH]].tobytes()
            assert payload == _message(int(row[D_TS]) // S % 1000)
            found.append((int(row[D_CAPTURE_NO]), int(row[D_FRAME_NO]), int(row[D_TS]) // S))
    line.close()
    return found


def test_one_capture_stays_in_captured_order(tmp_path: Path) -> None:
    path = _capture(tmp_path / "a", [5, 3, 9, 1])
    assert _rows([path]) == [(1, 1, 5), (1, 2, 3), (1, 3, 9), (1, 4, 1)]


def test_captures_without_overlap_follow_one_another(tmp_path: Path) -> None:
    late = _capture(tmp_path / "a", [100, 101])
    early = _capture(tmp_path / "b", [50, 51])
    assert _rows([late, early]) == [(2, 1, 50), (2, 2, 51), (1, 1, 100), (1, 2, 101)]


def test_overlapping_captures_are_merged_by_time(tmp_path: Path) -> None:
    a = _capture(tmp_path / "a", [1, 3, 5, 7, 9])
    b = _capture(tmp_path / "b", [2, 3, 6])
    c = _capture(tmp_path / "c", [3, 20])
    assert [(n, ts) for n, _, ts in _rows([a, b, c])] == [
        (1, 1), (2, 2), (1, 3), (2, 3), (3, 3), (1, 5), (2, 6), (1, 7), (1, 9), (3, 20),
    ]  # fmt: skip


def test_order_within_a_capture_never_changes(tmp_path: Path) -> None:
    a = _capture(tmp_path / "a", [10, 2, 12, 4, 14])
    b = _capture(tmp_path / "b", [1, 11, 13])
    rows = _rows([a, b])
    assert [frame for n, frame, _ in rows if n == 1] == [1, 2, 3, 4, 5]
    assert [(n, ts) for n, _, ts in rows] == [(2, 1), (1, 10), (1, 2), (2, 11), (1, 12), (1, 4), (2, 13), (1, 14)]


def test_merging_over_many_batches(tmp_path: Path) -> None:
    """Several batches of each capture, against sorting everything at once."""
    rng = np.random.default_rng(3)
    paths, all_rows = [], []
    for number in range(1, 4):
        times = np.cumsum(rng.integers(0, 3, 6000)).tolist()
        paths.append(_capture(tmp_path / str(number), [float(t) for t in times]))
        all_rows += [(t, number, frame) for frame, t in enumerate(times, 1)]
    assert [(ts, n, frame) for n, frame, ts in _rows(paths)] == sorted(all_rows)


def test_a_ring_of_files_opens_few_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [_capture(tmp_path / f"{n:03}", [n * 10.0 + k for k in range(12)]) for n in range(300)]
    opened: list[int] = []
    real = timeline_module.open_reader

    def counting(*arguments: object) -> object:
        opened.append(len(os.listdir("/proc/self/fd")))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(timeline_module, "open_reader", counting)
    rows = _rows(paths[::-1])
    assert len(rows) == 300 * 12
    assert all(a[2] <= b[2] for a, b in itertools.pairwise(rows))
    assert max(opened) - min(opened) <= 3


def test_too_many_captures_of_one_time_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_module, "OPEN_CAPTURES", 3)
    paths = [_capture(tmp_path / str(n), [1 + n, 100]) for n in range(5)]
    issues = IssueLog()
    assert sorted(_rows(paths, issues)) == sorted(
        (n + 1, frame, ts) for n in range(5) for frame, ts in ((1, 1 + n), (2, 100))
    )
    assert issues.counts == {"capture.not_merged": 2}


def test_what_is_said_of_each_capture(tmp_path: Path) -> None:
    a = _capture(tmp_path / "a", [1, 2])
    b = tmp_path / "b"
    b.write_bytes(gzip.compress(section() + interface() + packet(sip(RTP))))
    c = _capture(tmp_path / "c", [])
    line = timeline([a, str(b), c], IssueLog())
    assert sum(len(rows) for _, rows in line) == 2
    assert [(r.capture_no, r.source, r.format, r.frames) for r in line.readers] == [
        (1, a, "pcap", 2),
        (2, str(b), "pcapng.gz", 1),
        (3, c, "pcap", 0),
    ]
    sizes = sum(os.path.getsize(path) for path in (a, b, c))
    assert line.progress == (sizes, sizes)


def test_bad_captures_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    a = _capture(tmp_path / "a", [1, 2])
    (tmp_path / "b").write_text("no")
    with pytest.raises(CaptureError, match="not a capture"):
        timeline([a, str(tmp_path / "b")], IssueLog())


def test_what_was_handed_out_stays_valid_for_two_more(tmp_path: Path) -> None:
    path = _capture(tmp_path / "a", [float(n) for n in range(40_000)])
    held: list[tuple[object, bytes, list[list[int]]]] = []
    line = timeline([path], IssueLog())
    for batch in line:
        used = int(batch.rows[-1, D_OFFSET] + batch.rows[-1, D_LENGTH])
        held.append((batch, batch.octets[:used].tobytes(), batch.rows.tolist()))
        for kept, octets, rows in held[-3:]:
            assert kept.octets[: len(octets)].tobytes() == octets  # type: ignore[attr-defined]
            assert kept.rows.tolist() == rows  # type: ignore[attr-defined]
    assert len(held) > 8
