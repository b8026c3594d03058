"""The release cause of an ISUP message that a SIP message carries (SIP-I and SIP-T, RFC 3204, RFC 3372).

An ``application/isup`` body begins with the message type; the circuit code is left out (RFC 3204 §3.1).
RELEASE (Q.763 §4 table 38, type 0x0c) has one mandatory variable parameter, the cause indicators (Q.763
§3.12), found by the pointer behind the type:

    octet 1   extension | coding standard (2 bits) | spare | location (4 bits)
    octet 1a  only where octet 1's extension bit is 0: recommendation
    octet 2   extension | cause value (7 bits)
"""

from __future__ import annotations

#: Q.763 table 4: message type code of RELEASE.
RELEASE = 0x0C
_EXTENSION = 0x80
_CODING_STANDARD = 0x60  # 0 = ITU-T; others give the value a meaning of their own


def isup_release_cause(body: bytes) -> int | None:
    """The Q.850 cause (1-127) of an ISUP RELEASE; None for other messages, national codings and cut ones."""
    if len(body) < 2 or body[0] != RELEASE:
        return None
    at = 1 + body[1]
    indicators = body[at + 1 : at + 1 + body[at]] if at < len(body) else b""
    if not indicators or indicators[0] & _CODING_STANDARD:
        return None
    position = 1 if indicators[0] & _EXTENSION else 2
    if position >= len(indicators):
        return None
    return indicators[position] & 0x7F or None
