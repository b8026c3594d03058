"""Ways to tell an alert: a webhook on loopback, programs, a datagram socket; hostile texts; what fails."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from analyzer.ops import alert_ways
from analyzer.ops.alert_ways import (
    SYSLOG_OCTETS,
    WAITING,
    Command,
    Courier,
    NamedEndpoint,
    Notice,
    Syslog,
    Undelivered,
    Webhook,
)
from tests.ops.made import START

HOSTILE = "$(touch pwned) `touch pwned`; touch pwned\n<3>root: fake\r\nX-Evil: 1\0\x1b[2J\u202e'\""
NOTICE = Notice(
    name="answer rate",
    state="firing",
    rule="SER < 90 % over 15m, n >= 50",
    text="SER 62.0 % (31 of 50) over 15m",
    ts=START + 90_000_000_000,
    since_ts=START,
    value=0.62,
    numerator=31,
    denominator=50,
    span_s=900,
    endpoints=(NamedEndpoint("192.0.2.9", 5, "SBC 1", 31, 50),),
)
EVIL = replace(NOTICE, name=HOSTILE, text=HOSTILE, rule=HOSTILE, endpoints=(NamedEndpoint(HOSTILE, None, None, 1, 2),))


class Hook(BaseHTTPRequestHandler):
    """Keeps what is posted; answers what the server was told to answer."""

    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), json.loads(body)))
        code, headers = self.server.answers.pop(0) if self.server.answers else (204, {})
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.asked.set()

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Hook)
    server.got, server.answers, server.asked = [], [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_address[1]}/hook/SECRET"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_webhook_gets_the_document(hook: Any) -> None:
    Webhook(hook.url, (("Authorization", "Bearer T"), ("X-Key", "K"))).deliver(NOTICE)
    ((path, headers, document),) = hook.got
    assert path == "/hook/SECRET"
    assert (headers["Authorization"], headers["X-Key"], headers["Content-Type"]) == (
        "Bearer T",
        "K",
        "application/json",
    )
    assert document == {
        "program": "sipcause",
        "alert": "answer rate",
        "state": "firing",
        "text": "SER 62.0 % (31 of 50) over 15m",
        "rule": "SER < 90 % over 15m, n >= 50",
        "value": 0.62,
        "numerator": 31,
        "denominator": 50,
        "span_s": 900,
        "ts": "2026-11-17T07:01:30Z",
        "since": "2026-11-17T07:00:00Z",
        "endpoints": [{"address": "192.0.2.9", "network": 5, "alias": "SBC 1", "numerator": 31, "denominator": 50}],
    }


def test_a_webhook_follows_nobody_and_tells_no_secret(hook: Any) -> None:
    way = Webhook(hook.url, (("Authorization", "Bearer T"),))
    assert "SECRET" not in way.title + repr(way)
    assert "Bearer" not in repr(way)
    for code in (301, 307, 400, 500):
        hook.answers = [(code, {"Location": hook.url + "/elsewhere"})]
        with pytest.raises(Undelivered, match=f"^answered {code}$"):
            way.deliver(NOTICE)
    assert {path for path, _, _ in hook.got} == {"/hook/SECRET"}


def test_a_webhook_that_is_not_there_or_speaks_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]

        def answer() -> None:
            connection, _ = deaf.accept()
            connection.recv(100)
            connection.sendall(b"220 mail.example ESMTP\r\n" + b"x" * 10)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises((Undelivered, OSError)):
            Webhook(f"http://127.0.0.1:{port}/").deliver(NOTICE)
        thread.join()
    with pytest.raises(Undelivered, match="Connection refused"):
        Webhook(f"http://127.0.0.1:{port}/").deliver(NOTICE)


def test_https_is_verified(hook: Any) -> None:
    with pytest.raises(Undelivered, match=r"SSL|ssl|EOF"):
        Webhook(hook.url.replace("http:", "https:")).deliver(NOTICE)
    assert not hook.got


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_nothing_but_http(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(Undelivered):
        Webhook(f"{scheme}://{tmp_path}/x").deliver(NOTICE)


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "program"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return str(path)


TELL = """import json, os, sys
open(sys.argv[1], "w").write(json.dumps([sys.argv[2:], dict(os.environ), os.getcwd()]))"""


def test_a_command_gets_its_arguments_and_the_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "T")
    out = str(tmp_path / "out")
    Command((script(tmp_path, TELL), out, "--now", "$HOME *"), frozenset({"HOOK_TOKEN"})).deliver(NOTICE)
    arguments, environment, folder = json.loads(Path(out).read_text())
    assert arguments == ["--now", "$HOME *"]
    assert folder == "/"
    assert "HOOK_TOKEN" not in environment
    assert environment["PATH"] == os.environ["PATH"]
    assert {key.removeprefix("SIPCAUSE_ALERT_"): value for key, value in environment.items() if "SIPCAUSE" in key} == {
        "NAME": "answer rate", "STATE": "firing", "TEXT": "SER 62.0 % (31 of 50) over 15m",
        "RULE": "SER < 90 % over 15m, n >= 50", "VALUE": "0.62", "NUMERATOR": "31", "DENOMINATOR": "50", "SPAN": "900",
        "ENDPOINT": "192.0.2.9", "ENDPOINTS": "192.0.2.9",
        "TIME": "2026-11-17T07:01:30Z", "SINCE": "2026-11-17T07:00:00Z",
    }  # fmt: skip


def test_hostile_texts_reach_no_shell_and_break_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = str(tmp_path / "out")
    Command((script(tmp_path, TELL), out)).deliver(EVIL)
    environment = json.loads(Path(out).read_text())[1]
    told = {key: value for key, value in environment.items() if key.startswith("SIPCAUSE_ALERT_")}
    assert "$(touch pwned)" in told["SIPCAUSE_ALERT_TEXT"]
    assert all(value.isprintable() for value in told.values())
    assert EVIL.line.isprintable()
    assert json.dumps(EVIL.document()).isprintable()
    assert all(text.isprintable() for text in (EVIL.document()["text"], EVIL.document()["endpoints"][0]["address"]))
    assert not (tmp_path / "pwned").exists()
    assert not Path("/pwned").exists()


def test_a_command_inherits_no_descriptor(tmp_path: Path) -> None:
    out = tmp_path / "out"
    look = """import os, sys
