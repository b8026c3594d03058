"""The options with which ``sipcause calls --store DIR`` lists exactly the calls that a number counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from analyzer.periods import Period
from analyzer.vocab import FAILURES, Family, Outcome

_SECOND = 1_000_000_000
_FAMILIES = {
    Family.PROVISIONAL: "1xx",
    Family.SUCCESS: "2xx",
    Family.REDIRECTION: "3xx",
    Family.CLIENT_ERROR: "4xx",
    Family.SERVER_ERROR: "5xx",
    Family.GLOBAL_FAILURE: "6xx",
    Family.VENDOR: "700-999",
}


class Choices:
    """Options for the calls of one period; each method gives them as one text.

    Times stand with their offset, so that they mean the same whatever zone the store has. Every choice leaves
    scanners' calls out, as the numbers do.
    """

    def __init__(self, period: Period) -> None:
        self.period = period

    def calls(self, *words: str, from_ts: int | None = None, to_ts: int | None = None) -> str:
        """All calls, and with more options fewer of them; times instead of the period's, ns."""
        since = self._moment(self.period.from_ts if from_ts is None else from_ts)
        until = self._moment(self.period.to_ts if to_ts is None else to_ts)
        return " ".join(["--from", since, "--to", until, "--no-scanners", *words])

    def outcomes(self, outcomes: Iterable[Outcome], *words: str) -> str:
        """Calls of some outcomes."""
        return self.calls(*outcome_words(outcomes), *words)

    def failures(self, *words: str, from_ts: int | None = None, to_ts: int | None = None) -> str:
        """Calls that are somebody's failure."""
        return self.calls(*outcome_words(FAILURES), *words, from_ts=from_ts, to_ts=to_ts)

    def unsuccessful(self, *words: str) -> str:
        """Unsuccessful calls."""
        return self.calls("--failed", *words)

    def _moment(self, ts: int) -> str:
        moment = datetime.fromtimestamp(ts // _SECOND, self.period.zone)
        return moment.isoformat(timespec="minutes" if not moment.second else "seconds")


def outcome_words(outcomes: Iterable[Outcome]) -> list[str]:
    """The options of some outcomes, in the order of the vocabulary."""
    wanted = set(outcomes)
    return [word for outcome in Outcome if outcome in wanted for word in ("--outcome", outcome.value)]


def status_words(status_code: int | None) -> list[str]:
    """The option of a status code, or of none."""
    return ["--status", "none" if status_code is None else str(status_code)]


def family_words(family: Family | None) -> list[str]:
    """The option of a family of codes, or of none."""
    return ["--status", "none" if family is None else _FAMILIES[family]]


def cause_words(cause: int | None) -> list[str]:
    """The option of a cause, or of none."""
    return ["--cause", "none" if cause is None else str(cause)]
