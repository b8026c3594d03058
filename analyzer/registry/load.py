"""TOML → entries: which sections there are, what is wrong with a file, and whose entry wins.

Layers, lowest first: built-in ``analyzer/data`` ← packages that announce themselves under the entry point
group ``analyzer.registry`` ← folders or files that the user names. Every file may hold any section. A later
layer adds; changing an entry that exists needs ``replace = true`` in it, and a clash names both files.
Everything wrong in the files of a layer is reported at once. Built-in files are read when a section of theirs
is first asked for, because reading all of them costs more than most runs need.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec

from analyzer.errors import RegistryError, suggestion
from analyzer.registry import counting_entries as c
from analyzer.registry import entries as e
from analyzer.registry import parsed
from analyzer.registry import vendor_entries as v

DATA = Path(__file__).parent.parent / "data"
ENTRY_POINT_GROUP = "analyzer.registry"

Fault: TypeAlias = tuple[str, str, str]
Key: TypeAlias = "int | str | tuple[str, int]"


class Section(NamedTuple):
    """A kind of table: its entry type, the fields that its TOML keys give, and the built-in files that hold
    it.
    """

    entry: type[e.Entry]
    keys: tuple[tuple[str, type], ...]
    files: str


_CODE, _NAME, _ID = ("code", int), ("name", str), ("id", str)
_VENDORS = "vendors/*.toml"
SECTIONS: dict[str, Section] = {
    "family": Section(e.FamilyEntry, (_NAME,), "status_codes.toml"),
    "status": Section(e.StatusCode, (_CODE,), "status_codes.toml"),
    "document": Section(e.Document, (_NAME,), "code_lists.toml"),
    "listed": Section(e.Listed, (_CODE,), "code_lists.toml"),
    "cause_class": Section(e.CauseClass, (_NAME,), "q850_causes.toml"),
    "cause": Section(e.Cause, (("value", int),), "q850_causes.toml"),
    "location": Section(e.Location, (_CODE,), "q850_causes.toml"),
    "internal_cause": Section(e.InternalCause, (("value", int),), "q850_causes.toml"),
    "profile": Section(e.ProfileEntry, (_NAME,), "mappings.toml"),
    "reverse": Section(e.ReverseEntry, (_NAME,), "mappings.toml"),
    "rule": Section(e.RuleEntry, (_ID,), "call_outcomes.toml"),
    "counting": Section(c.CountingRule, (_ID,), "counting_rules.toml"),
    "kpi": Section(c.KpiEntry, (_ID,), "kpis.toml"),
    "numbering": Section(c.Numbering, (_NAME,), "numbering.toml"),
    "national": Section(c.NationalPlan, (("country", int),), "numbering.toml"),
    "vantage": Section(c.VantageCheck, (_ID,), "vantage.toml"),
    "translation": Section(c.TranslationEntry, (("received", str),), "translations.toml"),
    "call_id_ending": Section(c.CallIdEnding, (_ID,), "linking.toml"),
    "no_number": Section(c.NoNumber, (_ID,), "linking.toml"),
    "evidence": Section(c.LinkEvidence, (_ID,), "linking.toml"),
    "limit": Section(c.LinkLimit, (_ID,), "linking.toml"),
    "release": Section(e.ReleaseRule, (("release", str),), "call_outcomes.toml"),
    "reason_protocol": Section(e.ReasonProtocol, (_NAME,), "reason_protocols.toml"),
    "reason_cause": Section(e.ReasonCause, (("protocol", str), ("cause", int)), "reason_protocols.toml"),
    "reason_pattern": Section(e.ReasonPattern, (_ID,), "reason_protocols.toml"),
    "warning": Section(e.Warning, (_CODE,), "warnings.toml"),
    "warning_text": Section(e.WarningText, (_ID,), "warnings.toml"),
    "header": Section(e.HeaderField, (_NAME,), "headers.toml " + _VENDORS),
    "method": Section(e.Method, (_NAME,), "methods.toml"),
    "issue": Section(e.IssueKind, (("code", str),), "issues.toml"),
    "vendor": Section(v.VendorEntry, (_NAME,), _VENDORS),
    "agent": Section(v.Agent, (_ID,), _VENDORS),
    "code": Section(v.VendorCode, (("vendor", str), _CODE), _VENDORS),
    "handset": Section(v.HandsetCode, (("vendor", str), _CODE), _VENDORS),
    "phrase": Section(v.PhrasePattern, (_ID,), _VENDORS),
    "detail": Section(v.Detail, (_ID,), _VENDORS),
    "scanner": Section(v.Scanner, (_ID,), "scanners.toml"),
    "trace": Section(v.Trace, (_ID,), "scanners.toml"),
    "signal": Section(v.Signal, (_ID,), "scanners.toml"),
}

#: Fields that no TOML may give, because the loader or a lookup does.
_OURS = frozenset({"origin", "known"})
#: Numbers that make sense as a key, by section.
_BOUNDS = {
    "status": (100, 999),
    "listed": (100, 999),
    "cause": (1, 127),
    "location": (0, 15),
    "warning": (100, 999),
}


def toml(path: Path) -> dict[str, Any]:
    """What a TOML file says."""
    return tomllib.loads(path.read_text("utf-8"))


class File(NamedTuple):
    """One TOML file, read: for each section its entries by key, and the keys that may replace."""

    name: str
    entries: dict[str, dict[Key, e.Entry]]
    replacing: set[tuple[str, Key]]


def read_file(path: Path, name: str, faults: list[Fault], parse: Callable[[Path], dict[str, Any]] = toml) -> File:
    """Read one TOML file; what is wrong goes to ``faults`` and the rest is kept."""
    file = File(name, {}, set())
    try:
        document = parse(path)
    except tomllib.TOMLDecodeError as error:
        faults.append((name, "TOML", str(error)))
        return file
    except UnicodeDecodeError:
        faults.append((name, "TOML", "is not UTF-8"))
        return file
    except OSError as error:
        faults.append((name, "-", error.strerror or "cannot be read"))
        return file
    for section_name, tables in document.items():
        section = SECTIONS.get(section_name)
        if section is None:
            faults.append((name, section_name, "unknown section" + suggestion(section_name, SECTIONS)))
        elif not isinstance(tables, dict):
            faults.append((name, section_name, f"must be tables, such as [{section_name}.{_example(section)}]"))
        else:
            found = file.entries.setdefault(section_name, {})
            for path_in_file, values, table in _tables(tables, len(section.keys), (section_name,), name, faults):
                entry = _entry(section_name, section, path_in_file, values, table, name, faults)
                if entry is not None:
                    key: Key = _key(section, path_in_file[1:])
                    found[key] = entry
                    if table.get("replace") is True:
                        file.replacing.add((section_name, key))
    return file


def _example(section: Section) -> str:
    return ".".join("N" if kind is int else field.upper() for field, kind in section.keys)


def _key(section: Section, texts: Sequence[str]) -> Any:
    parts = tuple(int(text) if kind is int else text for text, (_, kind) in zip(texts, section.keys, strict=True))
    return parts if len(parts) > 1 else parts[0]


def _tables(
    tables: Mapping[str, Any], depth: int, path: tuple[str, ...], name: str, faults: list[Fault]
) -> Iterable[tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]]:
    """The tables that stand ``depth`` keys below a section: (path, keys, table)."""
    for key, table in tables.items():
        if not isinstance(table, dict):
            faults.append((name, ".".join((*path, key)), "must be a table"))
        elif depth > 1:
            yield from _tables(table, depth - 1, (*path, key), name, faults)
        else:
            yield (*path, key), (*path[1:], key), table


def _entry(
    section_name: str, section: Section, path: tuple[str, ...], keys: tuple[str, ...], table: dict[str, Any],
    name: str, faults: list[Fault],
) -> e.Entry | None:  # fmt: skip
    dotted = ".".join(path)
    before = len(faults)
    given: dict[str, Any] = {}
    for text, (field, kind) in zip(keys, section.keys, strict=True):
        if kind is int:
            low, high = _BOUNDS.get(section_name, (0, 999_999))
            if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
                faults.append((name, dotted, f"{text!r} is no number from {low} to {high}"))
                return None
            given[field] = int(text)
        else:
            given[field] = text
    allowed = [field for field in section.entry.__struct_fields__ if field not in given and field not in _OURS]
    faults += [
        (name, f"{dotted}.{field}", "unknown field" + suggestion(field, [*allowed, "replace"]))
        for field in table
        if field != "replace" and field not in allowed
    ]
    if not isinstance(table.get("replace", False), bool):
        faults.append((name, f"{dotted}.replace", "must be true or false"))
    if len(faults) > before:
        return None
    values = {field: value for field, value in table.items() if field != "replace"}
    try:
        entry = msgspec.convert({**values, **given, "origin": f"{name}: {dotted}"}, section.entry, str_keys=True)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        faults.append((name, dotted + place.rstrip("`"), reason))
        return None
    return entry


def check_patterns(file: File, faults: list[Fault]) -> None:
    """Refuse what is no regular expression; compiling takes long, so our own files are checked by the tests."""
    for found in file.entries.values():
        for entry in found.values():
            if isinstance(entry, v.Agent | v.PhrasePattern | v.Scanner | v.Trace | e.WarningText):
                try:
                    re.compile(entry.pattern)
                except (re.error, OverflowError, RecursionError) as error:
                    name, _, dotted = entry.origin.rpartition(": ")
                    faults.append((name, f"{dotted}.pattern", f"is no regular expression: {error}"))


@cache
def builtin_file(relative: str) -> File:
    """One built-in file; a fault in it is ours."""
    faults: list[Fault] = []
    file = read_file(DATA / relative, relative, faults, parsed.document)
    assert not faults, faults
    return file


def builtin_files(patterns: str) -> list[File]:
    """The built-in files that hold a section, in the order of their names."""
    return [
        builtin_file(path.relative_to(DATA).as_posix()) for part in patterns.split() for path in sorted(DATA.glob(part))
    ]


def files_under(path: Path) -> list[Path]:
    """The TOML files of a folder (or the one file), in the order of their names."""
    if path.is_dir():
        found = sorted(path.rglob("*.toml"))
        if not found:
            raise RegistryError([(str(path), "-", "holds no .toml file")])
        return found
    if not path.exists():
        raise RegistryError([(str(path), "-", "no such folder or file")])
    return [path]


def announced_folders() -> list[Path]:
    """The folders of installed packages that announce TOML under the entry point group.

    None of their code is run.
    """
    if not any(_announces(Path(place)) for place in dict.fromkeys(sys.path) if place):
        return []
    from importlib.metadata import entry_points

    folders: list[Path] = []
    for point in entry_points(group=ENTRY_POINT_GROUP):
        spec = importlib.util.find_spec(point.module)
        folders += [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    return folders


def _announces(folder: Path) -> bool:
    """Whether any package installed in a folder names our group.

    importlib.metadata knows this too, but importing it costs as much as reading all of our files.
    """
    try:
        found = [file.read_bytes() for file in folder.glob("*.*-info/entry_points.txt")]
    except OSError:
        return False
    return any(ENTRY_POINT_GROUP.encode() in text for text in found)


class Sections:
    """The entries of all layers by section; built-in files are read on demand."""

    def __init__(self, layers: Sequence[Path] = ()) -> None:
        """Read the layers above the built-in one; RegistryError names everything that is wrong in them."""
        self._overlays: list[File] = []
        self._merged: dict[str, dict[Any, Any]] = {}
        faults: list[Fault] = []
        for layer in layers:
            for path in files_under(layer):
                file = read_file(path, str(path), faults)
                check_patterns(file, faults)
                self._check(file, faults)
                self._overlays.append(file)
                self._merged.clear()
        if faults:
            raise RegistryError(faults)

    def _check(self, file: File, faults: list[Fault]) -> None:
        """Refuse what would silently replace an entry of a lower layer."""
        for name, found in file.entries.items():
            below = self[name]
            for key, entry in found.items():
                if key in below and (name, key) not in file.replacing:
                    dotted = entry.origin.rpartition(": ")[2]
                    there = below[key].origin.rpartition(": ")[0]
                    faults.append((file.name, dotted, f"is already defined in {there}; replace = true replaces it"))
                if isinstance(entry, e.RuleEntry) and (name, key) not in file.replacing:
                    faults += _claims(entry, below, file.name)

    def __getitem__(self, name: str) -> dict[Any, Any]:
        merged = self._merged.get(name)
        if merged is None:
            merged = {}
            for file in [*builtin_files(SECTIONS[name].files), *self._overlays]:
                merged.update(file.entries.get(name, {}))
            self._merged[name] = merged
        return merged


def _claims(rule: e.RuleEntry, below: Mapping[Any, e.RuleEntry], name: str) -> list[Fault]:
    """The codes and causes of a new rule that another rule decides already."""
    faults = []
    for other in below.values():
        for what, ours, theirs in (
            ("status", rule.statuses, other.statuses),
            ("cause", rule.causes, other.causes),
        ):
            for value in sorted(set(ours) & set(theirs)):
                there = other.origin.rpartition(": ")[0]
                reason = f"{what} {value} is decided by rule {other.id} in {there}; replace = true overrides it"
                faults.append((name, f"rule.{rule.id}", reason))
    return faults
