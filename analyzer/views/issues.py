"""What was odd on the wire, with what to look at next; and what a reader of the figures must know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from analyzer.batch import Columns
from analyzer.stats.agents import refusing_agents
from analyzer.stats.analysis import Analysis
from analyzer.stats.both_sides import both_sides
from analyzer.stats.counting import label_counts, ranked
from analyzer.views.copies import copies_remarks
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.vocab import Severity
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry import Registry

_TONES = {
    Severity.CHAT: Tone.FAINT,
    Severity.NOTE: Tone.PLAIN,
    Severity.WARN: Tone.WARN,
    Severity.ERROR: Tone.BAD,
}
_SEVERITIES = list(Severity)
#: Agents whose mapping profile is looked up: beyond the most frequent ones a suggestion helps nobody.
_AGENTS = 20


def issues_table(counts: Mapping[str, int], registry: Registry, words: Words, top: int) -> Table:
    """Issues by kind, the gravest first."""
    columns = [
        Column(words("count"), align_right=True),
        Column(words("severity")),
        Column(words("issue")),
        Column(words("that is"), shrink=True),
        Column(words("look at"), rank=1, shrink=True),
    ]
    kinds = {code: registry.issue(code) for code in counts}
    chosen = sorted(counts, key=lambda code: (-_SEVERITIES.index(kinds[code].severity), -counts[code], code))
    rows = [
        (
            Cell(words.number(counts[code])),
            Cell(words(kinds[code].severity.value), _TONES[kinds[code].severity]),
            Cell(code),
            Cell(kinds[code].summary),
            Cell(kinds[code].next, Tone.FAINT),
        )
        for code in chosen[:top]
    ]
    notes = []
    if len(chosen) > top:
        notes.append(words("… and {count} more kinds", count=words.number(len(chosen) - top)))
    return Table(words("Issues"), columns, rows, notes)


def remarks(analysis: Analysis, words: Words) -> list[str]:
    """Sentences that a reader of the figures must know, the most important first."""
    calls = analysis.columns("calls")
    return [
        *_cut_short(analysis, words),
        *_opaque(analysis, words),
        *copies_remarks(analysis, words),
        *_both_sides(calls, analysis.columns("links"), words),
        *_silence(calls, words),
        *_profile(analysis, calls, words),
        *_no_sip(analysis, words),
    ]


def _cut_short(analysis: Analysis, words: Words) -> list[str]:
    cut = [row.source for row in analysis.captures if row.truncated]
    if not cut:
        return []
    shown = ", ".join(printable_text(source) for source in cut[:3]) + (", …" if len(cut) > 3 else "")
    return [words("{captures}: cut short or damaged; what stands before the damage was analysed.", captures=shown)]


def _opaque(analysis: Analysis, words: Words) -> list[str]:
    connections = sum(row.opaque_connections for row in analysis.captures)
    octets = sum(row.opaque for row in analysis.captures)
    if not octets:
        return []
    return [
        words(
            "TLS on SIP ports that could not be read: {octets}, connections: {connections}. "
            "Their calls are missing here; --keylog FILE opens them.",
            connections=words.number(connections),
            octets=words.octets(octets),
        )
    ]


def _both_sides(calls: Columns, links: Columns, words: Words) -> list[str]:
    middle = both_sides(calls, links)
    if not middle:
        return []
    shown = ", ".join(ip for ip, _ in middle[:3]) + (", …" if len(middle) > 3 else "")
    return [
        words(
            "Seen on both sides of calls that could not be linked: {endpoints}. If that is a B2BUA (PBX, SBC), one "
            "conversation is two calls here and its failure may stand on both legs.",
            endpoints=shown,
        )
    ]


def _silence(calls: Columns, words: Words) -> list[str]:
    """What the wire itself said about calls that got no answer."""
    counts = label_counts(calls.labels("wire_event")) if len(calls) else {}
    named = {name: count for name, count in ranked(counts).items() if name is not None}
    if not named:
        return []
    shown = ", ".join(f"{words.number(count)} {name}" for name, count in named.items())
    text = "Calls of which the wire says why nobody answered: {events}. Tables: calls.wire_event, evidence."
    return [words(text, events=shown)]


def _profile(analysis: Analysis, calls: Columns, words: Words) -> list[str]:
    suggested: dict[str, str] = {}
    for agent in list(refusing_agents(calls))[:_AGENTS]:
        profile = analysis.registry.suggest_profile(agent)
        if profile and profile != analysis.causes_profile:
            suggested.setdefault(profile, agent)
    return [
        words(
            "{agent} has a cause table of its own: --causes {profile} shows the figures by it.",
            agent=agent,
            profile=profile,
        )
        for profile, agent in suggested.items()
    ]


def _no_sip(analysis: Analysis, words: Words) -> list[str]:
    if any(row.sip_messages for row in analysis.captures):
        return []
    return [words("No SIP was found in what could be read.")]
