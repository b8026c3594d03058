"""Everything that is known about a status code or a cause, as data, each fact with where it comes from.

`sipcause code --json` prints these documents as they are; `analyzer.views.code_card` lays them out for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.registry.languages import language
from analyzer.vocab import Family

if TYPE_CHECKING:
    from analyzer.registry import OutcomeRule, Registry
    from analyzer.registry.vendor_entries import HandsetCode, VendorCode

#: The profiles that everybody is shown first: the table of the published list, and the IETF's recommendation.
FIRST = ("dss1", "rfc3398")


def ordered_profiles(registry: Registry) -> list[str]:
    """Names of the mapping profiles, the usual two first, then in the order of the files."""
    return [*FIRST, *(name for name in registry.profiles if name not in FIRST)]


def status_facts(registry: Registry, code: int, lang: str = "en") -> dict[str, Any]:
    """What is known about a number as a SIP status code, a maker's code and a number on a handset."""
    entry = registry.status(code)
    speech = language(lang)
    meaning = speech.status.get(code) if entry.known else speech.family.get(entry.family.value)
    facts: dict[str, Any] = {
        "schema": 1,
        "kind": "status_code",
        "code": code,
        "known": entry.known,
        "phrase": entry.phrase or None,
        "other_phrases": list(entry.other_phrases),
        "family": entry.family.value,
        "meaning": meaning or entry.meaning,
        "responsible": entry.responsible,
        "rfc": entry.rfc or None,
        "status": entry.kind if entry.known else "not registered",
        "look_at": list(entry.look_at),
        "mid_dialog_effect": entry.mid_dialog_effect or None,
        "rfc6076": list(entry.kpi),
        "notes": list(entry.notes),
        "listed_by": list(entry.listed_by),
        "origin": entry.origin,
        "hint": speech.hint.get(code),
        "hint_correction": speech.hint_correction.get(code),
        "outcome": _outcome(registry.outcome_of_status(code)) if 200 <= code <= 999 else None,
        "causes": [_profile_row(registry, name, code) for name in ordered_profiles(registry)],
        "fallback": None if (other := registry.fallback_cause(code)) is None else _cause(registry, other),
        "from_causes": _turned_into(registry, code),
        "lists": _lists(registry, code),
        "vendor_codes": [_vendor_code(registry, found) for found in registry.vendor_codes(code)],
        "handset_codes": [_handset(registry, found) for found in registry.handset_codes(code)],
        "internal_cause": None,
    }
    internal = registry.internal_cause(code)
    if internal is not None:
        facts["internal_cause"] = {
            "program": internal.program,
            "name": internal.name,
            "origin": internal.origin,
        }
    return facts


def cause_facts(registry: Registry, value: int, lang: str = "en") -> dict[str, Any]:
    """What is known about a Q.850 cause value."""
    entry = registry.cause(value)
    group = registry.cause_class(value)
    rule = registry.outcome_of_cause(value)
    return {
        "schema": 1,
        "kind": "cause",
        "cause": value,
        "known": entry.known,
        "assigned": entry.assigned,
        "hex": entry.hex,
        "dss1_hex": entry.dss1_hex,
        "text": entry.name,
        "class": group.title if group else None,
        "meaning": language(lang).cause.get(value) or entry.meaning,
        "responsible": entry.responsible or "unknown",
        "outcome": _outcome(rule) if rule else None,
        "release": registry.release_rules.of_cause(value).value,
        "names": {
            name: text
            for name, text in (
                ("asterisk", entry.asterisk),
                ("freeswitch", entry.freeswitch),
                ("yate", ", ".join(entry.yate)),
                ("q931", entry.q931_name),
            )
            if text
        },
        "notes": list(entry.notes),
        "listed_by": list(entry.listed_by),
        "origin": entry.origin,
        "from_status": [
            {
                "profile": name,
                "codes": codes,
                "checked": registry.profiles[name].checked,
                "source": registry.profiles[name].source,
                "origin": registry.profiles[name].origin,
            }
            for name in ordered_profiles(registry)
            if (codes := [s for s in registry.profiles[name].statuses if value in registry.profiles[name].causes(s)])
        ],
        "to_status": [
            {
                "profile": name,
                "codes": list(profile.reverse(value)),
                "remark": profile.back.remarks.get(value),
                "checked": profile.back.checked,
                "source": profile.back.source,
                "origin": profile.back.origin,
            }
            for name in ordered_profiles(registry)
            if (profile := registry.profiles[name]).back is not None
            and (profile.reverse(value) or value in profile.back.no_mapping)
        ],
    }