links = [os.readlink(f"/proc/self/fd/{n}") for n in (0, 1, 2)]
open(sys.argv[2], "w").write(f"{links} {os.path.exists('/proc/self/fd/' + sys.argv[1])}")"""
    with socket.socket() as mine:
        os.set_inheritable(mine.fileno(), True)
        Command((script(tmp_path, look), str(mine.fileno()), str(out))).deliver(NOTICE)
    assert out.read_text() == "['/dev/null', '/dev/null', '/dev/null'] False"


def test_a_command_that_fails(tmp_path: Path) -> None:
    with pytest.raises(Undelivered, match=r"^ended with exit code 3$"):
        Command((script(tmp_path, "raise SystemExit(3)"),)).deliver(NOTICE)
    with pytest.raises(Undelivered, match=r"^was killed by signal 9$"):
        Command((script(tmp_path, "import os; os.kill(os.getpid(), 9)"),)).deliver(NOTICE)
    with pytest.raises(FileNotFoundError):
        Command(("/nonexistent",)).deliver(NOTICE)


def test_a_command_that_stays_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child"
    stay = f"import os, time\nif os.fork() == 0: open({str(child)!r}, 'w').write(f'{{os.getpid()}}.')\ntime.sleep(600)"

    class OutOfTime(subprocess.Popen[bytes]):
        """Time is over when the child of the program is there."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout is None:
                return super().wait()
            while not (child.exists() and child.read_text().endswith(".")):
                time.sleep(0.001)
            raise subprocess.TimeoutExpired(self.args, timeout)

    monkeypatch.setattr(alert_ways.subprocess, "Popen", OutOfTime)
    with pytest.raises(Undelivered, match=r"^was killed after 30 s$"):
        Command((script(tmp_path, stay),)).deliver(NOTICE)
    status = Path("/proc", child.read_text().rstrip("."), "stat")
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.001)


