"""What a capture can say: ladders for what traffic shows, made analyses for what the reading counted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.registry import family_of, load_registry
from analyzer.schema import RequestRow, ResponseRow, VantageRow
from analyzer.stats.bounds import bound_rows
from analyzer.stats.doubts import doubts, interval
from analyzer.stats.vantage import GRADES, grade, grade_of, vantage
from tests.flow import play, sent
from tests.frames import write_pcap
from tests.stats.made import START, MadeAnalysis, calls, capture

CHECKS = load_registry().vantage_checks


def checked(analysis: Any) -> dict[str, VantageRow]:
    """The rows of checks that are affected, by check."""
    return {row.check: row for row in vantage(analysis) if row.affected}


def seen(ladder: str) -> dict[str, VantageRow]:
    return checked(play(ladder).result)


def counts(analysis: Any) -> dict[str, tuple[int, int]]:
    return {check: (row.affected, row.total) for check, row in checked(analysis).items()}


def one_way(ladder: str, kept: str) -> Any:
    """The analysis of what a tap holds that sees only what an address sends."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.pcap"
        write_pcap([one for one in sent(ladder) if one.src in (kept, "192.0.2.250")], path)
        return analyzer.analyze(str(path))


def several(count: int, text: str) -> str:
    """The same call so many times, a second apart."""
    parties = "alice = 192.0.2.10\nbob = 198.51.100.20\n"
    return parties + "\n".join(f"call c{n}\n{text}" for n in range(count)) + "\nend +400s"


ANSWERED = """
    alice -> bob   INVITE +1s
    alice <- bob   180
    alice <- bob   200   +2s
    alice -> bob   ACK
    alice -> bob   BYE   +3s
    alice <- bob   200
"""
BUSY = """
    alice -> bob   INVITE +1s
    alice <- bob   486
    alice -> bob   ACK
"""


# -- the traffic itself -------------------------------------------------------------------------------------------


def test_a_whole_capture_is_good() -> None:
    result = play(several(3, ANSWERED + "\n" + BUSY.replace("INVITE", "INVITE call=x"))).result
    assert not checked(result)
    assert grade(vantage(result)) == "good"
    assert all(row.low == row.high for row in bound_rows(result))


def test_only_what_the_caller_sends() -> None:
    """Ten calls, answered; the tap shows INVITE, ACK and BYE: ten timeouts, and none of them true."""
    result = one_way(several(10, ANSWERED), "192.0.2.10")
    assert {call["outcome"] for call in result.columns("calls").rows()} == {"timed_out"}
    assert counts(result)["one_sided"] == (10, 10)
    assert grade(vantage(result)) == "poor"
    ser = next(row for row in bound_rows(result) if row.kpi == "ser")
    assert (ser.value, ser.low, ser.high) == (0.0, 0.0, 100.0)


def test_only_what_the_caller_sends_of_refused_calls() -> None:
    """The ACK to a refusal has its INVITE's branch: proof call by call."""
    assert counts(one_way(several(10, BUSY), "192.0.2.10"))["one_sided"] == (10, 10)


def test_only_what_the_callee_sends() -> None:
    result = one_way(several(10, ANSWERED), "198.51.100.20")
    assert len(result.columns("calls")) == 0
    found = counts(result)
    assert found["orphans"] == (30, 30)
    assert found["one_sided"] == (10, 10)
    ser = next(row for row in bound_rows(result) if row.kpi == "ser")
    assert (ser.value, ser.low, ser.high, ser.outside) == (None, 0.0, 100.0, 10)


def test_one_direction_of_calls_both_ways() -> None:
    """The tap sees what alice sends: her own requests, and her responses to bob's calls. Counts alone balance out."""
    result = one_way(_alternating(10), "192.0.2.10")
    assert counts(result)["one_sided"] == (20, 20)


def _alternating(count: int) -> str:
    """Calls from alice and calls from bob in turn."""
    lines = ["alice = 192.0.2.10", "bob = 198.51.100.20"]
    for n in range(count):
        lines += [f"call a{n}", ANSWERED, f"call b{n}"]
        lines.append(ANSWERED.replace("alice", "\0").replace("bob", "alice").replace("\0", "bob"))
    return "\n".join([*lines, "end +400s"])


def test_nobody_answering_is_no_fault_of_the_capture() -> None:
    """Who hears nothing over UDP repeats the INVITE: this silence is real."""
    dead = several(10, "alice -> bob INVITE resends=6 +1s") + "\n"
    result = play(dead).result
    assert {call["outcome"] for call in result.columns("calls").rows()} == {"timed_out"}
    assert "one_sided" not in checked(result)


def test_a_dead_phone_among_others_is_no_fault_of_the_capture() -> None:
    result = play(several(5, ANSWERED) + "\ncall dead\nalice -> carol INVITE resends=6\nend +400s").result
    assert "one_sided" not in checked(result)
    assert doubts(result).inside == 0


