"""A wire counts as a file does: whatever pieces the frames come in, the same rows come out."""

from __future__ import annotations

import itertools
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.api import analyze
from analyzer.batch import Octets
from analyzer.correlate.gaps import Gaps
from analyzer.live import counting
from tests.flow import sent, write_pcap
from tests.live.made import RecordListener, Run, records_of

CORPUS = Path(__file__).parents[2] / "pcaps"
#: TLS is read with the secrets that stand in the capture's own blocks, which no wire has.
CAPTURES = [path for path in sorted(CORPUS.glob("*/capture.pcap*")) if path.parent.name != "tls"]
#: What only all calls together tell (docs/live.md).
LATER = {"session_no", "is_scanner", "failed_side"}


def sizes(seed: int) -> Iterator[int]:
    """How many frames come at a time; nothing now and then."""
    chosen = random.Random(seed)
    return (chosen.choice([0, 1, 1, 2, 3, 7, 50, 1000]) for _ in itertools.count())


def plain(rows: object, names: set[str] = LATER) -> list[dict[str, object]]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_a_wire_counts_as_a_file(path: Path) -> None:
    link_type, records = records_of(path)
    run = Run([RecordListener(link_type, records, sizes(len(records)))])
    result = analyze(str(path))
    calls = run.rows("calls")
    assert plain(calls) == plain(result.columns("calls").rows())
    assert run.rows("registrations") == list(result.columns("registrations").rows())
    assert run.rows("branches") == list(result.columns("branches").rows())
    assert run.counting.traffic.responses() == result.responses
    assert run.counting.traffic.requests() == result.requests
    assert run.counting.correlator.orphans == result.orphans
    told = sum(tick.ended["others"].ints("transactions").sum() for tick in run.ticks if len(tick.ended["others"]))
    assert told == sum(row["transactions"] for row in result.columns("others").rows())
    # What was decided long before is what it came to in the end.
    names = ("call_no", "outcome", "status_code", "cause", "failed_by_ip")
    decided = [[row[name] for name in names] for row in run.decided()]
    assert decided == [[row[name] for name in names] for row in calls]
    assert run.tally.since_start.calls == len(decided)


ANSWERED = """
    alice -> bob   INVITE
    alice <- bob   180     +1s
    alice <- bob   200     +3s
    alice -> bob   ACK
    alice -> bob   OPTIONS +20s
    alice <- bob   200
    alice -> bob   BYE     +600s
    alice <- bob   200
"""


def records(ladder: str, tmp_path: Path) -> tuple[int, list[tuple[int, bytes]]]:
    """The frames of a ladder."""
    capture = tmp_path / "made.pcap"
    write_pcap(sent(ladder), capture)
    return records_of(capture)


def test_an_answer_is_told_when_it_comes_and_the_call_ends_later(tmp_path: Path) -> None:
    link_type, frames = records(ANSWERED, tmp_path)
    run = Run([RecordListener(link_type, frames, itertools.repeat(1))])
    decided = [number for number, tick in enumerate(run.ticks) if len(tick.decided)]
    ended = [number for number, tick in enumerate(run.ticks) if len(tick.ended["calls"])]
    assert len(decided) == len(ended) == 1
    assert decided < ended
    assert run.tally.since_start.by_outcome == {"answered": 1}
    assert run.rows("calls")[0]["sdt_s"] == pytest.approx(620.1, abs=1)


def test_too_much_alive_ends_early_and_is_counted() -> None:
    link_type, frames = records_of(CORPUS / "demo.pcapng")
    free = Run([RecordListener(link_type, frames, itertools.repeat(200))])
    bounded = Run([RecordListener(link_type, frames, itertools.repeat(200))], most_open=50)
    assert free.counting.evicted == 0
    assert bounded.counting.evicted > 0
    assert bounded.counting.issues.counts["live.evicted"] == bounded.counting.evicted
    assert bounded.counting.correlator.open_groups == 0
    assert bounded.tally.since_start.calls == len(bounded.rows("calls"))
    # Every message still belongs to something, though a call that was cut may be two.
    assert len(bounded.rows("calls")) >= len(free.rows("calls"))