def list_facts(registry: Registry, family: Family | None = None) -> dict[str, Any]:
    """Every registered status code of a family (default: of all), and makers' codes beside them."""
    profiles = {name: registry.profiles[name] for name in ordered_profiles(registry)}
    return {
        "schema": 1,
        "kind": "status_codes",
        "family": family.value if family else None,
        "codes": [
            {
                "code": code,
                "phrase": entry.phrase,
                "family": entry.family.value,
                "meaning": entry.meaning,
                "responsible": entry.responsible,
                "rfc": entry.rfc,
                "status": entry.kind,
                "outcome": registry.outcome_of_status(code).outcome.value if code >= 200 else None,
                **_cause(registry, profiles["dss1"].cause(code)),
                "causes": {name: profile.cause(code) for name, profile in profiles.items()},
                "origin": entry.origin,
            }
            for code, entry in sorted(registry.statuses.items())
            if family in (None, entry.family)
        ],
        "vendor_codes": [
            _vendor_code(registry, entry)
            for (_, code), entry in sorted(registry.pack_codes.items(), key=lambda item: (item[0][1], item[0][0]))
            if family is None or registry.status(code).family == family
        ],
    }


def _cause(registry: Registry, value: int | None) -> dict[str, Any]:
    if value is None:
        return {"cause": None, "hex": None, "dss1_hex": None, "text": None}
    entry = registry.cause(value)
    return {"cause": value, "hex": entry.hex, "dss1_hex": entry.dss1_hex, "text": entry.name}


def _outcome(rule: OutcomeRule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "outcome": rule.outcome.value,
        "fault": rule.fault.value,
        "detail": rule.detail,
        "after_ringing": {"outcome": rule.ringing_outcome.value, "fault": rule.ringing_fault.value},
        "with_location_user": {
            "outcome": rule.location_user_outcome.value,
            "fault": rule.location_user_fault.value,
        },
        "meaning": rule.meaning,
        "source": rule.source or None,
        "origin": rule.origin,
    }


def _profile_row(registry: Registry, name: str, code: int) -> dict[str, Any]:
    profile = registry.profiles[name]
    by_warning = profile.entry.by_warning.get(code)
    internal = profile.entry.internal.get(code)
    row = {"profile": name, **_cause(registry, profile.cause(code))}
    if name == "dss1" and (listed := registry.listed(code)) and listed.simbox_cause is not None:
        row["list_text"] = listed.simbox_cause_text
        row["list_remark"] = listed.simbox_cause_remark or None
    return row | {
        "by_warning": None if by_warning is None else _cause(registry, by_warning),
        "internal": None if internal is None else {"value": internal, "name": profile.entry.symbols.get(code)},
        "on_purpose": code in profile.entry.no_mapping,
        "name": profile.entry.symbols.get(code),
        "remark": profile.entry.remarks.get(code),
        "default_cause": profile.entry.default_cause,
        "default_rule": profile.entry.default_rule or None,
        "checked": profile.checked,
        "title": profile.title,
        "source": profile.source,
        "origin": profile.origin,
    }


def _turned_into(registry: Registry, code: int) -> list[dict[str, Any]]:
    found = []
    for name in ordered_profiles(registry):
        back = registry.profiles[name].back
        values = sorted(cause for cause, codes in back.codes.items() if code in codes) if back else []
        if back and values:
            causes = [_cause(registry, value) | {"remark": back.remarks.get(value)} for value in values]
            told = {"profile": name, "causes": causes, "checked": back.checked}
            found.append(told | {"source": back.source, "origin": back.origin})
    return found


def _lists(registry: Registry, code: int) -> dict[str, Any] | None:
    entry = registry.listed(code)
    if entry is None:
        return None
    documents = registry.documents
    told: dict[str, Any] = {
        "simbox": {
            "document": documents["simbox"].title,
            "phrase": entry.simbox or None,
            "note": entry.simbox_note or None,
            "event": entry.simbox_event or None,
            "cause": entry.simbox_cause,
            "cause_text": entry.simbox_cause_text or None,
            "cause_remark": entry.simbox_cause_remark or None,
        },
        "overzicht": {
            "document": documents["overzicht"].title,
            "label": entry.overzicht or None,
            "hint": entry.overzicht_hint or None,
        },
        "corrections": [],
        "right_phrase": entry.right_phrase or None,
        "origin": entry.origin,
    }
    for correction in entry.corrections:
        head, _, text = correction.partition(": ")
        where, _, kind = head.partition(" ")
        told["corrections"].append({"document": where, "kind": kind, "text": text})
    return told


def _vendor_code(registry: Registry, entry: VendorCode) -> dict[str, Any]:
    return {
        "vendor": entry.vendor,
        "title": registry.vendor(entry.vendor).title,
        "code": entry.code,
        "phrase": entry.phrase,
        "meaning": entry.meaning,
        "layer": entry.layer or None,
        "responsible": entry.responsible or None,
        "hint": entry.hint or None,
        "on_wire": entry.on_wire,
        **_cause(registry, entry.cause),
        "cause_confidence": entry.cause_confidence or None,
        "outcome": entry.outcome.value if entry.outcome else None,
        "notes": list(entry.notes),
        "source": entry.source or None,
        "origin": entry.origin,
    }


def _handset(registry: Registry, entry: HandsetCode) -> dict[str, Any]:
    return {
        "vendor": entry.vendor,
        "title": registry.vendor(entry.vendor).title,
        "display": entry.display,
        "meaning": entry.meaning,
        "layer": entry.layer or None,
        "responsible": entry.responsible or None,
        "mirrors_status": entry.mirrors_status,
        "source": entry.source or None,
        "origin": entry.origin,
    }
