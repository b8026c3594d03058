"""Programs of the kernel's packet filter (classic BPF), put together here: they need no libpcap on the machine.

Instructions are those of McCanne and Jacobson, "The BSD Packet Filter" (1993), and of Linux' ``filter.rst``. A load
beyond the frame's end ends a program with "drop".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: What the kernel takes (BPF_MAXINSNS).
MOST_INSTRUCTIONS = 4096
#: Octets of a passing frame that are kept: more than any frame has, as libpcap's MAXIMUM_SNAPLEN.
SNAPLEN = 1 << 18

LD_WORD, LD_HALF, LD_OCTET = 0x20, 0x28, 0x30  # from a fixed place
LD_HALF_AT, LD_OCTET_AT = 0x48, 0x50  # from a place counted from X
LDX = 0x01
LD_MEMORY, STORE = 0x60, 0x02
ADD, ADD_X, AND, SHIFT_LEFT = 0x04, 0x0C, 0x54, 0x64
JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_NOT_LESS, JUMP_IF_ANY = 0x05, 0x15, 0x25, 0x35, 0x45
RETURN = 0x06
A_TO_X, X_TO_A = 0x07, 0x87
#: Where Linux keeps what a frame does not hold itself (SKF_AD_OFF): here how it came, as PACKET_* says.
PACKET_TYPE = 0xFFFFF000 + 4
PACKET_OUTGOING = 4


class Instruction(NamedTuple):
    """One instruction: jumps skip so many of the following ones."""

    code: int
    if_true: int = 0
    if_false: int = 0
    k: int = 0


Program = tuple[Instruction, ...]


class Step(NamedTuple):
    """An instruction whose jumps still have names; no name = the next instruction."""

    code: int
    k: int = 0
    if_true: str = ""
    if_false: str = ""


#: A piece of a program: steps, and the names of places in it.
Steps = list[Step | str]
PASS, DROP = "pass", "drop"


def return_if_in(runs: Sequence[tuple[int, int]]) -> Steps:
    """Pass at once when A is in one of the runs: a jump to the end would reach 255 instructions at most."""
    steps: Steps = []
    for first, last in runs:
        end = f"behind {first} {len(steps)}"
        steps += (
            [Step(JUMP_EQUAL, first, "", end)]
            if first == last
            else [Step(JUMP_NOT_LESS, first, "", end), Step(JUMP_GREATER, last, end)]
        )
        steps += [Step(RETURN, SNAPLEN), end]
    return steps


def number_runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as runs of consecutive ones, ascending: first and last of each."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def assembled(steps: Steps) -> Program:
    """Steps with their names turned into distances; a name means the next place of that name."""
    places: dict[str, list[int]] = {}
    numbered: list[tuple[int, Step]] = []
    for step in steps:
        if isinstance(step, str):
            places.setdefault(step, []).append(len(numbered))
        else:
            numbered.append((len(numbered), step))

    def distance(number: int, name: str) -> int:
        if not name:
            return 0
        return next(place for place in places[name] if place > number) - number - 1

    program = []
    for number, step in numbered:
        if step.code == JUMP:
            program.append(Instruction(JUMP, k=distance(number, step.if_true)))
            continue
        if_true, if_false = distance(number, step.if_true), distance(number, step.if_false)
        assert max(if_true, if_false) < 256
        program.append(Instruction(step.code, if_true, if_false, step.k))
    return tuple(program)
