"""Call flows as text: a ladder in, packets, a capture or the analysed calls out.

    alice = 192.0.2.10  agent="Example Phone 1"    a participant; others get an address of their own
    alice -> bob   INVITE                          a request; 10 ms after the line before it
    alice <- bob   180   +1.2s                     a response, 1.2 s (us, ms, s, m, h) after that line
    alice <- bob   486   reason=Q.850;cause=17     the header field itself, see FIELDS; X-Foo=1; =none
    alice -> bob   ACK   lost                      sent, but not in the capture
    alice -> bob   INVITE resend                   the same octets again (copy: the same packet again)
    end +200s                                      the capture goes on until here: a frame that is not SIP
    mirror +14us interface=1                       from here on each message is captured once more; `mirror off`
    clock -5s                                      from here on the capture's clock stands 5 s back (or ahead, +5s)
    alice -- bob   tcp mss=536                     what is not UDP: tests/flow_links.py
    alice -> bob   ping                            of a connection: ping, pong, close, open, syn (which nothing
                                                   answers), reset, hello (of TLS), alert number=48
    alice <- bob   icmp error=port quote=8         ICMP about alice's last message to bob, or of=carol: to carol;
                                                   errors net, host, port, prohibited, too_big, ttl

A participant with ``vlan=10`` stands behind that VLAN: what it sends is captured there, and where it is mirrored, the
second time in the VLAN of who receives it. With ``ip_id=0`` its packets have no IP identification. With
``inside=10.0.0.5`` it stands behind a NAT: that is the address that it knows and writes into Via, Contact and SDP.

What a person would write down anyway follows by itself: Call-ID, tags, CSeq, branches, credentials after a
challenge. A response answers the last request on that arrow that has no final yet (``for=INVITE``, or
``for=INVITE/1`` with its CSeq number: that one). CANCEL and the ACK to a non-2xx take the branch of their
INVITE. Who has received a request and sends it on within the same call is a proxy: one Via more, the same
CSeq, and its responses take over the To tag of what it was answered. ``call b`` goes on with another call,
``call=b`` on a line is for that line; ``at 2026-03-10T07:00:00+01:00`` sets the clock.

On a line: ``call= for= tag=`` (To tag; ``none``) ``from= to=`` (users) ``from_tag= branch= cseq= vias=`` (Via
values below the sender's own) ``dialog=yes|no forward=no phrase= uri= credentials=yes|no stale sdp=no body=
type= vlan= interface= agent= resend copy lost``, ``resends=6`` (repeated as the timers of RFC 3261 §17 do),
``skew=30ms`` (the capture saw it later), ``behind=2`` (two frames further down, with its true time).
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tests.flow_links import EVENTS, Links, split_link
from tests.flow_links import WORDS as LINK_WORDS
from tests.flow_messages import Conversation
from tests.flow_octets import FIELDS, Party
from tests.frames import Datagram, write_pcap
from tests.packets import UDP, Packet, icmp, udp

#: 2026-03-10 07:00:00 in Amsterdam, a Tuesday.
START = 1_773_122_400 * 10**9
STEP = 10_000_000
WORDS = {
    "call", "for", "tag", "from", "to", "from_tag", "branch", "cseq", "vias", "dialog", "forward", "phrase",
    "uri", "credentials", "stale", "sdp", "body", "vlan", "agent", "resend", "copy", "lost", "resends",
    "skew", "behind", "interface", "error", "quote", "of",
    *LINK_WORDS,
}  # fmt: skip
UNITS = {"us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
AnySent = TypeVar("AnySent", Datagram, Packet)
DECLARATION = re.compile(r"(\w[\w-]*)\s*=\s*(\S+)\s*(.*)$")


class Ladder:
    """Reads a ladder line by line; `sent` is what the capture has so far."""

    def __init__(self, start: int = START, salt: str = "") -> None:
        self.now = start
        self.links = Links()
        self.conversation = Conversation(salt, self.links.transport)
        self.parties: dict[str, Party] = {}
        self.sent: list[Datagram | Packet] = []
        self.behind: list[tuple[Datagram, int]] = []
        self.octets: dict[tuple[str, str, str], Datagram] = {}
        #: The last message from one to the other.
        self.last: dict[tuple[str, str], Datagram] = {}
        self.first = True
        self.mirrors: list[dict[str, str]] = []
        self.clock_steps: list[tuple[int, int]] = []

    def read(self, text: str) -> None:
        """Play every line of a text."""
        for number, line in enumerate(text.splitlines(), 1):
            try:
                self._line(line)
            except (KeyError, ValueError, StopIteration) as error:
                raise ValueError(f"line {number}: {line.strip()}: {error}") from error

    def in_order(self) -> list[Datagram | Packet]:
        """All of it in the order in which the capture holds it."""
        ordered = sorted(self.sent, key=lambda one: one.ts)
        for datagram, places in self.behind:
            at = ordered.index(datagram)
            ordered.insert(at + places, ordered.pop(at))
        return [self._stamped(one) for one in ordered] if self.clock_steps else ordered

    def _stamped(self, one: Datagram | Packet) -> Datagram | Packet:
        """With the time that the capture's clock shows."""
        return one._replace(ts=one.ts + sum(step for since, step in self.clock_steps if one.ts > since))

    def _line(self, line: str) -> None:
        words = shlex.split(line, comments=True) if '"' in line or "#" in line else line.split()
        if not words:
            return
        if len(words) > 2 and words[1] in ("->", "<-"):
            self._message(self._party(words[0]), words[1], self._party(words[2]), words[3], words[4:])
        elif words[0] == "call":
            self.conversation.current = words[1]
        elif words[0] == "mirror":
            self.mirrors = [] if words[1] == "off" else [*self.mirrors, _mirror(words[1:])]
        elif words[0] == "clock":
            self.clock_steps.append((self.now, _step(words[1])))
        elif words[0] == "at":
            self.now = int(datetime.fromisoformat(words[1]).timestamp()) * 10**9
            self.first = True
        elif words[0] == "end":
            self.now += _duration(words[1])
            self.sent.append(Datagram(self.now, "192.0.2.250", 40000, "192.0.2.251", 40002, b"\x80" + bytes(27)))
        elif link := split_link(line):
            self.links.add(self._party(link[0]), self._party(link[1]), *link[2:])
        elif match := DECLARATION.match(line.strip()):
            self._declare(match[1], match[2], shlex.split(match[3], comments=True))
        else:
            raise ValueError("not an arrow, a link, a participant, call, at, mirror, clock or end")

    def _declare(self, name: str, address: str, words: list[str]) -> None:
        ip, port = address, "5060"
        if address.startswith("["):
            ip, _, port = address[1:].partition("]")
            port = port.removeprefix(":") or "5060"
        elif address.count(":") == 1:
            ip, _, port = address.partition(":")
        options = {key: value or "yes" for key, _, value in (word.partition("=") for word in words)}
        vlan = int(options["vlan"]) if "vlan" in options else None
        has_ip_id = options.get("ip_id") != "0"
        self.parties[name] = Party(
            name, ip, int(port), options.get("agent"), "compact" in options, vlan, has_ip_id, options.get("inside")
        )

    def _party(self, name: str) -> Party:
        if name not in self.parties:
            nets = ("192.0.2", "198.51.100", "203.0.113")
            number = len(self.parties)
            self.parties[name] = Party(name, f"{nets[number % 3]}.{10 + number}")
        return self.parties[name]

    def _message(self, left: Party, arrow: str, right: Party, what: str, words: list[str]) -> None:
        options: dict[str, str] = {}
        step = 0 if self.first else STEP
        for word in words:
            if re.fullmatch(r"\+[\d.]+[a-z]+", word):
                step = _duration(word)
                continue
            key, _, value = word.partition("=")
            if key not in WORDS and key not in FIELDS and not key[:1].isupper():
                raise ValueError(f"{key}: no such option")
            options[key] = value or "yes"
        if "copy" in options and step == STEP:
            step = 20_000
        self.first = False
        self.now += step
        source, target = (left, right) if arrow == "->" else (right, left)
        if what in EVENTS:
            at = Datagram(self.now, source.ip, source.port, target.ip, target.port, b"")
            self.sent += self.links.event(source, target, what, at, options)
            return
        if what == "icmp":
            self._icmp(source, target, options)
            return
        is_code = what.isdigit()
        if "resend" in options or "copy" in options:
            old = self.octets[source.name, target.name, what]
            self._send(old.payload, source, target, what, options, old.ip_id if "copy" in options else None)
        elif is_code:
            self._send(self.conversation.response(target, source, int(what), options), source, target, what, options)
        else:
            self._send(self.conversation.request(source, target, what, options), source, target, what, options)

    def _icmp(self, source: Party, target: Party, options: dict[str, str]) -> None:
        """An ICMP error about the last datagram of who receives it."""
        about = self.last[target.name, options.get("of", source.name)]
        ends = about.src, about.src_port, about.dst, about.dst_port
        packet = Packet(self.now, about.src, about.dst, UDP, udp(*ends, about.payload), about.ip_id, about.vlan)
        quote = int(options["quote"]) if "quote" in options else None
        error = icmp(self.now, source.ip, options["error"], packet, quote)
        self.sent.append(error)
        self.sent += [_mirrored(error, target, mirror) for mirror in self.mirrors]

    def _send(
        self,
        payload: bytes,
        source: Party,
        target: Party,
        what: str,
        options: dict[str, str],
        ip_id: int | None = None,
    ) -> None:
        seen = self.now + (_duration(options["skew"]) if "skew" in options else 0)
        vlan = int(options["vlan"]) if "vlan" in options else source.vlan
        interface = int(options.get("interface", 0))
        for delay in (0, *_timer_resends(what, int(options.get("resends", 0)))):
            number = self.conversation.number() % 65535 + 1 if ip_id is None else ip_id
            number = number if source.has_ip_id else 0
            ends = (source.ip, source.port, target.ip, target.port)
            datagram = Datagram(seen + delay, *ends, payload, number, vlan, interface)
            self.octets[source.name, target.name, what] = datagram
            self.last[source.name, target.name] = datagram
            if self.links.knows(source, target):
                if {"behind", "copy", "vlan"} & options.keys():
                    raise ValueError("behind, copy, vlan: of messages in one datagram")
                packets = self.links.packets(source, target, datagram, options)
                self.sent += packets
                self.sent += [_mirrored(packet, target, mirror) for packet in packets for mirror in self.mirrors]
            elif "lost" not in options:
                self.sent.append(datagram)
                if "behind" in options:
                    self.behind.append((datagram, int(options["behind"])))
                self.sent += [_mirrored(datagram, target, mirror) for mirror in self.mirrors]


