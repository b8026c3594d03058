"""Reports by mail: one message with its attachments, over SMTP (RFC 5321) with TLS (RFC 3207, 8314).

Certificates are checked against the machine's (``SSL_CERT_FILE`` names others). Whatever goes wrong is one line.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from analyzer.config_entries import Mail
from analyzer.errors import ConfigError, MailError
from analyzer.wiretext import printable_text

#: Environment variables with the credentials; without a user nobody logs in.
USER, PASSWORD = "SIPCAUSE_MAIL_USER", "SIPCAUSE_MAIL_PASSWORD"
#: Ports of RFC 6409 (submission), RFC 8314 (TLS from the first octet) and RFC 5321.
PORTS = {"starttls": 587, "tls": 465, "none": 25}
#: Seconds that a server may be silent.
TIMEOUT_S = 30.0
#: Recipients of one message (RFC 5321 §4.5.3.1.8), and the most that servers commonly take, in octets as attached.
MOST_RECIPIENTS, MOST_OCTETS = 100, 15 << 20
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Attachment:
    """A file of a message; ``kind``: its media type, such as ``application/pdf``."""

    name: str
    kind: str
    octets: bytes


def address(text: str) -> str:
    """An address as SMTP takes it, without a name beside it; MailError when it is none."""
    plain = text.strip()
    if _ADDRESS.fullmatch(plain) is None or ".." in plain:
        raise MailError(f"{printable_text(text)!r} is no mail address; write one as noc@example.net")
    return plain


def message(
    sender: str, to: Sequence[str], subject: str, text: str, attachments: Sequence[Attachment] = ()
) -> EmailMessage:
    """A message with Date and Message-ID; MailError for an address that is none, or for too much of anything.

    ``subject`` becomes one line, whatever is in it.
    """
    if not 0 < len(to) <= MOST_RECIPIENTS:
        raise MailError(f"{len(to)} recipients; a message has 1 to {MOST_RECIPIENTS}")
    if (size := sum(len(one.octets) for one in attachments)) > MOST_OCTETS:
        most = MOST_OCTETS >> 20
        raise MailError(f"{size / (1 << 20):.1f} MiB to attach, more than {most}; choose fewer with --format")
    made = EmailMessage(SMTP)
    made["From"] = address(sender)
    made["To"] = ", ".join(address(one) for one in to)
    made["Subject"] = printable_text(" ".join(subject.split()))
    made["Date"] = formatdate(localtime=True)
    made["Message-ID"] = make_msgid("sipcause", sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to answer it
    made.set_content(text, cte="quoted-printable")
    for one in attachments:
        main, _, sub = one.kind.partition("/")
        made.add_attachment(one.octets, maintype=main, subtype=sub, filename=printable_text(one.name))
    return made


def sender_of(settings: Mail) -> str:
    """Who reports come from: ``mail.sender``, else sipcause at this machine."""
    return address(settings.sender or f"sipcause@{_host_name()}")


def send(made: EmailMessage, settings: Mail, environment: Mapping[str, str] | None = None) -> None:
    """Hand a message to the server for all its recipients; MailError with the reason in one line.

    When the server refuses some of them the others get it, and the error names those that it refused.
    """
    given = os.environ if environment is None else environment
    check(settings)
    port = settings.port or PORTS[settings.security]
    place = f"{settings.host}:{port}"
    to = [header.addr_spec for header in made["To"].addresses]
    try:
        with _connected(settings, port) as server:
            if settings.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if given.get(USER):
                server.login(given[USER], given.get(PASSWORD, ""))
            refused = server.send_message(made, made["From"].addresses[0].addr_spec, to)
    except smtplib.SMTPRecipientsRefused as error:
        raise MailError(f"{place}: every recipient was refused: {_each(error.recipients)}") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailError(f"{place}: {_reason(error)}") from None
    if refused:
        others = ", ".join(one for one in to if one not in refused)
        raise MailError(f"{place}: sent to {others}, but refused for {_each(refused)}")


def check(settings: Mail) -> None:
    """ConfigError when the mail server may not be spoken to in this way."""
    is_here = settings.host in ("localhost", "::1") or settings.host.startswith("127.")
    if settings.security == "none" and not is_here:
        reason = "none, without TLS, is for a server on this machine alone; set it to starttls or tls"
        raise ConfigError("sipcause.toml", "mail.security", reason)


def _connected(settings: Mail, port: int) -> smtplib.SMTP:
    name = _host_name()
    if settings.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.host, port, local_hostname=name, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(settings.host, port, local_hostname=name, timeout=TIMEOUT_S)


def _host_name() -> str:
    """This machine's name. Not `socket.getfqdn`, which waits for name servers."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", name) else "localhost.localdomain"


def _each(refused: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{one} ({_answer(code, said)})" for one, (code, said) in sorted(refused.items()))


def _answer(code: int, said: bytes | str) -> str:
    """What a server answered, in one line that is safe to show."""
    text = said.decode("utf-8", "backslashreplace") if isinstance(said, bytes) else said
    return printable_text(f"{code} {' '.join(text.split())}"[:200].strip())


def _reason(error: Exception) -> str:
    """Why it failed, without secrets."""
    if isinstance(error, UnicodeError):
        return f"{USER} and {PASSWORD} may have ASCII characters alone"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"user and password of {USER} and {PASSWORD} were refused: {_answer(*error.args)}"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"the sender {error.sender} was refused: {_answer(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {_answer(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"the server cannot do what is asked of it: {printable_text(str(error))}; see mail.security"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {printable_text(error.verify_message)}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it ({error.reason or 'refused'}); see mail.security and mail.port"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"no answer within {TIMEOUT_S:.0f} s"
    if isinstance(error, socket.gaierror):
        return "there is no such host; see mail.host"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return f"the connection was lost: {printable_text(str(error))}"
    return printable_text(getattr(error, "strerror", None) or str(error) or type(error).__name__)
