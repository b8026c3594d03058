"""The tables of a live run: each counts the last minute, the last hour and since the start side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from analyzer.stats.select import user_of
from analyzer.stats.tally import CHARGED, HOUR_S, MINUTE_S, OTHER, SENT, Counts, Endpoint, Tally
from analyzer.views.outcomes import outcome_tone
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.times import DAY, local_time
from analyzer.views.words import Words
from analyzer.vocab import Outcome
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.stats.snapshot import LiveSnapshot

#: Our name for an address, None where it has none.
Alias: TypeAlias = Callable[[str], str | None]
Row: TypeAlias = Sequence[Cell]
#: The spans by name, shortest first; tables are ranked by one of them, then by the next longer ones.
SPANS = ("minute", "hour", "start")
#: The ratios that are shown, of data/kpis.toml.
RATIOS = ("asr", "ner", "ser")
#: Of a column of counts at least, so that it does not jump when a number grows.
WIDTH = 7
#: Addresses whose names are remembered.
REMEMBERED = 4096
#: Letters of a number that are shown.
NUMBER = 20


def spans(tally: Tally) -> tuple[Counts, Counts, Counts]:
    """The three spans, in the order of `SPANS`."""
    return tally.span(MINUTE_S), tally.span(HOUR_S), tally.since_start


def _headings(words: Words) -> list[Column]:
    titles = (words("minute"), words("hour"), words("start"))
    return [Column(title.rjust(WIDTH), align_right=True) for title in titles]


def _ranked(keys: Sequence[Any], count: Callable[[Any], Sequence[int]], by: str, top: int) -> list[Any]:
    """The keys with most in a span, then in the longer ones, then in the shorter ones; then in their own order."""
    first = SPANS.index(by)
    order = [*range(first, len(SPANS)), *range(first)]
    return sorted(keys, key=lambda key: tuple(-count(key)[number] for number in order))[:top]


def _counted(counts: Sequence[int], words: Words, tone: Tone) -> list[Cell]:
    """A count of each span; what is failing now stands out."""
    return [Cell(words.number(count) if count else "·", tone if count else Tone.FAINT) for count in counts]


def figures_now(tally: Tally, words: Words) -> Table:
    """Calls, unsuccessful ones, failures, and ASR, SER and NER with what they divide by what; never a bare ratio."""
    of = spans(tally)
    lost = [counts.unsuccessful for counts in of]
    failed = [counts.failures for counts in of]
    rows: list[Sequence[Cell]] = [
        (Cell(words("calls decided")), *_counted([counts.calls for counts in of], words, Tone.STRONG)),
        (Cell(words("failures")), *_counted(failed, words, Tone.BAD)),
        *((Cell(kpi.upper()), *(Cell(_ratio(*counts.ratio(kpi), words)) for counts in of)) for kpi in RATIOS),
        (Cell(words("unsuccessful")), *_counted(lost, words, Tone.WARN)),
    ]
    registrations = [counts.by_registration for counts in of]
    if registrations[-1]:
        rows.append((Cell(words("registrations")), *(Cell(_registered(found, words)) for found in registrations)))
    return Table(words("Last"), [Column(words("Last"), shrink=True), *_headings(words)], rows)


def _ratio(numerator: int, denominator: int, words: Words) -> str:
    of = f"{words.number(numerator)}/{words.number(denominator)}"
    return f"{of} {words.share(numerator, denominator):>6}" if denominator else "–"


def _registered(found: Counter[str], words: Words) -> str:
    total, good = sum(found.values()), found["registered"] + found["unregistered"] + found["queried"]
    return f"{words.number(good)}/{words.number(total)}" if total else "–"


def outcomes_now(tally: Tally, words: Words, by: str) -> Table:
    """Decided calls by outcome."""
    of = spans(tally)

    def count(name: str) -> list[int]:
        return [counts.by_outcome[name] for counts in of]

    names = _ranked(sorted(of[-1].by_outcome), count, by, len(Outcome))
    rows = [
        (Cell(words(name), outcome_tone(Outcome(name))), *_counted(count(name), words, outcome_tone(Outcome(name))))
        for name in names
    ]
    title = words("Outcomes")
    return Table(title, [Column(title, shrink=True), *_headings(words)], rows)


def codes_now(snapshot: LiveSnapshot, registry: Registry, words: Words, by: str, top: int) -> Table:
    """Failures by the status code that decided, with its phrase or what a maker means by it."""
    of = spans(snapshot.tally)
    packs = {row.status_code: row.vendor for row in snapshot.responses if row.vendor}

    def count(code: int | None) -> list[int]:
        return [counts.failures_by_code[code] for counts in of]

    codes = sorted(of[-1].failures_by_code, key=lambda code: (code is None, code or 0))
    rows = [
        (
            Cell("–" if code is None else str(code), Tone.BAD if count(code)[0] else Tone.PLAIN),
            Cell(words("silence") if code is None else phrase(code, packs.get(code), registry, words)),
            *_counted(count(code), words, Tone.BAD),
        )
        for code in _ranked(codes, count, by, top)
    ]
    columns = [Column(words("code"), align_right=True), Column(words("Failures by code"), shrink=True)]
    return Table(words("Failures by code"), [*columns, *_headings(words)], rows)


def phrase(code: int, vendor: str | None, registry: Registry, words: Words) -> str:
    """What a code says: by the pack of the maker that sent it, else by the list of codes."""
    if vendor and (packed := registry.pack_code(vendor, code)) is not None:
        return f"{packed.phrase or packed.meaning} ({vendor})"
    return registry.status(code).phrase or words("(unlisted)")


def causes_now(tally: Tally, registry: Registry, words: Words, by: str, top: int) -> Table:
    """Unsuccessful calls by ISDN cause, with its name in Q.850."""
    of = spans(tally)

    def count(cause: int | None) -> list[int]:
        return [counts.by_cause[cause] for counts in of]

    causes = sorted(of[-1].by_cause, key=lambda cause: (cause is None, cause or 0))
    rows = [
        (
            Cell("–" if cause is None else str(cause)),
            Cell(words("no cause known") if cause is None else registry.cause(cause).name or words("(unlisted)")),
            *_counted(count(cause), words, Tone.WARN),
        )
        for cause in _ranked(causes, count, by, top)
    ]
    title = words("Unsuccessful by ISDN cause")
    columns = [Column(words("cause"), align_right=True), Column(title, shrink=True)]
    return Table(title, [*columns, *_headings(words)], rows)


def endpoints_now(tally: Tally, alias: Alias, words: Words, by: str, top: int) -> Table:
    """The endpoints that failures are charged to; beside them the calls that they were sent over the last hour
    (or since the start, where that ranks), and the share of failures among these."""
    of = spans(tally)
    found: dict[Endpoint, None] = {}
    for counts in of:
        found.update((endpoint, None) for endpoint, _ in counts.top_failing(top))

    def count(endpoint: Endpoint) -> list[int]:
        return [counts.endpoints.get(endpoint, (0, 0, 0, 0))[CHARGED] for counts in of]

    # Shares of a minute say little: a handful of calls.
    ranking, span = (of[2], words("start")) if by == "start" else (of[1], words("hour"))
    # What found no room is a sum over many: it stands last.
    ordered = sorted(_ranked(list(found), count, by, len(found)), key=lambda endpoint: endpoint == OTHER)
    rows = []
    for endpoint in ordered[:top]:
        figures = ranking.endpoints.get(endpoint, [0, 0, 0, 0])
        sent, failures = figures[SENT], figures[CHARGED]
        share = words.share(failures, sent) if failures <= sent else "–"
        rows.append(
            (
                Cell(_endpoint(endpoint, alias, words)),
                Cell(words.number(sent) if sent else "·"),
                Cell(share),
                *_counted(count(endpoint), words, Tone.BAD),
            )
        )
    title = words("Failures by endpoint")
    columns = [
        Column(title, shrink=True),
        Column(words("sent ({span})", span=span), align_right=True, rank=2),
        Column(words("share"), align_right=True, rank=1),
        *_headings(words),
    ]
    return Table(title, columns, rows)


def _endpoint(endpoint: Endpoint, alias: Alias, words: Words) -> str:
    if endpoint == OTHER:
        return words("(others)")
    ip, network = endpoint
    name = alias(ip)
    return (f"{name} ({ip})" if name else ip) + ("" if network is None else f" [{network}]")


class Memory:
    """What need not be looked up anew each time that the same things are shown: names of addresses, rows of calls."""

    def __init__(self, config: Config) -> None:
        self.zone = config.zone
        self.alias: Alias = lru_cache(REMEMBERED)(config.alias)
        self._rows: dict[int, tuple[Mapping[str, Any], Row]] = {}

    def rows(self, calls: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], Row]) -> list[Row]:
        """The row of each call; made once for as long as the call is among those that are asked for."""
        known = self._rows
        # A call that is held here keeps its id.
        self._rows = {id(call): known.get(id(call)) or (call, make(call)) for call in calls}
        return [row for _, row in self._rows.values()]


def newest_failures(
    failures: Sequence[Mapping[str, Any]], registry: Registry, memory: Memory, words: Words, top: int
) -> Table:
    """The newest failures: when, code and cause, from which number to which, who is charged."""

    def row(call: Mapping[str, Any]) -> Row:
        code, cause = call.get("status_code"), call.get("cause")
        charged = call.get("failed_by_ip")
        at = call.get("end_ts") or call.get("invite_ts")
        return (
            Cell(local_time(at, memory.zone, 0)[DAY + 1 :] if at is not None else "–"),
            Cell("–" if code is None else str(code), Tone.BAD),
            Cell("–" if cause is None else str(cause)),
            Cell(_why(call, registry, words), Tone.FAINT),
            Cell(_number(call, "from_uri")),
            Cell(f"→ {_number(call, 'to_uri', 'request_uri')}"),
            Cell("–" if charged is None else memory.alias(charged) or charged),
        )

    rows = memory.rows(failures[:top], row)
    title = words("Newest failures")
    columns = [
        Column(words("time")),
        Column(words("code"), align_right=True),
        Column(words("cause"), align_right=True, rank=1),
        Column(words("text"), shrink=True, rank=3),
        Column(title, shrink=True),
        Column("", shrink=True),
        Column(words("charged"), shrink=True, rank=2),
    ]
    return Table(title, columns, rows)


def _why(call: Mapping[str, Any], registry: Registry, words: Words) -> str:
    cause, code = call.get("cause"), call.get("status_code")
    if cause is not None:
        return registry.cause(cause).name
    return phrase(code, call.get("vendor"), registry, words) if code is not None else words(str(call.get("outcome")))


def _number(call: Mapping[str, Any], *names: str) -> str:
    """The number in the first URI that is there; of what strangers make too long, the beginning."""
    text = printable_text(next((user_of(call[name]) for name in names if call.get(name)), ""))
    return (text if len(text) <= NUMBER else text[: NUMBER - 1] + "…") or "–"
