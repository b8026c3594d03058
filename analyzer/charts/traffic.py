"""Responses by family over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.patches import Patch

from analyzer.batch import Ints
from analyzer.charts.style import FAMILY_COLOURS, FAMILY_TITLES, Chart, figure, legend, nothing, styled, whole_numbers
from analyzer.vocab import Family

NAME = "responses_by_family"
_SECOND = 1_000_000_000
#: Bars that can still be told apart, and lengths of a bucket that people think in (s).
_MOST = 120
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_ROUND = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR,
    3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 7 * _DAY,
)  # fmt: skip
_FAILURES = (Family.REDIRECTION, Family.CLIENT_ERROR, Family.SERVER_ERROR, Family.GLOBAL_FAILURE, Family.VENDOR)
_ALL = (Family.PROVISIONAL, Family.SUCCESS, *_FAILURES)


class Buckets(NamedTuple):
    """Responses in buckets of time: their starts, whether each lies wholly inside the capture, counts by family."""

    starts: Ints
    is_whole: np.ndarray[tuple[int], np.dtype[np.bool_]]
    counts: dict[Family, Ints]


def responses_by_family(
    timeline: Mapping[Family, tuple[Ints, Ints]],
    bucket_ns: int,
    first_ts: int | None,
    last_ts: int | None,
    zone: tzinfo,
    source: str,
) -> Chart:
    """Responses as captured, stacked by family: above those that are no success, beneath all of them.

    The first and last bucket, which the capture covers in part only, are hatched: they are no drop in traffic.
    """
    if first_ts is None or last_ts is None or not any(len(starts) for starts, _ in timeline.values()):
        return nothing(NAME, "No responses", source)
    bucket_ns, buckets = aligned(timeline, bucket_ns, first_ts, last_ts)
    failing = np.sum([buckets.counts[family] for family in _FAILURES], axis=0)
    total = int(sum(counts.sum() for counts in buckets.counts.values()))
    title = _finding(buckets, failing, total, bucket_ns, zone)
    with styled():
        made = figure(
            title,
            f"Responses per {_duration(bucket_ns)} by family of their status code, challenges (401, 407) among the 4xx",
            source,
            height=6.0,
        )
        above, beneath = made.subplots(2, 1, sharex=True, height_ratios=(1, 1))
        handles = {family: Patch(color=FAMILY_COLOURS[family]) for family in _ALL if buckets.counts[family].any()}
        _stack(above, buckets, _FAILURES, bucket_ns, zone)
        above.set_ylabel("3xx to vendor")
        _stack(beneath, buckets, _ALL, bucket_ns, zone)
        beneath.set_ylabel("all responses")
        locator = AutoDateLocator(tz=zone, minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
        beneath.xaxis.set_major_locator(locator)
        beneath.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]
        beneath.set_xlabel(f"time ({_moment(first_ts, zone):%Z})")
        keys, names = list(handles.values()), [FAMILY_TITLES[family] for family in handles]
        if not buckets.is_whole.all():
            keys.append(Patch(facecolor="white", edgecolor="#606060", hatch="////"))
            names.append("partly captured")
        legend(above, keys, names)
    alt = f"{title}. " + ", ".join(f"{FAMILY_TITLES[f]} {int(buckets.counts[f].sum())}" for f in _ALL)
    return Chart(NAME, made, alt)


def aligned(
    timeline: Mapping[Family, tuple[Ints, Ints]], bucket_ns: int, first_ts: int, last_ts: int
) -> tuple[int, Buckets]:
    """Every family on the same buckets, empty ones included, from the first response to the last.

    Buckets are joined until no more than `_MOST` are left, however far apart the first and last stamp may be; the
    length that they have then is returned too.
    """
    filled = [starts for starts, _ in timeline.values() if len(starts)]
    low = min(int(starts.min()) for starts in filled)
    high = max(int(starts.max()) for starts in filled)
    bucket_ns = _joined_length(bucket_ns, high - low)
    low -= low % bucket_ns
    starts = low + np.arange((high - low) // bucket_ns + 1, dtype=np.int64) * bucket_ns
    counts = {family: np.zeros(len(starts), dtype=np.int64) for family in _ALL}
    for family, (begins, number) in timeline.items():
        np.add.at(counts[family], (begins - low) // bucket_ns, number)
    is_whole = (starts >= first_ts) & (starts + bucket_ns <= last_ts)
    return bucket_ns, Buckets(starts, is_whole, counts)


def _joined_length(bucket_ns: int, span: int) -> int:
    """The shortest round length, a multiple of the bucket's, that cuts a span into few enough buckets."""
    least = span // _MOST
    if bucket_ns > least:
        return bucket_ns
    for seconds in _ROUND:
        if seconds * _SECOND > least and seconds * _SECOND % bucket_ns == 0:
            return seconds * _SECOND
    return (least // bucket_ns + 1) * bucket_ns


def _stack(axes: Axes, buckets: Buckets, families: tuple[Family, ...], bucket_ns: int, zone: tzinfo) -> None:
    times = [_moment(ts, UTC) for ts in buckets.starts.tolist()]
    width = bucket_ns / _SECOND / 86_400  # matplotlib counts in days
    floor = np.zeros(len(times), dtype=np.int64)
    for family in families:
        counts = buckets.counts[family]
        if not counts.any():
            continue
        bars = axes.bar(times, counts, width, bottom=floor, align="edge", color=FAMILY_COLOURS[family], linewidth=0)  # type: ignore[arg-type]
        for bar, is_whole in zip(bars, buckets.is_whole.tolist(), strict=True):
            if not is_whole:
                bar.set(hatch="////", edgecolor="white")
        floor = floor + counts
    axes.set_ylim(0, max(float(floor.max()) * 1.08, 1.0))
    axes.margins(x=0)
    whole_numbers(axes.yaxis)
    axes.grid(axis="y")


def _finding(buckets: Buckets, failing: Ints, total: int, bucket_ns: int, zone: tzinfo) -> str:
    if not failing.any():
        return f"No response from 300 on among {total:,}"
    peak = int(failing.argmax())
    largest = max(_FAILURES, key=lambda family: int(buckets.counts[family][peak]))
    moment = _moment(int(buckets.starts[peak]), zone)
    shape = "%H:%M:%S" if bucket_ns < 60 * _SECOND else "%H:%M"
    return (
        f"Responses from 300 on peak at {moment:%a} {moment.day} {moment:%b}, {moment.strftime(shape)}: "
        f"{int(failing[peak]):,} in {_duration(bucket_ns, 'a ')}, mostly {FAMILY_TITLES[largest]}"
    )


def _moment(ts: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(ts / _SECOND, UTC).astimezone(zone)


def _duration(nanoseconds: int, article: str = "") -> str:
    seconds = nanoseconds // _SECOND
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{'an ' if article and unit == 'hour' else article}{unit}" if count == 1 else f"{count} {unit}s"
    return f"{nanoseconds / _SECOND:g} s"
