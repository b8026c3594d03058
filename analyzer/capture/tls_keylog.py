"""The secrets of a key log: what TLS libraries write to SSLKEYLOGFILE, and pcapng keeps in decryption secrets blocks.

A line is a label, the client random of the connection and a secret, both in hexadecimal (RFC 9850; NSS Key Log Format).
``RSA`` lines of old key logs have the first eight octets of the encrypted premaster secret in place of the client
random. A line that is not understood is counted and passed over.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterator

from analyzer.errors import CaptureError

#: Bounds on what a key log may make us remember, and on one line of it.
SECRETS = 1_000_000
_LINE = 4096
_PIECE = 1 << 20

#: The labels whose secrets open records, and how long their secrets may be.
_LENGTHS = {
    "CLIENT_RANDOM": (48,),
    "RSA": (48,),
    "CLIENT_EARLY_TRAFFIC_SECRET": (32, 48),
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": (32, 48),
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": (32, 48),
    "CLIENT_TRAFFIC_SECRET_0": (32, 48),
    "SERVER_TRAFFIC_SECRET_0": (32, 48),
}


class KeyLog:
    """Secrets of an NSS key log, by label and client random.

    ``bad_lines`` counts the lines that hold no secret although they are neither empty nor a comment nor of a label
    that opens no records (exporter secrets and the like).
    """

    def __init__(self) -> None:
        self.bad_lines = 0
        self._secrets: dict[str, dict[bytes, bytes]] = {label: {} for label in _LENGTHS}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: bytes) -> int:
        """Take in whole lines; returns how many secrets they gave that were not there. Never raises.

        A later line about the same connection replaces the earlier; beyond `SECRETS` no more are taken in.
        """
        before = self._count
        for line in text.splitlines():
            self._add_line(line.strip())
        return self._count - before

    def _add_line(self, line: bytes) -> None:
        if not line or line.startswith(b"#"):
            return
        words = line.split()
        label = words[0].decode("ascii", "replace")
        if label not in _LENGTHS:
            # Labels that nobody needs here (EXPORTER_SECRET, ECH_SECRET) are no fault.
            self.bad_lines += not (len(words) == 3 and label.replace("_", "").isalnum() and label.isupper())
            return
        try:
            random, secret = (binascii.unhexlify(word) for word in words[1:])
        except ValueError:
            self.bad_lines += 1
            return
        if len(secret) not in _LENGTHS[label] or len(random) != (8 if label == "RSA" else 32):
            self.bad_lines += 1
            return
        known = self._secrets[label]
        if random not in known:
            if self._count >= SECRETS:
                return
            self._count += 1
        known[random] = secret

    def text(self, client_randoms: Collection[bytes]) -> bytes:
        """Lines of a key log for the connections of these client randoms: what somebody else may be given.

        ``RSA`` lines do not tell their connection and are left out.
        """
        lines = [
            f"{label} {random.hex()} {known[random].hex()}\n"
            for random in sorted(client_randoms)
            for label, known in self._secrets.items()
            if random in known
        ]
        return "".join(lines).encode()

    def secret(self, label: str, client_random: bytes) -> bytes | None:
        """The secret under a label; for ``RSA`` by the first eight octets of the encrypted premaster secret."""
        return self._secrets.get(label, {}).get(client_random)


def read_keylog(path: str) -> KeyLog:
    """The secrets of a key log file; `CaptureError` when it cannot be read or holds none."""
    keys = KeyLog()
    try:
        with open(path, "rb") as file:
            for lines in _whole_lines(iter(lambda: file.read(_PIECE), b"")):
                keys.add(lines)
    except OSError as error:
        raise CaptureError(path, f"the key log cannot be read ({error.strerror})") from error
    if not keys:
        raise CaptureError(
            path,
            "no TLS secrets in it; give the file that the server or phone wrote to SSLKEYLOGFILE"
            " (lines such as CLIENT_RANDOM …)",
        )
    return keys


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The octets of a file, cut at line ends; of a line too long to be one only the beginning is kept."""
    rest = b""
    for piece in pieces:
        whole, end, rest_of_piece = piece.rpartition(b"\n")
        if end:
            yield rest + whole
            rest = rest_of_piece
        else:
            rest = (rest + piece)[:_LINE]
    yield rest
