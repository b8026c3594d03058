"""What the messages of a ladder have in common: calls, dialogs, transactions and the octets made of them.

`Conversation` turns "A sends B this method or code" into a message that fits what was said before: RFC 3261
§8.1 (requests), §8.2.6 (responses), §9.1 (CANCEL), §12 (dialogs), §16.6 (proxies), §17.1.1.3 (ACK) and §22
(credentials).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from tests.flow_octets import PHRASES, Party, octets

#: Methods that begin something of their own rather than stand in the current call.
ALONE = {"REGISTER", "OPTIONS", "SUBSCRIBE", "PUBLISH"}


class Answer(NamedTuple):
    """A response to a request, with what a proxy passes on of it."""

    code: int
    tag: str | None
    agent: str | None


@dataclass
class Sent:
    """A request on one arrow, with what its responses and its ACK need of it."""

    method: str
    call: Call
    client: Party
    server: Party
    uri: str
    vias: list[str]
    sender: str
    target: str
    to_tag: str | None
    cseq: int
    parent: Sent | None
    final: int | None = None
    agent: str | None = None
    answers: list[Answer] = field(default_factory=list)
    children: list[Sent] = field(default_factory=list)


@dataclass
class Call:
    """What the messages of one Call-ID share."""

    name: str
    call_id: str
    caller: Party
    from_user: str
    to_user: str
    from_tag: str
    domain: str
    cseqs: dict[str, int] = field(default_factory=dict)
    requests: list[Sent] = field(default_factory=list)
    early_tag: str | None = None
    confirmed_tag: str | None = None
    over: bool = False


class Conversation:
    """Everything said so far, and the next message."""

    def __init__(self, salt: str, transport: Callable[[Party, Party], str]) -> None:
        self.salt = salt
        self.transport = transport
        self.calls: dict[str, Call] = {}
        self.current = "1"
        self.sent: list[Sent] = []
        self.fresh = 0

    def number(self) -> int:
        """The next of a row of numbers."""
        self.fresh += 1
        return self.fresh

    def _word(self, *parts: object, size: int = 5) -> str:
        return blake2b("|".join(map(str, (self.salt, *parts))).encode(), digest_size=size).hexdigest()

    def request(self, client: Party, server: Party, method: str, options: dict[str, str]) -> bytes:
        call = self._call(client, server, method, options)
        if "from_tag" in options:
            call.from_tag = options["from_tag"]
        match method:
            case "CANCEL":
                sent = self._like_invite(self._invite(call, client, server, options), method, None)
            case "ACK":
                sent = self._ack(call, client, server, options)
            case _:
                sent = self._new_request(call, client, server, method, options)
        if "tag" in options:
            sent.to_tag = None if options["tag"] == "none" else options["tag"]
        if "cseq" in options:
            sent.cseq = int(options["cseq"])
        call.requests.append(sent)
        self.sent.append(sent)
        if method == "BYE":
            call.over = True
        return self._request_octets(sent, options)

    def _call(self, client: Party, server: Party, method: str, options: dict[str, str]) -> Call:
        name = options.get("call") or (f"{method} {client.name}" if method in ALONE else self.current)
        call = self.calls.get(name)
        if call is None:
            host = server.host
            user = options.get("from", client.name)
            call = self.calls[name] = Call(
                name,
                self._word("call", name) + ("" if client.compact else f"@{client.host}"),
                client,
                user,
                options.get("to", user if method == "REGISTER" else server.name),
                self._word("from", name, size=4),
                host,
            )
        return call

    def _invite(self, call: Call, client: Party, server: Party, options: dict[str, str]) -> Sent:
        mine = [sent for sent in call.requests if sent.method == "INVITE" and sent.client == client]
        _, _, number = options.get("for", "").partition("/")
        if number:
            mine = [sent for sent in mine if sent.cseq == int(number)]
        there = [sent for sent in mine if sent.server == server]
        if not mine:
            raise ValueError(f"{client.name} has sent no such INVITE")
        return (there or mine)[-1]

    def _like_invite(self, invite: Sent, method: str, to_tag: str | None) -> Sent:
        return Sent(
            method, invite.call, invite.client, invite.server, invite.uri, invite.vias[:1], invite.sender,
            invite.target, to_tag, invite.cseq, None,
        )  # fmt: skip

    def _ack(self, call: Call, client: Party, server: Party, options: dict[str, str]) -> Sent:
        received = self._received(call, client, server, "ACK", options)
        if received is None:
            invite = self._invite(call, client, server, options)
            refusals = [answer.tag for answer in invite.answers if answer.code >= 300]
            if refusals and invite.final is not None and invite.final >= 300:
                return self._like_invite(invite, "ACK", refusals[-1])
            agreed = [answer.tag for answer in invite.answers if 200 <= answer.code < 300]
            tag = agreed[-1] if agreed else invite.to_tag
            uri, sender, target, cseq = invite.uri, invite.sender, invite.target, invite.cseq
        else:
            uri, sender, target, cseq = received.uri, received.sender, received.target, received.cseq
            tag = received.to_tag
        vias = [self._via(client, server, options), *(received.vias if received else self._below(call, options))]
        return Sent("ACK", call, client, server, uri, vias, sender, target, tag, cseq, received)

    def _received(self, call: Call, client: Party, server: Party, method: str, options: dict[str, str]) -> Sent | None:
        """The request that this one passes on, if its sender is a proxy here."""
        if options.get("forward") == "no":
            return None
        for sent in reversed(call.requests):
            if sent.method == method and sent.server == client and sent.client != server:
                if method == "ACK" and len(sent.vias) == 1 and sent.vias[0] in self._refused_branches(call):
                    return None
                return sent
        return None

    def _below(self, call: Call, options: dict[str, str]) -> list[str]:
        """The Via values of those who sent it before it came into sight."""
        return [
            f"SIP/2.0/UDP 10.0.0.{n};branch=z9hG4bK{self._word(call.name, 'below', n)}"
            for n in range(1, int(options.get("vias", 0)) + 1)
        ]

    def _refused_branches(self, call: Call) -> set[str]:
        return {sent.vias[0] for sent in call.requests if sent.method == "INVITE" and (sent.final or 0) >= 300}

    def _new_request(self, call: Call, client: Party, server: Party, method: str, options: dict[str, str]) -> Sent:
        parent = self._received(call, client, server, method, options)
        vias = [self._via(client, server, options)]
        if parent is not None:
            uri = options.get("uri", f"sip:{call.to_user}@{server.host}" if parent.sender == "caller" else parent.uri)
            vias += parent.vias
            sides, to_tag = (parent.sender, parent.target), parent.to_tag
            sent = Sent(method, call, client, server, uri, vias, *sides, to_tag, parent.cseq, parent)
            parent.children.append(sent)
            return sent
        below = self._below(call, options)
        vias += below
        by_caller = client == call.caller or bool(below) or (call.confirmed_tag is None and call.early_tag is None)
        to_tag = self._dialog_tag(call, method, by_caller, options)
        number = call.cseqs.get(client.name, 0) + 1
        call.cseqs[client.name] = int(options.get("cseq", number))
        user = call.to_user if by_caller else call.from_user
        uri = options.get("uri", f"sip:{server.host}" if method == "REGISTER" else f"sip:{user}@{server.host}")
        sides = ("caller", "callee") if by_caller else ("callee", "caller")
        return Sent(method, call, client, server, uri, vias, *sides, to_tag, call.cseqs[client.name], None)

    def _dialog_tag(self, call: Call, method: str, by_caller: bool, options: dict[str, str]) -> str | None:
        in_dialog = options.get("dialog")
        if in_dialog is None:
            starts = method in ALONE or method in ("INVITE", "MESSAGE")
            in_dialog = "yes" if not starts or (call.confirmed_tag is not None and not call.over) else "no"
        if in_dialog != "yes":
            if method == "INVITE":
                call.confirmed_tag = call.early_tag = None
                call.over = False
            return None
        return (call.confirmed_tag or call.early_tag) if by_caller else call.from_tag

    def _via(self, client: Party, server: Party, options: dict[str, str]) -> str:
        branch = options.get("branch") or f"z9hG4bK{self._word(client.name, self.number())}"
        return f"SIP/2.0/{self.transport(client, server)} {client.host};branch={branch}"

    def _sides(self, sent: Sent) -> tuple[str, str]:
        """From and To of a request or of its responses, To without its tag."""
        call = sent.call
        caller = f"<sip:{call.from_user}@{call.domain}>"
        callee = f"<sip:{call.to_user}@{call.domain}>"
        if sent.sender == "caller":
            return f"{caller};tag={call.from_tag}", callee
        return (
            f"{callee};tag={call.confirmed_tag or call.early_tag or self._word('callee', call.name)}",
            caller,
        )

    def _request_octets(self, sent: Sent, options: dict[str, str]) -> bytes:
        sender, target = self._sides(sent)
        headers = [("Via", via) for via in sent.vias]
        if "max_forwards" not in options:
            headers.append(("Max-Forwards", str(70 - max(len(sent.vias) - 1, 0))))
        headers += [
            ("From", sender),
            ("To", f"{target};tag={sent.to_tag}" if sent.to_tag else target),
            ("Call-ID", sent.call.call_id),
            ("CSeq", f"{sent.cseq} {sent.method}"),
        ]
        if sent.method in ("INVITE", "REGISTER", "SUBSCRIBE") and "contact" not in options:
            user = sent.call.from_user if sent.sender == "caller" else sent.call.to_user
            headers.append(("Contact", f"<sip:{user}@{sent.client.host}>"))
        if sent.method not in ("ACK", "CANCEL"):
            headers += self._credentials(sent, options)
        sent.agent = options.get("agent", sent.parent.agent if sent.parent else sent.client.agent)
        if sent.agent and sent.method not in ("ACK", "CANCEL"):
            headers.append(("User-Agent", sent.agent))
        first = f"{sent.method} {sent.uri} SIP/2.0"
        return octets(first, headers, options, sent.client, sent.method == "INVITE")

    def _credentials(self, sent: Sent, options: dict[str, str]) -> list[tuple[str, str]]:
        earlier = [
            other for other in sent.call.requests
            if other is not sent and other.client == sent.client and other.method == sent.method
        ]  # fmt: skip
        challenge = earlier[-1].final if earlier else None
        wanted = options.get("credentials", "yes" if challenge in (401, 407) and sent.to_tag is None else "no")
        if wanted != "yes":
            return []
        name = "Proxy-Authorization" if challenge == 407 else "Authorization"
        return [(name, f'Digest username="{sent.call.from_user}",realm="{sent.call.domain}",nonce="n1",'
                       f'uri="{sent.uri}",response="{self._word("digest", size=16)}"')]  # fmt: skip

    def response(self, client: Party, server: Party, code: int, options: dict[str, str]) -> bytes:
        sent = self._answered(client, server, options)
        relayed = [answer for child in sent.children for answer in child.answers if answer.code == code > 100]
        tag = self._to_tag(sent, server, code, options, relayed)
        agent = options.get("agent", relayed[-1].agent if relayed else server.agent)
        sent.answers.append(Answer(code, tag, agent))
        if code >= 200:
            sent.final = code
        if sent.method in ("INVITE", "SUBSCRIBE") and sent.to_tag is None and 100 < code < 300:
            if code >= 200:
                sent.call.confirmed_tag = tag
            else:
                sent.call.early_tag = tag
        sender, target = self._sides(sent)
        headers = [("Via", via) for via in sent.vias]
        headers += [
            ("From", sender),
            ("To", f"{target};tag={tag}" if tag else target),
            ("Call-ID", sent.call.call_id),
            ("CSeq", f"{sent.cseq} {sent.method}"),
        ]
        stale = ",stale=true" if "stale" in options else ""
        if code in (401, 407):
            name = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
            headers.append((name, f'Digest realm="{sent.call.domain}",nonce="n1"{stale}'))
        if "contact" not in options:
            if 300 <= code < 400:
                headers.append(("Contact", f"<sip:{sent.call.to_user}@203.0.113.99>"))
            elif sent.method == "INVITE" and 100 < code < 300:
                headers.append(("Contact", f"<sip:{sent.call.to_user}@{server.host}>"))
        if agent:
            headers.append(("Server", agent))
        first = f"SIP/2.0 {code} {options.get('phrase', PHRASES.get(code, ''))}"
        return octets(first, headers, options, server, sent.method == "INVITE" and code in (183, 200))

    def _answered(self, client: Party, server: Party, options: dict[str, str]) -> Sent:
        method, _, number = options.get("for", "").partition("/")
        fitting = [
            sent for sent in self.sent
            if sent.client == client and sent.server == server and sent.method != "ACK"
            and (not method or sent.method == method) and (not number or sent.cseq == int(number))
            and ("call" not in options or sent.call.name == options["call"])
        ]  # fmt: skip
        if not fitting:
            raise ValueError(f"{client.name} has sent {server.name} no such request")
        pending = [sent for sent in fitting if sent.final is None]
        return (pending or fitting)[-1]

    def _to_tag(
        self, sent: Sent, server: Party, code: int, options: dict[str, str], relayed: list[Answer]
    ) -> str | None:
        if "tag" in options:
            return None if options["tag"] == "none" else options["tag"]
        if sent.to_tag or code == 100:
            return sent.to_tag
        return relayed[-1].tag if relayed else self._word("to", sent.call.name, server.name, sent.cseq, size=4)
