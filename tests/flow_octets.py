"""The octets of a ladder's messages: who sends them, start line, header fields, body."""

from __future__ import annotations

from typing import NamedTuple

#: Options that are header fields under another name.
FIELDS = {
    "reason": "Reason",
    "retry_after": "Retry-After",
    "warning": "Warning",
    "expires": "Expires",
    "rseq": "RSeq",
    "session_expires": "Session-Expires",
    "contact": "Contact",
    "max_forwards": "Max-Forwards",
    "type": "Content-Type",
}
PHRASES = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted", 301: "Moved Permanently", 302: "Moved Temporarily", 400: "Bad Request",
    401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 410: "Gone", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
    420: "Bad Extension", 422: "Session Interval Too Small", 423: "Interval Too Brief",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
    483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Server Time-out", 505: "Version Not Supported", 580: "Precondition Failure",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
    607: "Unwanted", 608: "Rejected",
}  # fmt: skip
COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m", "Content-Type": "c",
           "Content-Length": "l", "Session-Expires": "x"}  # fmt: skip


class Party(NamedTuple):
    """Somebody who sends and receives."""

    name: str
    ip: str
    port: int = 5060
    agent: str | None = None
    compact: bool = False
    vlan: int | None = None
    has_ip_id: bool = True
    inside: str | None = None

    @property
    def own_ip(self) -> str:
        """The address that it knows of itself: behind a NAT not that of its packets."""
        return self.inside or self.ip

    @property
    def host(self) -> str:
        address = f"[{self.own_ip}]" if ":" in self.own_ip else self.own_ip
        return address if self.port == 5060 else f"{address}:{self.port}"


def octets(first: str, headers: list[tuple[str, str]], options: dict[str, str], sender: Party, offers: bool) -> bytes:
    """A message: start line, headers, those of the options, body."""
    headers = list(headers)
    for key, value in options.items():
        if (key in FIELDS or key[:1].isupper()) and value != "none":
            headers.append((FIELDS.get(key, key), value))
    body = options.get("body", "").encode().decode("unicode_escape").encode("latin-1")
    if not body and offers and options.get("sdp") != "no":
        family, own_ip = "IP6" if ":" in sender.own_ip else "IP4", sender.own_ip
        body = (
            f"v=0\r\no=- 1 1 IN {family} {own_ip}\r\ns=-\r\nc=IN {family} {own_ip}\r\nt=0 0\r\n"
            "m=audio 4000 RTP/AVP 8\r\n"
        ).encode()
        headers.append(("Content-Type", "application/sdp"))
    headers.append(("Content-Length", str(len(body))))
    lines = [
        first,
        *(f"{COMPACT.get(name, name) if sender.compact else name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
