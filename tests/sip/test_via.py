from __future__ import annotations

import pytest

from analyzer.sip.grammar import masked
from analyzer.sip.via import read_via, top_via, via_count


@pytest.mark.parametrize(
    ("text", "transport", "sent_by", "branch"),
    [
        (b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", b"UDP", b"192.0.2.1:5060", b"z9hG4bK1"),
        (b"SIP/2.0/TLS [2001:db8::1]:5061;received=x;BRANCH=b", b"TLS", b"[2001:db8::1]:5061", b"b"),
        (b"SIP / 2.0 / UDP  first.example : 4000 ;ttl=16", b"UDP", b"first.example:4000", None),
        (b"SIP/2.0/UDP host (comment);branch=1", b"UDP", b"host", b"1"),
        (b"SIP/2.0/UDP;branch=1", None, None, b"1"),
        (b"nonsense;branch=1", None, None, b"1"),
    ],
)
def test_forms(text: bytes, transport: bytes | None, sent_by: bytes | None, branch: bytes | None) -> None:
    via = read_via(masked(text))
    assert (via.transport, via.sent_by, via.branch) == (transport, sent_by, branch)


def test_joined_and_repeated_values_count_alike() -> None:
    one, two = b"SIP/2.0/UDP a;branch=1", b'SIP/2.0/UDP b;x=",";branch=2'
    assert via_count([one, two]) == via_count([one + b", " + two]) == via_count([one + b",,", b"", two]) == 2
    assert via_count([]) == 0
    top = top_via([one + b"," + two, two])
    assert top is not None
    assert top.branch == b"1"
    assert top_via([b"", one]) is None
    assert top_via([]) is None
