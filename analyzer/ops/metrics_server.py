"""A small HTTP server that gives one page and nothing else."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, TypeAlias

from analyzer.errors import AnalyzerError
from analyzer.wiretext import printable_text

PATH = "/metrics"
#: Requests that are answered at the same time, and seconds that one of them may take to arrive.
AT_ONCE, PATIENCE_S = 8, 5

#: From the Accept header of a request to the page and its content type.
Page: TypeAlias = Callable[[str], tuple[bytes, str]]


def place_of(text: str) -> tuple[str, int]:
    """Address and port to listen on: ``127.0.0.1:9108``, ``[::1]:9108``; loopback for ``:9108`` and ``9108``.

    Port 0 takes one that is free. Raises AnalyzerError with what can be written.
    """
    address, _, port = text.strip().rpartition(":")
    host = address.strip("[]") if address.startswith("[") or ":" not in address else ""
    try:
        if address and not host:
            raise ValueError
        host = {"": "127.0.0.1", "localhost": "127.0.0.1"}.get(host, host)
        if not (port.isascii() and port.isdigit() and int(port) < 65_536):
            raise ValueError
        return str(ipaddress.ip_address(host)), int(port)
    except ValueError:
        shown = printable_text(text[:100])
        reason = "is no address and port; write 127.0.0.1:9108, [::1]:9108, or 9108 for this machine alone"
        raise AnalyzerError(f"--metrics {shown!r} {reason}") from None


class _Handler(BaseHTTPRequestHandler):
    """Answers one request of a connection; everything but GET and HEAD of the page in one plain line."""

    timeout = PATIENCE_S
    server: MetricsServer

    def handle(self) -> None:
        """As in the base class; whoever has gone meanwhile is nobody's trouble."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        """The page, or where it is."""
        if self.path.partition("?")[0] == PATH:
            page, content_type = self.server.page(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, page, content_type)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """One plain line without anything of what was asked."""
        if code == HTTPStatus.NOT_IMPLEMENTED:  # the base class's word for a method without a function here
            code = HTTPStatus.METHOD_NOT_ALLOWED
        self.close_connection = True
        self._answer(code, f"sipcause: only GET {PATH}\n".encode(), "text/plain; charset=utf-8")

    def _answer(self, code: int, body: bytes, content_type: str) -> None:
        self.send_response_only(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a scrape is no news, and a stranger's request line is no text for a log."""


class MetricsServer(ThreadingHTTPServer):
    """Listens from the beginning, answers from `start` on.

    Apart because whoever gives up privileges must have no threads that keep theirs, but may need them to listen.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, place: tuple[str, int], page: Page) -> None:
        self.page = page
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._thread: threading.Thread | None = None
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        try:
            super().__init__(place, _Handler)
        except OSError as error:
            shown = f"[{place[0]}]" if ":" in place[0] else place[0]
            raise AnalyzerError(f"--metrics {shown}:{place[1]}: {error.strerror}; choose another port") from None

    def server_bind(self) -> None:
        """Bind, without asking the name service for our name as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to answer; twice does no harm."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self.serve_forever, kwargs={"poll_interval": 0.2}, name="metrics", daemon=True
            )
            self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a request to a thread; hang up when as many as may be are busy."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As in the base class; then there is room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a request that went wrong is the asker's trouble, and must not write into a screen."""

    def close(self) -> None:
        """Stop answering and listening; twice does no harm."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
            self._thread = None
        self.server_close()
