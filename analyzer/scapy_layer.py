"""SIP as a Scapy layer, which Scapy itself does not have.

    from scapy.all import rdpcap
    from analyzer.scapy_layer import SIP
    for packet in rdpcap("x.pcap"):
        if SIP in packet and packet[SIP].status_code:
            print(packet[SIP].status_code, packet[SIP].call_id)

Importing this module binds the layer to UDP and TCP ports 5060 and 5061. What on these ports is no SIP message (line
ends that keep a NAT open, TLS, half a message) stays Raw. One segment may hold several messages, each the payload of
the one before. The layer builds, too; a dissected message that nobody changed gives the octets it came from.
"""

from __future__ import annotations

from typing import Any, ClassVar

from scapy.fields import Field
from scapy.layers.inet import TCP, UDP
from scapy.packet import Packet, Raw, bind_bottom_up, bind_layers

from analyzer.sip.grammar import COMPACT_NAMES
from analyzer.sip.message import Message
from analyzer.sip.parse import ParseError, parse_message
from analyzer.wiretext import printable

#: RFC 3261 §19.1.2: the default ports, without and with TLS.
PORTS = (5060, 5061)


class _ValueField(Field[Any, Any]):
    """A field that is its own internal and human value; `SIP` itself puts it on the wire."""

    def __init__(self, name: str, default: Any) -> None:
        super().__init__(name, default, "0s")

    def i2m(self, pkt: Packet | None, x: Any) -> Any:
        return x

    def m2i(self, pkt: Packet | None, x: Any) -> Any:
        return x

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        return x


class _HeadersField(_ValueField):
    """The header fields as a list of (name, value)."""

    islist = 1


class SIP(Packet):
    """One SIP message (RFC 3261).

    A request has ``method`` and ``request_uri``, a response ``status_code`` and ``reason_phrase``; ``headers`` is
    a list of (name, value), unfolded; ``body`` is octets, to the end that Content-Length declares. Texts are `str`;
    octets that are not UTF-8 are kept as surrogates (PEP 383). Content-Length is added when building, unless it is
    given.
    """

    name = "SIP"
    fields_desc: ClassVar[list[Any]] = [
        _ValueField("method", None),
        _ValueField("request_uri", None),
        _ValueField("status_code", None),
        _ValueField("reason_phrase", None),
        _HeadersField("headers", []),
        _ValueField("body", b""),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes | None = None, *args: Any, **kargs: Any) -> type[Packet]:
        """This layer for octets that are a SIP message, Raw for all others."""
        if _pkt is None:
            return cls
        try:
            parse_message(bytes(_pkt))
        except ParseError:
            return Raw
        return cls

    def do_dissect(self, s: bytes) -> bytes:
        """Read the message at the start of ``s``; returns the octets behind it. Raises `ParseError`."""
        message = parse_message(bytes(s))
        length = _length(message)
        headers = [(field.name, _text(field.value)) for field in message.headers]
        self.fields = {
            "method": message.method,
            "request_uri": _text(message.request_uri),
            "status_code": message.status_code,
            "reason_phrase": _text(message.reason_phrase),
            "headers": headers,
            "body": message.body,
        }
        self.raw_packet_cache = s[:length]
        self.raw_packet_cache_fields = {"headers": list(headers)}
        self.explicit = 1
        return s[length:]

    def self_build(self) -> bytes:
        """The octets of the message alone."""
        cached = self.raw_packet_cache
        if cached is not None and self.raw_packet_cache_fields == {"headers": self.headers}:
            return bytes(cached)
        if self.status_code is not None:
            start_line = f"SIP/2.0 {self.status_code:03d} {self.reason_phrase or ''}"
        else:
            start_line = f"{self.method or 'OPTIONS'} {self.request_uri or 'sip:localhost'} SIP/2.0"
        headers = list(self.headers)
        if not any(name.lower() in ("content-length", "l") for name, _ in headers):
            headers.append(("Content-Length", str(len(self.body))))
        lines = [start_line, *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + bytes(self.body)

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        """What stands behind the end of a message: another one, or Raw."""
        return self.dispatch_hook(payload)

    def mysummary(self) -> str:
        """The start line."""
        if self.status_code is not None:
            return f"SIP {self.status_code} {_shown(self.reason_phrase)}".rstrip()
        return f"SIP {_shown(self.method)} {_shown(self.request_uri)}"

    @property
    def message(self) -> Message:
        """The message as `analyzer.sip` reads it, with every property of `analyzer.sip.message.Message`."""
        return parse_message(self.self_build())

    @property
    def call_id(self) -> str | None:
        """Call-ID."""
        return _text(self.message.call_id)

    @property
    def cseq(self) -> int | None:
        """CSeq number."""
        return self.message.cseq

    @property
    def cseq_method(self) -> str | None:
        """CSeq method."""
        return self.message.cseq_method

    @property
    def from_uri(self) -> str | None:
        """URI of From."""
        return _text(self.message.from_uri)

    @property
    def from_tag(self) -> str | None:
        """Tag of From."""
        return _text(self.message.from_tag)

    @property
    def to_uri(self) -> str | None:
        """URI of To."""
        return _text(self.message.to_uri)

    @property
    def to_tag(self) -> str | None:
        """Tag of To."""
        return _text(self.message.to_tag)

    @property
    def contact_uri(self) -> str | None:
        """URI of the first Contact."""
        return _text(self.message.contact_uri)

    @property
    def via_branch(self) -> str | None:
        """Branch of the topmost Via."""
        return _text(self.message.via_branch)

    @property
    def via_sent_by(self) -> str | None:
        """``host[:port]`` of the topmost Via."""
        return _text(self.message.via_sent_by)

    @property
    def user_agent(self) -> str | None:
        """User-Agent, else Server."""
        return _text(self.message.user_agent)

    @property
    def reason_cause(self) -> int | None:
        """The Q.850 cause of the Reason header fields, RFC 3326."""
        return self.message.reason_summary.q850

    def header(self, name: str) -> str | None:
        """The value of the first header field of a name, in any case or compact form; None when absent."""
        key = name.lower()
        return _text(self.message.headers.first(COMPACT_NAMES.get(key, key)))


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode("utf-8", "surrogateescape")


def _shown(text: str | None) -> str:
    return printable((text or "").encode("utf-8", "surrogateescape"))


def _length(message: Message) -> int:
    """Octets that the message takes, line ends before it included: octets behind its body belong to the next."""
    return message.line_ends + message.body_start + len(message.body)


for _port in PORTS:
    for _lower in (UDP, TCP):
        bind_bottom_up(_lower, SIP, sport=_port)
        bind_bottom_up(_lower, SIP, dport=_port)
        bind_layers(_lower, SIP, sport=_port, dport=_port)