def _mirror(words: list[str]) -> dict[str, str]:
    """What is said of a second showing: its delay, VLAN and interface."""
    return {"delay": words[0]} | {key: value for key, _, value in (word.partition("=") for word in words[1:])}


def _mirrored(sent: AnySent, target: Party, mirror: dict[str, str]) -> AnySent:
    vlan = int(mirror["vlan"]) if "vlan" in mirror else target.vlan
    return sent._replace(ts=sent.ts + _duration(mirror["delay"]), vlan=vlan, interface=int(mirror.get("interface", 0)))


def _step(text: str) -> int:
    """Nanoseconds by which a clock is put on ("+5s") or back ("-5s")."""
    return -_duration(text[1:]) if text.startswith("-") else _duration(text)


def _duration(text: str) -> int:
    """Nanoseconds of "+1.2s"; exact, because the edges of timers are tested."""
    match = re.fullmatch(r"\+?(\d+)(?:\.(\d+))?([a-z]+)", text)
    if match is None or match[3] not in UNITS:
        raise ValueError(f"{text}: not a time")
    unit: int = UNITS[match[3]]
    fraction = match[2] or "0"
    scale: int = 10 ** len(fraction)
    return int(match[1]) * unit + int(fraction) * unit // scale


def _timer_resends(what: str, count: int) -> Iterator[int]:
    """When a message is repeated, RFC 3261 §17: T1 doubling, but for an INVITE no further than T2."""
    interval, at = 500 * UNITS["ms"], 0
    for _ in range(count):
        at += interval
        yield at
        interval = interval * 2 if what == "INVITE" else min(interval * 2, 4 * UNITS["s"])


