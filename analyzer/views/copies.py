"""What a capture holds more than once, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.stats.analysis import Analysis
from analyzer.views.words import Words
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.capture.copies import Channel, Verdict

#: Sentences; beyond them a line says how many there would be.
_MOST = 5
#: VLANs end here; what is higher is the VNI of an overlay.
_HIGHEST_VLAN = 4095


def copies_remarks(analysis: Analysis, words: Words) -> list[str]:
    """One sentence for each part of the captures that repeats another."""
    verdicts = analysis.copies
    sources = {row.capture_no: printable_text(row.source) for row in analysis.captures}
    told = [(_said(verdict, sources, words), verdict.copies) for verdict in verdicts[:_MOST]]
    if rest := verdicts[_MOST:]:
        what = words("{count} more pairs repeat each other", count=words.number(len(rest)))
        told.append((what, sum(verdict.copies for verdict in rest)))
    return [_ended(what, copies, analysis.keeps_copies, words) for what, copies in told]


def _ended(what: str, copies: int, is_kept: bool, words: Words) -> str:
    count = words.number(copies)
    if is_kept:
        return words("{what}; counted all the same, because of --keep-copies: {count}.", what=what, count=count)
    if copies == 1:
        return words("{what}: one copy removed.", what=what)
    return words("{what}: {count} copies removed.", what=what, count=count)


def _said(verdict: Verdict, sources: dict[int, str], words: Words) -> str:
    original, repeating = verdict.original, verdict.repeating
    lag = _lag(verdict.lag_ns, words)
    if original == repeating:
        if not verdict.is_pattern:
            return words("Some packets stand in the capture more than once, {lag} apart", lag=lag)
        if 2 * verdict.copies <= verdict.messages:
            return words("Every packet stands in the capture twice, {lag} apart", lag=lag)
        return words("Every packet stands in the capture several times, {lag} apart", lag=lag)
    one, other = _names(repeating, original, sources, words)
    if repeating.capture_no == original.capture_no:
        one = one[:1].upper() + one[1:]  # a sentence begins; a path stays as it is
    if verdict.is_mutual:
        return words("{one} and {other} hold the same packets, {lag} apart", one=one, other=other, lag=lag)
    if verdict.is_pattern:
        return words("{one} repeats {other} {lag} later", one=one, other=other, lag=lag)
    return words("{one} repeats packets of {other} {lag} later", one=one, other=other, lag=lag)


def _names(one: Channel, other: Channel, sources: dict[int, str], words: Words) -> tuple[str, str]:
    """The two in words, by what tells them apart."""
    parts: list[tuple[str, str]] = []
    if one.capture_no != other.capture_no:
        parts.append((sources.get(one.capture_no, "?"), sources.get(other.capture_no, "?")))
    elif one.interface_no != other.interface_no:
        parts.append((_interface(one, words), _interface(other, words)))
    if one.network != other.network:
        parts.append((_network(one, words), _network(other, words)))
    if one.is_hep != other.is_hep:
        parts.append((_wrapping(one, words), _wrapping(other, words)))
    return ", ".join(part[0] for part in parts), ", ".join(part[1] for part in parts)


def _interface(channel: Channel, words: Words) -> str:
    return words("interface {number}", number=str(channel.interface_no))


def _network(channel: Channel, words: Words) -> str:
    if channel.network is None:
        return words("untagged traffic")
    return f"VLAN {channel.network}" if channel.network <= _HIGHEST_VLAN else f"VNI {channel.network}"


def _wrapping(channel: Channel, words: Words) -> str:
    return "HEP" if channel.is_hep else words("plain traffic")


def _lag(lag_ns: int, words: Words) -> str:
    """A short time, in µs or ms, with no more digits than anybody needs."""
    if lag_ns < 1_000_000:
        return f"{round(lag_ns / 1000)} µs" if lag_ns >= 1000 else f"{lag_ns} ns"
    return words.decimal(lag_ns / 1_000_000) + " ms"
