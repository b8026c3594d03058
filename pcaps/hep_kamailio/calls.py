"""Calls through a real Kamailio whose siptrace module sends HEP: a caller and a callee out of plain sockets.

    python3 calls.py        makes the calls of this folder, with HEP to port 9060 of 127.0.0.1 (see make.sh)
"""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
#: HEP version, its transport, and the calls (Call-ID, final status of the callee).
RECORDED = [
    (3, "udp", [("answered", "200 OK"), ("busy", "486 Busy Here"), ("full", "503 Service Unavailable")]),
    (2, "udp", [("unknown", "404 Not Found")]),
    (1, "udp", [("declined", "603 Decline")]),
    (3, "tcp", [("not-wanted", "488 Not Acceptable Here")]),
]
#: What a slow machine may take for anything.
PATIENCE_S = 20.0


@contextmanager
def kamailio(proxy: int, callee: int, collector: int, version: int, transport: str = "udp") -> Iterator[None]:
    """A Kamailio that relays from port ``proxy`` to port ``callee`` and tells the port ``collector`` by HEP."""
    uri = f"sip:127.0.0.1:{collector}" + (";transport=tcp" if transport == "tcp" else "")
    config = (HERE / "kamailio.cfg").read_text(encoding="utf-8")
    for name, value in (("PROXY", proxy), ("CALLEE", callee), ("COLLECTOR", uri), ("VERSION", version)):
        config = config.replace(f"@{name}@", str(value))
    with tempfile.TemporaryDirectory(prefix="sipcause-") as folder:
        path = Path(folder, "kamailio.cfg")
        path.write_text(config, encoding="utf-8")
        said = Path(folder, "said")
        arguments = ["-f", str(path), "-DD", "-E", "-Y", folder, "-P", f"{folder}/pid", "-m", "32", "-M", "4"]
        with said.open("wb") as output:
            running = subprocess.Popen(["kamailio", *arguments], stdout=output, stderr=output)
        try:
            _until_it_listens(proxy, running, said)
            yield
        finally:
            running.terminate()
            running.wait(PATIENCE_S)


def _until_it_listens(port: int, running: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if running.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"kamailio does not start: {said.read_text(errors='replace')}") from None
            time.sleep(0.05)
        else:
            return


class Party:
    """A user agent on a UDP socket of 127.0.0.1; ``seen`` is every message that it sent or got."""

    def __init__(self, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind(("127.0.0.1", port))
        self.port: int = self.socket.getsockname()[1]
        self.seen: list[bytes] = []

    def send(self, text: str, port: int) -> None:
        octets = text.replace("\n", "\r\n").encode()
        self.seen.append(octets)
        self.socket.sendto(octets, ("127.0.0.1", port))

    def receive(self, start: str) -> str:
        """The next message with this start; others are looked over."""
        while True:
            octets = self.socket.recv(65_535)
            self.seen.append(octets)
            text = octets.decode().replace("\r\n", "\n")
            if text.startswith(start):
                return text

    def close(self) -> None:
        self.socket.close()


def fields(message: str, *names: str) -> str:
    """Header fields of a message, as they stand in it."""
    return "".join(f"{line}\n" for line in message.split("\n") if line.partition(":")[0] in names)


def make_call(caller: Party, callee: Party, proxy: int, call_id: str, status: str) -> None:
    """One call: refused with this status or, with 200, answered and hung up by the caller."""
    number = 1

    def request(method: str, uri: str, branch: str, to_tag: str, more: str = "") -> str:
        return (
            f"{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:{caller.port};branch=z9hG4bK-{call_id}-{branch}\n"
            f"From: <sip:alice@example.com>;tag={call_id}-a\nTo: <sip:bob@example.com>{to_tag}\n"
            f"Call-ID: {call_id}@example.com\nCSeq: {number} {method}\nMax-Forwards: 70\n"
            f"Contact: <sip:alice@127.0.0.1:{caller.port}>\n{more}Content-Length: 0\n\n"
        )

    def answer(asked: str, status: str) -> None:
        copied = fields(asked, "Via", "Record-Route", "From", "Call-ID", "CSeq")
        to = fields(asked, "To").rstrip("\n")
        tag = "" if ";tag=" in to else f";tag={call_id}-b"
        contact = f"Contact: <sip:bob@127.0.0.1:{callee.port}>\n"
        callee.send(f"SIP/2.0 {status}\n{copied}{to}{tag}\n{contact}Content-Length: 0\n\n", proxy)

    caller.send(request("INVITE", "sip:bob@example.com", "1", ""), proxy)
    asked = callee.receive("INVITE")
    answer(asked, "180 Ringing")
    caller.receive("SIP/2.0 180")
    answer(asked, status)
    if not status.startswith("200"):
        callee.receive("ACK")
        final = caller.receive("SIP/2.0 " + ("500" if status.startswith("503") else status[:3]))  # RFC 3261 §16.7
        to_tag = ";tag=" + fields(final, "To").rstrip("\n").partition(";tag=")[2]
        caller.send(request("ACK", "sip:bob@example.com", "1", to_tag), proxy)
        return
    final = caller.receive("SIP/2.0 200")
    routes = re.sub("^Record-Route", "Route", fields(final, "Record-Route"), flags=re.MULTILINE)
    contact = f"sip:bob@127.0.0.1:{callee.port}"
    caller.send(request("ACK", contact, "2", f";tag={call_id}-b", routes), proxy)
    callee.receive("ACK")
    number = 2
    caller.send(request("BYE", contact, "3", f";tag={call_id}-b", routes), proxy)
    answer(callee.receive("BYE"), "200 OK")
    caller.receive("SIP/2.0 200")


def main() -> None:
    """The calls of this folder, one Kamailio after the other."""
    with socket.create_server(("127.0.0.1", 9060)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 9060))
        caller, callee = Party(5062), Party(5064)
        for version, transport, calls in RECORDED:
            with kamailio(5060, callee.port, 9060, version, transport):
                for call_id, status in calls:
                    make_call(caller, callee, 5060, call_id, status)
                time.sleep(1)  # for what goes over TCP


if __name__ == "__main__":
    main()
