"""What is shown of a status code or a cause, and in which order: facts and tables, before any toolkit draws them.

The facts come from `analyzer.views.code_facts`. Each group says where it comes from; the sources of the mapping
profiles stand together at the end, because one table compares them all.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from analyzer.views.table import Cell, Column, Table, Tone, plain
from analyzer.views.words import Words


class Fact(NamedTuple):
    """One line of a card: what it is, what is known, and how it is meant."""

    label: str
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Group:
    """Facts under one heading; of ``is_bulky`` ones a line each is enough unless somebody asks for all."""

    title: str
    facts: Sequence[Fact]
    is_bulky: bool = False


@dataclass(frozen=True)
class Card:
    """A title, and groups of facts and tables in reading order."""

    title: str
    parts: Sequence[Group | Table] = field(default_factory=tuple)


def status_card(facts: Mapping[str, Any], words: Words, names_width: int = 40) -> Card:
    """The card of `code_facts.status_facts`; ``names_width``: how wide a column of profile names may be."""
    code = facts["code"]
    parts: list[Group | Table] = []
    if facts["known"] or 100 <= code <= 999:
        parts.append(_status_group(facts, words))
    parts += _lists(facts, words)
    parts += _makers(facts, words)
    if facts["fallback"] or any(row["cause"] is not None or row["on_purpose"] for row in facts["causes"]):
        parts.append(_by_profile(facts, words, names_width))
    if facts["from_causes"]:
        parts.append(_turned_into(facts["from_causes"], words, names_width))
    parts.append(_profile_sources([*facts["causes"], *facts["from_causes"]], words))
    phrase = facts["phrase"] or (words("(unlisted)") if 100 <= code <= 999 else words("(no status code)"))
    return Card(f"{code} {phrase}", [part for part in parts if isinstance(part, Table) or part.facts])


def _status_group(facts: Mapping[str, Any], words: Words) -> Group:
    found = [
        Fact(words("meaning"), facts["meaning"], Tone.STRONG),
        Fact(words("hint"), facts["hint"] or ""),
        Fact(words("corrected"), facts["hint_correction"] or "", Tone.WARN),
        Fact(words("likely party"), words(facts["responsible"])),
        Fact(words("family"), facts["family"]),
        Fact("RFC", _joined(facts["rfc"], words(facts["status"]))),
        Fact(words("outcome"), _outcome(facts["outcome"], words)),
        Fact(words("look at"), ", ".join(facts["look_at"])),
    ]
    if facts["mid_dialog_effect"]:
        effect = words(f"ends the {facts['mid_dialog_effect']}")
        found.append(Fact(words("in a dialog"), f"{effect} (RFC 5057 §5.1)"))
    found += [
        Fact("RFC 6076", ", ".join(facts["rfc6076"])),
        Fact(words("also written"), "; ".join(facts["other_phrases"])),
        *(Fact(words("note"), note) for note in facts["notes"]),
        Fact(words("origin"), _joined(facts["origin"], _listed_by(facts), sep="; "), Tone.FAINT),
    ]
    return _group("", found)


def _outcome(outcome: Mapping[str, Any] | None, words: Words) -> str:
    if outcome is None:
        return ""
    text = f"{outcome['outcome']} ({words(outcome['fault'])})"
    for key, label in (("after_ringing", "after ringing"), ("with_location_user", "with location user")):
        other = outcome[key]
        if (other["outcome"], other["fault"]) != (outcome["outcome"], outcome["fault"]):
            text += f"; {words(label)}: {other['outcome']} ({words(other['fault'])})"
    return f"{text}; {outcome['origin']}"


def _lists(facts: Mapping[str, Any], words: Words) -> Iterable[Group]:
    lists = facts["lists"]
    if lists is None:
        return
    simbox, overzicht = lists["simbox"], lists["overzicht"]
    cause = "" if simbox["cause"] is None else f"{simbox['cause']} {simbox['cause_text']}"
    found = [
        Fact("SimBox.NL", _joined(simbox["phrase"], simbox["note"], sep=" – ")),
        Fact("SimBox.NL DSS1", _joined(simbox["event"], cause, sep=" → ")),
        Fact("", simbox["cause_remark"] or "", Tone.WARN),
        Fact("Overzicht", _joined(overzicht["label"], overzicht["hint"], sep=" – ")),
        *(
            Fact(words("corrected"), f"{c['document']}, {c['kind'].replace('_', ' ')}: {c['text']}", Tone.WARN)
            for c in lists["corrections"]
        ),
        Fact(words("origin"), f"{lists['origin']}; {simbox['document']} / {overzicht['document']}", Tone.FAINT),
    ]
    yield _group(words("What published lists say"), found)


def _makers(facts: Mapping[str, Any], words: Words) -> Iterable[Group]:
    for number, row in enumerate(facts["vendor_codes"]):
        cause = ""
        if row["cause"] is not None:
            cause = f"{row['cause']} {row['text']} (hex {row['hex']}, DSS1 {row['dss1_hex']})"
            cause = _joined(cause, row["cause_confidence"] and f"{words('confidence')}: {row['cause_confidence']}")
        found = [
            Fact(row["title"], row["phrase"], Tone.STRONG),
            Fact(words("meaning"), row["meaning"]),
            Fact(words("likely party"), words(row["responsible"] or "unknown")),
            Fact(words("hint"), row["hint"] or ""),
            Fact(words("cause"), cause),
            Fact(words("outcome"), row["outcome"] or ""),
            Fact("", "" if row["on_wire"] else words("met on displays or in logs, seldom on the wire")),
            *(Fact(words("note"), note) for note in row["notes"]),
            Fact(words("origin"), _joined(row["origin"], row["source"], sep="; "), Tone.FAINT),
        ]
        title = f"{words('Codes of makers')}: {words('a guess: other makers may use this code differently')}"
        yield _group("" if number else title, found)
    if facts["internal_cause"] is not None:
        row = facts["internal_cause"]
        text = f"{row['name']} (Reason: SIP;cause={facts['code']})"
        origin = Fact(words("origin"), row["origin"], Tone.FAINT)
        yield _group(words("Names in programs"), [Fact(row["program"], text), origin])
    if facts["handset_codes"]:
        found = []
        for row in facts["handset_codes"]:
            text = f"{row['display']}: {row['meaning']} ({words(row['responsible'] or 'unknown')})"
            origin = Fact(words("origin"), _joined(row["origin"], row["source"], sep="; "), Tone.FAINT)
            found += [Fact(row["title"], text), origin]
        yield _group(words("On handsets"), found)


def _by_profile(facts: Mapping[str, Any], words: Words, names_width: int) -> Table:
    """One row for each cause, with the profiles that give it."""
    rows = facts["causes"]
    by_cause: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        if row["cause"] is not None:
            by_cause.setdefault((row["cause"], row["text"]), []).append(row["profile"])
        if row["by_warning"] is not None:
            other = row["by_warning"]
            by_cause.setdefault((other["cause"], other["text"]), []).append(f"{row['profile']} (Warning)")
    notes = [
        words(text, names=", ".join(names))
        for text, names in (
            ("no row in: {names}", [r["profile"] for r in rows if _has_no_row(r)]),
            ("no cause on purpose: {names}", [r["profile"] for r in rows if r["on_purpose"]]),
        )
        if names
    ]
    notes += [f"{r['profile']}: {r['internal']['value']} {r['internal']['name']}" for r in rows if r["internal"]]
    notes += [f"{row['profile']}: {row['remark']}" for row in rows if row["remark"]]
    columns = [
        Column(words("cause"), align_right=True),
        Column("hex", align_right=True),
        Column("DSS1", align_right=True),
        Column(words("text"), shrink=True),
        Column(words("profiles")),
    ]
    cells = [
        _cause_row(cause, text, part)
        for (cause, text), names in by_cause.items()
        for part in _broken(names, names_width)
    ]
    if facts["fallback"] and rows[0]["cause"] is None:
        assumed = (words("assumed where there is no row"), True)
        cells.append(_cause_row(facts["fallback"]["cause"], facts["fallback"]["text"], assumed))
    return Table(words("ISDN cause by mapping profile"), columns, cells, notes)


def _broken(names: Sequence[str], width: int) -> list[tuple[str, bool]]:
    """Names as lines of at most ``width``, and whether a line is the first."""
    lines = textwrap.wrap(", ".join(names), max(width, 20), break_long_words=False, break_on_hyphens=False)
    return [(line, not number) for number, line in enumerate(lines)]


def _cause_row(cause: int, text: str, part: tuple[str, bool]) -> tuple[Cell, ...]:
    names, is_first = part
    if not is_first:
        return plain("", "", "", "", names)
    tone = Tone.STRONG if names.startswith("dss1") else Tone.PLAIN
    return (*plain(str(cause), f"{cause:02X}", f"{cause | 0x80:02X}", text, tone=tone), Cell(names))


def _has_no_row(row: Mapping[str, Any]) -> bool:
    return row["cause"] is None and not row["on_purpose"] and not row["internal"]


def _turned_into(rows: Sequence[Mapping[str, Any]], words: Words, names_width: int) -> Table:
    columns = [
        Column(words("cause"), align_right=True),
        Column("hex", align_right=True),
        Column("DSS1", align_right=True),
        Column(words("text"), shrink=True),
        Column(words("profiles")),
    ]
    by_cause: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        for cause in row["causes"]:
            by_cause.setdefault((cause["cause"], cause["text"]), []).append(row["profile"])
    cells = [
        _cause_row(cause, text, part)
        for (cause, text), names in sorted(by_cause.items())
        for part in _broken(names, names_width)
    ]
    notes = [f"{row['profile']}: {c['cause']}: {c['remark']}" for row in rows for c in row["causes"] if c["remark"]]
    return Table(words("ISDN causes that gateways turn into this code"), columns, cells, notes)


def _profile_sources(rows: Iterable[Mapping[str, Any]], words: Words) -> Group:
    """Where the rows of the profiles come from, in both directions: each source once."""
    found: dict[str, Fact] = {}
    for row in rows:
        if row.get("cause") is not None or row.get("causes") or row.get("codes"):
            text = f"{row['source']} ({words(row['checked'])}); {row['origin']}"
            found.setdefault(row["origin"], Fact(row["profile"], text, Tone.FAINT))
    return Group(words("sources"), list(found.values()), is_bulky=True)


def cause_card(facts: Mapping[str, Any], words: Words) -> Card:
    """The card of `code_facts.cause_facts`."""
    parts: list[Group | Table] = [
        _group(
            "",
            [
                Fact(words("meaning"), facts["meaning"], Tone.STRONG),
                Fact(words("likely party"), words(facts["responsible"])),
                Fact("hex", facts["hex"]),
                Fact("DSS1 hex", f"{facts['dss1_hex']} (Q.931 §4.5.12)"),
                Fact(words("class"), facts["class"] or ""),
                Fact("", "" if facts["assigned"] else words("not assigned by Q.850")),
                Fact(words("outcome"), _outcome(facts["outcome"], words)),
                Fact(words("in a BYE"), facts["release"]),
                *(Fact(words("note"), note) for note in facts["notes"]),
                Fact(words("origin"), _joined(facts["origin"], _listed_by(facts), sep="; "), Tone.FAINT),
            ],
        )
    ]
    if facts["names"]:
        names = [Fact(name, text) for name, text in facts["names"].items()]
        parts.append(_group(words("Names in programs"), names))
    for key, title in (
        ("from_status", "SIP codes that give this cause"),
        ("to_status", "SIP codes that gateways make of this cause"),
    ):
        if facts[key]:
            columns = [Column(words("profile")), Column("SIP")]
            rows = [
                (
                    Cell(row["profile"], Tone.STRONG if row["profile"] == "dss1" else Tone.PLAIN),
                    Cell(", ".join(str(code) for code in row["codes"]) or "–"),
                )
                for row in facts[key]
            ]
            notes = [f"{row['profile']}: {row['remark']}" for row in facts[key] if row.get("remark")]
            parts.append(Table(words(title), columns, rows, notes))
    sources = _profile_sources([*facts["from_status"], *facts["to_status"]], words)
    if sources.facts:
        parts.append(sources)
    return Card(f"{words('cause')} {facts['cause']} {facts['text']}", parts)


def list_tables(facts: Mapping[str, Any], words: Words) -> list[Table]:
    """The tables of `code_facts.list_facts`."""
    tables = []
    if facts["codes"]:
        columns = [
            Column(words("code"), align_right=True),
            Column(words("phrase"), shrink=True),
            Column(words("likely party")),
            Column(words("outcome"), rank=1),
            Column("dss1", align_right=True),
            Column("hex", align_right=True, rank=2),
            Column("DSS1", align_right=True, rank=2),
            Column("rfc3398", align_right=True),
            Column(words("meaning"), rank=4, shrink=True),
            Column("RFC", rank=3),
        ]
        rows = [
            (
                Cell(str(row["code"]), Tone.STRONG),
                *plain(row["phrase"], words(row["responsible"]), row["outcome"] or ""),
                *plain(_number(row["causes"]["dss1"]), row["hex"] or "", row["dss1_hex"] or ""),
                *plain(_number(row["causes"]["rfc3398"])),
                *plain(row["meaning"], row["rfc"], tone=Tone.FAINT),
            )
            for row in facts["codes"]
        ]
        tables.append(Table(words("Status codes"), columns, rows))
    if facts["vendor_codes"]:
        columns = [
            Column(words("code"), align_right=True),
            Column(words("maker")),
            Column(words("phrase"), shrink=True),
            Column(words("likely party"), rank=1),
            Column(words("cause"), align_right=True),
            Column(words("meaning"), rank=2, shrink=True),
        ]
        rows = [
            (
                Cell(str(row["code"]), Tone.STRONG),
                *plain(row["title"], row["phrase"], words(row["responsible"] or "unknown")),
                *plain(_number(row["cause"])),
                *plain(row["meaning"], tone=Tone.FAINT),
            )
            for row in facts["vendor_codes"]
        ]
        note = words("a guess: other makers may use this code differently")
        tables.append(Table(words("Codes of makers"), columns, rows, [note]))
    return tables


def _number(value: int | None) -> str:
    return "–" if value is None else str(value)


def _group(title: str, facts: Iterable[Fact]) -> Group:
    return Group(title, [fact for fact in facts if fact.text])


def _joined(*texts: str | None, sep: str = ", ") -> str:
    return sep.join(text for text in texts if text)


def _listed_by(facts: Mapping[str, Any]) -> str:
    return f"listed by {', '.join(facts['listed_by'])}" if facts["listed_by"] else ""
