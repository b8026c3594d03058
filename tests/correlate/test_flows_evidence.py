"""Everything that was said about why is kept: with its position, its sender, and in order."""

from __future__ import annotations

from typing import Any

import pytest

import analyzer
from analyzer.batch import MISSING
from analyzer.correlate.evidence import Evidence
from analyzer.registry import load_registry
from tests.flow import play, sent
from tests.frames import write_pcap

EVERYWHERE = """
    alice = 192.0.2.10
    pbx = 198.51.100.20
    alice -> pbx   INVITE
    alice <- pbx   183   reason="Q.850;cause=1;location=LN;text=unallocated"
    alice <- pbx   503  reason="SIP;cause=503,Q.850;cause=34" retry_after="120 (busy)" Warning='399 p "a, b", 307 p "c"'
    alice -> pbx   ACK
    call b
    alice -> pbx   INVITE
    alice <- pbx   180
    alice -> pbx   CANCEL   reason="SIP;cause=200;text=\\"Call completed elsewhere\\""
    alice <- pbx   200   for=CANCEL
    alice <- pbx   487   for=INVITE
    alice -> pbx   ACK
    call c
    alice -> pbx   INVITE
    alice <- pbx   200
    alice -> pbx   ACK
    alice -> pbx   INFO   reason=Preemption;cause=3
    alice <- pbx   200
    alice <- pbx   BYE   reason=Q.850;cause=144
    alice -> pbx   200
"""


def said(text: str, tmp_path: Any, **options: Any) -> list[dict[str, Any]]:
    """The evidence that the messages of a ladder carry, row by row."""
    path = tmp_path / "flow.pcap"
    write_pcap(sent(text), path)
    rows: list[Any] = []
    evidence = Evidence(load_registry())
    analyzer.analyze(str(path), message_sink=lambda batch, links: rows.extend(evidence.rows(batch, links)), **options)
    return [row._asdict() for row in rows]


def brief(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Position, kind, protocol, cause and text."""
    return [(r["position"].value, r["kind"].value, r["protocol"], r["cause"], r["text"]) for r in rows]


@pytest.mark.parametrize("reader", ["kernels", "scapy"])
def test_reasons_wherever_they_stand_and_all_of_them(tmp_path: Any, reader: str) -> None:
    rows = said(EVERYWHERE, tmp_path, reader=reader)
    assert brief(rows) == [
        ("provisional", "reason", "Q.850", 1, "unallocated"),
        ("final", "reason", "SIP", 503, None),
        ("final", "reason", "Q.850", 34, None),
        ("final", "warning", "Warning", 399, "a, b"),
        ("final", "warning", "Warning", 307, "c"),
        ("final", "retry_after", "Retry-After", None, "120 (busy)"),
        ("cancel", "reason", "SIP", 200, "Call completed elsewhere"),
        ("request", "reason", "Preemption", 3, None),
        ("bye", "reason", "Q.850", 144, None),
    ]
    assert rows[0]["location"] == "LN"
    assert [row["call_no"] for row in rows] == [1] * 6 + [2, 3, 3]
    assert {row["sender_ip"] for row in rows[:6]} == {"198.51.100.20"}
    assert rows[6]["sender_ip"] == "192.0.2.10"
    assert [row["method"] for row in rows[6:]] == ["CANCEL", "INFO", "BYE"]


def test_without_the_rule_only_bye_and_cancel_are_read(tmp_path: Any) -> None:
    """counting.md 1.29: Reason in unexpected places."""
    rows = said(EVERYWHERE, tmp_path, without=["reasons"])
    assert [position for position, kind, *_ in brief(rows) if kind == "reason"] == ["cancel", "bye"]
    with_rule, without_rule = (play(EVERYWHERE, without=off).calls[0] for off in ((), ("reasons",)))
    assert (with_rule["cause"], with_rule["cause_from"]) == (34, "reason")
    assert without_rule["cause_from"] == "profile"


def test_makers_fields_in_any_case_and_what_is_no_field(tmp_path: Any) -> None:
    rows = said(
        """
        alice -> pbx   INVITE
        alice <- pbx   403   MS-Diagnostics='4004;reason="credentials";source="x"' X-Twilio-Error="32011 no route"
        alice -> pbx   ACK
        call b
        alice -> pbx   INVITE
        alice <- pbx   404   body="\\nX-Twilio-Error: 1 quoted" type=message/sipfrag Error-Info=<sip:why@pbx>
        alice -> pbx   ACK
        call c
        alice -> pbx   INVITE
        alice <- pbx   500   X-Asterisk-HangupCause=Congestion X-Asterisk-HangupCauseCode=34
        alice -> pbx   ACK
        """,
        tmp_path,
    )
    assert brief(rows) == [
        ("final", "vendor_header", "ms-diagnostics", 4004, '4004;reason="credentials";source="x"'),
        ("final", "vendor_header", "X-Twilio-Error", 32011, "32011 no route"),
        ("final", "vendor_header", "Error-Info", None, "<sip:why@pbx>"),
        ("final", "vendor_header", "X-Asterisk-HangupCause", None, "Congestion"),
        ("final", "vendor_header", "X-Asterisk-HangupCauseCode", 34, "34"),
    ]


def test_resends_and_copies_say_nothing_new(tmp_path: Any) -> None:
    ladder = """
        alice -> pbx   INVITE
        mirror +14us
        alice <- pbx   486   reason=Q.850;cause=17 resends=3
        alice -> pbx   ACK
    """
    assert len(said(ladder, tmp_path)) == 1
    assert play(ladder).result.evidence_counts == {"reason": 1}


def test_a_wire_text_is_escaped(tmp_path: Any) -> None:
    (row,) = said("alice -> pbx INVITE\nalice <- pbx 486 reason='Q.850;cause=17;text=\"a\x1b[2Jb\"'", tmp_path)
    assert row["text"] == "a\\x1b[2Jb"


def test_counts_are_of_messages_and_events() -> None:
    counts = play(EVERYWHERE).result.evidence_counts
    assert counts == {"reason": 5, "retry_after": 1, "warning": 1}
    assert list(counts) == ["reason", "retry_after", "warning"]


def test_the_table_has_messages_and_events() -> None:
    """`Result.evidence` reads the captures again, so that nothing is held for those who do not ask."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.pcap"
        write_pcap(sent(EVERYWHERE + "call d\nalice -> pbx INVITE\nalice <- pbx icmp error=port +1ms\nend +40s"), path)
        table = analyzer.analyze(str(path)).evidence
    assert len(table) == 10
    assert table["kind"].tolist()[-1] == "icmp"
    assert table["message_no"].isna().tolist() == [False] * 9 + [True]


def test_hostile_octets_raise_nothing(tmp_path: Any) -> None:
    rows = said(
        "alice -> pbx INVITE\nalice <- pbx 486 reason=';;=,,Q.850;cause=999999999999999999,SIP' "
        "warning=',\"' X-Twilio-Error='99999999999999999999 x'",
        tmp_path,
    )
    assert all(row["cause"] is None for row in rows)
    assert all(row["ts"] != MISSING for row in rows)
