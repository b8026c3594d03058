"""The demo: a made morning of a small operator, with an incident to find; pcaps/README.md says what is planted.

Everything follows from one seed. While the calls are made up their outcomes are written down, and that book
is ``demo.toml``: the test of the demo holds the program against it.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime
from pathlib import Path

from pcaps import demo_calls
from pcaps.demo_calls import Scenario, Script, Truth
from tests.flow import Ladder
from tests.flow_octets import Party
from tests.frames import Datagram, write_pcap

SECOND = 10**9


class Morning:
    """From 07:00 to 12:00 of a day. ``incident``: from when to when trunk 2 is full, None without one.

    ``share``: of the demo's calls that there are, and of those that meet the incident while it lasts.
    """

    def __init__(
        self, day: str, seed: int, incident: tuple[str, str] | None, share: float = 1.0, met: float = 1.0
    ) -> None:
        self.day, self.seed, self.share, self.met = day, seed, share, met
        begins, ends = incident or ("07:00", "07:00")
        self.begin, self.end, self.incident_begin, self.incident_end = (
            int(datetime.fromisoformat(f"{day}T{clock}:00+01:00").timestamp()) * SECOND
            for clock in ("07:00", "12:00", begins, ends)
        )

    def is_incident(self, at: int) -> bool:
        """Whether the incident is on at a time."""
        return self.incident_begin <= at < self.incident_end


DEMO = Morning("2026-03-10", 20260310, ("09:12", "09:47"))
#: Attempts an hour from 07:00 on: an office morning.
PER_HOUR = (210, 490, 790, 860, 670)

PARTIES = {
    party.name: party
    for party in (
        Party("sbc", "192.0.2.1", agent="Kamailio (5.6.3)", compact=True),
        Party("registrar", "192.0.2.5", agent="Kamailio (5.6.3)"),
        Party("platform", "192.0.2.20", agent="Asterisk PBX 18.9-cert4", compact=True),
        Party("ringgroups", "192.0.2.21", agent="FreeSWITCH-mod_sofia/1.10.9"),
        Party("trunk1", "203.0.113.11", agent="Cisco-SIPGateway/IOS-15.4"),
        Party("trunk2", "203.0.113.22", compact=True),
        Party("trunk3", "203.0.113.33", compact=True),
        Party("scanner", "203.0.113.200", agent="friendly-scanner"),
        Party("gigaset", "198.51.100.101", agent="C530A IP/42.231.00.000.000"),
        Party("practice", "198.51.100.110", agent="FRITZ!OS"),
        *(Party(f"pbx{n}", f"198.51.100.{10 + n}", agent=agent) for n, agent in enumerate(
            ("Asterisk PBX 16.2.1", "3CXPhoneSystem 12.5.44178.1002", "FreeSWITCH-mod_sofia/1.10.7",
             "Cisco-CUCM11.5", "FPBX-15.0.16(16.9.0)", "Asterisk PBX 13.10.0"), 1)),
        *(Party(f"phone{n}", f"198.51.100.{120 + n}", agent=agent) for n, agent in enumerate(
            ("FRITZ!OS", "Yealink SIP-T46S 66.84.0.15", "snom370/8.7.5.35", "Cisco/SPA122-1.3.5",
             "FRITZ!OS", "PolycomVVX-VVX_400-UA/5.9.0"), 1)),
    )
}  # fmt: skip

IN = "in"
DIRECT = "direct"
PROXIED = "proxied"
#: How often each thing happens on an ordinary morning, and on which ways it can.
USUAL: list[tuple[float, Scenario, tuple[str, ...]]] = [
    (62, demo_calls.answered, (DIRECT, PROXIED, IN, "gigaset")),
    (9, demo_calls.busy, (DIRECT, PROXIED, IN)),
    (8, demo_calls.cancelled, (DIRECT, PROXIED)),
    (4, demo_calls.no_answer, (DIRECT, PROXIED)),
    (2, demo_calls.no_answer_timer, (PROXIED,)),
    (1.4, demo_calls.abandoned, (DIRECT,)),
    (4, demo_calls.invalid_number, (DIRECT, PROXIED)),
    (3, demo_calls.unavailable, (DIRECT, PROXIED)),
    (0.7, demo_calls.declined, (DIRECT, IN)),
    (0.8, demo_calls.forbidden, (DIRECT,)),
    (1.2, demo_calls.failed, (DIRECT, PROXIED)),
    (0.6, demo_calls.silent, (DIRECT,)),
    (1.2, demo_calls.proxy_timeout, (IN,)),
    (0.5, demo_calls.redirected, (DIRECT,)),
    (45, demo_calls.gigaset, ("gigaset",)),
    (1.5, demo_calls.auth_failed, (PROXIED,)),
    (0.3, demo_calls.auth_abandoned, (PROXIED,)),
    (0.5, demo_calls.blocked, (DIRECT,)),
    (1.0, demo_calls.abnormal_release, (DIRECT, PROXIED)),
    (0.2, demo_calls.no_ack, (DIRECT,)),
]
#: What happens on trunk 2 during the incident.
INCIDENT: list[tuple[float, Scenario, tuple[str, ...]]] = [
    (50, demo_calls.cause_34, (DIRECT, PROXIED)),
    (25, demo_calls.plain_503, (DIRECT, PROXIED)),
    (200, demo_calls.rerouted, (PROXIED,)),
]


class Book:
    """What was planted into a morning."""

    def __init__(self, morning: Morning = DEMO) -> None:
        self.morning = morning
        self.datagrams: list[Datagram] = []
        self.truths: list[tuple[int, Truth, list[str]]] = []
        self.registrations: Counter[str] = Counter()

    def play(self, name: str, start: int, lines: list[str]) -> bool:
        """Add a ladder; False, and nothing added, where it would run beyond the end of the capture."""
        ladder = Ladder(start, salt=name if self.morning is DEMO else f"{self.morning.day} {name}")
        ladder.parties = PARTIES
        ladder.read("\n".join(lines))
        made = ladder.in_order()
        if made[-1].ts >= self.morning.end:
            return False
        self.datagrams += [one for one in made if isinstance(one, Datagram)]
        return True


def write_demo(target: Path) -> None:
    """Write ``demo.pcapng`` and ``demo.toml`` into a folder."""
    book, rng = Book(), random.Random(DEMO.seed)
    calls(book, rng)
    ring_groups(book, rng)
    _cut_by_the_end(book, rng)
    registrations(book, rng)
    pings(book)
    scanner(book, rng)
    _media(book, rng)
    book.datagrams.sort(key=lambda datagram: datagram.ts)
    write_pcap(book.datagrams, target / "demo.pcapng")
    (target / "demo.toml").write_text(_toml(book), encoding="utf-8")


def calls(book: Book, rng: random.Random) -> None:
    """Calls of all kinds, as often as an office morning has them."""
    begin, end = book.morning.begin, book.morning.end
    at, number = begin, 0
    while True:
        rate = PER_HOUR[min((at - begin) // (3600 * SECOND), len(PER_HOUR) - 1)]
        at += int(rng.expovariate(rate * book.morning.share / 3600) * SECOND)
        if at >= end - 30 * SECOND:
            return
        incident = book.morning.is_incident(at) and (book.morning.met == 1 or rng.random() < book.morning.met)
        way = rng.choices((DIRECT, PROXIED, IN, "gigaset"), (80, 11, 8, 1))[0]
        trunk = rng.choices(("trunk1", "trunk2", "trunk3"), (45, 35, 20))[0]
        path = {
            DIRECT: ["platform", trunk],
            PROXIED: [f"pbx{rng.randint(1, 6)}", "sbc", trunk],
            IN: ["trunk1", "sbc", rng.choice(("practice", "practice", "practice", "phone1", "phone2", "phone3"))],
            "gigaset": ["trunk1", "sbc", "gigaset"],
        }[way]
        if incident and path[-1] == "practice":
            scenario: Scenario = demo_calls.codec_refused
        else:
            table = INCIDENT if incident and path[-1] == "trunk2" else USUAL
            fitting = [(weight, scenario) for weight, scenario, ways in table if way in ways]
            scenario = rng.choices([s for _, s in fitting], [w for w, _ in fitting])[0]
        script = Script(path, rng, _users(rng))
        truth = scenario(script, rng)
        if book.play(f"call{number}", at, script.lines):
            book.truths.append((at, truth, path))
        number += 1


def _users(rng: random.Random) -> tuple[str, str]:
    """Numbers that nobody has: Ofcom's and the Bundesnetzagentur's ranges for film and fiction."""
    caller = f"+442079460{rng.randint(0, 999):03d}"
    kind = rng.random()
    if kind < 0.6:
        return caller, f"+493023125{rng.randint(0, 999):03d}"
    return (
        caller,
        f"+447700900{rng.randint(0, 999):03d}" if kind < 0.8 else f"+441632960{rng.randint(0, 999):03d}",
    )


def ring_groups(book: Book, rng: random.Random) -> None:
    """Three phones ring with a call each; one answers, the others are told so (RFC 3326)."""
    for number in range(round(24 * book.morning.share)):
        at = book.morning.begin + rng.randint(600, 17000) * SECOND
        phones = rng.sample([f"phone{n}" for n in range(1, 7)], 3)
        script = Script(["ringgroups", phones[0]], rng, _users(rng))
        caller = f"from={script.users[0]}"
        for n, phone in enumerate(phones):
            script.say("ringgroups", "->", phone, "INVITE", f"call={n} {caller} to={200 + n}")
            script.say("ringgroups", "<-", phone, "180", f"call={n}")
        script.say("ringgroups", "<-", phones[0], "200", "call=0", seconds=rng.uniform(2, 15))
        script.say("ringgroups", "->", phones[0], "ACK", "call=0")
        for n in (1, 2):
            script.say("ringgroups", "->", phones[n], "CANCEL", f"call={n} reason=SIP;cause=200")
            script.say("ringgroups", "<-", phones[n], "200", f"call={n} for=CANCEL")
            script.say("ringgroups", "<-", phones[n], "487", f"call={n} for=INVITE")
            script.say("ringgroups", "->", phones[n], "ACK", f"call={n}")
        script.say("ringgroups", "->", phones[0], "BYE", "call=0", seconds=rng.uniform(20, 200))
        script.say("ringgroups", "<-", phones[0], "200", "call=0")
        assert book.play(f"group{number}", at, script.lines)
        book.truths.append((at, Truth("answered", 200, release="normal"), ["ringgroups", phones[0]]))
        book.truths += [(at, Truth("elsewhere", 487), ["ringgroups", phone]) for phone in phones[1:]]


def _cut_by_the_end(book: Book, rng: random.Random) -> None:
    """What is still going on when the capture ends: six conversations and four phones that ring."""
    for number in range(10):
        script = Script(["platform", "trunk1"], rng, _users(rng))
        script.invite()
        script.ring()
        talking = number < 6
        at = book.morning.end - (rng.randint(60, 240) if talking else 10) * SECOND
        if talking:
            script.answer()
        assert book.play(f"cut{number}", at, script.lines)
        truth = Truth("answered", 200, release="still_up") if talking else Truth("open", None)
        book.truths.append((at, truth, script.path))


def registrations(book: Book, rng: random.Random, rounds: int = 4) -> None:
    """Every device registers again and again; one of them is refused."""
    devices = ["gigaset", "practice", *(f"phone{n}" for n in range(1, 7)), *(f"pbx{n}" for n in range(1, 7))]
    for device in devices:
        at = book.morning.begin + rng.randint(5, 3000) * SECOND
        for round_ in range(rounds):
            script = Script([device, "registrar"], rng, ("", ""))
            refused = device == "phone4"
            for answer in ("401", "403" if refused else "200"):
                script.say(device, "->", "registrar", "REGISTER", "expires=3600")
                script.say(device, "<-", "registrar", answer, "" if answer[0] == "4" else "expires=3600")
            assert book.play(f"register {device} {round_}", at, script.lines)
            book.registrations["rejected" if refused else "registered"] += 1
            at += 3500 * SECOND


def pings(book: Book) -> None:
    """OPTIONS to every trunk, each ten minutes."""
    for at in range(book.morning.begin + 20 * SECOND, book.morning.end, 600 * SECOND):
        for trunk in ("trunk1", "trunk2", "trunk3"):
            assert book.play(f"ping {trunk} {at}", at, [f"sbc -> {trunk} OPTIONS", f"sbc <- {trunk} 200 +9ms"])


def scanner(book: Book, rng: random.Random) -> None:
    """Somebody tries the door: 40 INVITEs in two minutes, each challenged and not heard of again."""
    for number in range(40):
        at = book.morning.begin + 10_000 * SECOND + number * 3 * SECOND
        script = Script(["scanner", "sbc"], rng, (str(100 + number), f"00{rng.randint(10**9, 10**10 - 1)}"))
        truth = demo_calls.auth_abandoned(script, rng)
        assert book.play(f"scan{number}", at, script.lines)
        book.truths.append((at, truth, script.path))


def _media(book: Book, rng: random.Random) -> None:
    """A little RTP, so that a reader has something to pass over."""
    for number in range(250):
        payload = bytes((0x80, 8)) + number.to_bytes(2, "big") + bytes(8) + b"\xd5" * 40
        book.datagrams.append(
            Datagram(
                book.morning.begin + 7_200 * SECOND + number * 20_000_000,
                "192.0.2.20",
                4000,
                "203.0.113.11",
                4000,
                payload,
            )
        )


FAILURES = ("invalid_number", "unauthorized", "blocked", "timed_out", "failed", "rejected")
NOT_UNSUCCESSFUL = ("answered", "elsewhere", "redirected", "open")


def _toml(book: Book) -> str:
    """The book, counted."""
    truths = [truth for _, truth, _ in book.truths]
    bad = [truth for truth in truths if truth.outcome not in NOT_UNSUCCESSFUL]
    failures = [truth for truth in truths if truth.outcome in FAILURES]
    during = [t for at, t, path in book.truths if book.morning.is_incident(at) and "trunk2" in path]
    trunk2 = [truth for truth in during if truth.failed_by == "trunk2"]
    first_lines = [datagram.payload.split(b"\r\n", 1)[0].decode("latin-1") for datagram in book.datagrams]
    responses = Counter(line.split(" ")[1] for line in first_lines if line.startswith("SIP/2.0 "))
    requests = Counter(line.split(" ")[0] for line in first_lines if line.endswith(" SIP/2.0"))
    refused = Counter(
        truth.failed_by for at, truth, _ in book.truths
        if truth.outcome == "rejected" and truth.status_code == 488
    )  # fmt: skip
    tables: dict[str, dict[str, int]] = {
        "frames": {"total": len(book.datagrams)},
        "calls": {"total": len(truths), "unsuccessful": len(bad), "failures": len(failures)},
        "calls.by_outcome": Counter(truth.outcome for truth in truths),
        "calls.by_status_code": Counter(str(truth.status_code or "none") for truth in truths),
        "calls.by_release": Counter(truth.release for truth in truths if truth.release),
        "causes": Counter(str(truth.cause) for truth in bad),
        "failures_as_responder": Counter(PARTIES[truth.failed_by].ip for truth in failures if truth.failed_by),
        "responses": responses,
        "requests": requests,
        "registrations": book.registrations,
        "incident": {
            "failed_with_read_cause_34": sum(truth.cause == 34 for truth in trunk2),
            "failed_without_reason": sum(truth.cause != 34 for truth in trunk2),
            "rerouted_and_answered": sum(truth.outcome == "answered" for truth in during),
            "refused_488_by_one_device": refused["practice"],
        },
    }
    lines = ["# Written by pcaps/make.py together with demo.pcapng; what is planted stands in README.md."]
    for name, counts in tables.items():
        lines += ["", f"[{name}]", *(f'"{key}" = {counts[key]}' for key in sorted(counts, key=str))]
    return "\n".join(lines) + "\n"
