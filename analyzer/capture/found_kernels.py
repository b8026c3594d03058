"""Where the walk down a frame stands, and what it found: the columns of the scratch array that its kernels share.

A frame is walked header by header; each kernel moves FOUND_AT on and narrows FOUND_END and FOUND_WIRE_END. Whatever is
not read here has a kind of its own; frames of the *declined* kinds are shown to Scapy when ``SIP/2.0`` stands in them
(`analyzer.capture.scapy_decode`), the others are counted unread.
"""

from __future__ import annotations

# The cursor.
FOUND_AT = 0
FOUND_END = 1  # where what was captured of this header's contents ends
FOUND_WIRE_END = 2  # where it would end had the snaplen not cut it
FOUND_LAYERS = 3  # headers passed (`layer_kernels`)
FOUND_VLAN = 4  # outer VLAN of the innermost Ethernet that has one; MISSING
FOUND_VNI = 5  # innermost virtual network identifier; MISSING
FOUND_IP = 6  # the innermost IP header
FOUND_IS_IPV4 = 7
FOUND_PLACE = 8  # of a fragment: offset in octets << 1 | more follow; -1 = a whole packet
FOUND_IP_ID = 9  # identification: 16 bits of IPv4, 32 of an IPv6 fragment
FOUND_INSIDE = 10  # EtherType, or INSIDE_PROTOCOL + IP protocol, of what a tunnel carries
FOUND_PORTS = 11  # where the two ports stand
# What was found: K_SIP, K_BROKEN, K_RAW.
FOUND_START = 12  # payload
FOUND_SEQ = 13  # batch.R_SEQ, R_INFO, R_FIRST, R_KIND
FOUND_INFO = 14
FOUND_FIRST = 15
FOUND_RAW = 16
FOUND_COLUMNS = 17

INSIDE_PROTOCOL = 1 << 20

# Kinds of frame: positions in the array of counts.
K_SIP = 0  # a datagram that begins with SIP
K_RAW = 1  # a segment, fragment, packet or datagram in which SIP may stand
K_UDP = 2  # a whole datagram that is no SIP: media, DNS, ...
K_TCP = 3  # TCP that carries nothing of ours, or nothing at all
K_SCTP = 4  # the same of SCTP
K_BROKEN = 5  # a datagram that begins with a broken SIP start line
K_ICMP = 6  # from here on unread
K_OPAQUE = 7  # TLS on a SIP port, without keys
K_CUT = 8
K_DAMAGED = 9
K_NESTED = 10
K_UDP_TUNNEL = 11  # from here on declined
K_OTHER_IP = 12
K_NOT_IP = 13
K_LINK_TYPE = 14
KINDS = 15
UNREAD = K_ICMP
DECLINED = K_UDP_TUNNEL
#: Instead of such a kind: the walk goes on with FOUND_INSIDE.
K_INSIDE = -1

# Signs of trouble, among the RAW_* of `batch`: nothing to assemble, but `analyzer.capture.wire` wants to know of them.
RAW_ICMP = 5  # an ICMP error from its header on; R_INFO: protocol, 1 or 58
RAW_SIGN = 6  # a TCP segment that says something about its connection; R_INFO: flags | SIGN_* << 8

# What a RAW_SIGN says, in R_INFO where others have FLOW_*.
SIGN_SYN_AGAIN = 32  # a SYN that was sent before
SIGN_SYN_ANSWERED = 33  # the answer to one that was sent again
SIGN_REFUSED = 34  # RST in answer to a SYN
SIGN_RESET = 35  # RST by a side that has sent nothing, on a connection that carries something of ours
SIGN_ALERT = 36  # a fatal alert of TLS in the clear

#: The length field of UDP has 16 bits; only a packet without one could pretend to be longer.
DATAGRAM_OCTETS = 65_535