def test_syslog_is_one_line_of_bounded_length(tmp_path: Path) -> None:
    place = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(place)
        log.settimeout(5)
        Syslog(place).deliver(NOTICE)
        line = log.recv(4096).decode()
        assert line.startswith("<28>")  # daemon 3 * 8 + warning 4
        assert line.endswith(f" sipcause[{os.getpid()}]: {NOTICE.line}")
        Syslog(place).deliver(replace(NOTICE, state="over"))
        assert log.recv(4096).startswith(b"<29>")
        Syslog(place).deliver(replace(EVIL, text=HOSTILE * 100))
        cut = log.recv(4096)
        assert len(cut) == SYSLOG_OCTETS
        assert cut.decode().isprintable()
    with pytest.raises(OSError, match="refused"):
        Syslog(place).deliver(NOTICE)


class Fake:
    """A way that does what a list says: raise, or wait for the gate."""

    title = "fake"

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes, self.got = list(outcomes), list[str]()
        self.gate, self.began, self.arrived = threading.Event(), threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def deliver(self, notice: Notice) -> None:
        self.began.set()
        self.gate.wait(10)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.got.append(notice.name)
        self.arrived.release()


def test_a_failing_way_is_said_once_tried_again_and_said_to_work_again() -> None:
    reports: list[str] = []
    way = Fake(OSError(111, "Connection refused"), Undelivered("answered 503"), None, ZeroDivisionError())
    courier = Courier(way, reports.append, waits_s=(0, 0, 0))
    for name in ("first", "second"):
        courier.send(replace(NOTICE, name=name))
    assert way.arrived.acquire(timeout=10)
    assert way.arrived.acquire(timeout=10)
    courier.close(10)
    assert way.got == ["first", "second"]
    assert reports == [
        "alerts: fake: Connection refused; it is tried again",
        "alerts: fake: works again",
        "alerts: fake: ZeroDivisionError; it is tried again",
        "alerts: fake: works again",
    ]


def test_tries_are_few() -> None:
    reports: list[str] = []
    way = Fake(*[Undelivered("no")] * 6)
    courier = Courier(way, reports.append, waits_s=(0, 0))
    for name in ("lost", "lost too", "kept"):
        courier.send(replace(NOTICE, name=name))
    assert way.arrived.acquire(timeout=10)
    courier.close(10)
    assert way.got == ["kept"]
    assert reports == ["alerts: fake: no; it is tried again", "alerts: fake: works again"]


def test_the_loop_never_waits_and_the_oldest_is_lost() -> None:
    way = Fake()
    way.gate.clear()
    courier = Courier(way, [].append)
    courier.send(replace(NOTICE, name="0"))
    assert way.began.wait(10)
    for number in range(1, WAITING + 11):
        courier.send(replace(NOTICE, name=str(number)))
    way.gate.set()
    courier.close(10)
    courier.close(10)
    courier.send(NOTICE)
    # The note that ends the thread takes one place as well.
    assert way.got in (
        ["0", *map(str, range(11, WAITING + 11))],
        ["0", *map(str, range(12, WAITING + 11))],
    )


def test_a_way_that_hangs_does_not_hold_the_end() -> None:
    way = Fake()
    way.gate.clear()
    courier = Courier(way, [].append)
    courier.send(NOTICE)
    assert way.began.wait(10)
    assert not courier.close(0.01)
    way.gate.set()
    assert courier.close(10)
