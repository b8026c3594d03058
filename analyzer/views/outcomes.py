"""Calls by outcome, answered calls by release, registrations by outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyzer.batch import Columns
from analyzer.stats.calls import CallTotals, faults
from analyzer.stats.releases import release_causes, released_by
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.vocab import FAILURES, Outcome, RegistrationOutcome, Release

#: What an outcome is, in one line; the full definitions are in docs/counting.md.
MEANINGS = {
    Outcome.ANSWERED: "a 2xx to the INVITE",
    Outcome.OPEN: "the capture ended before its final response or timer",
    Outcome.ELSEWHERE: "answered by another phone of the group",
    Outcome.REDIRECTED: "3xx, where it went on was not seen",
    Outcome.NO_ANSWER: "it rang and nobody answered",
    Outcome.CANCELLED: "the caller hung up while it rang",
    Outcome.ABANDONED: "the caller hung up before it rang",
    Outcome.BUSY: "486, 600 or cause 17",
    Outcome.DECLINED: "the called user refused",
    Outcome.UNAVAILABLE: "the called user was not reachable",
    Outcome.INVALID_NUMBER: "the number does not exist or is incomplete",
    Outcome.UNAUTHORIZED: "the challenge was not met",
    Outcome.BLOCKED: "a policy or a failed identity check",
    Outcome.TIMED_OUT: "no final response in time",
    Outcome.FAILED: "a server or the network could not do it",
    Outcome.REJECTED: "refused for another reason",
}
RELEASE_MEANINGS = {
    Release.NORMAL: "BYE without a Reason, or with 16, 26, 31",
    Release.ODD: "BYE with 17 to 20: a cause of calls that were not answered",
    Release.ABNORMAL: "BYE with a cause that says it broke",
    Release.NO_ACK: "the 2xx was never acknowledged: the drop at 32 s",
    Release.SESSION_TIMER: "the session timer ran out",
    Release.BYE_UNANSWERED: "nobody answered the BYE",
    Release.NO_BYE_SEEN: "no BYE in the capture",
    Release.STILL_UP: "up when the capture ended",
}
_LEFT_OUT = frozenset({Outcome.OPEN, Outcome.ELSEWHERE, Outcome.REDIRECTED})
_BAD_RELEASES = frozenset({Release.ABNORMAL, Release.NO_ACK, Release.SESSION_TIMER, Release.BYE_UNANSWERED})
_BAD_REGISTRATIONS = frozenset(
    {RegistrationOutcome.REJECTED, RegistrationOutcome.FAILED, RegistrationOutcome.TIMED_OUT}
)


def headline(figures: CallTotals, orphans: int, words: Words, sessions: int | None = None) -> str:
    """The whole in a sentence or two; ``sessions``: how many the calls are, told where some were linked."""
    if not figures.total:
        return words("No calls.")
    if figures.total == 1:
        text = words("1 call: {outcome}.", outcome=words(next(iter(figures.by_outcome)).value))
    else:
        answered = figures.by_outcome.get(Outcome.ANSWERED, 0)
        text = words(
            "{total}: {answered} answered ({answered_share}), "
            "{unsuccessful} unsuccessful ({unsuccessful_share}), {failures} of them failures ({failures_share}).",
            total=_calls(figures.total, sessions, words),
            answered=words.number(answered),
            answered_share=words.share(answered, figures.total),
            unsuccessful=words.number(figures.unsuccessful),
            unsuccessful_share=words.share(figures.unsuccessful, figures.total),
            failures=words.number(figures.failures),
            failures_share=words.share(figures.failures, figures.total),
        )
    if orphans:
        text += " " + words(
            "Responses without their request, which make no call: {count}.", count=words.number(orphans)
        )
    return text


def _calls(total: int, sessions: int | None, words: Words) -> str:
    if sessions is None or sessions == total:
        return words("{total} calls", total=words.number(total))
    if sessions == 1:
        return words("{total} calls in 1 session", total=words.number(total))
    return words("{total} calls in {sessions} sessions", total=words.number(total), sessions=words.number(sessions))


def counted_as(outcome: Outcome) -> str:
    """How an outcome counts: success, left out, unsuccessful, failure."""
    if outcome is Outcome.ANSWERED:
        return "success"
    if outcome in _LEFT_OUT:
        return "left out"
    return "failure" if outcome in FAILURES else "unsuccessful"


def outcome_tone(outcome: Outcome) -> Tone:
    """The colour of an outcome."""
    return {
        "success": Tone.GOOD,
        "left out": Tone.FAINT,
        "failure": Tone.BAD,
        "unsuccessful": Tone.WARN,
    }[counted_as(outcome)]


def outcomes_table(figures: CallTotals, calls: Columns, words: Words) -> Table:
    """Every outcome that occurs, how it counts and whose doing it was."""
    columns = [
        Column(words("calls"), align_right=True),
        Column(words("share"), align_right=True),
        Column(words("outcome")),
        Column(words("counts as")),
        Column(words("whose doing"), rank=1, shrink=True),
        Column(words("that is"), rank=2, shrink=True),
    ]
    rows, doing = [], faults(calls)
    for outcome, count in figures.by_outcome.items():
        tone = outcome_tone(outcome)
        rows.append(
            (
                Cell(words.number(count)),
                Cell(words.share(count, figures.total)),
                Cell(words(outcome.value), tone),
                Cell(words(counted_as(outcome)), tone),
                Cell(_shares(doing.get(outcome, {}), words)),
                Cell(words(MEANINGS[outcome]), Tone.FAINT),
            )
        )
    notes = []
    left_out = sum(figures.by_outcome.get(outcome, 0) for outcome in _LEFT_OUT)
    if left_out:
        notes.append(
            words("Calls left out of every ratio (open, elsewhere, redirected): {count}", count=words.number(left_out))
        )
    return Table(words("Calls by outcome"), columns, rows, notes)


def _shares(counts: Mapping[Any, int], words: Words) -> str:
    """The words of a few counts; with figures where there is more than one."""
    if not counts:
        return ""
    if len(counts) == 1:
        return words(next(iter(counts)).value)
    return ", ".join(f"{words(word.value)} {words.number(count)}" for word, count in counts.items())


def releases_table(figures: CallTotals, calls: Columns, words: Words) -> Table:
    """How answered calls ended, who sent the BYE, and the causes that BYEs carried."""
    columns = [
        Column(words("calls"), align_right=True),
        Column(words("share"), align_right=True),
        Column(words("release")),
        Column(words("BYE by"), rank=1, shrink=True),
        Column(words("causes"), shrink=True),
        Column(words("that is"), rank=2, shrink=True),
    ]
    answered, senders = sum(figures.by_release.values()), released_by(calls)
    rows = [
        (
            Cell(words.number(count)),
            Cell(words.share(count, answered)),
            Cell(words(release.value), Tone.BAD if release in _BAD_RELEASES else Tone.PLAIN),
            Cell(_shares(senders.get(release, {}), words)),
            Cell(_causes(release_causes(calls, release), words)),
            Cell(words(RELEASE_MEANINGS[release]), Tone.FAINT),
        )
        for release, count in figures.by_release.items()
    ]
    return Table(words("Answered calls by release"), columns, rows)


def _causes(counts: Mapping[int, int], words: Words) -> str:
    shown = ", ".join(f"{cause} ×{words.number(count)}" for cause, count in list(counts.items())[:4])
    return shown + (", …" if len(counts) > 4 else "")


def registrations_table(by_outcome: Mapping[RegistrationOutcome, int], codes: Mapping[str, int], words: Words) -> Table:
    """Registrations by outcome; beneath them the codes of those that were refused."""
    columns = [
        Column(words("registrations"), align_right=True),
        Column(words("share"), align_right=True),
        Column(words("outcome")),
    ]
    total = sum(by_outcome.values())
    rows = [
        (
            Cell(words.number(count)),
            Cell(words.share(count, total)),
            Cell(words(outcome.value), Tone.BAD if outcome in _BAD_REGISTRATIONS else Tone.PLAIN),
        )
        for outcome, count in by_outcome.items()
    ]
    notes = []
    refused = {code: count for code, count in codes.items() if code != "none" and code >= "300"}
    if refused:
        shown = ", ".join(f"{code} ×{words.number(count)}" for code, count in list(refused.items())[:8])
        notes.append(words("Refused with {codes}", codes=shown))
    return Table(words("Registrations"), columns, rows, notes)