def test_a_capture_that_begins_in_the_middle() -> None:
    """One call's 200 and BYE come from before: an orphan and a BYE of nobody, but no ratio is in doubt."""
    began = """
    alice = 192.0.2.10
    bob = 198.51.100.20
    alice -> bob   INVITE lost
    alice <- bob   200
    alice -> bob   ACK
    alice -> bob   BYE  +1s
    alice <- bob   200
    """
    result = play(began + "\n".join(f"call c{n}\n{ANSWERED}" for n in range(9)) + "\nend +400s").result
    assert counts(result) == {"orphans": (1, 29), "cut_at_start": (1, 10)}
    assert grade(vantage(result)) == "good"
    assert all(row.low == row.high for row in bound_rows(result))


def test_calls_cut_off_by_the_end() -> None:
    result = play(
        several(4, ANSWERED).removesuffix("\nend +400s") + "\ncall last\nalice -> bob INVITE\nalice <- bob 180"
    ).result
    assert counts(result)["cut_at_end"] == (1, 5)
    ser = next(row for row in bound_rows(result) if row.kpi == "ser")
    assert (ser.value, ser.low, ser.high) == (100.0, 80.0, 100.0)


def test_acks_that_were_not_captured() -> None:
    found = seen(several(10, ANSWERED.replace("ACK", "ACK lost") + "\n"))
    assert (found["ack_missing"].affected, found["ack_missing"].total) == (10, 10)


def test_refusals_of_which_one_was_not_acknowledged() -> None:
    lost = BUSY.replace("ACK", "ACK lost")
    text = several(5, BUSY).removesuffix("\nend +400s") + f"\ncall lost\n{lost}\nend +400s"
    assert counts(play(text).result)["ack_missing"] == (1, 6)


def test_a_caller_that_never_acknowledges_says_nothing_of_the_capture() -> None:
    """Its INVITEs were captured, so its ACKs would have been (RFC 3261 §17.1.1.3): it sends none."""
    text = several(5, BUSY.replace("ACK", "ACK lost"))
    assert "ack_missing" not in seen(text)


def test_an_ack_that_never_came_is_the_networks_fault() -> None:
    drop = """
    alice -> bob   INVITE +1s
    alice <- bob   200   resends=10
    alice <- bob   BYE  +33s
    alice -> bob   200
    """
    result = play(several(3, drop)).result
    assert [call["release"] for call in result.columns("calls").rows()] == ["no_ack"] * 3
    assert "ack_missing" not in checked(result)


def test_an_ack_under_way_when_the_capture_ends() -> None:
    ladder = several(1, "alice -> bob INVITE\nalice <- bob 486").replace("end +400s", "end +1s")
    assert "ack_missing" not in seen(ladder)


def test_byes_that_were_not_captured() -> None:
    lost = "\nalice -> bob INVITE +1s\nalice <- bob 200\nalice -> bob ACK\nend +5h\n"
    found = counts(play(several(1, lost)).result)
    assert found["bye_missing"] == (1, 1)


# -- what the reading counted -------------------------------------------------------------------------------------


def response(code: int, count: int, method: str = "INVITE") -> ResponseRow:
    return ResponseRow(code, method, family_of(code), None, None, count, count, 0, 0)


BUSY_CALL = {"outcome": "busy", "status_code": 486, "ack_ts": START, "messages": 4, "hops": 1, "resends": 0}
SILENT_CALL = {"outcome": "timed_out", "messages": 7, "hops": 1, "resends": 6}


def made(count: int = 100, silent: int = 0, **given: Any) -> MadeAnalysis:
    rows = [BUSY_CALL] * count + [SILENT_CALL] * silent
    usual: dict[str, Any] = {
        "captures": [
            capture(frames=1000, sip_messages=1000, layers={"eth ip udp": (600, 600, 0), "eth ip tcp": (400, 400, 0)})
        ],
        "responses": [response(486, count), response(100, count)],
        "requests": [RequestRow("INVITE", count, count, 0, 0), RequestRow("ACK", count, count, 0, 0)],
    }
    return MadeAnalysis({"calls": calls(*rows)}, **{**usual, **given})


def captured(**given: Any) -> list[Any]:
    usual = {"frames": 1000, "sip_messages": 1000, "layers": {"eth ip udp": (600, 600, 0), "eth ip tcp": (400, 400, 0)}}
    return [capture(**{**usual, **given})]


