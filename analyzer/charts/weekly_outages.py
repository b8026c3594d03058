"""When something was not there: a lane for each, over the whole period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from analyzer.charts.narrow import (
    ABOVE,
    FAINT,
    FALL,
    GREY,
    RISE,
    Key,
    Sheet,
    date_of,
    drawing,
    rows,
    shortened,
)
from analyzer.charts.style import ORANGE, PURPLE, Chart
from analyzer.periods import Period, midnight
from analyzer.views.times import span
from analyzer.views.words import Words

NAME = "outages"
_TOP = 12
_SECOND = 1_000_000_000
#: Of the width: what a moment is drawn as, so that it is seen.
_LEAST = 0.006

COLOURS = {
    "only_failures": RISE,
    "peer_down": ORANGE,
    "registration_lost": PURPLE,
    "no_traffic": FALL,
    "capture_gap": GREY,
}


class Outage(NamedTuple):
    """A time in which something was not there; ``label`` names who, ``kind`` what."""

    kind: str
    label: str
    from_ts: int
    to_ts: int


def kind_title(kind: str, words: Words) -> str:
    """What an outage is called in a legend."""
    titles = {
        "only_failures": words("only failures"),
        "peer_down": words("peer down"),
        "registration_lost": words("registration lost"),
        "no_traffic": words("no traffic"),
        "capture_gap": words("nobody listened"),
    }
    return titles.get(kind, kind)


def outages(lines: Sequence[Outage], period: Period, words: Words) -> Chart | None:
    """Lanes by subject and kind, the longest out first; days of the period across."""
    if not lines:
        return None
    lanes: dict[tuple[str, str], list[Outage]] = {}
    for line in lines:
        lanes.setdefault((line.kind, line.label), []).append(line)
    longest = max(lines, key=lambda line: line.to_ts - line.from_ts)
    order = sorted(lanes, key=lambda lane: (-sum(line.to_ts - line.from_ts for line in lanes[lane]), lane))
    shown = order[:_TOP]
    title = words(
        "{subject}: {kind}, {span} from {time}",
        subject=shortened(longest.label, 34),
        kind=kind_title(longest.kind, words),
        span=span(longest.to_ts - longest.from_ts),
        time=_moment(longest.from_ts, period.zone, words),
    )
    subtitle = words("Times in which something was not there")
    if len(order) > _TOP:
        subtitle += f" ({words('{count} more are not shown', count=words.number(len(order) - _TOP))})"
    kinds = [kind for kind in COLOURS if any(lane[0] == kind for lane in shown)]
    length = period.to_ts - period.from_ts
    with drawing():
        sheet = Sheet(title, subtitle, [Key(kind_title(k, words), COLOURS[k]) for k in kinds],
                      height=0.38 * len(shown) + 0.3 + ABOVE)  # fmt: skip
        axes = rows(sheet, [f"{shortened(label, 44)}: {kind_title(kind, words)}" for kind, label in shown], row=0.38)
        axes.set_xlim(0, 1)
        for number, lane in enumerate(shown):
            for line in lanes[lane]:
                begin = max(0.0, (line.from_ts - period.from_ts) / length)
                width = max(min(1.0, (line.to_ts - period.from_ts) / length) - begin, _LEAST)
                axes.barh(number, width, 0.34, left=begin, color=COLOURS.get(lane[0], GREY), linewidth=0)
        step = -(-len(period.days) // 8)
        days = period.days[::step]
        places = [(midnight(day, period.zone) - period.from_ts) / length for day in days]
        axes.set_xticks(places, [""] * len(places))
        axes.tick_params(length=0)
        axes.grid(axis="x")
        for place, day in zip(places, days, strict=True):
            axes.annotate(date_of(day, words).rsplit(" ", 1)[0], (place, 0), xycoords=("data", "axes fraction"),
                          xytext=(2, -5), textcoords="offset points", va="top", color=FAINT, fontsize=8,
                          annotation_clip=False)  # fmt: skip
    said = "; ".join(
        f"{shortened(line.label)} {kind_title(line.kind, words)} {_moment(line.from_ts, period.zone, words)}, "
        f"{span(line.to_ts - line.from_ts)}"
        for line in sorted(lines, key=lambda line: (line.from_ts, line.label))[:_TOP]
    )
    return sheet.chart(NAME, f"{title}. {said}")


def _moment(ts: int, zone: tzinfo, words: Words) -> str:
    moment = datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(zone)
    return f"{date_of(moment.date(), words)} {moment:%H:%M}"
