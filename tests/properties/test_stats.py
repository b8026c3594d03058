"""Statistics are functions of tables: parts add up to the whole, and nothing is counted twice or from nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import analyzer
from analyzer.batch import Columns
from analyzer.stats.calls import faults, totals
from analyzer.stats.causes import causes
from analyzer.stats.document import document
from analyzer.stats.endpoints import endpoints
from analyzer.stats.kpi import Ratio, whole
from analyzer.stats.kpis import Request, kpis
from analyzer.stats.midcall import midcall_counts
from analyzer.stats.populations import populations
from analyzer.stats.registrations import by_outcome
from analyzer.stats.releases import release_causes, released_by, releases
from analyzer.vocab import Outcome, Release
from tests.frames import write_pcap
from tests.properties.elements import SECOND, Seen
from tests.properties.flows import datagrams, flow, lossy

HOUR, WEEK = 3_600 * SECOND, 7 * 86_400 * SECOND
EXAMPLES = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@cache
def analysis(seed: int) -> Any:
    """Three weeks of calls, some of them lost."""
    random = Random(seed)
    seen: list[Seen] = []
    for number in range(5):
        later = random.randint(0, 3 * 7 * 24) * HOUR
        seen += [one._replace(ts=one.ts + later) for one in flow(seed + number, 12, f"{'abcde'[number]}.")]
    seen = lossy(sorted(seen, key=lambda one: one.ts), random, 0.02)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weeks.pcap"
        write_pcap(datagrams(seen), path)
        return analyzer.analyze(str(path), keep=("calls", "registrations", "transactions"))


#: Few, because an analysis costs more than all that is asked of it.
seeds = st.sampled_from((100, 200, 300, 400))


def by_time(table: Columns, length: int, column: str = "invite_ts") -> Iterator[Columns]:
    """A table cut into parts of equal length in time."""
    numbers = table.ints(column) // length
    for number in np.unique(numbers).tolist():
        yield table.take(numbers == number)


def counts(result: Any, calls: Columns) -> Counter[Any]:
    """Every count of the calls statistics, each under its own name."""
    figures = totals(calls)
    found: Counter[Any] = Counter(total=figures.total, unsuccessful=figures.unsuccessful, failures=figures.failures)
    for name in ("by_outcome", "by_status_code", "by_release"):
        found.update({(name, key): count for key, count in getattr(figures, name).items()})
    for row in causes(calls, result.registry):
        for name in ("calls", "read", "vendor", "event", "derived"):
            found["cause", row.cause, name] += getattr(row, name)
    for release in releases(calls, result.registry):
        found["release", release.cause] += release.calls
    for row in endpoints(calls, result.config):
        where = row.ip, row.network
        found.update({("endpoint", where, code): count for code, count in row.by_status_code.items()})
        for name in ("calls_as_caller", "calls_as_callee", "failures_as_caller", "failures_as_responder",
                     "failures_relayed", "conflicts"):  # fmt: skip
            found["endpoint", where, name] += getattr(row, name)
    for nested, table in (("fault", faults(calls)), ("released_by", released_by(calls))):
        found.update({(nested, one, two): n for one, inner in table.items() for two, n in inner.items()})
    for kind in Release:
        found.update({("release_cause", kind, c): n for c, n in release_causes(calls, kind).items()})
    return +found


@EXAMPLES
@given(seeds, st.sampled_from((HOUR, WEEK)))
def test_counts_of_parts_add_up_to_those_of_the_whole(seed: int, length: int) -> None:
    result = analysis(seed)
    calls = result.columns("calls")
    added: Counter[Any] = Counter()
    for part in by_time(calls, length):
        added += counts(result, part)
    assert len(calls) > 5
    assert added == counts(result, calls)


@EXAMPLES
@given(seeds, st.sampled_from((HOUR, WEEK)))
def test_figures_of_parts_put_together_are_those_of_the_whole(seed: int, length: int) -> None:
    """Ratios by numerator and denominator, delays by value: never by averaging."""
    result = analysis(seed)
    calls, registrations = result.columns("calls"), result.columns("registrations")
    everything = figures(result, calls, registrations)
    parts = [figures(result, part, registrations.take(slice(0, 0))) for part in by_time(calls, length)]
    parts += [figures(result, calls.take(slice(0, 0)), part) for part in by_time(registrations, length, "request_ts")]
    assert everything
    for name, figure in everything.items():
        assert whole([part[name] for part in parts]) == figure


def figures(result: Any, calls: Columns, registrations: Columns) -> dict[tuple[str, str], Any]:
    found = kpis(calls, registrations, None, result.registry, result.config, Request(with_scanners=True))
    return {(kpi.unit_counted, kpi.id): kpi.figure for kpi in found}


@EXAMPLES
@given(seeds)
def test_invariants_of_the_document(seed: int) -> None:
    result = analysis(seed)
    told = document(result)
    figures, calls = told["calls"], result.columns("calls")
    assert figures["total"] == sum(figures["by_outcome"].values()) == sum(figures["by_status_code"].values())
    assert sum(figures["by_release"].values()) == figures["by_outcome"].get("answered", 0)
    left_out = sum(figures["by_outcome"].get(name, 0) for name in ("answered", "elsewhere", "redirected", "open"))
    assert figures["unsuccessful"] == figures["total"] - left_out
    assert sum(row["calls"] for row in told["causes"]) == figures["unsuccessful"]
    for row in told["causes"]:
        assert row["calls"] == row["read"] + row["vendor"] + row["event"] + row["derived"] or row["cause"] is None
    for row in (*told["responses"], *told["requests"]):
        assert row["messages"] == row["unique"] + row["resends"] + row["copies"]
    silent = {"timed_out", "open"}
    assert all(row["status_code"] is None for row in calls.rows() if row["outcome"] in silent - {"timed_out"}
               and row["status_code"] not in (401, 407, *range(300, 400)))  # fmt: skip
    assert sum(row["transactions"] for row in told["populations"]) == sum(
        row["transactions"] for row in result.columns("others").rows()
    )
    for row in told["populations"]:
        ends = row["success"] + row["challenged"] + row["refused"] + row["no_reply"] + row["open"]
        assert row["transactions"] == ends
        assert sum(row["by_status_code"].values()) == row["transactions"] - row["open"]


@EXAMPLES
@given(seeds)
def test_every_failure_with_a_known_party_is_charged_once(seed: int) -> None:
    result = analysis(seed)
    calls = result.columns("calls")
    failed = [row for row in calls.rows() if Outcome(row["outcome"]) in analyzer.vocab.FAILURES]
    known = [row for row in failed if row["failed_by_ip"] is not None]
    rows = endpoints(calls, result.config)
    assert known
    assert sum(row.failures_as_responder for row in rows) == len(known)
    assert sum(row.failures_as_caller for row in rows) == len(failed)
    assert sum(row.calls_as_caller for row in rows) == sum(row.calls_as_callee for row in rows) == len(calls)


@EXAMPLES
@given(seeds)
def test_what_is_told_of_dialogs_is_part_of_their_population(seed: int) -> None:
    result = analysis(seed)
    refused: Counter[str] = Counter()
    for row in populations(result.columns("others")):
        if row.in_dialog or row.method == "CANCEL":
            refused[row.method] += row.refused + row.challenged + row.no_reply
    told = Counter(row["method"] for row in result.columns("midcall").rows())
    assert told
    assert all(count <= refused[method] for method, count in told.items())
    assert sum(row.transactions for row in midcall_counts(result.columns("midcall"))) == told.total()
    transactions = {row["transaction_no"] for row in result.columns("transactions").rows()}
    assert {row["transaction_no"] for row in result.columns("midcall").rows()} <= transactions


@EXAMPLES
@given(seeds)
def test_of_the_branches_of_a_call_exactly_one_decided(seed: int) -> None:
    decided: dict[int, list[str]] = {}
    calls = {row["call_no"]: row for row in analysis(seed).columns("calls").rows()}
    for row in analysis(seed).columns("branches").rows():
        decided.setdefault(row["call_no"], []).append(row["fate"])
        if row["fate"] == "decided" and calls[row["call_no"]]["status_code"] is not None:
            assert row["status_code"] == calls[row["call_no"]]["status_code"]
    assert decided
    assert {fates.count("decided") for fates in decided.values()} == {1}


def nothing() -> dict[str, Callable[[Any, Columns], Any]]:
    """Statistics of no calls."""
    return {
        "causes": lambda result, calls: causes(calls, result.registry),
        "releases": lambda result, calls: releases(calls, result.registry),
        "endpoints": lambda result, calls: endpoints(calls, result.config),
        "faults": lambda result, calls: faults(calls),
        "released_by": lambda result, calls: released_by(calls),
        "by_outcome": lambda result, calls: by_outcome(result.columns("registrations").take(slice(0, 0))),
    }


@pytest.mark.parametrize("name", nothing())
def test_of_no_calls_nothing_is_listed(name: str) -> None:
    result = analysis(0)
    listed: list[Any] | Mapping[Any, Any] = nothing()[name](result, result.columns("calls").take(slice(0, 0)))
    assert len(listed) == 0


def test_of_no_calls_every_figure_is_undefined_and_none_is_zero() -> None:
    result = analysis(0)
    no_calls, no_registrations = (result.columns(name).take(slice(0, 0)) for name in ("calls", "registrations"))
    found = kpis(no_calls, no_registrations, None, result.registry, result.config)
    assert {kpi.unit_counted for kpi in found} == {"calls", "registrations"}
    for kpi in found:
        assert kpi.value is None
        assert kpi.counted == 0
        assert not isinstance(kpi.figure, Ratio) or kpi.figure == Ratio(0, 0)
    assert totals(no_calls)[:3] == (0, 0, 0)
