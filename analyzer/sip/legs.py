"""What an INVITE says about the other legs of its session, and about the address that it was sent from.

A back-to-back user agent gives each leg a Call-ID of its own. Some of them name the other leg's Call-ID in a header
field, or hand on an id that all legs share; which fields these are is data (``states`` in data/headers.toml and
data/vendors/). SDP that passes unchanged has the same o= line in both legs (RFC 8866 §5.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv6Address

from analyzer.sip.grammar import BLANKS
from analyzer.sip.headers import Headers

#: What a header field can state, beside a Q.850 cause: the Call-ID of another leg; an id that all legs share; such an
#: id as icid-value of P-Charging-Vector, which stands first (RFC 7315 §5.6).
CALL_ID, SHARED_ID, ICID_VALUE = "call_id", "shared_id", "icid_value"

_ICID_VALUE = re.compile(rb'icid-value[ \t]*=[ \t]*(?:"([^"\\]*)"|([^;"]*))', re.IGNORECASE)
_IPV4 = re.compile(rb"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?::.*)?", re.DOTALL)
_IPV6 = re.compile(rb"\[([0-9A-Fa-f:.]+)\](?::.*)?", re.DOTALL)
_MAPPED = 0xFFFF << 32


def linked_id(headers: Headers, kinds: Mapping[str, str]) -> bytes | None:
    """The id that ties this leg to others: that of the first header field which states one.

    ``kinds``: what header fields state, by lower-case name. What stands behind a semicolon is not part of the id.
    """
    for header in headers:
        kind = kinds.get(header.name.lower())
        if kind in (CALL_ID, SHARED_ID):
            text = header.value.partition(b";")[0].strip(BLANKS)
        elif kind == ICID_VALUE:
            match = _ICID_VALUE.match(header.value)
            text = (match.group(1) or match.group(2) or b"").strip(BLANKS) if match else b""
        else:
            continue
        if text:
            return text
    return None


def sdp_origin(content: bytes) -> bytes | None:
    """The o= line of SDP without ``o=``: its second line (RFC 8866 §5), if that came whole; None otherwise."""
    start = content.find(b"\n") + 1
    end = content.find(b"\n", start)
    if start == 0 or end < 0 or not content.startswith(b"o=", start):
        return None
    return content[start + 2 : end].removesuffix(b"\r").strip(BLANKS) or None


def literal_address(sent_by: bytes | None) -> tuple[int, int] | None:
    """The IP address that a sent-by is, as two signed halves in network order (IPv4 mapped); None for a name."""
    text = sent_by or b""
    found = _IPV4.fullmatch(text)
    if found:
        octets = [int(group) for group in found.groups()]
        return (0, _MAPPED | int.from_bytes(bytes(octets), "big")) if max(octets) < 256 else None
    found = _IPV6.fullmatch(text)
    if found is None:
        return None
    try:
        packed = IPv6Address(found.group(1).decode("ascii")).packed
    except AddressValueError:
        return None
    return int.from_bytes(packed[:8], "big", signed=True), int.from_bytes(packed[8:], "big", signed=True)
