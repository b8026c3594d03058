"""One SIP message as a value, and what each column of a `MessageBatch` means.

The properties here define the columns; the kernels must equal them. Where a header field that may stand
only once is repeated, the first one counts. A text that is empty counts as missing. Texts are octets as
they stand on the wire, header values unfolded, quoted tokens without their quotes; nothing is decoded
or made printable here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from analyzer.batch import DEFECTS
from analyzer.sip.address import Address, read_address, read_first_address
from analyzer.sip.body import ISUP, SDP, media_type, parts
from analyzer.sip.challenge import is_stale
from analyzer.sip.grammar import is_token, leading_number, whole_number
from analyzer.sip.headers import Headers
from analyzer.sip.isup import isup_release_cause
from analyzer.sip.legs import linked_id, literal_address, sdp_origin
from analyzer.sip.reason import ReasonSummary, q850_cause, summarise_reason
from analyzer.sip.via import MAGIC_COOKIE, Via, top_via, via_count

#: A kind of `cause_headers`: the value is a Q.850 cause as a decimal number. `legs` has the others.
Q850_CAUSE = "q850_cause"

#: Header fields in which makers state a Q.850 cause, or what ties a leg to others: name in lower case → kind.
#: Unknown kinds are passed over. The registry knows which there are (X-Asterisk-HangupCauseCode, X-CID, say).
CauseHeaders = Mapping[str, str]
NO_CAUSE_HEADERS: CauseHeaders = {}


@dataclass(frozen=True)
class Message:
    """A SIP message, whole: start line, header fields in order, body, and what is wrong with it.

    A request has ``method`` and ``request_uri``, a response ``status_code`` and perhaps
    ``reason_phrase``. ``octets`` are those captured, from the start line's first one; ``line_ends``
    counts CR and LF octets before it. ``body`` starts at ``body_start`` of them and ends where
    Content-Length says. ``defect_bits`` are X_* of `analyzer.batch`.
    """

    octets: bytes
    line_ends: int
    is_cut: bool
    method: str | None
    request_uri: bytes | None
    status_code: int | None
    reason_phrase: bytes | None
    headers: Headers
    body_start: int
    body: bytes
    defect_bits: int
    cause_headers: CauseHeaders = field(default_factory=dict, repr=False)

    @property
    def defects(self) -> tuple[str, ...]:
        """Issue codes of what is wrong with the message."""
        return tuple(code for bit, code in DEFECTS.items() if self.defect_bits & bit)

    @property
    def call_id(self) -> bytes | None:
        """Call-ID, RFC 3261 §20.8."""
        return self.headers.first("call-id")

    @cached_property
    def _cseq(self) -> tuple[int, bytes] | None:
        """CSeq = 1*DIGIT LWS Method, RFC 3261 §20.16."""
        return read_cseq(self.headers.first("cseq"))

    @property
    def cseq(self) -> int | None:
        """CSeq number; None when CSeq is not "number method"."""
        return self._cseq[0] if self._cseq else None

    @property
    def cseq_method(self) -> str | None:
        """CSeq method; None when CSeq is not "number method"."""
        return self._cseq[1].decode("ascii") if self._cseq else None

    @cached_property
    def from_address(self) -> Address:
        """From, RFC 3261 §20.20."""
        return read_address(self.headers.first("from") or b"")

    @cached_property
    def to_address(self) -> Address:
        """To, RFC 3261 §20.39."""
        return read_address(self.headers.first("to") or b"")

    @property
    def from_uri(self) -> bytes | None:
        """URI of From, without angle brackets and header parameters."""
        return self.from_address.uri

    @property
    def from_tag(self) -> bytes | None:
        """Tag of From."""
        return self.from_address.parameter(b"tag")

    @property
    def to_uri(self) -> bytes | None:
        """URI of To, without angle brackets and header parameters."""
        return self.to_address.uri

    @property
    def to_tag(self) -> bytes | None:
        """Tag of To."""
        return self.to_address.parameter(b"tag")

    @cached_property
    def contact(self) -> Address:
        """The first value of the first Contact field, RFC 3261 §20.10."""
        return read_first_address(self.headers.first("contact") or b"")

    @property
    def contact_uri(self) -> bytes | None:
        """URI of the first Contact; ``*`` where all contacts are meant."""
        return self.contact.uri

    @cached_property
    def via(self) -> Via | None:
        """The topmost Via value, RFC 3261 §20.42."""
        return top_via(self.headers.all("via"))

    @property
    def via_branch(self) -> bytes | None:
        """Branch of the topmost Via."""
        return self.via.branch if self.via else None

    @property
    def via_sent_by(self) -> bytes | None:
        """``host[:port]`` of the topmost Via."""
        return self.via.sent_by if self.via else None

    @property
    def via_count(self) -> int:
        """Via values in all Via fields."""
        return via_count(self.headers.all("via"))

    @property
    def has_cookie(self) -> bool:
        """Whether the top branch begins with the magic cookie of RFC 3261 §8.1.1.7."""
        return (self.via_branch or b"").lower().startswith(MAGIC_COOKIE)

    @property
    def user_agent(self) -> bytes | None:
        """User-Agent, else Server."""
        return self.headers.first("user-agent") or self.headers.first("server")

    @property
    def session_id(self) -> bytes | None:
        """Session-ID with its parameters, RFC 7989 §5."""
        return self.headers.first("session-id")

    @property
    def content_type(self) -> bytes | None:
        """Content-Type without parameters, as sent."""
        return media_type(self.headers.first("content-type") or b"") or None

    @property
    def content_length(self) -> int | None:
        """Content-Length as declared."""
        return whole_number(self.headers.first("content-length"))

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards."""
        return whole_number(self.headers.first("max-forwards"))

    @property
    def rseq(self) -> int | None:
        """RSeq, RFC 3262 §7.1."""
        return whole_number(self.headers.first("rseq"))

    @property
    def expires(self) -> int | None:
        """Seconds of Expires; where that is absent or no number, of the first Contact's expires parameter."""
        of_message = whole_number(self.headers.first("expires"))
        return of_message if of_message is not None else whole_number(self.contact.parameter(b"expires"))

    @property
    def retry_after(self) -> int | None:
        """Seconds of Retry-After, its comment and parameters left out."""
        return leading_number(self.headers.first("retry-after"))

    @property
    def session_expires(self) -> int | None:
        """Seconds of Session-Expires, RFC 4028 §4."""
        return leading_number(self.headers.first("session-expires"))

    @property
    def reason(self) -> bytes | None:
        """Value of the first Reason field, as sent."""
        return self.headers.first("reason")

    @cached_property
    def reason_summary(self) -> ReasonSummary:
        """All Reason fields as one statement, RFC 3326."""
        return summarise_reason(self.headers.all("reason"))

    @property
    def warning(self) -> bytes | None:
        """Value of the first Warning field, as sent."""
        return self.headers.first("warning")

    @property
    def warning_code(self) -> int | None:
        """Code of the first Warning value, three digits, RFC 3261 §20.43."""
        code = leading_number(self.warning)
        return code if code is not None and 100 <= code <= 999 else None

    @property
    def vendor_cause(self) -> int | None:
        """The first Q.850 cause in a field of ``cause_headers``."""
        if self.cause_headers:
            for header in self.headers:
                if self.cause_headers.get(header.name.lower()) == Q850_CAUSE:
                    cause = q850_cause(whole_number(header.value))
                    if cause is not None:
                        return cause
        return None

    @property
    def isup_cause(self) -> int | None:
        """Cause of an ISUP RELEASE in the body or in a part of it."""
        for part in parts(self.headers.first("content-type"), self.body):
            if part.media_type == ISUP:
                cause = isup_release_cause(part.content)
                if cause is not None:
                    return cause
        return None

    @property
    def has_sdp(self) -> bool:
        """Content-Type application/sdp, or a multipart body with such a part."""
        return any(part.media_type == SDP for part in parts(self.headers.first("content-type"), self.body))

    @property
    def origin(self) -> bytes | None:
        """Of an INVITE: the o= line of its first SDP, without ``o=``."""
        if self.method == "INVITE":
            for part in parts(self.headers.first("content-type"), self.body):
                if part.media_type == SDP:
                    return sdp_origin(part.content)
        return None

    @property
    def linked_id(self) -> bytes | None:
        """Of an INVITE: the id that ties it to other legs, by the first field of ``cause_headers`` that states one."""
        return linked_id(self.headers, self.cause_headers) if self.method == "INVITE" and self.cause_headers else None

    @property
    def via_address(self) -> tuple[int, int] | None:
        """The IP address that the topmost Via's sent-by is, as two signed halves; None where it is a name."""
        return literal_address(self.via_sent_by)

    @property
    def has_credentials(self) -> bool:
        """Carries Authorization or Proxy-Authorization."""
        return bool(self.headers.all("authorization") or self.headers.all("proxy-authorization"))

    @property
    def is_stale(self) -> bool:
        """A challenge in it says stale=true."""
        return any(
            is_stale(challenge)
            for name in ("www-authenticate", "proxy-authenticate")
            for challenge in self.headers.all(name)
        )


def read_cseq(value: bytes | None) -> tuple[int, bytes] | None:
    """Number and method of a CSeq value; None when it is not "number method"."""
    words = (value or b"").replace(b"\t", b" ").split(b" ", 1)
    number = whole_number(words[0])
    method = words[1].lstrip(b" ") if len(words) == 2 else b""
    return (number, method) if number is not None and is_token(method) else None