def test_names_that_nothing_uses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.correlate import unending

    path = CORPUS / "demo.pcapng"
    link_type, frames = records_of(path)
    monkeypatch.setattr(unending, "MANY_ENDPOINTS", 3)
    monkeypatch.setattr(unending, "MANY_WORDS", 3)
    forgets: list[tuple[int, int]] = []
    forget = unending.UnendingCorrelator.forget_names

    def counted(self: unending.UnendingCorrelator) -> None:
        before = self.word_count
        forget(self)
        forgets.append((before, self.word_count))

    monkeypatch.setattr(unending.UnendingCorrelator, "forget_names", counted)
    run = Run([RecordListener(link_type, frames, itertools.repeat(500))])
    result = analyze(str(path))
    assert forgets
    assert any(after < before for before, after in forgets)
    assert plain(run.rows("calls")) == plain(result.columns("calls").rows())
    assert run.rows("registrations") == list(result.columns("registrations").rows())


def test_scanners_that_name_themselves_are_kept_out_of_ratios() -> None:
    link_type, frames = records_of(CORPUS / "scanner_named" / "capture.pcapng")
    run = Run([RecordListener(link_type, frames, itertools.repeat(5))])
    rows = run.rows("calls")
    scanned = sum(bool(row["is_scanner"]) for row in rows)
    assert 0 < scanned < len(rows)
    assert run.tally.since_start.calls == len(rows)
    assert 0 < run.tally.since_start.ratio("ser").denominator <= len(rows) - scanned


WAITS = """
    alice -> bob   INVITE
    alice <- bob   180     +1s
    carol -> bob   OPTIONS +400s
    carol <- bob   200
"""


def test_who_waited_when_nothing_could_be_heard_is_open_and_not_timed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_type, frames = records(WAITS, tmp_path)
    plain_run = Run([RecordListener(link_type, frames, itertools.repeat(1))])
    assert [row["outcome"] for row in plain_run.rows("calls")] == ["timed_out"]

    class Deaf(Gaps):
        def __init__(self) -> None:
            super().__init__()
            self.add(frames[1][0] + 10**9, frames[2][0])

    monkeypatch.setattr(counting, "Gaps", Deaf)
    run = Run([RecordListener(link_type, frames, itertools.repeat(1))])
    assert [(row["outcome"], row["status_code"]) for row in run.rows("calls")] == [("open", None)]


AHEAD = """
    alice -> bob   INVITE
    carol -> bob   OPTIONS +10ms
    alice <- bob   180     +1s
    alice <- bob   486     +20s
    alice -> bob   ACK
"""


def test_a_clock_that_is_ahead_times_nobody_out(tmp_path: Path) -> None:
    link_type, frames = records(AHEAD, tmp_path)
    hour = 3600 * 10**9

    class Agent(RecordListener):
        """One of its messages is stamped an hour ahead; ``now`` is the machine's own time."""

        def read_into(self, buffer: Octets) -> int:
            self.now = true_times[min(self._at, len(true_times) - 1)]
            return super().read_into(buffer)

        def __setattr__(self, name: str, value: object) -> None:
            if name == "now" and isinstance(value, int) and value > true_times[-1]:
                return
            super().__setattr__(name, value)

    true_times = [ts for ts, _ in frames]
    ts, record = frames[1]
    seconds, nanoseconds = divmod(ts + hour, 10**9)
    frames[1] = (ts, struct.pack("<II", seconds, nanoseconds) + record[8:])
    run = Run([Agent(link_type, frames, itertools.repeat(1))])
    assert [(row["outcome"], row["status_code"]) for row in run.rows("calls")] == [("busy", 486)]
    assert run.counting.issues.counts["hep.clock"] == 1
    assert run.counting.correlator.clock < ts + hour


def test_two_listeners_are_one_timeline(tmp_path: Path) -> None:
    link_type, frames = records_of(CORPUS / "forked" / "capture.pcapng")
    halves = [RecordListener(link_type, frames[start::2], itertools.repeat(1), f"made{start}") for start in (0, 1)]
    run = Run(halves)
    result = analyze(str(CORPUS / "forked" / "capture.pcapng"))
    names = LATER | {"capture_no", "frame_no"}
    assert plain(run.rows("calls"), names) == plain(result.columns("calls").rows(), names)
    assert run.counting.sip_messages.tolist() == [0, (len(frames) + 1) // 2, len(frames) // 2]
