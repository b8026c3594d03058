"""Network interfaces, and whether they can be listened to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyzer.capture.interfaces import Interface
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.wiretext import printable_text


def interfaces_table(interfaces: Sequence[Interface], grant: str | None, words: Words) -> Table:
    """One row an interface. ``grant``: what gives the right to capture where it is missing, else None."""
    columns = [
        Column(words("interface")),
        Column(words("state")),
        Column(words("link"), rank=1),
        Column("MTU", align_right=True, rank=3),
        Column(words("listen"), rank=0),
        Column(words("addresses"), rank=2, shrink=True),
    ]
    rows = [_row(interface, grant is None, words) for interface in interfaces]
    notes = [words("Not allowed to capture: {grant}", grant=grant)] if grant else []
    return Table(words("Interfaces"), columns, rows, notes)


def _row(interface: Interface, is_allowed: bool, words: Words) -> tuple[Cell, ...]:
    if interface.link_type is None:
        listen = Cell(words("frames not understood"), Tone.FAINT)
    else:
        listen = Cell(words("yes"), Tone.GOOD) if is_allowed else Cell(words("not allowed"), Tone.BAD)
    is_well = interface.is_up and interface.has_carrier
    state = words("up") if is_well else words("no carrier") if interface.is_up else words("down")
    return (
        Cell(printable_text(interface.name)),
        Cell(state, Tone.PLAIN if is_well else Tone.WARN),
        Cell(interface.link),
        Cell(str(interface.mtu)),
        listen,
        Cell(", ".join(interface.addresses), Tone.FAINT),
    )


def interface_record(interface: Interface, is_allowed: bool) -> dict[str, Any]:
    """The same for other programs; ``can_listen`` is that its frames are understood and this process is allowed."""
    return {
        "name": interface.name,
        "is_up": interface.is_up,
        "has_carrier": interface.has_carrier,
        "link": interface.link,
        "link_type": interface.link_type,
        "mtu": interface.mtu,
        "addresses": list(interface.addresses),
        "can_listen": is_allowed and interface.link_type is not None,
    }
