"""What stands in tables and is listed among the issues as well."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.flow import play

LOST = "alice -> bob INVITE\nalice <- bob 180\nalice <- bob 486 lost\nalice -> bob ACK\n"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "code", "count"),
    [
        ("alice -> bob INVITE\nalice <- bob 487\nalice -> bob ACK", "call.unseen_cancel", 1),
        (LOST + "end +200s", "call.final_not_seen", 1),
        ("alice -> bob INVITE\nalice <- bob 703\nalice <- bob 703 resend\n", "sip.vendor_status", 2),
        ("alice -> bob INVITE\nalice <- bob 499\n", "sip.unlisted_status", 1),
        ("alice -> bob XPING\nalice <- bob 501\n", "sip.unknown_method", 1),
        ("alice -> bob OPTIONS lost\nalice <- bob 200\n", "sip.orphan_response", 1),
        ("alice -> bob INVITE\nalice <- bob 503 retry_after=9\n", "response.retry_after", 1),
    ],
)
def test_what_is_odd_is_an_issue(text: str, code: str, count: int) -> None:
    assert play(text).result.issue_counts.get(code) == count


def test_a_plain_call_has_no_issue() -> None:
    text = "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\nalice -> bob BYE +9s\nalice <- bob 200\n"
    assert play(text).result.issue_counts == {}


def test_every_issue_that_is_explained_can_be_met() -> None:
    """An entry of issues.toml that no line of the program names is dead."""
    data = tomllib.loads((ROOT / "analyzer" / "data" / "issues.toml").read_text(encoding="utf-8"))
    program = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "analyzer").rglob("*.py"))
    assert [code for code in data["issue"] if f'"{code}"' not in program] == []
