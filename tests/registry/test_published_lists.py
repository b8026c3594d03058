"""Every row of the two published lists that the project started from is there, word for word, and its slips are marked.

``published_lists.tsv`` holds the essentials. Where the lists and the facts checked against them lie beside the
repository, everything is compared with those too, row by row.
"""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from analyzer.registry import load_registry
from analyzer.vocab import Family

registry = load_registry()
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"


def essentials() -> list[dict[str, str]]:
    with (Path(__file__).parent / "published_lists.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def facts(name: str) -> dict[str, Any]:
    path = SHARED / "facts" / f"{name}.toml"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return tomllib.loads(path.read_text("utf-8"))


def test_the_table_is_whole() -> None:
    rows = essentials()
    assert len([r for r in rows if int(r["code"]) < 700]) == 66
    assert len([r for r in rows if r["cause"]]) == 36
    assert len([r for r in rows if int(r["code"]) >= 700]) == 17
    assert len([r for r in rows if r["overzicht"]]) == 51
    assert len([r for r in rows if r["overzicht_hint"]]) == 5


@pytest.mark.parametrize("row", essentials(), ids=lambda row: row["code"])
def test_every_row(row: dict[str, str]) -> None:
    code = int(row["code"])
    if code >= 700:
        siemens = registry.pack_code("gigaset", code)
        assert siemens is not None
        assert siemens.phrase == row["simbox"]
        return
    entry = registry.listed(code)
    assert entry is not None
    assert registry.status(code).known
    for field in ("simbox", "simbox_note", "simbox_event", "overzicht", "overzicht_hint"):
        assert getattr(entry, field) == row[field], field
    assert (entry.simbox_cause_text, str(entry.simbox_cause or "")) == (row["cause_text"], row["cause"])
    if row["cause"]:
        assert registry.profile("dss1").cause(code) == int(row["cause"])
        cause = registry.cause(int(row["cause"]))
        assert (cause.hex, cause.dss1_hex) == (row["hex"], row["dss1_hex"])
    else:
        assert registry.profile("dss1").cause(code) is None


# What is plainly wrong in the lists, and the phrase that is right.
WRONG_LABELS = {
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    416: "Unsupported URI Scheme",
}


@pytest.mark.parametrize(("code", "phrase"), WRONG_LABELS.items())
def test_wrong_labels_are_marked_and_corrected(code: int, phrase: str) -> None:
    entry = registry.listed(code)
    assert entry is not None
    assert entry.overzicht != phrase
    assert any(text.startswith("overzicht wrong_label: ") for text in entry.corrections)
    assert entry.right_phrase == registry.status(code).phrase == phrase


def test_other_slips_are_marked() -> None:
    kinds = {c.split(":")[0] for e in registry.sections["listed"].values() for c in e.corrections}
    assert {
        "simbox wrong_note",
        "simbox imprecise_note",
        "simbox outdated_phrase",
        "simbox_event obsolete",
        "simbox_event variant_phrase",
        "overzicht misleading_hint",
        "overzicht imprecise_hint",
        "overzicht variant_label",
        "overzicht wrong_label",
        "overzicht typo",
    } == kinds
    conflict = registry.listed(415)
    assert conflict is not None
    assert "cause 63" in conflict.simbox_cause_remark


def test_dss1_is_ciscos_table() -> None:
    assert registry.profile("dss1").entry.causes == registry.profile("cisco").entry.causes


def test_codes_against_the_facts() -> None:
    rows = facts("seed_codes")["code"]
    assert {row["code"] for row in rows} == set(registry.sections["listed"])
    for row in rows:
        entry = registry.listed(row["code"])
        assert entry is not None
        assert entry.simbox == row.get("phrase_en", "")
        assert entry.simbox_note == row.get("note_en", "")
        assert entry.simbox_event == row.get("event_table", "")
        assert entry.overzicht == row.get("label_nl", "")
        assert entry.overzicht_hint == row.get("hint_nl", "")
        assert entry.right_phrase == row.get("correct_phrase", "")
        assert len(entry.corrections) == len(row.get("seed_error_kinds", []))


def test_causes_against_the_facts() -> None:
    rows = facts("seed_q931")["map"]
    assert {row["sip_code"]: row["cause"] for row in rows} == registry.profile("dss1").entry.causes
    for row in rows:
        entry, cause = registry.listed(row["sip_code"]), registry.cause(row["cause"])
        assert entry is not None
        assert entry.simbox_cause_text == row["cause_text"]
        assert bool(entry.simbox_cause_remark) == (row["text_status"] != "exact")
        assert (cause.name, cause.hex, cause.dss1_hex) == (row["q850_name"], row["hex"], row["dss1_hex"])
        assert registry.profile("rfc3398").entry.causes.get(row["sip_code"]) == row.get("rfc3398_cause") or (
            row["sip_code"] in registry.profile("rfc3398").entry.by_warning
        )


def test_siemens_against_the_facts() -> None:
    document = facts("siemens")
    for row in document["code"]:
        entry = registry.pack_code("gigaset", row["code"])
        assert entry is not None
        assert (entry.phrase, entry.meaning, entry.cause) == (row["seed_text"], row["meaning"], row["q850"])
        assert (entry.layer, entry.responsible) == (row["layer"], row["responsible"])
    for row in document["handset_code"]:
        [handset] = registry.handset_codes(row["code"])
        assert (handset.display, handset.mirrors_status) == (row["display"], row["mirrors_sip"])


def test_every_line_of_the_lists_themselves() -> None:
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    english, dutch = (path.read_text("utf-8") for path in sorted(folder.glob("*.txt")))
    table = dict(re.findall(r"^(\d{3}) (.+)$", english[english.index("SIP eventDecimal") :], re.MULTILINE))
    assert len(table) == 36
    for code, line in table.items():
        entry = registry.listed(int(code))
        assert entry is not None
        cause = registry.cause(entry.simbox_cause or 0)
        # The columns run together in the page: event, decimal, hex, DSS1 hex, text.
        assert line == f"{entry.simbox_event}{cause.value}{cause.hex}{cause.dss1_hex}{entry.simbox_cause_text}"
    listed = re.findall(r"^(?:.*Responses)?(\d{3}) ?([A-Za-z].*)$", english[: english.index("SIP Error")], re.MULTILINE)
    assert len(listed) == 58 + 17
    for code, line in listed:
        pack, entry = registry.pack_code("gigaset", int(code)), registry.listed(int(code))
        if pack is not None:
            assert line == pack.phrase
        else:
            assert entry is not None
            assert line in {
                entry.simbox,
                f"{entry.simbox} ({entry.simbox_note})",
                f"{entry.simbox}: {entry.simbox_note}",
            }
    overview = re.findall(r"^(?:<b>)?(\d{3})(?:</b>)?\t(.+)$", dutch, re.MULTILINE)
    assert len(overview) == 51
    for code, line in overview:
        entry = registry.listed(int(code))
        assert entry is not None
        assert line in {entry.overzicht, f"{entry.overzicht} ({entry.overzicht_hint})"}


def test_registered_codes_against_the_facts() -> None:
    document = facts("sip_codes")
    assert {row["code"] for row in document["code"]} == set(registry.statuses)
    for row in document["code"]:
        entry = registry.status(row["code"])
        assert (entry.phrase, entry.meaning, entry.responsible) == (row["phrase"], row["meaning"], row["responsible"])
        assert entry.rfc == f"{row['rfc']} §{row['section']}"
        assert entry.family is Family(row["family"])
    for row in document["unregistered"]:
        assert not registry.status(row["code"]).known
        assert registry.vendor_codes(row["code"])


def test_causes_and_mappings_against_the_facts() -> None:
    for row in facts("q850")["cause"]:
        cause = registry.cause(row["cause"])
        assert (cause.name, cause.class_name, cause.meaning) == (row["name"], row["cause_class"], row["meaning"])
    document = facts("mappings")
    assert len(document["profiles"]) == len(registry.profiles)
    for name, table in document["profiles"].items():
        entry = registry.profile("dss1" if name == "seed_dss1" else name).entry
        for row in table.get("map", []):
            if row.get("no_mapping"):
                assert row["sip"] in entry.no_mapping
            elif row["cause"] > 127:
                assert entry.internal[row["sip"]] == row["cause"]
            else:
                assert entry.causes[row["sip"]] == row["cause"]
        assert len(entry.causes) + len(entry.internal) + len(entry.no_mapping) == table["rows"]
    for name, table in document["reverse"].items():
        back = registry.profile(name.removesuffix("_reverse")).back
        assert back is not None
        for row in table["map"]:
            if row.get("no_mapping"):
                assert row["cause"] in back.no_mapping
            else:
                codes = back.internal if row.get("internal") else back.codes
                assert codes[row["cause"]] == (row["sip"], *row.get("sip_alternatives", ()))
        assert len(back.codes) + len(back.internal) + len(back.no_mapping) == table["rows"]


def test_outcomes_against_the_facts() -> None:
    document = facts("outcomes")
    for row in document["outcome"]:
        rule = registry.outcome_of_status(row["code"])
        assert (rule.outcome, rule.fault, rule.detail) == (row["outcome"], row["fault"], row.get("detail")), row
        assert rule.ringing_outcome == row.get("ringing", row["outcome"]), row
        assert rule.ringing_fault == row.get("ringing_fault", row["fault"]), row
    for row in document["default"]:
        listed = {r["code"] for r in document["outcome"]} | {605}  # 605: declined, docs/counting.md
        for code in set(range(row["first"], row["last"] + 1)) - listed:
            rule = registry.outcome_of_status(code)
            assert (rule.outcome, rule.fault) == (row["outcome"], row["fault"]), code
    for row in document["cause"]:
        found = registry.outcome_of_cause(row["cause"])
        assert found is not None
        assert (found.outcome, found.fault) == (row["outcome"], row["fault"]), row
        assert found.ringing_outcome == row.get("ringing", row["outcome"])
        assert found.location_user_outcome == row.get("location_user", row["outcome"])


def test_makers_and_reasons_against_the_facts() -> None:
    vendors, reasons = facts("vendors"), facts("reason_warning")
    assert {row["pattern"] for row in vendors["vendor"]} == {a.pattern for a in registry.sections["agent"].values()}
    assert {row["pattern"] for row in vendors["scanner"]} == {s.pattern for s in registry.sections["scanner"].values()}
    assert {row["pattern"] for row in vendors["phrase_pattern"]} == {
        p.pattern for p in registry.sections["phrase"].values()
    }
    for row in vendors["nonstandard_code"]:
        assert row["phrase"] in {c.phrase for c in registry.vendor_codes(row["code"])}
    for row in reasons["reason_protocol"]:
        assert registry.reason_protocol(row["protocol"]).known
    for row in reasons["reason_cause"]:
        cause = registry.reason_cause(row["protocol"], row["cause"])
        assert cause is not None
        assert cause.text == row["text"]
    for row in reasons["warning"]:
        warning = registry.warning(row["code"])
        assert (warning.text, warning.cause) == (row["text"], row.get("q850_hint"))
    for row in reasons["header"]:
        for name in row["names"]:
            assert registry.header(name).meaning or name == "Call-Info"
    for table, rows, key in (
        ("ms_diagnostics", reasons["ms_diagnostics"], "id"),
        ("teams_subcode", reasons["teams_subcode"], "subcode"),
        ("telnyx", reasons["telnyx_code"], "code"),
    ):
        detail = registry.detail(table)
        assert detail is not None
        assert detail.values == {str(row[key]): row["meaning"] for row in rows}
