"""The families of the metrics page: names, help texts, labels, and the numbers that stand under them.

Base units and endings are Prometheus's conventions. Every set of labels is bounded whatever strangers send: codes,
methods and issues that no registry lists are ``other``, endpoints are those of `NamedEndpoints`. Ratios are not
here: they are made in queries, from numerators and denominators, over the span that somebody asks for.
"""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from analyzer.ops.named_endpoints import NamedEndpoints
from analyzer.stats.counting import NONE
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.stats.tally import ANSWERED, CHARGED, MADE, SENT, Counts, ratios
from analyzer.vocab import Outcome, RegistrationOutcome
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from prometheus_client import Metric

    from analyzer.config import Config
    from analyzer.registry import Registry

SECOND = 1e9
#: What stands for all that no registry lists.
OTHER = "other"


class Family(NamedTuple):
    """Help text and labels of a family; a name that ends in ``_total`` is a counter, every other one a gauge."""

    help: str
    labels: tuple[str, ...] = ()


_SOURCE = ("source", "kind")
FAMILIES: dict[str, Family] = {
    "sipcause_build_info": Family("Version of the program; always 1.", ("version", "python")),
    "sipcause_start_time_seconds": Family("When the run started, since the epoch."),
    "sipcause_clock_seconds": Family("When these numbers were taken, since the epoch; stands still if the run does."),
    "sipcause_resident_memory_bytes": Family("Memory of the process, resident."),
    "sipcause_cpu_seconds_total": Family("Time of processors spent by the process."),
    "sipcause_frames_total": Family("Frames read.", _SOURCE),
    "sipcause_received_bytes_total": Family("Octets of the frames read.", _SOURCE),
    "sipcause_messages_total": Family("SIP messages, resends and copies among them.", _SOURCE),
    "sipcause_dropped_frames_total": Family("Frames lost before they were read: by the kernel, a full queue.", _SOURCE),
    "sipcause_source_up": Family("1 while frames can come from the source, 0 while it is in trouble.", _SOURCE),
    "sipcause_queue_dropped_frames_total": Family("Frames that were read, then lost for want of time."),
    "sipcause_evicted_groups_total": Family("Calls, registrations and transactions ended early: too many were open."),
    "sipcause_requests_total": Family("Requests without resends and copies.", ("method",)),
    "sipcause_responses_total": Family("Responses without resends and copies.", ("code", "family", "method")),
    "sipcause_repeated_messages_total": Family(
        "Messages that were seen before: resends by the sender, copies by the capture.", ("message", "repeat", "method")
    ),
    "sipcause_orphan_responses_total": Family("Responses whose request was not seen."),
    "sipcause_open_calls": Family("Calls setting up, in call, or lingering (decided, may be heard of).", ("state",)),
    "sipcause_open_groups": Family("Calls, registrations and transactions that memory is spent on."),
    "sipcause_calls_total": Family("Calls decided, by outcome.", ("outcome",)),
    "sipcause_call_failures_total": Family("Calls that failed, by final status code.", ("code",)),
    "sipcause_unsuccessful_calls_total": Family("Unsuccessful calls, by ISDN (Q.850) cause.", ("cause", "name")),
    "sipcause_registrations_total": Family("Registrations decided, by outcome.", ("outcome",)),
    "sipcause_kpi_numerator_total": Family("Numerators of ratios; docs/kpis.md defines them.", ("kpi",)),
    "sipcause_kpi_denominator_total": Family("Denominators of ratios; docs/kpis.md defines them.", ("kpi",)),
    "sipcause_endpoint_calls_made_total": Family("Calls that an endpoint made.", ("endpoint", "alias", "network")),
    "sipcause_endpoint_calls_sent_total": Family("Calls that an endpoint was sent.", ("endpoint", "alias", "network")),
    "sipcause_endpoint_calls_answered_total": Family(
        "Answered ones among the calls that an endpoint was sent.", ("endpoint", "alias", "network")
    ),
    "sipcause_endpoint_failures_total": Family(
        "Failures charged to an endpoint.", ("endpoint", "alias", "network")
    ),
    "sipcause_issues_total": Family("Oddities on the wire; data/issues.toml explains them.", ("code", "severity")),
    "sipcause_store_trouble": Family("1 while the store cannot be written."),
    "sipcause_store_commit_time_seconds": Family("Up to when the store has everything on disk, since the epoch."),
    "sipcause_frames_file_trouble": Family("1 while the frames cannot be written."),
    "sipcause_alerts_firing": Family("Alerts that fire at the moment."),
}  # fmt: skip

