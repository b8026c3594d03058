"""Holds opinions against the expected tables of the corpus: right, wrong, or nothing said."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from analyzer.vocab import FAILURES, Outcome
from bench.opinions import Opinion

#: sngrep's states of an answered call, by how it ended; where the tables leave that open either fits.
_UP = {"still_up": {"IN CALL"}, "no_bye_seen": {"IN CALL"}, "*": {"IN CALL", "COMPLETED"}}
FIGURES = ("calls", "outcome", "code", "failures", "resends")


class Verdict(StrEnum):
    """Of one figure."""

    RIGHT = "right"
    WRONG = "wrong"
    SILENT = "silent"


@dataclass(frozen=True)
class Truth:
    """What the expected tables of a folder say; None where they leave it open."""

    calls: tuple[Mapping[str, str], ...] | None
    failures: int | None
    resends: int | None


def truth(folder: Path) -> Truth:
    """Read the expected tables of a folder."""
    calls = _table(folder / "expected" / "calls.tsv")
    outcomes = [row.get("outcome", "*") for row in calls] if calls is not None else ["*"]
    return Truth(
        calls=tuple(calls) if calls is not None else None,
        failures=None if "*" in outcomes else sum(outcome in FAILURES for outcome in outcomes),
        resends=_resends(folder / "expected"),
    )


def _table(path: Path) -> list[dict[str, str]] | None:
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _resends(expected: Path) -> int | None:
    """Over requests and responses, where both tables say."""
    total = 0
    for name in ("requests", "responses"):
        rows = _table(expected / f"{name}.tsv")
        if rows is None or any(not row.get("resends", "").isdigit() for row in rows):
            return None
        total += sum(int(row["resends"]) for row in rows)
    return total


def judge(opinion: Opinion, told: Truth) -> dict[str, Verdict]:
    """A verdict for each figure. Who saw no SIP message says nothing: what carries it is not its subject."""
    verdicts = dict.fromkeys(FIGURES, Verdict.SILENT)
    if opinion.messages == 0:
        return verdicts
    if told.calls is not None:
        if opinion.calls is not None:
            verdicts["calls"] = _verdict(opinion.calls == len(told.calls))
        if opinion.states is not None and told.calls:
            verdicts["outcome"] = _all(opinion.states, [accepted(row) for row in told.calls])
        if opinion.codes is not None and told.calls:
            said = ["" if code is None else str(code) for code in opinion.codes]
            verdicts["code"] = _all(said, [_exactly(row.get("status_code", "*")) for row in told.calls])
    if told.failures is not None and opinion.failures is not None:
        verdicts["failures"] = _verdict(opinion.failures == told.failures)
    if told.resends is not None and opinion.resends is not None:
        verdicts["resends"] = _verdict(opinion.resends == told.resends)
    return verdicts


def _verdict(is_right: bool) -> Verdict:
    return Verdict.RIGHT if is_right else Verdict.WRONG


def _all(said: Sequence[str], wanted: Sequence[frozenset[str] | None]) -> Verdict:
    """Whether each call's word is one of those that fit; None = the tables leave it open."""
    if all(words is None for words in wanted):
        return Verdict.SILENT
    fits = len(said) == len(wanted) and all(
        words is None or word in words for word, words in zip(said, wanted, strict=True)
    )
    return _verdict(fits)


def _exactly(cell: str) -> frozenset[str] | None:
    return None if cell == "*" else frozenset({cell})


def accepted(row: Mapping[str, str]) -> frozenset[str] | None:
    """The words that fit a call: our outcome, and those of sngrep's states that say the same as well as they can.

    sngrep has one word for every cancelled call and two for refusals: BUSY for what the called user did (480, 486, 600
    and 603), REJECTED for the rest; either fits a call that the user did not take. It has none for timeouts.
    """
    outcome = row.get("outcome", "*")
    if outcome == "*":
        return None
    code, release = row.get("status_code", "*"), row.get("release", "*")
    words: set[str]
    match outcome:
        case Outcome.ANSWERED:
            words = _UP.get(release, {"COMPLETED"})
        case Outcome.OPEN:
            words = {"REJECTED" if code.isdigit() else "CALL SETUP"}
        case Outcome.REDIRECTED:
            words = {"DIVERTED"}
        case _ if code == "487":
            words = {"CANCELLED"}
        case Outcome.BUSY | Outcome.DECLINED | Outcome.UNAVAILABLE | Outcome.NO_ANSWER:
            words = {"BUSY", "REJECTED"}
        case _:
            words = {"REJECTED"} if code else set()
    return frozenset({outcome, *words})


def totals(judged: Mapping[str, Mapping[str, Verdict]]) -> dict[str, Counter[Verdict]]:
    """Verdicts by figure, over the folders."""
    return {figure: Counter(verdicts[figure] for verdicts in judged.values()) for figure in FIGURES}
