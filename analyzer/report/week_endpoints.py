"""Who: endpoints by the failures that they originated, scanners, registrations, and how dialogs went and ended."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.batch import Ints
from analyzer.report.lines import Count, EndpointLine
from analyzer.report.lines_of_traffic import MidcallLine, RegistrationLine, Registrations, ReleaseLine, ScannerLine
from analyzer.report.week_failures import ranked
from analyzer.report.weeks import Weeks
from analyzer.stats.counting import code_keys
from analyzer.stats.endpoints import endpoints as endpoint_rows
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import Key, counted, grouped
from analyzer.stats.kpi import Ratio
from analyzer.stats.kpis import KPIS
from analyzer.stats.originated import originated, relayed, sent
from analyzer.stats.population import Share
from analyzer.vocab import MidcallKind, RegistrationOutcome, Release

#: Lines of a kind that strangers can make many of.
MOST_ENDPOINTS, MOST_REGISTRATIONS, MOST_SCANNERS = 500, 200, 200
_ACCEPTED = (
    RegistrationOutcome.REGISTERED, RegistrationOutcome.UNREGISTERED, RegistrationOutcome.QUERIED,
    RegistrationOutcome.OPEN,
)  # fmt: skip


def endpoints(weeks: Weeks) -> tuple[EndpointLine, ...]:
    """Endpoints with failures, worst first: by the lower end of the interval of their share; small ones last."""
    week = weeks.week
    if not len(week.calls):
        return ()
    rows = endpoint_rows(week.calls, week.config, week.overflows, charges=week.charges)
    own, passed, received = originated(week), relayed(week), sent(week)
    before = weeks.mean(lambda facts: {key: len(found) for key, found in originated(facts).items()})
    has_networks = len({row.network for row in rows}) > 1
    found = []
    for row in rows:
        key = row.ip, row.network
        if key not in own and key not in passed:
            continue
        share = Ratio(len(own.get(key, ())), received.get(key, 0))
        is_small = share.denominator < week.config.thresholds.minimum_calls
        # Of endpoints there may be hundreds, most of them with a few calls.
        shown = 1 if is_small else weeks.proof.shown
        found.append(
            EndpointLine(
                ip=row.ip,
                network=row.network if has_networks else None,
                name=row.name,
                side=row.side,
                originated=_count(weeks, own.get(key), shown),
                share=share,
                relayed=_count(weeks, passed.get(key), shown=1),
                calls_as_caller=row.calls_as_caller,
                calls_as_callee=row.calls_as_callee,
                failures_as_caller=row.failures_as_caller,
                conflicts=row.conflicts,
                overflows=row.overflows,
                by_status_code=dict(row.by_status_code),
                before=before.of(key),
                is_small=is_small,
            )
        )
    found.sort(key=lambda line: (line.is_small, *_worst(line.share), -line.relayed.calls, line.ip, line.network or 0))
    return tuple(found[:MOST_ENDPOINTS])


def _worst(share: Ratio) -> tuple[float, int]:
    low = share.interval[0] if share.interval else 0.0
    return -low, -share.numerator


def scanners(weeks: Weeks) -> tuple[ScannerLine, ...]:
    """Who scanned, highest score first."""
    found = [
        ScannerLine(
            ip=row.ip,
            network=row.network,
            agent=row.agent,
            score=row.score,
            calls=row.calls,
            registrations=row.registrations,
            others=row.others,
            targets=row.targets,
            successes=row.successes,
            first_ts=row.first_ts,
            last_ts=row.last_ts,
            reasons=row.reasons,
        )
        for row, _ in weeks.week.scanning.scanners
    ]
    return tuple(found[:MOST_SCANNERS])


def registrations(weeks: Weeks) -> Registrations:
    """Registrations without those of scanners; lines for clients and registrars where not all succeeded."""
    week = weeks.week
    table = week.registrations
    everyone = range(len(table))
    outcomes, codes = _registered(week, ("outcome",)), _registered(week, ("status_code",))
    return Registrations(
        total=len(everyone),
        by_outcome={key[0]: outcomes[key] for key in ranked(outcomes)},
        by_status_code=code_keys({key[0]: count for key, count in codes.items()}),
        ira=_ira(week),
        ira_before=weeks.ratio_before(_ira),
        total_before=weeks.mean_of(lambda facts: len(facts.registrations)),
        lines=tuple(_registration_lines(week)),
    )


def _registration_lines(week: Facts) -> list[RegistrationLine]:
    table = week.registrations
    if not len(table):
        return []
    failed = (~week.registered.is_outcome(*_ACCEPTED)).nonzero()[0]
    pairs = table.labels("client_ip"), table.labels("registrar_ip")
    totals = counted(week.registered.is_outcome(*RegistrationOutcome).nonzero()[0], *pairs)
    found = []
    for (client, registrar), rows in grouped(failed, *pairs).items():
        agents = counted(rows, table.labels("user_agent"))
        codes = counted(rows, table.ints("status_code"))
        found.append(
            RegistrationLine(
                client_ip=client or "",
                registrar_ip=registrar or "",
                name=week.config.alias(client or ""),
                user_agent=ranked(agents)[0][0],
                total=totals[client, registrar],
                failed=len(rows),
                by_status_code=code_keys({key[0]: count for key, count in codes.items()}),
            )
        )
    found.sort(key=lambda line: (*_worst(Ratio(line.failed, line.total)), line.client_ip, line.registrar_ip))
    return found[:MOST_REGISTRATIONS]


def _registered(facts: Facts, names: tuple[str, ...]) -> Mapping[Key, int]:
    table = facts.registrations
    if not len(table):
        return {}
    columns = [table.ints(name) if name == "status_code" else table.labels(name) for name in names]
    return counted(facts.registered.is_outcome(*RegistrationOutcome).nonzero()[0], *columns)


def _ira(facts: Facts) -> Ratio:
    found = KPIS["ira"](facts.registered, facts.registry.kpis["ira"])
    assert isinstance(found, Share)
    return Ratio(int(found.numerator.sum()), int(found.denominator.sum()))


def midcall(weeks: Weeks) -> tuple[MidcallLine, ...]:
    """Requests inside dialogs that were refused or unanswered."""
    requests = _midcall(weeks.week)
    before = weeks.mean(_midcall)
    resolved = _midcall(weeks.week, only_resolved=True)
    return tuple(
        MidcallLine(
            method=key[0] or "",
            kind=MidcallKind(key[1]),
            status_code=key[2],
            requests=requests.get(key, 0),
            resolved=resolved.get(key, 0),
            before=before.of(key),
        )
        for key in ranked(requests, before)
    )


def _midcall(facts: Facts, only_resolved: bool = False) -> Mapping[Key, int]:
    table = facts.part["midcall"]
    if not len(table):
        return {}
    is_resolved = table.ints("resolved")
    rows = (is_resolved if only_resolved else is_resolved >= 0).nonzero()[0]
    return counted(rows, table.labels("method"), table.labels("kind"), table.ints("status_code"))


def releases(weeks: Weeks) -> tuple[ReleaseLine, ...]:
    """How answered calls ended."""
    drops = weeks.week.population.entries["drops"].releases
    rows = _released(weeks.week)
    before = weeks.mean(lambda facts: {key: len(own) for key, own in _released(facts).items()})
    found = []
    for key in ranked({key: len(own) for key, own in rows.items()}, before):
        release = None if key[0] is None else Release(key[0])
        found.append(ReleaseLine(release, key[1], _count(weeks, rows.get(key)), release in drops, before.of(key)))
    return tuple(found)


def _released(facts: Facts) -> Mapping[Key, Ints]:
    answered = facts.answered.nonzero()[0]
    return grouped(answered, facts.labels("release"), facts.population.numbers("release_cause"))


def _count(weeks: Weeks, rows: Ints | None, shown: int | None = None) -> Count:
    return Count(0) if rows is None else weeks.proof.count_rows(rows, shown=shown)
