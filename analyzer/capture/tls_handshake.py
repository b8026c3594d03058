"""What the two hellos of a TLS handshake settle, for somebody beside the connection (RFC 5246 §7.4, RFC 8446 §4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 1, 2, 4, 5, 8
SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE, FINISHED, KEY_UPDATE = 14, 16, 20, 24

_ENCRYPT_THEN_MAC, _EXTENDED_MASTER_SECRET, _EARLY_DATA, _SUPPORTED_VERSIONS = 22, 23, 42, 43
TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0301, 0x0302, 0x0303, 0x0304

#: The random of a ServerHello that is a HelloRetryRequest: SHA-256 of its name (RFC 8446 §4.1.3).
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
#: Longer handshake messages (no hello is) are passed over; of a handshake no more than this is kept.
_LONGEST_MESSAGE = 1 << 16
_LONGEST_TRANSCRIPT = 1 << 17


class Message(NamedTuple):
    """A handshake message: its type, and its octets with the header, empty when it was too long to keep."""

    kind: int
    octets: bytes


class ClientHello(NamedTuple):
    """What is needed of a ClientHello."""

    random: bytes
    has_early_data: bool


class ServerHello(NamedTuple):
    """What is needed of a ServerHello; ``version`` is the one that was chosen, in supported_versions or outside."""

    random: bytes
    version: int
    cipher_suite: int
    is_compressed: bool
    has_encrypt_then_mac: bool
    has_extended_master_secret: bool

    @property
    def is_retry(self) -> bool:
        """Whether it is a HelloRetryRequest: the client says hello once more, the server after it."""
        return self.random == _RETRY


class Messages:
    """Handshake messages of one direction, out of the fragments in which records carry them."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._kind = 0
        self._skip = 0

    def add(self, fragment: bytes) -> Iterator[Message]:
        """The messages that these octets complete."""
        octets = self._octets
        octets += fragment
        at = 0
        while True:
            if self._skip:
                skipped = min(self._skip, len(octets) - at)
                self._skip -= skipped
                at += skipped
                if self._skip:
                    break
                yield Message(self._kind, b"")
            if len(octets) - at < 4:
                break
            length = 4 + int.from_bytes(octets[at + 1 : at + 4], "big")
            if length > _LONGEST_MESSAGE:
                self._kind, self._skip = octets[at], length
                continue
            if len(octets) - at < length:
                break
            message = bytes(octets[at : at + length])
            at += length
            yield Message(message[0], message)
        del octets[:at]


def client_hello(message: bytes) -> ClientHello | None:
    """Read a ClientHello (RFC 8446 §4.1.2); None when it is malformed."""
    try:
        at = _skip_vector(message, 38, 1)  # behind header, version, random: the session id
        at = _skip_vector(message, at, 2)  # cipher suites
        at = _skip_vector(message, at, 1)  # compression methods
        extensions = _extensions(message, at)
    except IndexError:
        return None
    return ClientHello(message[6:38], _EARLY_DATA in extensions)


def server_hello(message: bytes) -> ServerHello | None:
    """Read a ServerHello or HelloRetryRequest (RFC 8446 §4.1.3); None when it is malformed."""
    try:
        at = _skip_vector(message, 38, 1)
        suite, compression = message[at] << 8 | message[at + 1], message[at + 2]
        extensions = _extensions(message, at + 3)
    except IndexError:
        return None
    chosen = extensions.get(_SUPPORTED_VERSIONS, b"")
    version = int.from_bytes(chosen if len(chosen) == 2 else message[4:6], "big")
    return ServerHello(
        message[6:38],
        version,
        suite,
        compression != 0,
        _ENCRYPT_THEN_MAC in extensions,
        _EXTENDED_MASTER_SECRET in extensions,
    )


def accepts_early_data(message: bytes) -> bool:
    """Whether EncryptedExtensions take the client's early data (RFC 8446 §4.2.10)."""
    try:
        return _EARLY_DATA in _extensions(message, 4)
    except IndexError:
        return False


def _skip_vector(octets: bytes, at: int, length_octets: int) -> int:
    """Where a vector with a length in front ends; IndexError when that is beyond the message."""
    end = at + length_octets + int.from_bytes(octets[at : at + length_octets], "big")
    if at + length_octets > len(octets) or end > len(octets):
        raise IndexError
    return end


def _extensions(octets: bytes, at: int) -> dict[int, bytes]:
    """Extensions by type; none at all is allowed before TLS 1.3."""
    found: dict[int, bytes] = {}
    if at == len(octets):
        return found
    end = _skip_vector(octets, at, 2)
    at += 2
    while at < end:
        after = _skip_vector(octets, at + 2, 2)
        found.setdefault(octets[at] << 8 | octets[at + 1], octets[at + 4 : after])
        at = after
    return found


class Handshake:
    """What both directions of a connection have settled so far.

    The transcript is kept up to the ClientKeyExchange, for sessions whose master secret comes from an ``RSA`` line of
    the key log and must be extended (RFC 7627). It is put together by direction, so that it does not matter how a
    capture interleaves the two.
    """

    def __init__(self) -> None:
        self.client: ClientHello | None = None
        self.server: ServerHello | None = None
        self.client_hellos = 0
        self.key_exchange = b""  # body of the ClientKeyExchange
        self.is_early_data_accepted: bool | None = None
        self._client_messages: list[bytes] = []
        self._server_messages: list[bytes] = []
        self._kept = 0
        self._changes = 0

    def hear(self, message: Message, is_client: bool) -> bool:
        """Take in a message; False when it is a hello that is malformed or of the wrong side."""
        if message.kind in (CLIENT_HELLO, SERVER_HELLO):
            if is_client != (message.kind == CLIENT_HELLO):
                return False
            if not (self._hear_client(message) if is_client else self._hear_server(message)):
                return False
        if message.kind == CLIENT_KEY_EXCHANGE and is_client:
            self.key_exchange = message.octets[4:]
        self._keep(message, is_client)
        return True

    def _hear_client(self, message: Message) -> bool:
        client = client_hello(message.octets)
        if client is None:
            return False
        self.client = client
        self.client_hellos += 1
        self.key_exchange = b""
        self._client_messages = []
        return True

    def _hear_server(self, message: Message) -> bool:
        server = server_hello(message.octets)
        if server is None:
            return False
        self.server = server
        self._server_messages = []
        if server.is_retry:
            self.is_early_data_accepted = False  # RFC 8446 §4.2.10: never after a retry
        return True

    def _keep(self, message: Message, is_client: bool) -> None:
        messages = self._client_messages if is_client else self._server_messages
        last = CLIENT_KEY_EXCHANGE if is_client else SERVER_HELLO_DONE
        is_over = bool(messages) and messages[-1][:1] == bytes([last])
        is_wanted = bool(messages) or message.kind in (CLIENT_HELLO, SERVER_HELLO)
        if is_wanted and not is_over and self._kept < _LONGEST_TRANSCRIPT:
            messages.append(message.octets)
            self._kept += len(message.octets)

    def transcript(self) -> bytes:
        """The handshake messages up to and with the ClientKeyExchange: what extends a master secret."""
        first, *rest = self._client_messages or [b""]
        return b"".join([first, *self._server_messages, *rest])

    def changed(self) -> None:
        """A direction has got its keys; with the second one's the transcript has served."""
        self._changes += 1
        if self._changes == 2:
            self.forget_transcript()

    def forget_transcript(self) -> None:
        """Keep no messages until the next hello: a connection may last for days."""
        self._client_messages, self._server_messages = [], []
        self._kept = self._changes = 0
