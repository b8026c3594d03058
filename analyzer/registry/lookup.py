"""Lookups. They are total: what nobody listed is a value too, with ``known`` False.

    registry = load_registry()
    registry.status(486).phrase                  "Busy Here"
    registry.outcome_of_status(486).outcome      Outcome.BUSY
    registry.profile("dss1").cause(486)          17
    registry.cause(17).dss1_hex                  "91"

Hot loops use numbers; entries are fetched when a call has ended or a person looks. Nothing is read from disk
before it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from analyzer.errors import UnknownProfile
from analyzer.registry import counting_entries as c
from analyzer.registry import entries as e
from analyzer.registry.load import Sections, announced_folders
from analyzer.registry.makers import Makers
from analyzer.registry.outcomes import OutcomeRules, ReleaseRules
from analyzer.registry.profiles import Profile, joined
from analyzer.vocab import Family, Severity


class Registry(Makers):
    """Everything that is known as data; see the module's docstring."""

    def __init__(self, sections: Sections) -> None:
        super().__init__(sections)

    # -- status codes

    def status(self, code: int) -> e.StatusCode:
        """The entry of a status code; an unlisted one takes its family's meaning (RFC 3261 §8.1.3.2)."""
        known: e.StatusCode | None = self.sections["status"].get(code)
        if known is not None:
            return known
        family = self.family(e.family_of(code))
        return e.StatusCode(
            code=code,
            meaning=family.meaning,
            responsible=family.responsible,
            known=False,
            origin=family.origin,
        )

    @property
    def statuses(self) -> Mapping[int, e.StatusCode]:
        """Every listed status code."""
        return self.sections["status"]

    def family(self, family: Family) -> e.FamilyEntry:
        """The entry of a family of status codes."""
        found: e.FamilyEntry = self.sections["family"][family.value]
        return found

    def listed(self, code: int) -> e.Listed | None:
        """What the published lists say about a status code; None when none mentions it."""
        return self.sections["listed"].get(code)

    @property
    def documents(self) -> Mapping[str, e.Document]:
        """The published lists by name."""
        return self.sections["document"]

    # -- causes

    def cause(self, value: int) -> e.Cause:
        """The entry of a Q.850 cause; an unlisted value is read as its class's unspecified one."""
        known: e.Cause | None = self.sections["cause"].get(value)
        if known is not None:
            return known
        for group in self.sections["cause_class"].values():
            if group.first <= value <= group.last:
                return e.Cause(
                    value=value,
                    name=f"unlisted ({group.title})",
                    class_name=group.name,
                    meaning=f"not listed; read as {group.unspecified_value} (Q.850 §2.2.5)",
                    responsible="unknown",
                    assigned=False,
                    known=False,
                    origin=group.origin,
                )
        return e.Cause(
            value=value,
            name="not a Q.850 cause",
            meaning="outside 1-127",
            responsible="unknown",
            assigned=False,
            known=False,
        )

    @property
    def causes(self) -> Mapping[int, e.Cause]:
        """Every listed cause."""
        return self.sections["cause"]

    def cause_class(self, value: int) -> e.CauseClass | None:
        """The class of a cause value; None outside 1-127."""
        return next((g for g in self.sections["cause_class"].values() if g.first <= value <= g.last), None)

    def internal_cause(self, value: int) -> e.InternalCause | None:
        """The name of a program's own hangup cause above 127, as FreeSWITCH writes into Reason.

        SIP;cause=.
        """
        return self.sections["internal_cause"].get(value)

    def location(self, number: int) -> e.Location | None:
        """The location with a Q.850 number, 0-15; None outside."""
        return self.sections["location"].get(number)

    @cached_property
    def location_tokens(self) -> Mapping[str, int]:
        """Location number by its token in Reason (RFC 8606), in upper case."""
        return {place.token.upper(): place.code for place in self.sections["location"].values()}

    # -- counting and outcomes

    @property
    def kpis(self) -> Mapping[str, c.KpiEntry]:
        """The figures of merit by id, in the order in which they are shown."""
        return self.sections["kpi"]

    @property
    def numbering(self) -> c.Numbering:
        """How long country codes are, and whose."""
        found: c.Numbering = self.sections["numbering"]["e164"]
        return found

    @property
    def national_plans(self) -> Mapping[int, c.NationalPlan]:
        """How numbers are divided, by country code."""
        return self.sections["national"]

    @property
    def counting_rules(self) -> Mapping[str, c.CountingRule]:
        """The rules of counting by id, in the order of their numbers."""
        return self.sections["counting"]

    @property
    def vantage_checks(self) -> Mapping[str, c.VantageCheck]:
        """What limits a capture, by id, in the order of their weight."""
        return self.sections["vantage"]

    def is_expected(self, received: int | None, sent: int) -> bool:
        """Whether an element on the way has to make the one code of the other; None = nothing came from behind."""
        key = "none" if received is None else str(received)
        entry: c.TranslationEntry | None = self.sections["translation"].get(key)
        return entry is not None and sent in entry.sent

    # -- legs of one session

    @property
    def call_id_endings(self) -> tuple[str, ...]:
        """How elements make the Call-ID of the leg behind out of that in front; ``#`` stands for digits."""
        return tuple(entry.ending for entry in self.sections["call_id_ending"].values())

    @property
    def no_numbers(self) -> tuple[str, ...]:
        """User parts that are nobody's number."""
        return tuple(user for entry in self.sections["no_number"].values() for user in entry.users)

    @property
    def link_evidence(self) -> Mapping[str, c.LinkEvidence]:
        """What speaks for or against two calls' being legs of one session, by id."""
        return self.sections["evidence"]

    def link_limit(self, name: str) -> int:
        """From where on calls are linked. Raises KeyError for a limit that there is not."""
        entry: c.LinkLimit = self.sections["limit"][name]
        return entry.value

    @cached_property
    def outcome_rules(self) -> OutcomeRules:
        """The rules from codes and causes to outcomes."""
        return OutcomeRules(self.sections["rule"].values())

    def rule(self, rule_id: str) -> e.OutcomeRule:
        """The outcome rule of that id; KeyError when there is none (ids are ours, not strangers')."""
        return self.outcome_rules.rules[rule_id]

    def outcome_of_status(self, code: int) -> e.OutcomeRule:
        """The rule for a status code when no read, specific cause outranks it."""
        return self.outcome_rules.of_status(code)

    def outcome_of_cause(self, value: int) -> e.OutcomeRule | None:
        """The rule for a read, specific cause; None where the cause leaves the decision to the code."""
        return self.outcome_rules.of_cause(value)

    @cached_property
    def release_rules(self) -> ReleaseRules:
        """How the cause or code in a BYE makes a release normal, odd or abnormal."""
        return ReleaseRules(self.sections["release"].values())

    # -- mapping profiles

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """Every mapping profile by name."""
        hints = {w.code: w.cause for w in self.sections["warning"].values() if w.cause is not None}
        back = self.sections["reverse"]
        return {name: Profile(entry, back.get(name), hints) for name, entry in self.sections["profile"].items()}

    def profile(self, name: str) -> Profile:
        """The mapping profile of that name; UnknownProfile lists the names there are."""
        found = self.profiles.get(name)
        if found is None:
            names = ", ".join(sorted(self.profiles))
            raise UnknownProfile(f"no mapping profile {name!r}; known: {names}")
        return found

    def fallback_cause(self, status: int) -> int | None:
        """Where a chosen profile has no row: rfc3398's row, else its default, for finals 400-699.

        None elsewhere.
        """
        if not 400 <= status <= 699:
            return None
        neutral = self.profiles["rfc3398"]
        found = neutral.cause(status)
        return found if found is not None else neutral.entry.default_cause

    @cached_property
    def _joined(self) -> Mapping[int, frozenset[int]]:
        return joined(self.profiles.values())

    def causes_for(self, status: int) -> frozenset[int]:
        """Every cause that any profile, in either direction, joins with a status code."""
        return self._joined.get(status, frozenset())

    @cached_property
    def _relayed(self) -> Mapping[int, frozenset[int]]:
        found: dict[int, set[int]] = {}
        for entry in self.sections["translation"].values():
            if entry.received != "none":
                for sent in entry.sent:
                    found.setdefault(sent, set()).update(self.causes_for(int(entry.received)))
        return {sent: frozenset(causes - self.causes_for(sent)) for sent, causes in found.items()}

    def relayed_causes(self, status: int) -> frozenset[int]:
        """Causes that contradict a code only because an element on the way had to change it (translations.toml).

        A lone 503 with its 34 becomes a 500 with that 34: RFC 3261 §16.7 asks for it.
        """
        return self._relayed.get(status, frozenset())

    def cause_candidates(self, status: int, profile: str = "rfc3398") -> tuple[int, ...]:
        """What the far PSTN side may have sent when a code arrives: a set, by the profile's table from causes to codes.

        RFC 3398's table where the profile has none in that direction.
        """
        chosen = self.profiles.get(profile)
        if chosen is None or chosen.back is None:
            chosen = self.profiles["rfc3398"]
        return chosen.candidates(status)

    def suggest_profile(self, agent: str) -> str | None:
        """The profile that the maker in a User-Agent or Server follows; None when unknown or without one."""
        vendor = self.vendor_of_agent(agent)
        return vendor.profile if vendor and vendor.profile in self.profiles else None

    # -- header fields, methods, Reason, Warning, issues

    def header(self, name: str) -> e.HeaderField:
        """The entry of a header field by name or compact form, in any case."""
        found = self._headers.get(name.lower())
        return found if found is not None else e.HeaderField(name=name, known=False)

    @cached_property
    def _headers(self) -> Mapping[str, e.HeaderField]:
        fields = self.sections["header"].values()
        return {f.compact: f for f in fields if f.compact} | {f.name.lower(): f for f in fields}

    @cached_property
    def cause_headers(self) -> Mapping[str, str]:
        """What makers' header fields state (`HeaderField.states`), by lower-case name: a cause, or another leg's id."""
        return {f.name.lower(): f.states for f in self.sections["header"].values() if f.states}

    @cached_property
    def explaining_headers(self) -> Mapping[str, str]:
        """Header fields that say why something failed, makers' own among them: lower-case name → name."""
        return {f.name.lower(): f.name for f in self.sections["header"].values() if f.explains or f.states}

    def method(self, name: str) -> e.Method:
        """The entry of a method; unlike header names, methods are told apart by case (RFC 3261 §7.1)."""
        found: e.Method | None = self.sections["method"].get(name)
        return found if found is not None else e.Method(name=name, known=False)

    def reason_protocol(self, name: str) -> e.ReasonProtocol:
        """The entry of a Reason protocol, in any case."""
        for known, entry in self.sections["reason_protocol"].items():
            if known.lower() == name.lower():
                found: e.ReasonProtocol = entry
                return found
        return e.ReasonProtocol(name=name, known=False)

    def reason_cause(self, protocol: str, cause: int) -> e.ReasonCause | None:
        """What a cause of a Reason protocol other than SIP and Q.850 means."""
        return self.sections["reason_cause"].get((self.reason_protocol(protocol).name, cause))

    def warning(self, code: int) -> e.Warning:
        """The entry of a Warning code."""
        found: e.Warning | None = self.sections["warning"].get(code)
        return found if found is not None else e.Warning(code=code, known=False)

    def issue(self, code: str) -> e.IssueKind:
        """The entry of an issue code."""
        found: e.IssueKind | None = self.sections["issue"].get(code)
        if found is not None:
            return found
        return e.IssueKind(code=code, severity=Severity.NOTE, group="protocol", summary=code, known=False)


_BUILTIN: dict[tuple[Path, ...], Registry] = {}


def load_registry(dirs: Sequence[str | Path] = ()) -> Registry:
    """The built-in registry, and on top of it what installed packages announce, then ``dirs``.

    ``dirs`` are folders or TOML files. Without them the registry is made once. Raises RegistryError for entries
    that are wrong or would silently replace others.
    """
    announced = announced_folders()
    if dirs:
        return Registry(Sections([*announced, *(Path(d) for d in dirs)]))
    key = tuple(announced)
    if key not in _BUILTIN:
        _BUILTIN[key] = Registry(Sections(announced))
    return _BUILTIN[key]


__all__ = ["Registry", "UnknownProfile", "load_registry"]
