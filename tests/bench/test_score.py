"""The score sheet: what is read off other programs, how it is judged, and that the page is not out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.judgement import Truth, Verdict, accepted, judge, totals, truth
from bench.opinions import Opinion, dialogs_of
from bench.scoring import PAGE, PCAPS, TEXT, answer, cell, folders

SCREEN = """
                                     sngrep - SIP messages flow viewer
  Current Mode: Offline                      Dialogs: 3                      Filename: capture.pcapng
  Match Expression:                          BPF Filter:
  Display Filter:
      ^Idx   Method       Call State     Msgs   Call-ID                                    Source
  [ ] 1      INVITE       CANCELLED      7      461f77ada9@192.0.2.10                      192.0.2.10:5060
  [ ] 2      OPTIONS                     2      b927775a00@192.0.2.50                      192.0.2.50:5060
  [*] 3      INVITE       CALL SETUP     12     ad0de45d7f@192.0.2.10                      192.0.2.10:5060
Esc Quit   Enter Show   Space Select   F1 Help   F2 Save   F3 Search   F4 Extended   F5 Clear
"""
TWO = Truth(
    calls=(
        {"outcome": "answered", "status_code": "200", "release": "still_up"},
        {"outcome": "no_answer", "status_code": "480"},
    ),
    failures=0,
    resends=None,
)


def test_the_dialogs_of_invites_are_read_off_the_screen() -> None:
    assert dialogs_of(SCREEN) == Opinion(messages=21, calls=2, states=("CANCELLED", "CALL SETUP"))


def test_what_is_not_said_is_not_judged() -> None:
    assert set(judge(Opinion(), TWO).values()) == {Verdict.SILENT}
    nothing_seen = Opinion(messages=0, calls=0, states=(), codes=(), failures=0, resends=0)
    assert set(judge(nothing_seen, TWO).values()) == {Verdict.SILENT}
    assert judge(Opinion(messages=9, resends=3), TWO)["resends"] is Verdict.SILENT, "the tables leave it open"


def test_figures_are_right_or_wrong() -> None:
    ours = Opinion(9, 2, ("answered", "no_answer"), (200, 480), 0)
    right = {"calls": "right", "outcome": "right", "code": "right", "failures": "right", "resends": "silent"}
    assert judge(ours, TWO) == right
    assert judge(Opinion(9, 2, ("IN CALL", "BUSY")), TWO)["outcome"] is Verdict.RIGHT
    assert judge(Opinion(9, 2, ("COMPLETED", "BUSY")), TWO)["outcome"] is Verdict.WRONG, "it is still up"
    assert judge(Opinion(9, 2, ("BUSY", "IN CALL")), TWO)["outcome"] is Verdict.WRONG, "the other way round"
    assert judge(Opinion(9, 3, ("IN CALL", "BUSY", "BUSY")), TWO)["outcome"] is Verdict.WRONG
    assert judge(Opinion(9, 1), TWO)["calls"] is Verdict.WRONG
    assert judge(Opinion(9, 2, codes=(200, None)), TWO)["code"] is Verdict.WRONG
    assert judge(Opinion(9, failures=1), TWO)["failures"] is Verdict.WRONG


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        ("cancelled", "487", {"CANCELLED"}),
        ("no_answer", "487", {"CANCELLED"}),
        ("declined", "603", {"BUSY", "REJECTED"}),
        ("failed", "503", {"REJECTED"}),
        ("timed_out", "408", {"REJECTED"}),
        ("timed_out", "", set()),
        ("open", "", {"CALL SETUP"}),
        ("open", "401", {"REJECTED"}),
        ("redirected", "302", {"DIVERTED"}),
    ],
)
def test_other_words_for_an_outcome(outcome: str, code: str, words: set[str]) -> None:
    assert accepted({"outcome": outcome, "status_code": code}) == frozenset({outcome, *words})


def test_a_cell_marks_what_is_wrong_and_counts_what_is_alike() -> None:
    opinion = Opinion(9, 3, ("no_answer", "busy", "no_answer"), (480, 486, None), 0, 1)
    assert cell(opinion, judge(opinion, TWO)) == (
        "3 calls ✗; no answer ×2, busy ✗; 480, 486, none ✗; 0 failures; 1 resend"
    )
    assert cell(Opinion(), judge(Opinion(), TWO)) == "no answer"
    assert cell(Opinion(messages=0, calls=0), judge(Opinion(messages=0), TWO)) == "sees no SIP"


def test_totals_count_folders() -> None:
    judged = {"one": judge(Opinion(9, 2), TWO), "two": judge(Opinion(9, 1), TWO)}
    assert totals(judged)["calls"] == {Verdict.RIGHT: 1, Verdict.WRONG: 1}


def test_truth_is_read_from_the_expected_tables() -> None:
    told = truth(PCAPS / "retransmissions")
    assert told.calls is not None
    assert len(told.calls) == 1
    assert told.failures == 0
    assert told.resends == 6


def rows() -> dict[str, list[str]]:
    """The cells of the page behind each folder's name."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ["):
            name, *cells = line.strip("| ").split(" | ")
            found[name[1 : name.index("]")]] = cells
    return found


def test_the_page_lists_every_folder_and_its_own_introduction() -> None:
    assert sorted(rows()) == [folder.name for folder in folders()], "run bench/score"
    assert PAGE.read_text(encoding="utf-8").startswith(TEXT.read_text(encoding="utf-8").rstrip()), "run bench/score"


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_what_the_page_says_of_sipcause_is_what_it_says_now(folder: Path) -> None:
    said, verdicts = answer(folder, "sipcause")
    assert Verdict.WRONG not in verdicts.values()
    assert rows()[folder.name][0] == said, "run bench/score"