_ENDPOINT_FAMILIES = {
    "sipcause_endpoint_calls_made_total": MADE,
    "sipcause_endpoint_calls_sent_total": SENT,
    "sipcause_endpoint_calls_answered_total": ANSWERED,
    "sipcause_endpoint_failures_total": CHARGED,
}
#: Values by labels.
Values: TypeAlias = Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class Numbers:
    """A snapshot whose sums no longer change."""

    snapshot: LiveSnapshot
    counts: Counts
    issues: Mapping[str, int]

    @classmethod
    def of(cls, snapshot: LiveSnapshot) -> Numbers:
        """The numbers of a moment. Dicts are copied, their lists are never changed (`Counts`)."""
        counts = snapshot.tally.since_start
        copied = replace(
            counts,
            by_outcome=counts.by_outcome.copy(),
            by_family=counts.by_family.copy(),
            by_code=counts.by_code.copy(),
            failures_by_code=counts.failures_by_code.copy(),
            by_cause=counts.by_cause.copy(),
            by_registration=counts.by_registration.copy(),
            kpis=counts.kpis.copy(),
            endpoints=counts.endpoints.copy(),
        )
        return cls(snapshot, copied, dict(snapshot.issues))


class MetricsPage:
    """Writes the families of numbers; ``top``: endpoints that are named."""

    def __init__(self, registry: Registry, config: Config, top: int) -> None:
        self._registry = registry
        self._config = config
        self._ratios = tuple(ratios(registry, config))
        self._endpoints = NamedEndpoints(top) if top else None
        self._build: Values = {(_version(), platform.python_version()): 1.0}

    def families(self, numbers: Numbers) -> Iterator[Metric]:
        """All families that have something to say, in the order of `FAMILIES`."""
        values = {**self._run(numbers), **self._messages(numbers.snapshot), **self._decided(numbers.counts)}
        if self._endpoints is not None:
            values.update(self._named(self._endpoints, numbers.counts))
        for name, family in FAMILIES.items():
            if name in values:
                kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                written = kind(name, family.help, labels=family.labels)
                for labels, value in values[name].items():
                    written.add_metric(labels, value)
                yield written

    def _run(self, numbers: Numbers) -> dict[str, Values]:
        snapshot = numbers.snapshot
        found: dict[str, Values] = {
            "sipcause_build_info": self._build,
            "sipcause_start_time_seconds": _one(snapshot.start_ts / SECOND),
            "sipcause_clock_seconds": _one(snapshot.now_ts / SECOND),
            "sipcause_resident_memory_bytes": _one(snapshot.memory_octets),
            "sipcause_cpu_seconds_total": _one(time.process_time()),
            "sipcause_queue_dropped_frames_total": _one(snapshot.queue_dropped),
            "sipcause_evicted_groups_total": _one(snapshot.evicted),
            "sipcause_open_groups": _one(snapshot.open_groups),
            "sipcause_alerts_firing": _one(len(snapshot.alerts)),
            "sipcause_open_calls": {
                ("setting_up",): snapshot.setting_up,
                ("in_call",): snapshot.in_call,
                ("lingering",): snapshot.lingering,
            },
            "sipcause_issues_total": _summed((self._issue(code), count) for code, count in numbers.issues.items()),
        }
        for name, attribute in (
            ("sipcause_frames_total", "frames"),
            ("sipcause_received_bytes_total", "octets"),
            ("sipcause_messages_total", "sip_messages"),
            ("sipcause_dropped_frames_total", "dropped"),
        ):
            found[name] = _summed((_source(s.name, s.kind), getattr(s, attribute)) for s in snapshot.sources)
        # One of two sources of the same name that is in trouble is trouble.
        up: dict[tuple[str, ...], float] = {}
        for source in snapshot.sources:
            key = _source(source.name, source.kind)
            up[key] = min(up.get(key, 1), int(source.trouble is None))
        found["sipcause_source_up"] = up
        if snapshot.store is not None:
            found["sipcause_store_trouble"] = _one(snapshot.store_trouble is not None)
        if snapshot.store_committed_ts is not None:
            found["sipcause_store_commit_time_seconds"] = _one(snapshot.store_committed_ts / SECOND)
        if snapshot.frames_file is not None:
            found["sipcause_frames_file_trouble"] = _one(snapshot.frames_trouble is not None)
        return found

    def _messages(self, snapshot: LiveSnapshot) -> dict[str, Values]:
        repeats: list[tuple[tuple[str, ...], int]] = []
        for message, rows in (("request", snapshot.requests), ("response", snapshot.responses)):
            for row in rows:
                method = self._method(row.method)
                repeats += [((message, "resend", method), row.resends), ((message, "copy", method), row.copies)]
        return {
            "sipcause_requests_total": _summed(((self._method(row.method),), row.unique) for row in snapshot.requests),
            "sipcause_responses_total": _summed(
                ((self._code(row.status_code), row.family, self._method(row.method)), row.unique)
                for row in snapshot.responses
            ),
            "sipcause_repeated_messages_total": _summed(repeats),
            "sipcause_orphan_responses_total": _one(snapshot.orphans),
        }

    def _decided(self, counts: Counts) -> dict[str, Values]:
        # What has no value yet is 0, not absent: a rate needs the value before the first one.
        kpis = {kpi: counts.ratio(kpi) for kpi in self._ratios}
        return {
            "sipcause_calls_total": {(name.value,): counts.by_outcome[name] for name in Outcome},
            "sipcause_registrations_total": {
                (name.value,): counts.by_registration[name] for name in RegistrationOutcome
            },
            "sipcause_call_failures_total": _summed(
                ((self._code(code),), count) for code, count in counts.failures_by_code.items()
            ),
            "sipcause_unsuccessful_calls_total": _summed(
                (self._cause(cause), count) for cause, count in counts.by_cause.items()
            ),
            "sipcause_kpi_numerator_total": {(kpi,): ratio.numerator for kpi, ratio in kpis.items()},
            "sipcause_kpi_denominator_total": {(kpi,): ratio.denominator for kpi, ratio in kpis.items()},
        }

    def _named(self, named: NamedEndpoints, counts: Counts) -> dict[str, Values]:
        shown = named.update(counts.endpoints)
        # A network is hidden where there is only one (docs/counting.md).
        has_networks = len({network for (ip, network) in shown if ip != OTHER}) > 1
        found: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in _ENDPOINT_FAMILIES}
        for (ip, network), series in shown.items():
            shown_network = str(network) if has_networks and network is not None else ""
            labels = (printable_text(ip), printable_text(self._config.alias(ip) or ""), shown_network)
            for name, which in _ENDPOINT_FAMILIES.items():
                found[name][labels] = series[which]
        return dict(found)

    def _code(self, code: int | None) -> str:
        if code is None:
            return NONE
        return str(code) if self._registry.status(code).known or self._registry.vendor_codes(code) else OTHER

    def _method(self, method: str | None) -> str:
        if method is None:
            return NONE
        return method if self._registry.method(method).known else OTHER

    def _cause(self, cause: int | None) -> tuple[str, str]:
        if cause is None:
            return NONE, ""
        return (str(cause), self._registry.cause(cause).name) if 0 < cause < 128 else (OTHER, "")

    def _issue(self, code: str) -> tuple[str, str]:
        issue = self._registry.issue(code)
        return (code, issue.severity.value) if issue.known else (OTHER, issue.severity.value)


def _one(value: float) -> Values:
    return {(): float(value)}


def _summed(pairs: Iterable[tuple[tuple[str, ...], int]]) -> Values:
    found: Counter[tuple[str, ...]] = Counter()
    for labels, count in pairs:
        found[labels] += count
    return dict(found)


def _source(name: str, kind: str) -> tuple[str, ...]:
    return printable_text(name), str(kind)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sipcause")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
