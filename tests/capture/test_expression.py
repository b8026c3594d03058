"""Filters in libpcap's language: compiled where libpcap is there, one line of advice where it is not."""

from __future__ import annotations

import sys
from ctypes.util import find_library

import pytest

from analyzer.capture.expression import compiled
from analyzer.capture.filters import kernel_filter
from analyzer.capture.interfaces import Interface
from analyzer.errors import CaptureError
from tests.capture.bpf_machine import kernel_verdicts, passes
from tests.capture.made import INVITE, ether, ipv4, ipv6, sip, udp
from tests.capture.test_filters import FRAGMENTS, NOTHING

needs_libpcap = pytest.mark.skipif(not find_library("pcap"), reason="libpcap is not installed")
#: An interface that is not there: expressions are compiled for it as for a file.
NOWHERE = Interface("nowhere0", 1, 1, True, True, 1500, ())


@needs_libpcap
def test_an_expression_chooses() -> None:
    program = compiled("udp port 5060", 1)
    frames = [
        sip(),
        ether(ipv6(udp(INVITE)), 0x86DD),
        ether(ipv4(udp(INVITE, 5070, 5070))),
        ether(ipv4(udp(INVITE), 6)),
    ]
    assert [passes(program, frame) for frame in frames] == [True, True, False, False]
    assert kernel_verdicts(program, frames) == [True, True, False, False]
    assert passes(compiled("udp port 5060", 101), ipv4(udp(INVITE)))


@needs_libpcap
def test_an_expression_loses_no_fragments() -> None:
    alone, joined = compiled("udp port 5060", 1), kernel_filter(NOWHERE, expression="udp port 5060")
    lost = [what for what, frame in FRAGMENTS.items() if not passes(alone, frame)]
    assert "middle" in lost, "what libpcap makes of it by itself loses them"
    frames = [*FRAGMENTS.values(), sip(), ether(ipv4(udp(INVITE, 5070, 5070)))]
    assert kernel_verdicts(joined, frames) == [True] * (len(FRAGMENTS) + 1) + [False]


@needs_libpcap
@pytest.mark.parametrize(
    ("expression", "why"),
    [("udp prot 5060", "syntax error"), ("port banana", "unknown port 'banana'"), ("host 1.2.3.4.5", "1.2.3.4.5")],
)
def test_a_wrong_expression_is_one_line_with_what_libpcap_says(expression: str, why: str) -> None:
    with pytest.raises(CaptureError) as caught:
        kernel_filter(NOWHERE, expression=expression)
    assert str(caught.value).startswith(f"filter '{expression}': ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_expression_too_long_for_the_kernel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.filters.compiled", lambda *_: NOTHING * 4090)
    with pytest.raises(CaptureError, match=r"^filter 'port 1 or …': 4090 instructions are more than"):
        kernel_filter(NOWHERE, expression="port 1 or …")


def test_without_libpcap_the_line_names_the_package_and_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scapy.libs.winpcapy", raising=False)
    monkeypatch.delattr("scapy.libs.winpcapy", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(CaptureError, match=r"libpcap0\.8.*--ports"):
        compiled("udp", 1)
