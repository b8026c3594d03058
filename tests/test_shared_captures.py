"""Real captures beside the repository: counts against another program's, the codes they were made for, invariants.

The captures are other people's traffic and no part of the repository; without them everything here is skipped.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import CaptureError
from tests.conftest import SHARED
from tests.reading import Messages, analyse, document, rows

CAPTURES = SHARED / "captures"
NOT_A_CALL = ("register", "OPTIONS", "REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE", "INFO", "BYE", "REFER", "NOTIFY")
NO_CAPTURE = "generated/d_not_a_capture.pcap"
#: Captures that another file opens.
KEYLOGS = {"generated/kam_tls12.pcap": "generated/kam_tls12.keylog"}
DIFFERENCES = Path(__file__).parents[1] / "docs" / "differences.md"


def _table(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


INDEX = {row["path"]: row for row in _table(CAPTURES / "INDEX.tsv")}
READ = [path for path in INDEX if path != NO_CAPTURE]
MADE = sorted({f"generated/{row['file']}" for row in _table(CAPTURES / "generated" / "truth.tsv")} & set(READ))
pytestmark = pytest.mark.skipif(not INDEX, reason="no captures beside the repository")


@cache
def _read(capture: str) -> tuple[Any, Messages]:
    """A capture as the kernels read it; every test looks at the same reading."""
    messages = Messages()
    return analyse(CAPTURES / capture, message_sink=messages, keylog=_keylog(capture)), messages


def _keylog(capture: str) -> str | None:
    return str(CAPTURES / KEYLOGS[capture]) if capture in KEYLOGS else None


def _document(capture: str) -> dict[str, Any]:
    return document(_read(capture)[0])


def _listed() -> dict[tuple[str, str], tuple[int, int]]:
    """The differences that docs/differences.md tells of: (capture, counter) to (tshark's number, ours)."""
    lines = DIFFERENCES.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    found = {}
    for capture, counter, theirs, ours, frames, why in cells[2:]:
        assert frames, "a difference is told with its frames"
        assert why, "a difference is told with its reason"
        found[capture, counter] = (int(theirs), int(ours))
    return found


@pytest.mark.parametrize("capture", READ)
def test_counts_agree_with_tshark_or_the_difference_is_told(capture: str) -> None:
    views = json.loads((CAPTURES / "truth" / f"{capture.replace('/', '__')}.json").read_text(encoding="utf-8"))
    truth = views["decrypted" if capture in KEYLOGS else "wide"]
    said = _document(capture)
    theirs = Counter({f"responses {code}": count for code, count in truth["responses_by_code"].items()})
    theirs.update({f"requests {method}": count for method, count in truth["requests_by_method"].items()})
    ours: Counter[str] = Counter()
    for row in said["responses"]:
        ours[f"responses {row['status_code']}"] += row["messages"]
    for row in said["requests"]:
        ours[f"requests {row['method']}"] += row["messages"]
    differences = {
        (capture, counter): (theirs[counter], ours[counter])
        for counter in theirs | ours
        if theirs[counter] != ours[counter]
    }
    assert differences == {key: numbers for key, numbers in _listed().items() if key[0] == capture}


def test_every_difference_is_of_a_capture_that_is_compared() -> None:
    assert {capture for capture, _ in _listed()} <= set(READ)


@pytest.mark.parametrize("capture", MADE)
def test_made_captures_yield_the_codes_they_were_made_for(capture: str) -> None:
    """Every row of truth.tsv by its group, calls and final code; calls and registrations neither more nor less."""
    calls: Counter[str] = Counter()
    registrations: Counter[str] = Counter()
    others: Counter[tuple[str, str]] = Counter()
    for row in _made(capture):
        method, count = row["group"].split("-")[0], int(row["calls"])
        if method in ("register", "REGISTER"):
            registrations[row["final_code"]] += count
        elif method in NOT_A_CALL:
            others[method, row["final_code"]] += count
        elif count:
            calls[row["final_code"]] += count
    result, said = _read(capture)[0], _document(capture)
    assert said["calls"]["by_status_code"] == calls
    assert Counter(str(row["status_code"]) for row in rows(result, "registrations")) == registrations
    seen: Counter[tuple[str, str]] = Counter()
    for row in said["responses"]:
        seen[row["method"], str(row["status_code"])] += row["unique"]
    assert {key: seen[key] for key in others} == others


@pytest.mark.parametrize("capture", MADE)
def test_made_captures_yield_the_outcomes_of_their_groups(capture: str) -> None:
    """What a group's name says of its calls: cancelled, nothing heard, and who answers with 200 has succeeded."""
    said = _document(capture)["calls"]["by_outcome"]
    expected: Counter[str] = Counter()
    for row in _made(capture):
        # The silent ones end with their last resend, not 32 s after their first INVITE: cut, not timed out.
        outcome = {"cancel": "cancelled", "silent": "open"}.get(row["group"])
        if row["final_code"] == "200" and row["group"].split("-")[0] not in NOT_A_CALL:
            outcome = "answered"
        if outcome:
            expected[outcome] += int(row["calls"])
    assert {outcome: said.get(outcome, 0) for outcome in expected} == expected
    assert expected["answered"] == said.get("answered", 0)


@pytest.mark.parametrize("capture", MADE)
def test_made_captures_were_sent_by_the_transports_they_were_made_for(capture: str) -> None:
    wanted = {kind for row in _made(capture) for kind in row["transport"].split("+") if kind != "-"}
    transactions = rows(_read(capture)[0], "transactions")
    seen = {row["transport"] + ("6" if ":" in row["client_ip"] else "") for row in transactions}
    if any(kind["layers"].endswith("hep") for kind in _document(capture)["captures"][0]["layers"]):
        seen.add("hep")
    assert seen == wanted


def _made(capture: str) -> list[dict[str, str]]:
    """The rows of truth.tsv that tell of a made capture."""
    return [row for row in _table(CAPTURES / "generated" / "truth.tsv") if capture == f"generated/{row['file']}"]


def test_every_made_capture_has_a_row_of_what_it_must_yield() -> None:
    assert {path for path in INDEX if path.startswith("generated/")} - {NO_CAPTURE} == set(MADE)


@pytest.mark.parametrize("capture", READ)
def test_the_numbers_of_a_document_add_up(capture: str) -> None:
    said = _document(capture)
    calls = said["calls"]
    assert calls["total"] == sum(calls["by_outcome"].values()) == sum(calls["by_status_code"].values())
    assert calls["unsuccessful"] == sum(row["calls"] for row in said["causes"])
    assert calls["by_outcome"].get("answered", 0) == sum(calls["by_release"].values())
    assert sum(row["calls"] for row in said["releases"]) <= calls["by_outcome"].get("answered", 0)
    assert said["registrations"]["total"] == sum(said["registrations"]["by_outcome"].values())
    for row in said["causes"]:
        assert row["calls"] >= row["read"] + row["vendor"] + row["event"] + row["derived"]
    for row in (*said["responses"], *said["requests"]):
        assert row["messages"] == row["unique"] + row["resends"] + row["copies"]
    messages = sum(row["messages"] for row in (*said["responses"], *said["requests"]))
    assert messages == sum(row["sip_messages"] for row in said["captures"])


@pytest.mark.parametrize("capture", READ)
def test_each_failure_is_charged_once(capture: str) -> None:
    result = _read(capture)[0]
    calls, endpoints = rows(result, "calls"), document(result)["endpoints"]
    failures = ("invalid_number", "unauthorized", "blocked", "timed_out", "failed", "rejected")
    charged = [row for row in calls if row["outcome"] in failures and row["failed_by_ip"] is not None]
    assert sum(row["failures_as_responder"] for row in endpoints) == len(charged)
    assert sum(sum(row["by_status_code"].values()) for row in endpoints) == len(charged)
    assert sum(row["calls_as_caller"] for row in endpoints) == len(calls)
    assert sum(row["calls_as_callee"] for row in endpoints) == len(calls)


@pytest.mark.parametrize("capture", READ)
def test_both_readers_see_the_same(capture: str) -> None:
    fast, by_kernels = _read(capture)
    whole = Messages()
    slow = analyse(CAPTURES / capture, reader="scapy", message_sink=whole, keylog=_keylog(capture))
    assert by_kernels.rows == whole.rows
    for table in ("calls", "registrations", "transactions", "responses", "requests"):
        assert rows(fast, table) == rows(slow, table), table
    fast_document, slow_document = document(fast), document(slow)
    for row in (*fast_document["captures"], *slow_document["captures"]):
        # Of what is not SIP Scapy names other headers (ARP, extension headers), and sees other damage.
        row.pop("unread")
        row["layers"] = [(kind["layers"], kind["messages"]) for kind in row["layers"] if kind["messages"]]
    for said in (fast_document, slow_document):
        checks = said["vantage"]["checks"]
        said["vantage"]["checks"] = [check for check in checks if check["check"] != "unread_frames"]
    assert fast_document == slow_document


@pytest.mark.parametrize("capture", READ)
def test_every_capture_is_read_to_its_end(capture: str) -> None:
    said = _document(capture)
    assert said["captures"][0]["frames"] == int(INDEX[capture]["packets"])


#: Grades that were judged by hand: what each capture lacks, read in the frames themselves.
GRADES = {
    "MaryLS__Laborator09/sip.pcap": ("good", set()),
    "pentesteracademy__voipshark/SIP-RTP-Normal_Call_two_parties.pcap": ("good", set()),
    "irontec__sngrep/aaa.pcap": ("good", set()),  # two 408 and fourteen repeats, but all of it captured
    "nextcaller__sip-capture/sip-tcp.pcap": ("good", set()),
    "snort3__snort3_demo/SIP_Eyebeam2Eyebeam_Video_Audio.pcap": ("good", set()),
    "open5gs__open5gs/nonipsec_reg.pcapng": ("good", set()),  # every packet twice, removed
    "generated/udp_every_final_code.pcap": ("good", set()),
    "generated/kam_forking_2.pcap": ("good", set()),
    "goffinet__sip_captures/private-test-sip-2.pcapng": ("good", set()),  # one orphan of fourteen at its beginning
    # 930 frames lost says dumpcap, and not one of 5,082 responses lacks its request.
    "goffinet__sip_captures/branch-scenario-sipp.pcapng": ("fair", {"dropped_elsewhere"}),
    "slytechs-repos__jnetpcap-legacy/test-sip-rtp-g711.pcap": ("fair", {"cut_at_end"}),  # its second INVITE is its end
    "generated/d_cut_in_last_packet_2.pcap": ("fair", {"truncated"}),
    "generated/udp_no_answer.pcap": ("poor", {"cut_at_end"}),  # stopped before Timer B: nobody knows
    "generated/snaplen_200.pcap": ("poor", {"snaplen"}),
    "pentesteracademy__voipshark/SIP-over-TLS-RTP-Normal_Call_two_parties.pcap": ("poor", {"opaque"}),
    "seladb__PcapPlusPlus/sip_resp.pcap": ("poor", {"one_sided", "orphans"}),  # seven responses, no request
    "seladb__PcapPlusPlus/sip_reqs.pcap": ("poor", {"one_sided", "cut_at_start"}),  # four requests, no response
    "ntop__nDPI/fuzz-2006-06-26-2594.pcap": ("poor", {"one_sided", "orphans", "lost_fragments", "unlinked"}),
}


@pytest.mark.parametrize("capture", GRADES)
def test_the_grade_of_a_capture_is_what_reading_it_by_hand_gave(capture: str) -> None:
    found = _document(capture)["vantage"]
    grade, limits = GRADES[capture]
    assert found["grade"] == grade
    assert {row["check"] for row in found["checks"] if row["grade"] != "good"} == limits


@pytest.mark.parametrize("capture", READ)
def test_figures_lie_within_their_bounds_and_no_honest_capture_holds_scanners(capture: str) -> None:
    found = _document(capture)
    for row in found["vantage"]["bounds"]:
        assert row["low"] <= row["high"]
        assert row["value"] is None or row["low"] - 1e-9 <= row["value"] <= row["high"] + 1e-9
    assert found["calls"]["scanners"] == 0
    assert found["scanners"] == []


def test_what_is_no_capture_is_refused_in_one_line() -> None:
    with pytest.raises(CaptureError) as refused:
        analyse(CAPTURES / NO_CAPTURE)
    assert "\n" not in str(refused.value)