def sent(text: str) -> list[Datagram | Packet]:
    """What a ladder sends, in the order of the capture."""
    ladder = Ladder()
    ladder.read(text)
    return ladder.in_order()


class Played:
    """A ladder after analysis: the tables as lists of rows, and the result itself."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def rows(self, table: str) -> list[dict[str, Any]]:
        """A kept table, row by row."""
        return list(self.result.columns(table).rows())

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.rows("calls")

    @property
    def registrations(self) -> list[dict[str, Any]]:
        return self.rows("registrations")

    @property
    def transactions(self) -> list[dict[str, Any]]:
        return self.rows("transactions")


def play(text: str, **options: Any) -> Played:
    """Run a ladder through the whole program, from a capture's octets to its tables."""
    import analyzer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.pcap"
        write_pcap(sent(text), path)
        options.setdefault("keep", ("calls", "registrations", "transactions"))
        return Played(analyzer.analyze(str(path), **options))


def check_calls(text: str, *expected: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Play a ladder and hold its calls against the columns given for each; the rows, for more questions."""
    rows = play(text, **options).calls
    assert len(rows) == len(expected), f"{len(rows)} calls instead of {len(expected)}"
    seen = [{name: row[name] for name in wanted} for row, wanted in zip(rows, expected, strict=True)]
    assert seen == list(expected), f"expected {list(expected)}\nseen     {seen}"
    return rows


def check_call(text: str, **expected: Any) -> dict[str, Any]:
    """`check_calls` for a ladder that is one call."""
    return check_calls(text, expected)[0]
