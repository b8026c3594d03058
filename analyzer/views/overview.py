"""Everything that ``sipcause analyze`` shows, in its order."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.batch import Columns
from analyzer.stats import registrations as registration_stats
from analyzer.stats.analysis import Analysis
from analyzer.stats.calls import CallTotals, totals
from analyzer.stats.causes import causes, told
from analyzer.stats.kpis import kpis_of
from analyzer.stats.listing import listed
from analyzer.stats.midcall import midcall_counts
from analyzer.stats.ring_times import ring_times
from analyzer.stats.scanners import Scanning
from analyzer.stats.sessions import session_totals
from analyzer.views.captures import captures_table, layers_table
from analyzer.views.causes import causes_table, profiles_shown
from analyzer.views.conflicts import conflicts_table
from analyzer.views.endpoints import endpoints_table
from analyzer.views.issues import issues_table, remarks
from analyzer.views.kpis import kpi_tables, ring_times_table
from analyzer.views.messages import requests_table, responses_table
from analyzer.views.outcomes import headline, outcomes_table, registrations_table, releases_table
from analyzer.views.populations import midcall_table, options_table, populations_table, translations_table
from analyzer.views.scanners import scanners_said, scanners_table
from analyzer.views.sessions import sessions_table
from analyzer.views.table import Table
from analyzer.views.vantage import vantage_shown
from analyzer.views.words import Words

#: Rows of each table; beyond them a line says what was left out.
TOP = 15
TOP_RESPONSES = 30
TOP_LAYERS = 8


class Overview(NamedTuple):
    """A headline, tables (only those with rows), remarks, and before all of them the grade of the capture."""

    headline: str
    tables: list[Table]
    remarks: list[str]
    vantage: str = ""


def overview(analysis: Analysis, words: Words) -> Overview:
    """What a person sees of an analysis; every number comes from `analyzer.stats`."""
    calls, registry = analysis.columns("calls"), analysis.registry
    figures, sessions = totals(calls), session_totals(analysis.columns("sessions"))
    profiles = profiles_shown(analysis.causes_profile)
    line, limits = vantage_shown(analysis, words)
    scanning = analysis.scanning
    said = scanners_said(
        int(scanning.is_scanner.sum()), len(scanning.scanners), _without_scanners(calls, scanning), words
    )
    registered = analysis.columns("registrations")
    tables = [
        *limits,
        captures_table(analysis.captures, words, analysis.config.zone, TOP),
        layers_table(analysis.captures, words, TOP_LAYERS),
        responses_table(analysis.responses, registry, words, TOP_RESPONSES),
        requests_table(analysis.requests, words, TOP),
        outcomes_table(figures, calls, words),
        sessions_table(sessions, words),
        causes_table(causes(calls, registry), told(calls, registry, profiles), profiles, registry, words, TOP),
        conflicts_table(listed(analysis, "conflicts"), registry, words, TOP),
        endpoints_table(listed(analysis, "endpoints"), figures.failures, words, TOP),
        releases_table(figures, calls, words),
        *kpi_tables(kpis_of(analysis), words, has_interval=analysis.counts("intervals")),
        ring_times_table(ring_times(calls), words),
        translations_table(listed(analysis, "translations"), words, TOP),
        midcall_table(midcall_counts(analysis.columns("midcall")), words, TOP),
        populations_table(listed(analysis, "populations"), words, TOP),
        options_table(listed(analysis, "options"), words, TOP),
        scanners_table(scanning.scanners, registry.signals, words, analysis.config.zone, TOP),
        registrations_table(
            registration_stats.by_outcome(registered), registration_stats.by_status_code(registered), words
        ),
        issues_table(analysis.issue_counts, registry, words, TOP),
    ]
    return Overview(
        " ".join(filter(None, [headline(figures, analysis.orphans, words, sessions.total or None), said])),
        [table for table in tables if table.rows],
        remarks(analysis, words),
        line,
    )


def _without_scanners(calls: Columns, scanning: Scanning) -> CallTotals:
    return totals(calls.take(~scanning.is_scanner) if scanning.is_scanner.any() else calls)
