"""A call as a ladder: who sent what to whom, one row a message, before anything draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from analyzer.stats.explained import Seen
from analyzer.views.table import Tone
from analyzer.views.words import Words

#: Tones of responses by the first digit of the code; from 700 on they are nobody's.
_TONES = {1: Tone.FAINT, 2: Tone.GOOD, 3: Tone.PLAIN, 4: Tone.WARN}


class Rung(NamedTuple):
    """One message: positions of sender and receiver among `Ladder.parties`, and its label, the fullest form first."""

    frame_no: int
    ts: int
    since_start: int
    since_last: int
    source: int
    target: int
    labels: Sequence[str]
    tone: Tone
    is_again: bool


class Ladder(NamedTuple):
    """Who took part, in the order of their first message, and the messages. Times are ns."""

    parties: Sequence[str]
    rungs: Sequence[Rung]


def ladder(messages: Sequence[Seen], alias: Callable[[str], str | None], words: Words) -> Ladder:
    """The ladder of a call's messages; parties are told by their address, or by the name that ``alias`` gives it.

    Where an address talks to itself its ports tell the parties apart.
    """
    split = {message.src_ip for message in messages if message.src_ip == message.dst_ip}
    places: dict[str, int] = {}
    rungs: list[Rung] = []
    for message in messages:
        source, target = (
            places.setdefault(_party(ip, port, split, alias), len(places))
            for ip, port in ((message.src_ip, message.src_port), (message.dst_ip, message.dst_port))
        )
        start, last = (rungs[0].ts, rungs[-1].ts) if rungs else (message.ts, message.ts)
        rungs.append(
            Rung(
                frame_no=message.frame_no,
                ts=message.ts,
                since_start=message.ts - start,
                since_last=message.ts - last,
                source=source,
                target=target,
                labels=_labels(message, words),
                tone=_tone(message),
                is_again=message.resend_of is not None or message.copy_of is not None,
            )
        )
    return Ladder(list(places), rungs)


def _party(ip: str, port: int, split: set[str], alias: Callable[[str], str | None]) -> str:
    name = alias(ip) or ip
    if ip not in split:
        return name
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _labels(message: Seen, words: Words) -> list[str]:
    """What a message is, from the fullest to the shortest form."""
    mark = ""
    if message.copy_of is not None:
        mark = f" ({words('copy')})"
    elif message.resend_of is not None:
        mark = f" ({words('resend')})"
    sdp = " SDP" if message.has_sdp else ""
    if message.status_code is None:
        name = message.method or "?"
        return [f"{name}{sdp} CSeq {message.cseq}{mark}", f"{name}{sdp}{mark}", f"{name}{mark}", name]
    code, phrase = str(message.status_code), message.reason_phrase or ""
    whole = f"{code} {phrase}".rstrip()
    of = f" [{message.cseq_method}]" if message.cseq_method not in (None, "INVITE") else ""
    forms = [f"{whole}{sdp}{of}", f"{whole}{of}", whole, f"{code}{of}", code]
    return [*(form + mark for form in forms), code]


def _tone(message: Seen) -> Tone:
    if message.resend_of is not None or message.copy_of is not None:
        return Tone.FAINT
    if message.status_code is None:
        return Tone.PLAIN
    return _TONES.get(message.status_code // 100, Tone.BAD)
