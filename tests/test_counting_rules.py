"""Every rule of counting is shown by a folder of the corpus, or by a test, and without it the numbers differ."""

from __future__ import annotations

import pytest

from analyzer.registry import load_registry
from pcaps.make import HERE
from tests.reading import analyse
from tests.test_corpus import FOLDERS, compared, tables_of

RULES = load_registry().counting_rules
SHOWN = [(rule.id, folder) for rule in RULES.values() for folder in rule.folders]


@pytest.mark.parametrize(("rule", "folder"), SHOWN)
def test_without_the_rule_a_cell_differs(rule: str, folder: str) -> None:
    result = analyse(HERE / folder / "capture.pcapng", without=[rule])
    assert any(seen != wanted for wanted, seen in (compared(result, path) for path in tables_of(folder)))


def test_every_rule_is_shown() -> None:
    for rule in RULES.values():
        assert rule.folders or rule.test, rule.id
        assert set(rule.folders) | set(rule.also) <= set(FOLDERS), rule.id
        if rule.test:
            path, _, function = rule.test.partition("::")
            assert f"\ndef {function}(" in (HERE.parent / path).read_text(encoding="utf-8"), rule.test


def test_every_trap_has_its_number() -> None:
    """Sections 1.1 to 1.31 of the counting page; copies (1.18) stand with retransmissions (1.8)."""
    assert {rule.number for rule in RULES.values()} == {f"1.{n}" for n in range(1, 32) if n != 18}


def test_every_folder_shows_a_rule_or_a_transport() -> None:
    shown = {folder for rule in RULES.values() for folder in (*rule.folders, *rule.also)}
    plain = {"answered", "tls", "hep_kamailio"}
    carried = {name for name in FOLDERS if name.startswith(("in_", "over_", "udp_", "tcp_"))}
    assert set(FOLDERS) - shown - plain - carried == set(), "which rule do these folders show?"
