"""The SIP messages of the made captures: one template of octets per step of a ladder, filled in per call.

A step says who sends what on which hop. Hops: ``direct`` is caller to gateway; ``in`` and ``out`` are the two
sides of a proxy that record-routes, with the capture taken at the proxy. Branches, tags and Vias follow
RFC 3261: the ACK to a final other than 2xx and the CANCEL take the branch of their INVITE (§17.1.1.3, §9.1)
and go hop by hop.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

PROXY = "10.0.0.5"
PROXY_AGENT = "OpenSIPS (3.4.4 (x86_64/linux))"
#: (address, User-Agent) of those who call.
CALLERS = [
    (f"10.{10 + number % 6}.{16 + number * 3}.{20 + number}", agent)
    for number, agent in enumerate(
        [
            "Asterisk PBX 20.5.0",
            "FPBX-16.0.40(18.16.0)",
            "Cisco-SIPGateway/IOS-15.4.3.M3",
            "FreeSWITCH-mod_sofia/1.10.11-release+git~20231222",
            "3CXPhoneSystem 18.0.9.20",
            "Mitel-5000-ICP-6.3.1",
            "Yealink SIP-T46S 66.86.0.15",
            "snomD385/10.1.148.1",
        ]
        * 5
    )
]
#: (address, Server) of the gateways that answer.
GATEWAYS = [
    (f"172.20.{30 + number}.{10 + number * 7}", agent)
    for number, agent in enumerate(
        [
            "Sonus_UAC/9.2.3",
            "AUDIOCODES-Mediant 4000/v.7.20A.258.457",
            "Cisco-SIPGateway/IOS-16.9.5",
            "Oracle-SBC 8.4.0",
            "Patton SN4141 4JS2V 3.15.2",
            "Huawei SoftX3000 V300R010",
        ]
        * 2
    )
]

#: What a gateway says with each final (Q.850 texts as ITU-T Q.850 names them).
REASONS = {
    404: (1, "Unallocated (unassigned) number"),
    480: (18, "No user responding"),
    486: (17, "User busy"),
    503: (34, "No circuit/channel available"),
}
PHRASES = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    401: "Unauthorized",
    404: "Not Found",
    407: "Proxy Authentication Required",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
    503: "Service Unavailable",
}
ALLOW = "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, PUBLISH, UPDATE, PRACK"
CHALLENGE = 'Digest realm="pbx.voice.example.net", nonce="%(nonce)s", algorithm=MD5, qop="auth"'
CREDENTIALS = (
    'Digest username="%(caller)s", realm="pbx.voice.example.net", nonce="%(nonce)s", '
    'uri="sip:pbx.voice.example.net", response="%(response)s", algorithm=MD5, cnonce="%(cnonce)s", qop=auth, '
    "nc=00000001"
)
SDP = (
    "v=0\r\no=- %(session)s %(session)s IN IP4 {address}\r\ns=call\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)


@dataclass(frozen=True)
class Step:
    """One message of a ladder.

    `what` is a method or a status code, `to` the method answered. `delay` is the time in milliseconds since
    the step before, drawn evenly from the pair. `sender` is ``caller``, ``callee`` or ``proxy``; on the hop
    ``in`` the proxy speaks to the caller, on ``out`` to the callee. `transaction` names the branch.
    """

    sender: str
    what: str | int
    delay: tuple[float, float]
    hop: str = "direct"
    to: str = ""
    transaction: str = "invite"
    cseq: int = 102
    credentials: bool = False
    by_callee: bool = False

    def ends(self) -> tuple[str, str]:
        """(source, destination), each one of caller, callee, proxy."""
        near = {"direct": "callee", "in": "proxy", "out": "proxy"}[self.hop]
        far = {"direct": "caller", "in": "caller", "out": "callee"}[self.hop]
        return self.sender, (near if self.sender == far else far)

    def template(self) -> bytes:
        """The message with ``%(field)s`` where a call's own fields go (see `fields`)."""
        method = self.to or str(self.what)
        response = isinstance(self.what, int)
        origin, target = ("callee", "caller") if self.by_callee else ("caller", "callee")
        # Seen behind the proxy: its Via on top, and alone where the proxy began the transaction itself.
        behind = self.hop == ("in" if self.by_callee else "out")
        own = "CANCEL" in (self.what, self.to) or (self.what == "ACK" and self.transaction == "invite")
        lines = [self._start_line(target)]
        if behind:
            lines.append(self._via("proxy"))
        if not (behind and own):
            lines.append(self._via(origin))
        if not response:
            lines.append(f"Max-Forwards: {69 if behind and not own else 70}")
        lines += self._routes(behind)
        lines += self._identity(method, response)
        lines += self._rest(method, response)
        return ("\r\n".join(lines) + "\r\n").encode() + self._body(method, response)

    def _routes(self, behind: bool) -> list[str]:
        if self.hop == "direct":
            return []
        if (self.what == "INVITE" and behind) or (self.to == "INVITE" and self.what in (180, 183, 200)):
            return [f"Record-Route: <sip:{PROXY};lr;ftag=%(from_tag)s>"]
        if self.transaction in ("ack", "bye") and not behind and not self.to:
            return [f"Route: <sip:{PROXY};lr;ftag=%(from_tag)s>"]
        return []

    def _start_line(self, target: str) -> str:
        if isinstance(self.what, int):
            return f"SIP/2.0 {self.what} {PHRASES[self.what]}"
        if self.what in ("REGISTER", "OPTIONS"):
            return f"{self.what} sip:pbx.voice.example.net SIP/2.0"
        return f"{self.what} sip:%({target})s@%({target}_ip)s:5060 SIP/2.0"

    def _via(self, end: str) -> str:
        address = PROXY if end == "proxy" else f"%({end}_ip)s"
        # Who answers fills in where the request came from (RFC 3581 §4).
        came = f";received={address};rport=5060" if isinstance(self.what, int) else ";rport"
        return f"Via: SIP/2.0/UDP {address}:5060;branch=z9hG4bK{end[0]}%({self.transaction})s{came}"

    def _identity(self, method: str, response: bool) -> list[str]:
        """From, To, Call-ID and CSeq; the To tag is there from the first response but 100 (§8.2.6.2)."""
        caller, callee = "sip:%(caller)s@pbx.voice.example.net", "sip:%(callee)s@pbx.voice.example.net"
        if method == "REGISTER":
            callee = caller
        tagged = method in ("ACK", "BYE") or (response and self.what != 100)
        # A challenge comes from the proxy, with a tag of its own, and so does the ACK that answers it.
        tag = "proxy_tag" if self.transaction == "first" or method in ("REGISTER", "OPTIONS") else "to_tag"
        near = f'"%(name)s" <{caller}>;tag=%(from_tag)s'
        far = f"<{callee}>" + (f";tag=%({tag})s" if tagged else "")
        if self.by_callee:
            near, far = far, near
        return [f"From: {near}", f"To: {far}", "Call-ID: %(call_id)s", f"CSeq: {self.cseq} {method}"]

    def _rest(self, method: str, response: bool) -> list[str]:
        lines = []
        author = self._author()
        agent = PROXY_AGENT if author == "proxy" else f"%({author}_agent)s"
        lines.append(("Server: " if response else "User-Agent: ") + agent)
        lines += [ALLOW, "Supported: replaces, timer, path, 100rel"]
        if method in ("INVITE", "REGISTER") and (not response or self.what in (180, 183, 200)):
            end = "callee" if response and method == "INVITE" else "caller"
            lines.append(f"Contact: <sip:%({end})s@%({end}_ip)s:5060>")
        if self.what in (401, 407):
            lines.append(("WWW" if self.what == 401 else "Proxy") + "-Authenticate: " + CHALLENGE)
        if self.credentials:
            lines.append(("A" if method == "REGISTER" else "Proxy-A") + "uthorization: " + CREDENTIALS)
        if self.what in REASONS:
            cause, text = REASONS[int(self.what)]
            lines.append(f'Reason: Q.850;cause={cause};text="{text}"')
        if self.what in ("BYE", "CANCEL"):
            lines.append('Reason: Q.850;cause=16;text="Normal call clearing"')
        if self.what == "REGISTER" or (method == "REGISTER" and self.what == 200):
            lines.append("Expires: 3600")
        return lines

    def _author(self) -> str:
        """Who wrote the message: the proxy only passes on what an end has said."""
        if self.sender != "proxy":
            return self.sender
        if self.what in (100, 401, 407, "CANCEL") or self.to in ("CANCEL", "REGISTER", "OPTIONS"):
            return "proxy"
        if self.what == "ACK" and self.transaction in ("invite", "first"):
            return "proxy"
        return "callee" if self.hop == "in" else "caller"

    def _has_sdp(self, method: str) -> bool:
        return method == "INVITE" and self.what in ("INVITE", 200, 183)

    def _body(self, method: str, response: bool) -> bytes:
        if not self._has_sdp(method):
            return b"Content-Length: 0\r\n\r\n"
        body = "answer" if response else "offer"
        head = f"Content-Type: application/sdp\r\nContent-Length: %({body}_length)d\r\n\r\n"
        return f"{head}%({body})s".encode()


