"""Mail: what is sent, over which kind of connection, and each failure in one line."""

from __future__ import annotations

import socket
import ssl
import threading
from email.message import EmailMessage
from pathlib import Path

import pytest

from analyzer.config_entries import Mail
from analyzer.errors import AnalyzerError, ConfigError, MailError
from analyzer.ops import mail
from analyzer.ops.mail import Attachment, address, message, send, sender_of
from tests.ops.mailing import PASSWORD, USER, Box, certificate, serving

LOGIN = {"SIPCAUSE_MAIL_USER": USER, "SIPCAUSE_MAIL_PASSWORD": PASSWORD}
PDF = Attachment("2026-W46.pdf", "application/pdf", b"%PDF-1.7\r\n\x00\xff\n.\r\n")


def made(*to: str, subject: str = "SIP failures 2026-W46: 7,9 %", sender: str = "sipcause@example.net") -> EmailMessage:
    return message(sender, to or ("noc@example.net",), subject, "Zeven – 7 %\n.\nlast line\n", [PDF])


def failing(made: EmailMessage, settings: Mail, environment: dict[str, str] | None = None) -> str:
    """The line that a failure is told in."""
    with pytest.raises(AnalyzerError) as caught:
        send(made, settings, environment or {})
    line = str(caught.value)
    assert "\n" not in line
    assert PASSWORD not in line
    return line


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate that this process trusts."""
    context, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context


def test_a_message_arrives_whole_over_starttls(trusted: ssl.SSLContext) -> None:
    box = Box()
    with serving(box, trusted, auth_required=True) as port:
        send(made("noc@example.net", "carrier@example.org"), Mail("localhost", port), LOGIN)
    (came,), (envelope,) = box.messages, box.envelopes
    assert box.users == [USER]
    assert envelope.rcpt_tos == ["noc@example.net", "carrier@example.org"]
    assert envelope.mail_from == "sipcause@example.net"
    assert came["From"] == "sipcause@example.net"
    assert came["To"] == "noc@example.net, carrier@example.org"
    assert came["Subject"] == "SIP failures 2026-W46: 7,9 %"
    assert came["Date"].datetime.tzinfo is not None
    assert came["Message-ID"].endswith("@example.net>")
    assert came["Auto-Submitted"] == "auto-generated"
    body = came.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == "Zeven – 7 %\n.\nlast line\n"
    (attached,) = came.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (PDF.name, PDF.kind)
    assert attached.get_content() == PDF.octets


def test_tls_from_the_first_octet(trusted: ssl.SSLContext) -> None:
    box = Box()
    with serving(box, trusted, is_tls_from_start=True, auth_require_tls=False) as port:
        send(made(), Mail("127.0.0.1", port, "tls"), LOGIN)
    assert len(box.messages) == 1
    assert box.users == [USER]


def test_without_tls_on_this_machine_alone() -> None:
    box = Box()
    with serving(box) as port:
        send(made(), Mail("127.0.0.1", port, "none"), {})
    assert (len(box.messages), box.users) == (1, [])
    with pytest.raises(ConfigError, match=r"mail\.security: none, without TLS, is for a server on this machine alone"):
        send(made(), Mail("mail.example.net", 25, "none"), {})


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    box = Box()
    context, _ = certificate(tmp_path)
    with serving(box, context) as port:
        line = failing(made(), Mail("localhost", port), LOGIN)
    assert line.startswith(f"mail: localhost:{port}: its certificate cannot be trusted: self")
    assert (box.messages, box.users) == ([], [])


def test_a_certificate_for_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, file = certificate(tmp_path, "mail.example.net")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serving(Box(), context) as port:
        line = failing(made(), Mail("localhost", port), LOGIN)
    assert "its certificate cannot be trusted: Hostname mismatch" in line


def test_a_server_without_starttls_gets_nothing() -> None:
    box = Box()
    with serving(box) as port:
        line = failing(made(), Mail("localhost", port), LOGIN)
    assert "the server cannot do what is asked of it: STARTTLS extension not supported by server" in line
    assert (box.messages, box.users) == ([], [])


def test_a_wrong_password(trusted: ssl.SSLContext) -> None:
    box = Box()
    with serving(box, trusted) as port:
        line = failing(made(), Mail("localhost", port), LOGIN | {"SIPCAUSE_MAIL_PASSWORD": "other"})
        assert "ASCII" in failing(made(), Mail("localhost", port), LOGIN | {"SIPCAUSE_MAIL_PASSWORD": "pässword"})
    assert "user and password of SIPCAUSE_MAIL_USER and SIPCAUSE_MAIL_PASSWORD were refused: 535" in line
    assert "other" not in line


def test_recipients_that_are_refused_are_named(trusted: ssl.SSLContext) -> None:
    box = Box(refuses=frozenset({"gone@example.net", "away@example.net"}))
    with serving(box, trusted) as port:
        settings = Mail("localhost", port)
        line = failing(made("noc@example.net", "gone@example.net"), settings)
        both = failing(made("gone@example.net", "away@example.net"), settings)
    assert line.endswith("sent to noc@example.net, but refused for gone@example.net (550 5.1.1 no such user here)")
    assert "every recipient was refused: away@example.net (550 5.1.1 no such user here); gone@example.net" in both
    assert len(box.messages) == 1


def test_a_server_that_refuses_the_message(trusted: ssl.SSLContext) -> None:
    with serving(Box(answer="554 too\x1b[31m much"), trusted) as port:
        line = failing(made(), Mail("localhost", port))
    assert line.endswith("the server answered 554 too\\x1b[31m much")


def test_servers_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert failing(made(), Mail("127.0.0.1", port)).endswith("Connection refused")

    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert failing(made(), Mail("mail.invalid")) == "mail: mail.invalid:587: there is no such host; see mail.host"
    assert "mail.invalid:465: " in failing(made(), Mail("mail.invalid", security="tls"))


def test_a_server_that_is_silent_or_speaks_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "no answer within" in failing(made(), Mail("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(mail, "TIMEOUT_S", 10.0)

        def speak() -> None:
            taken, _ = other.accept()
            with taken:
                taken.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                taken.recv(1000)

        thread = threading.Thread(target=speak)
        thread.start()
        line = failing(made(), Mail("127.0.0.1", other.getsockname()[1], "tls"))
        thread.join(10)
    assert "no TLS with it (WRONG_VERSION_NUMBER); see mail.security and mail.port" in line


@pytest.mark.parametrize(
    "text",
    [
        "noc", "noc@", "@example.net", "a b@example.net", "noc@example.net\nBcc: x@example.org", "a@b@c",
        "NOC <noc@example.net>", "a,b@example.net", "noc@exa mple.net", "nöc@example.net", "a..b@example.net",
        "noc@-example.net", f"{'a' * 65}@example.net", "",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(MailError, match=r"is no mail address; write one as noc@example\.net") as caught:
        address(text)
    assert "\n" not in str(caught.value)


def test_no_header_is_smuggled_in() -> None:
    whole = made(subject="SIP failures\r\nBcc: everybody@example.org\r\n\r\n<b>").as_bytes()
    head = whole.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in head
    assert b"Subject: SIP failures Bcc: everybody@example.org <b>" in head
    with pytest.raises(MailError):
        made(sender="a@example.net\r\nBcc: everybody@example.org")


def test_bounds() -> None:
    with pytest.raises(MailError, match="0 recipients"):
        message("a@example.net", [], "", "")
    with pytest.raises(MailError, match="101 recipients; a message has 1 to 100"):
        message("a@example.net", ["b@example.net"] * 101, "", "")
    with pytest.raises(MailError, match=r"15\.0 MiB to attach, more than 15; choose fewer with --format"):
        message("a@example.net", ["b@example.net"], "", "", [Attachment("x", "text/csv", bytes((15 << 20) + 1))])


def test_who_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sender_of(Mail(sender=" noc@example.net ")) == "noc@example.net"
    with pytest.raises(MailError, match="is no mail address"):
        sender_of(Mail(sender="NOC"))
    monkeypatch.setattr(socket, "gethostname", lambda: "probe.example.net")
    assert sender_of(Mail()) == "sipcause@probe.example.net"
    monkeypatch.setattr(socket, "gethostname", lambda: "under_score\n")
    assert sender_of(Mail()) == "sipcause@localhost.localdomain"