@pytest.mark.parametrize(
    ("check", "given", "affected", "total", "expected"),
    [
        ("stream_gaps", {"issue_counts": {"tcp.gap": 1}}, 1, 401, "fair"),
        ("stream_gaps", {"issue_counts": {"tcp.gap": 20, "sctp.incomplete": 20}}, 40, 440, "poor"),
        ("lost_fragments", {"issue_counts": {"ip.fragment": 3}}, 3, 1003, "fair"),
        ("lost_fragments", {"issue_counts": {"ip.fragment": 30, "ip.fragment_overlap": 2}}, 32, 1032, "poor"),
        ("snaplen", {"issue_counts": {"capture.frame_cut": 5}}, 5, 1000, "fair"),
        ("snaplen", {"issue_counts": {"capture.frame_cut": 500}}, 500, 1000, "poor"),
        ("unlinked", {"issue_counts": {"sip.no_call_id": 9, "sip.no_cseq": 9}}, 9, 1000, "good"),
        ("unlinked", {"issue_counts": {"sip.no_call_id": 90, "sip.bad_start_line": 20}}, 110, 1020, "poor"),
        ("clock_steps", {"issue_counts": {"capture.clock_step": 1}}, 1, 1000, "fair"),
        ("clock_steps", {"issue_counts": {"capture.clock_step": 40}}, 40, 1000, "poor"),
        ("no_times", {"issue_counts": {"capture.no_timestamps": 1}}, 1, 1, "poor"),
        ("not_merged", {"issue_counts": {"capture.not_merged": 1}}, 1, 1, "fair"),
        ("truncated", {"captures": captured(truncated=True)}, 1, 1, "fair"),
        ("opaque", {"captures": captured(opaque=8_000, opaque_connections=1)}, 10, 1010, "good"),
        ("opaque", {"captures": captured(opaque=800_000, opaque_connections=9)}, 1000, 2000, "poor"),
        ("unread_frames", {"captures": captured(unread={"link_type_147": 300, "not_ip": 99})}, 300, 1000, "poor"),
        ("dropped", {"captures": captured(dropped=100), "orphans": 20}, 100, 1100, "poor"),
        ("dropped", {"captures": captured(dropped=1), "orphans": 20}, 1, 1001, "fair"),
        ("dropped_elsewhere", {"captures": captured(dropped=900), "orphans": 0}, 900, 1900, "fair"),
        ("copies", {"captures": captured(duplicates=500)}, 500, 1000, "good"),
        ("copies_kept", {"captures": captured(duplicates=500), "keeps_copies": True}, 500, 1000, "poor"),
        ("orphans", {"orphans": 60}, 60, 200, "poor"),
        ("orphans", {"orphans": 1}, 1, 200, "good"),
        ("cut_at_start", {"requests": [RequestRow("BYE", 50, 50, 0, 0)]}, 50, 50, "fair"),
    ],
)  # fmt: skip
def test_each_check_and_its_grade(check: str, given: dict[str, Any], affected: int, total: int, expected: str) -> None:
    row = checked(made(**given))[check]
    assert (row.affected, row.total, row.grade) == (affected, total, expected)
    assert row.share == pytest.approx(100 * affected / total)
    assert row.meaning == CHECKS[check].follows


def test_without_trouble_nothing_is_affected() -> None:
    assert not checked(made())


def test_every_check_of_the_data_is_counted() -> None:
    assert [row.check for row in vantage(made())] == list(CHECKS)


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_limits_stand_in_order_with_a_reason(check: Any) -> None:
    assert check.reason
    assert check.follows
    assert check.fair is None or check.poor is None or check.fair <= check.poor
    assert check.poor is None or check.fair is not None


def test_few_of_few_say_little() -> None:
    one_sided = CHECKS["one_sided"]
    assert [grade_of(one_sided, n, 3) for n in range(4)] == ["good", "poor", "poor", "poor"]
    acks = CHECKS["ack_missing"]
    assert grade_of(acks, 1, 3) == "fair"
    assert grade_of(acks, 1, 1000) == "good"
    assert grade_of(acks, 900, 1000) == "poor"


def test_more_affected_never_grade_better() -> None:
    for check in CHECKS.values():
        found = [GRADES.index(grade_of(check, n, 200)) for n in range(201)]
        assert found == sorted(found), check.id


def test_lost_finals_put_silent_calls_in_doubt() -> None:
    """Ten calls timed out in truth, as far as one can see; three gaps may hide three finals, and no more."""
    analysis = made(silent=10, issue_counts={"tcp.gap": 3})
    ser = {row.kpi: row for row in bound_rows(analysis)}["ser"]
    assert (ser.doubtful, ser.low) == (3, 0.0)
    assert ser.high == pytest.approx(100 * 3 / 110)


def test_dropped_frames_take_whole_calls_with_them() -> None:
    doubt = doubts(made(orphans=40, captures=captured(dropped=200)))
    assert doubt.lost_messages == 200
    assert doubt.lost_calls == 50  # of four messages each


def test_drops_that_left_no_holes_count_as_the_holes_that_may_be_there() -> None:
    doubt = doubts(made(1000, captures=captured(dropped=900)))
    assert 0 < doubt.lost_messages <= 1000 * interval(0, 2000)[1] + 1


def test_opaque_tls_hides_calls() -> None:
    rows = bound_rows(made(count=0, captures=captured(sip_messages=0, opaque=56_000), responses=[], requests=[]))
    assert {row.kpi: (row.low, row.high, row.outside) for row in rows}["ser"] == (0.0, 100.0, 10)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_wilson_interval(part: int, whole: int, low: float, high: float) -> None:
    assert interval(part, whole) == pytest.approx((low, high), abs=1e-4)
