"""The table and the records of network interfaces."""

from __future__ import annotations

from analyzer.capture.interfaces import Interface
from analyzer.views.interfaces import interface_record, interfaces_table
from analyzer.views.table import Tone
from analyzer.views.words import words

ETH0 = Interface("eth0", 1, 1, True, True, 1500, ("192.0.2.1/24", "2001:db8::1/64"))
CABLE_OUT = Interface("eth1", 1, 1, True, False, 1500, ())
TUNNEL = Interface("wg\x1b[0m", 0xFFFE, 101, False, False, 1420, ())
WIRELESS = Interface("mon0", 803, None, True, True, 1500, ())
ALL = [ETH0, CABLE_OUT, TUNNEL, WIRELESS]


def test_each_interface_says_what_it_is_and_whether_it_can_be_listened_to() -> None:
    table = interfaces_table(ALL, None, words())
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["eth0", "up", "Ethernet", "1500", "yes", "192.0.2.1/24, 2001:db8::1/64"],
        ["eth1", "no carrier", "Ethernet", "1500", "yes", ""],
        ["wg\\x1b[0m", "down", "raw IP", "1420", "yes", ""],
        ["mon0", "up", "ARPHRD 803", "1500", "frames not understood", ""],
    ]
    assert [row[4].tone for row in table.rows] == [Tone.GOOD] * 3 + [Tone.FAINT]
    assert not table.notes


def test_without_the_right_the_table_says_what_grants_it() -> None:
    table = interfaces_table(ALL, "sudo do", words())
    assert [row[4].text for row in table.rows] == ["not allowed"] * 3 + ["frames not understood"]
    assert table.notes == ["Not allowed to capture: sudo do"]


def test_programs_get_the_same() -> None:
    assert interface_record(ETH0, True) == {
        "name": "eth0", "is_up": True, "has_carrier": True, "link": "Ethernet", "link_type": 1, "mtu": 1500,
        "addresses": ["192.0.2.1/24", "2001:db8::1/64"], "can_listen": True,
    }  # fmt: skip
    assert [interface_record(one, True)["can_listen"] for one in ALL] == [True, True, True, False]
    assert not any(interface_record(one, False)["can_listen"] for one in ALL)