def caller_of(call: int) -> int:
    """Which of `CALLERS` makes this call (works on arrays too)."""
    return call % len(CALLERS)


def gateway_of(call: int) -> int:
    """Which of `GATEWAYS` takes this call (works on arrays too)."""
    return call // 7 % len(GATEWAYS)


def ports_of(call: int) -> tuple[int, int]:
    """RTP ports of caller and gateway (works on arrays too)."""
    return 10_000 + call % 20_000 * 2, 10_000 + call // 3 % 20_000 * 2


def fields(call: int) -> dict[bytes, bytes | int]:
    """What is a call's own in its messages; everything follows from its number."""
    digits = blake2b(b"call %d" % call).hexdigest()
    caller_ip, caller_agent = CALLERS[caller_of(call)]
    callee_ip, callee_agent = GATEWAYS[gateway_of(call)]
    caller_port, callee_port = ports_of(call)
    texts = {
        "call_id": f"{digits[:42]}@{caller_ip}",
        "from_tag": digits[42:52],
        "to_tag": "gw" + digits[110:120],
        "proxy_tag": "px" + digits[52:60],
        "first": digits[60:74] + "0",
        "invite": digits[60:74],
        "ack": digits[74:88],
        "bye": digits[88:102],
        "nonce": digits[0:32],
        "response": digits[96:128],
        "cnonce": digits[102:110],
        "caller": f"+3120{call % 9_000_000 + 1_000_000}",
        "callee": f"+3185{call * 37 % 9_000_000 + 1_000_000}",
        "name": f"Extension {call % 800 + 100}",
        "caller_ip": caller_ip,
        "callee_ip": callee_ip,
        "caller_agent": caller_agent,
        "callee_agent": callee_agent,
        "session": str(1_700_000_000 + call),
    }
    offer = SDP.format(address=caller_ip, port=caller_port) % texts
    answer = SDP.format(address=callee_ip, port=callee_port) % texts
    filled: dict[bytes, bytes | int] = {name.encode(): text.encode() for name, text in texts.items()}
    filled[b"offer"], filled[b"offer_length"] = offer.encode(), len(offer)
    filled[b"answer"], filled[b"answer_length"] = answer.encode(), len(answer)
    return filled
