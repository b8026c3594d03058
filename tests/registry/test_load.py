"""Files of strangers: what they may add, what they may not silently change, and how their faults are told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import RegistryError
from analyzer.registry import load_registry
from analyzer.registry.load import DATA, SECTIONS, Fault, Sections, builtin_files, check_patterns, read_file
from analyzer.vocab import Outcome

ACME = Path(__file__).resolve().parents[1] / "vendors" / "acme.toml"
BUILTIN = sorted(DATA.rglob("*.toml"))


def overlay(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def faults_of(*paths: Path) -> list[Fault]:
    with pytest.raises(RegistryError) as caught:
        load_registry(paths)
    return caught.value.faults


@pytest.mark.parametrize("path", [p for p in BUILTIN if p.parent.name != "lang"], ids=lambda p: p.name)
def test_every_builtin_file_loads_alone(path: Path) -> None:
    faults: list[Fault] = []
    file = read_file(path, path.name, faults)
    check_patterns(file, faults)
    assert faults == []
    assert any(file.entries.values())


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_entries_once(section: str) -> None:
    files = builtin_files(SECTIONS[section].files)
    keys = [key for file in files for key in file.entries.get(section, {})]
    assert keys
    assert len(keys) == len(set(keys))


def test_builtin_rules_decide_each_code_and_cause_once() -> None:
    rules = load_registry().sections["rule"].values()
    for field in ("statuses", "causes"):
        values = [value for rule in rules for value in getattr(rule, field)]
        assert len(values) == len(set(values))


def test_the_builtin_registry_is_made_once() -> None:
    assert load_registry() is load_registry()


def test_a_strangers_pack() -> None:
    registry = load_registry([ACME])
    vendor = registry.vendor_of_agent("AcmePhone/1.2")
    assert vendor is not None
    assert (vendor.name, vendor.title) == ("acme", "ACME Telephones")
    assert registry.suggest_profile("AcmePhone/1.2") == "cisco"
    code = registry.pack_code("acme", 799)
    assert code is not None
    assert (code.cause, code.outcome) == (47, Outcome.UNAVAILABLE)
    assert code.origin == f"{ACME}: code.acme.799"
    assert registry.cause_headers["x-acme-cause"] == "q850_cause"
    assert registry.method("XPING").keepalive
    assert registry.phrase_cause(480, "Anvil from above") == (20, f"{ACME}: phrase.acme_anvil")
    assert registry.issue("acme.anvil").summary == "an anvil was seen"
    assert registry.outcome_of_status(499).id == "acme_coyote"
    assert registry.profile("acme").cause(486) == 21
    assert registry.causes_for(486) == {17, 21}
    # and nothing of it leaks into the built-in registry
    assert load_registry().pack_code("acme", 799) is None
    assert load_registry().outcome_of_status(499).id == "rejected"


def test_a_folder_and_its_subfolders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    overlay(tmp_path / "deep", '[status.499]\nphrase = "Nothing"\n')
    assert load_registry([tmp_path]).status(499).phrase == "Nothing"


def test_a_clash_names_both_files(tmp_path: Path) -> None:
    path = overlay(tmp_path, '[status.486]\nphrase = "Engaged"\n')
    [(file, key, reason)] = faults_of(path)
    assert (file, key) == (str(path), "status.486")
    assert "status_codes.toml" in reason
    assert "replace = true" in reason


def test_replacing_is_possible_when_it_is_said(tmp_path: Path) -> None:
    path = overlay(tmp_path, '[status.486]\nphrase = "Engaged"\nmeaning = "busy"\nreplace = true\n')
    registry = load_registry([path])
    assert registry.status(486).phrase == "Engaged"
    assert registry.status(486).origin == f"{path}: status.486"


def test_two_overlays_clash(tmp_path: Path) -> None:
    one = overlay(tmp_path, '[status.499]\nphrase = "One"\n', "one.toml")
    two = overlay(tmp_path, '[status.499]\nphrase = "Two"\n', "two.toml")
    [(file, _, reason)] = faults_of(one, two)
    assert file == str(two)
    assert str(one) in reason


def test_a_rule_may_not_silently_take_a_code(tmp_path: Path) -> None:
    text = '[rule.mine]\noutcome = "failed"\nfault = "server"\nstatuses = [486]\ncauses = [17]\n'
    faults = faults_of(overlay(tmp_path, text))
    assert [reason.partition(" is ")[0] for _, _, reason in faults] == ["status 486", "cause 17"]
    assert "call_outcomes.toml" in faults[0][2]
    registry = load_registry([overlay(tmp_path, text + "replace = true\n")])
    assert registry.outcome_of_status(486).id == "mine"
    assert registry.outcome_of_status(600).id == "busy"


def test_every_fault_at_once(tmp_path: Path) -> None:
    path = overlay(
        tmp_path,
        """
