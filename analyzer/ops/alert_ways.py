"""The ways that a notice goes: syslog, a webhook, a command. (Standard error is written by the loop itself.)

Everything that may take time is done in a thread of that way, the loop only puts notices into a bounded queue. What
travels are JSON, environment variables and escaped lines: nothing of it is ever read by a shell.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from analyzer.wiretext import printable_text

#: Notices that wait for one way, and how long one delivery may take.
WAITING, WEBHOOK_S, COMMAND_S = 64, 10, 30
#: Seconds between the tries of one notice.
WAITS_S = (2.0, 10.0, 30.0)
#: A line of syslog is cut here: RFC 3164 §4.1 promises 1024 octets.
SYSLOG_OCTETS = 1000
SYSLOG = "/dev/log"


@dataclass(frozen=True)
class NamedEndpoint:
    """An endpoint that an alert is about; see `alert_readings.Reading`."""

    address: str
    network: int | None
    alias: str | None
    numerator: int
    denominator: int | None


@dataclass(frozen=True)
class Notice:
    """What is told of an alert, once.

    ``state``: firing, over, or test. ``rule``: its condition; ``text``: what was measured. ``value``: the count, or the
    share between 0 and 1. ``ts``, ``since_ts``: ns; since when it holds.
    """

    name: str
    state: str
    rule: str
    text: str
    ts: int
    since_ts: int
    value: float | None = None
    numerator: int | None = None
    denominator: int | None = None
    span_s: int = 0
    endpoints: tuple[NamedEndpoint, ...] = ()

    @property
    def line(self) -> str:
        """All of it in one safe line."""
        return printable_text(f"alert {self.name}: {self.state}: {self.text} (rule: {self.rule})")

    def document(self) -> dict[str, Any]:
        """The JSON document of a webhook."""
        return {
            "program": "sipcause",
            "alert": printable_text(self.name),
            "state": self.state,
            "text": printable_text(self.text),
            "rule": printable_text(self.rule),
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "span_s": self.span_s,
            "ts": _time_text(self.ts),
            "since": _time_text(self.since_ts),
            "endpoints": [vars(e) | {"address": printable_text(e.address)} for e in self.endpoints],
        }

    def environment(self) -> dict[str, str]:
        """The environment variables of a command; what is not known is empty."""
        endpoints = " ".join(printable_text(e.address) for e in self.endpoints)
        values = {
            "NAME": self.name, "STATE": self.state, "TEXT": self.text, "RULE": self.rule, "VALUE": self.value,
            "NUMERATOR": self.numerator, "DENOMINATOR": self.denominator, "SPAN": self.span_s,
            "ENDPOINT": endpoints.partition(" ")[0], "ENDPOINTS": endpoints,
            "TIME": _time_text(self.ts), "SINCE": _time_text(self.since_ts),
        }  # fmt: skip
        return {
            f"SIPCAUSE_ALERT_{key}": "" if value is None else printable_text(str(value))
            for key, value in values.items()
        }


def _time_text(ts: int) -> str:
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Undelivered(Exception):
    """A notice did not arrive; the message says why, without secrets."""


class Way(Protocol):
    """One way to tell a notice. Equal ways share a thread."""

    @property
    def title(self) -> str:
        """What it is, without secrets."""

    def deliver(self, notice: Notice) -> None:
        """Tell it, within bounded time; Undelivered or OSError when that failed."""


@dataclass(frozen=True)
class Syslog:
    """A datagram to the machine's log: facility daemon, warning when it fires, notice when it is over."""

    path: str = SYSLOG
    title: ClassVar[str] = "syslog"

    def deliver(self, notice: Notice) -> None:
        """Send the line; OSError when nobody listens."""
        severity = 4 if notice.state == "firing" else 5
        stamp = time.strftime("%b %e %H:%M:%S", time.localtime(notice.ts // 1_000_000_000))
        head = f"<{3 << 3 | severity}>{stamp} sipcause[{os.getpid()}]: "
        octets = (head + notice.line).encode("utf-8", "backslashreplace")[:SYSLOG_OCTETS]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(WEBHOOK_S)
            sender.connect(self.path)
            sender.send(octets)


@dataclass(frozen=True)
class Webhook:
    """POST of the JSON document. ``url`` may be a secret, as may ``headers``: only its host is ever shown."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """The host."""
        parts = urlsplit(self.url)
        return f"webhook {parts.scheme}://{parts.hostname}"

    def deliver(self, notice: Notice) -> None:
        """Send it; certificates are verified, redirects are not followed, every answer but 2xx is a failure."""
        from http.client import HTTPException
        from urllib import request
        from urllib.error import HTTPError, URLError

        class Still(request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        # Not the default handlers: those would open files and ftp:// as well.
        opener = request.OpenerDirector()
        for handler in (
            request.ProxyHandler, request.HTTPHandler, request.HTTPSHandler, Still,
            request.HTTPDefaultErrorHandler, request.HTTPErrorProcessor,
        ):  # fmt: skip
            opener.add_handler(handler())
        octets = json.dumps(notice.document()).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "sipcause", **dict(self.headers)}
        asked = request.Request(self.url, octets, headers, method="POST")
        try:
            answer = opener.open(asked, timeout=WEBHOOK_S)
            if answer is None:  # a proxy of a kind that is not http
                raise Undelivered("no way to reach it")
            with answer:
                answer.read(1024)
        except HTTPError as error:
            error.close()
            raise Undelivered(f"answered {error.code}") from None
        except URLError as error:
            reason = getattr(error.reason, "strerror", None) or str(error.reason)
            raise Undelivered(printable_text(reason[:200])) from None
        except (HTTPException, ValueError) as error:
            raise Undelivered(f"no HTTP answer ({type(error).__name__})") from None


@dataclass(frozen=True)
class Command:
    """A program with its arguments, started without a shell; the notice is in its environment.

    ``hidden``: environment variables that it does not get, because they hold the secrets of webhooks.
    """

    arguments: tuple[str, ...]
    hidden: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """The program."""
        return f"command {printable_text(self.arguments[0])}"

    def deliver(self, notice: Notice) -> None:
        """Run it to its end; whoever takes too long is killed with all that it started."""
        kept = {key: value for key, value in os.environ.items() if key not in self.hidden}
        process = subprocess.Popen(
            self.arguments, env=kept | notice.environment(), cwd="/", close_fds=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            code = process.wait(COMMAND_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Undelivered(f"was killed after {COMMAND_S} s") from None
        if code:
            raise Undelivered(f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}")


class Courier:
    """Tells notices by one way, in order, in a thread of its own that starts with the first one.

    ``report`` gets a line when the way fails, and one when it works again; it is called in that thread. ``waits_s``:
    between tries; after the last one the notice is given up.
    """

    def __init__(self, way: Way, report: Callable[[str], None], waits_s: tuple[float, ...] = WAITS_S) -> None:
        self._way, self._report, self._waits_s = way, report, waits_s
        self._notices: queue.Queue[Notice | None] = queue.Queue(WAITING)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def send(self, notice: Notice) -> None:
        """Tell it some time; never blocks. When too many wait the oldest is lost."""
        if self._closing.is_set():
            return
        self._put(notice)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"alerts {self._way.title}", daemon=True)
            self._thread.start()

    def close(self, patience_s: float) -> bool:
        """Try what waits once more, for so many seconds at most; twice does no harm. Whether that was enough."""
        self._closing.set()
        if self._thread is None:
            return True
        self._put(None)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _put(self, notice: Notice | None) -> None:
        while True:
            try:
                return self._notices.put_nowait(notice)
            except queue.Full:
                try:
                    self._notices.get_nowait()
                except queue.Empty:
                    continue

    def _run(self) -> None:
        while (notice := self._notices.get()) is not None:
            self._tell(notice)

    def _tell(self, notice: Notice) -> None:
        for wait_s in (*self._waits_s, None):
            try:
                self._way.deliver(notice)
            except Exception as error:  # whatever a way does, its thread goes on
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                if not self._is_failing:
                    again = "; it is tried again" if self._waits_s else ""
                    self._report(f"alerts: {self._way.title}: {printable_text(reason)}{again}")
                self._is_failing = True
            else:
                if self._is_failing:
                    self._report(f"alerts: {self._way.title}: works again")
                self._is_failing = False
                return
            if wait_s is None or self._closing.is_set():
                return
            self._closing.wait(wait_s)


def secrets(environment: Mapping[str, str], name: str) -> str | None:
    """The value of an environment variable that may stand in a header field; None when it is not set or cannot."""
    value = environment.get(name, "").strip()
    return value if value and value.isprintable() and value.isascii() else None
