"""How a report says a number, a time, a name: one place for every section, so that all say it alike."""

from __future__ import annotations

import shlex
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING

from analyzer.report.causes_told import Causes
from analyzer.report.document import Cell, Column, Link, Table
from analyzer.report.lines import Count
from analyzer.stats.kpi import Ratio
from analyzer.views.table import Tone
from analyzer.views.words import Words
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport

DASH = "–"
_SECOND = 1_000_000_000
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Keys of [trunks] and [report.thresholds] in words.
LIMITS = {
    "channels": "channels",
    "calls_per_second": "calls per second",
    "asr_min": "least ASR",
    "ner_min": "least NER",
    "ser_min": "least SER",
    "seer_min": "least SEER",
    "pdd_p95_ms_max": "longest PDD p95, ms",
    "failure_share_max": "largest share of failures, %",
    "failures_max": "most failures",
    "emergency_failed_max": "most emergency calls not answered",
    "ira_max": "most refused registrations (IRA), %",
    "drops_max": "most broken calls, %",
    "rises_max": "most significant rises",
}
#: From here on a mean is told without decimals.
_LARGE = 100
#: Sources named in a command line; a longer list ends with an ellipsis.
_SOURCES = 3


class Teller:
    """Numbers, times and names of one report in one language."""

    def __init__(self, report: WeeklyReport, words: Words, registry: Registry) -> None:
        self.report = report
        self.words = words
        self.registry = registry
        self.zone: tzinfo = report.about.period.zone
        self.causes = Causes(registry, words, report.about.profile)

    # -- numbers

    def number(self, value: float | None, decimals: int = 1) -> str:
        """A number with its thousands apart, whole where it is whole or large (a mean of weeks); a dash for None."""
        if value is None:
            return DASH
        if float(value).is_integer() or abs(value) >= _LARGE:
            return self.words.number(round(value))
        return self.words.fraction(value, decimals)

    def percent(self, value: float | None) -> str:
        """A share that is a percentage already; a dash where it is undefined."""
        return DASH if value is None else f"{self.words.fraction(value, 1)}%".replace("-", "−")

    def points(self, value: float | None) -> str:
        """A difference of shares with its sign: ``+2.1 points``."""
        if value is None:
            return DASH
        return self.words("{points} points", points=self.signed(value, 1))

    def signed(self, value: float, decimals: int = 0) -> str:
        """A difference with its sign; no sign where it rounds to nothing."""
        rounded = round(value, decimals)
        text = self.words.number(int(abs(rounded))) if not decimals else self.words.fraction(abs(rounded), decimals)
        return ("+" if rounded > 0 else "−" if rounded < 0 else "±") + text

    def interval(self, ratio: Ratio) -> str:
        """Between what a ratio lies with 95 % confidence, ``41.0–43.2%``; empty where it is undefined."""
        if ratio.interval is None:
            return ""
        low, high = ratio.interval
        return f"{self.words.fraction(low, 1)}–{self.words.fraction(high, 1)}%"

    def word(self, word: str) -> str:
        """A word of the vocabulary (an outcome, a release) as people write it: ``no answer``."""
        return self.words(word).replace("_", " ")

    def limit(self, limit: str) -> str:
        """What a limit of the configuration is about: ``asr_min`` is the least ASR."""
        return self.words(LIMITS[limit]) if limit in LIMITS else printable_text(limit)

    # -- cells

    def count(self, count: Count, title: str, tone: Tone = Tone.PLAIN, largest: int = 0) -> Cell:
        """How many calls, and the way to them; ``title``: what they are."""
        weight = count.calls / largest if largest else None
        return Cell(self.words.number(count.calls), count.calls, tone, self.link(count, title), weight=weight)

    def plain(self, value: float | None, decimals: int = 1, tone: Tone = Tone.PLAIN) -> Cell:
        """A number alone."""
        return Cell(self.number(value, decimals), value, tone)

    def share(self, part: float, whole: float) -> Cell:
        """A part of a whole, per cent."""
        value = 100 * part / whole if whole else None
        return Cell(self.percent(value), value)

    def ratio(self, ratio: Ratio | None, tone: Tone = Tone.PLAIN, is_small: bool = False) -> Cell:
        """A ratio with its interval; ``is_small``: too few calls to rely on it."""
        if ratio is None or ratio.value is None:
            return Cell(DASH)
        note = self.words("few calls") if is_small else self.interval(ratio)
        return Cell(self.percent(ratio.value), ratio.value, Tone.FAINT if is_small else tone, note=note)

    def change(self, now: float, before: float | None, good: str = "") -> Cell:
        """The difference from before; ``good``: ``high`` or ``low``, which way is better, for its tone."""
        if before is None:
            return Cell(DASH)
        difference = now - before
        text = self.signed(difference, 0 if float(difference).is_integer() or abs(difference) >= _LARGE else 1)
        return Cell(text, difference, note=self.words("was {before}", before=self.number(before)))

    def time(self, ts: int | None) -> Cell:
        """A moment in the site's zone."""
        return Cell(self.moment(ts), None if ts is None else ts / _SECOND)

    def text(self, value: str | None, tone: Tone = Tone.PLAIN) -> Cell:
        """A stranger's text or ours, made safe; a dash where there is none."""
        return Cell(printable_text(value) if value else DASH, tone=tone)

    # -- names

    def endpoint(self, ip: str | None, name: str | None = None, network: int | None = None) -> str:
        """``Carrier A (192.0.2.7)``, ``192.0.2.7``, with its VLAN or tunnel; nobody where no address is known."""
        if not ip:
            return printable_text(name) if name else self.words("nobody known")
        text = f"{printable_text(name)} ({printable_text(ip)})" if name and name != ip else printable_text(ip)
        return text if network is None else f"{text} @{network}"

    def codes(self, by_status_code: Iterable[tuple[str, int]], most: int = 4) -> str:
        """The first few codes with their counts: ``503 ×398, 408 ×14``."""
        pairs = sorted(by_status_code, key=lambda pair: -pair[1])
        shown = ", ".join(
            f"{self.words('silence') if code == 'none' else printable_text(code)} ×{self.words.number(count)}"
            for code, count in pairs[:most]
        )
        return (shown + (", …" if len(pairs) > most else "")) or DASH

    # -- times

    def moment(self, ts: int | None) -> str:
        """A moment in the site's zone: ``Tue 10 Nov 14:05``."""
        if ts is None:
            return DASH
        local = self._local(ts)
        month = self.words(MONTHS[local.month - 1])
        return f"{self.weekday(local.weekday(), short=True)} {local.day} {month} {local:%H:%M}"

    def weekday_time(self, ts: int) -> str:
        """A moment of the week that the report is about: ``Tuesday 14:05``; with its date when it is not in it."""
        if ts not in self.report.about.period or len(self.report.about.period.days) > 7:
            return self.moment(ts)
        local = self._local(ts)
        return f"{self.weekday(local.weekday())} {local:%H:%M}"

    def day(self, day: date) -> str:
        """``14 Nov 2026``."""
        return f"{day.day} {self.words(MONTHS[day.month - 1])} {day.year}"

    def weekday(self, number: int, short: bool = False) -> str:
        """Name of a weekday, 0 = Monday; its first letters with ``short``."""
        name = self.words(WEEKDAYS[number])
        return name[: 2 if self.words.language == "nl" else 3] if short else name

    def utc(self, ts: int) -> str:
        """A moment as a ticket gives it: UTC with milliseconds."""
        seconds, rest = divmod(ts, _SECOND)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d}Z"

    def span(self, seconds: float | None) -> str:
        """How long, in the two largest units that fit: ``3 min 20 s``, ``2 h 5 min``."""
        if seconds is None:
            return DASH
        if seconds < 60:
            return f"{self.number(seconds)} s"
        minutes, left = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes} min {left} s" if left else f"{minutes} min"
        hours, minutes = divmod(minutes, 60)
        hour, day = self.words("h"), self.words("d")
        if hours < 48:
            return f"{hours} {hour} {minutes} min" if minutes else f"{hours} {hour}"
        days, hours = divmod(hours, 24)
        return f"{days} {day} {hours} {hour}" if hours else f"{days} {day}"

    def duration(self, seconds: float | None) -> Cell:
        """A length of time that sorts by its seconds."""
        return Cell(self.span(seconds), seconds)

    def _local(self, ts: int) -> datetime:
        return datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(self.zone)

    # -- ways to calls

    def link(self, count: Count | None, title: str) -> Link | None:
        """The way to the calls behind a number; None where there is no call or no way."""
        if count is None or not count.calls:
            return None
        keys = tuple(key for key in count.shown if key in self.report.calls)
        command = self.list_command(count.choice)
        return Link(title, count.calls, keys, command) if keys or command else None

    def list_command(self, choice: str) -> str:
        """The command line that lists the calls of a choice; empty without one."""
        return f"sipcause calls {self._where()} {printable_text(choice)}" if choice else ""

    def explain_command(self) -> str:
        """The command line that explains one call, without its key."""
        return f"sipcause explain {self._where()}"

    def _where(self) -> str:
        about = self.report.about
        if about.store is not None:
            return f"--store {shlex.quote(printable_text(about.store))}"
        if about.captures:
            return " ".join(shlex.quote(printable_text(name)) for name in about.captures)
        names = [shlex.quote(printable_text(line.source)) for line in about.sources]
        return " ".join(names[:_SOURCES]) + (" …" if len(names) > _SOURCES else "")


def table(
    id: str,
    title: str,
    headings: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    notes: Iterable[str] = (),
) -> Table:
    """A table of headings and rows; empty notes are left out."""
    return Table(id, title, tuple(headings), tuple(tuple(row) for row in rows), tuple(filter(None, notes)))