[status.498]
phrase = "A"
mening = "typo"

[status.499]
phrase = 5

[status.12345]
phrase = "x"

[status.abc]
phrase = "x"

[staus.498]
phrase = "x"

[agent.broken]
vendor = "x"
pattern = "(unclosed"

[code.acme]
798 = "no table"

[code.acme.799]
meaning = "no phrase"

[issue."a.b"]
severity = "fatal"
group = "protocol"
summary = "x"

[cause.200]
name = "x"

[method.XPING]
replace = 1

[header]
X-A = 1
""",
    )
    faults = {key: reason for _, key, reason in faults_of(path)}
    assert "did you mean meaning?" in faults["status.498.mening"]
    assert "Expected `str`, got `int`" in faults["status.499.phrase"]
    assert "no number from 100 to 999" in faults["status.12345"]
    assert "no number from 100 to 999" in faults["status.abc"]
    assert "did you mean status?" in faults["staus"]
    assert "is no regular expression" in faults["agent.broken.pattern"]
    assert "must be a table" in faults["code.acme.798"]
    assert "phrase" in faults["code.acme.799"]
    assert "fatal" in faults["issue.a.b.severity"]
    assert "no number from 1 to 127" in faults["cause.200"]
    assert "true or false" in faults["method.XPING.replace"]
    assert "must be a table" in faults["header.X-A"]
    assert len(faults) == 12


def test_fields_that_are_ours_are_refused(tmp_path: Path) -> None:
    faults = faults_of(overlay(tmp_path, '[status.499]\nphrase = "x"\norigin = "me"\ncode = 5\nknown = false\n'))
    assert [key for _, key, _ in faults] == ["status.499.origin", "status.499.code", "status.499.known"]


def test_broken_files(tmp_path: Path) -> None:
    [(file, key, reason)] = faults_of(overlay(tmp_path, "[status.499\n"))
    assert (Path(file).name, key) == ("mine.toml", "TOML")
    assert "line 1" in reason
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[status.499]\nphrase = "\xe9"\n')
    assert faults_of(latin)[0][2] == "is not UTF-8"
    assert faults_of(tmp_path / "missing")[0][2] == "no such folder or file"
    (tmp_path / "empty").mkdir()
    assert faults_of(tmp_path / "empty")[0][2] == "holds no .toml file"


def test_one_error_is_one_line(tmp_path: Path) -> None:
    path = overlay(tmp_path, "[staus.498]\n")
    with pytest.raises(RegistryError) as caught:
        load_registry([path])
    assert str(caught.value).startswith(f"{path}: staus: unknown section")


def test_installed_packages_may_announce_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme_codes"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('code of the package must not run')\n")
    (package / "acme.toml").write_text(ACME.read_text("utf-8"), "utf-8")
    info = tmp_path / "acme_codes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-codes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[analyzer.registry]\nacme = acme_codes\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_registry().pack_code("acme", 799) is not None
    assert "acme_codes" not in sys.modules
    monkeypatch.undo()
    assert load_registry().pack_code("acme", 799) is None


def test_builtin_files_are_read_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.registry import load

    read: list[str] = []
    original = load.read_file

    def spy(path: Path, name: str, faults: list[Fault], parse: Callable[[Path], dict[str, Any]]) -> load.File:
        read.append(name)
        return original(path, name, faults, parse)

    monkeypatch.setattr(load, "read_file", spy)
    load.builtin_file.cache_clear()
    sections = Sections()
    assert read == []
    assert sections["status"][486].phrase == "Busy Here"
    assert read == ["status_codes.toml"]
