"""What the stages hand each other: columns, not rows.

reading    → `Datagrams`     where SIP stands in a window of captured octets, one line a datagram
sip        → `MessageBatch`  numbers and spans of each message, one line a message
correlate  → `Columns`       tables of what has ended: one column per field of a row type

Numbers stand in two-dimensional ``int64`` arrays with named columns (``D_*``, ``M_*``), texts as spans (``S_*``)
into the octets they were read from, so that nothing is copied until somebody asks for a text. Making an object
per message costs more than everything else together (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.wiretext import printable

Ints: TypeAlias = NDArray[np.int64]
Spans: TypeAlias = NDArray[np.int32]
Octets: TypeAlias = NDArray[np.uint8]

#: A missing number. It is also NaT's own value, so that a column of times needs no translation.
MISSING = -(2**63)

# ---------------------------------------------------------------------------------------------------------------
# Datagrams: one line per datagram (or stream message) that begins with a SIP start line.

D_FRAME_NO = 0  # frame that completed it, from 1 within its capture
D_TS = 1  # ns since the epoch, UTC
D_OFFSET = 2  # where its octets start in Datagrams.octets
D_LENGTH = 3  # octets captured
D_WIRE_LENGTH = 4  # octets that were sent; more than D_LENGTH when the snaplen cut it
D_FILE_OFFSET = 5  # where its octets start in the unpacked capture; MISSING if they do not stand there in one piece
D_SRC_HI = 6  # addresses as two int64 halves in network order; IPv4 as ::ffff:a.b.c.d
D_SRC_LO = 7
D_DST_HI = 8
D_DST_LO = 9
D_SRC_PORT = 10
D_DST_PORT = 11
D_TRANSPORT = 12  # position in vocab.Transport
D_NETWORK = 13  # outer VLAN or VNI; MISSING when there is none
D_IP_ID = 14  # IPv4 identification; 0 for IPv6
D_INTERFACE_NO = 15  # interface of the capture, from 0 over all its sections
D_CAPTURE_NO = 16
D_LAYERS = 17  # the headers around it, packed: analyzer.capture.layer_kernels
D_COPY = 18  # 1 = the same packet captured once more: counted in `messages` alone
D_COLUMNS = 19

# What the walk hands to analyzer.capture.assemble has four columns more, which are gone in what comes out of it.
R_KIND = 19  # RAW_*
R_SEQ = 20  # TCP: sequence number of the first octet; fragments: offset in octets << 1 | more follow
R_INFO = 21  # TCP: flags | FLOW_* << 8; fragments: protocol << 32 | identification
R_FIRST = 22  # TCP: sequence number of the flow's first octet, the one behind its SYN; MISSING if that was not seen
R_COLUMNS = 23
RAW_MESSAGE = 0  # a datagram that begins with SIP: nothing is left to assemble
RAW_SEGMENT = 1  # payload of a TCP segment
RAW_FRAGMENT = 2  # payload of an IP fragment
RAW_SCTP = 3  # an SCTP packet from its common header on
RAW_HEP = 4  # payload of a datagram that a capture agent sent

# What a TCP flow carries, in R_INFO.
FLOW_UNDECIDED = 0  # its first octets have not come yet: the segment waits
FLOW_OTHER = 1  # it turned out to be nothing of ours: what waits is let go; the row has no octets
FLOW_SIP = 2
FLOW_TLS = 3
FLOW_WEBSOCKET = 4  # an upgrade request, its answer, or WebSocket frames
FLOW_HEP = 5
TCP_FIN, TCP_SYN, TCP_RST, TCP_ACK = 1, 2, 4, 16

# MessageBatch.numbers: the columns of Datagrams, then these. 0 or MISSING as said.
M_METHOD = 19  # method number of a request; 0 for a response
M_STATUS = 20  # status code of a response; 0 for a request
M_CSEQ = 21  # CSeq number; MISSING
M_CSEQ_METHOD = 22  # method number; 0 when missing
M_VIA_COUNT = 23  # Via values, comma-joined ones counted each
M_FLAGS = 24  # F_* below
M_DEFECTS = 25  # bits: X_* below
M_REASON_Q850 = 26  # the Q.850 cause that the Reason header fields state, 1-127; MISSING
M_REASON_SIP = 27  # the cause of the first SIP Reason value; MISSING
M_REASON_LOCATION = 28  # location of the Q.850 value as a number of data/q850_causes.toml; -1
M_VENDOR_CAUSE = 29  # Q.850 cause in a vendor's header field; MISSING
M_ISUP_CAUSE = 30  # cause of an encapsulated ISUP release; MISSING
M_WARNING = 31  # first warn-code; 0
M_RETRY_AFTER = 32  # s; MISSING
M_RSEQ = 33  # RSeq; 0
M_EXPIRES = 34  # s, from Expires, else the first Contact's expires; MISSING
M_MAX_FORWARDS = 35  # MISSING
M_CONTENT_LENGTH = 36  # as declared; MISSING
M_BODY_LEN = 37  # octets of the body that were captured
M_LENGTH = 38  # octets of the message that were captured, from the start line's first octet
M_SESSION_EXPIRES = 39  # s; MISSING
M_MESSAGE_NO = 40  # given by the pipeline, from 1
M_START = 41  # where the start line starts in octets: D_OFFSET plus leading line ends
M_COLUMNS = 42

# M_FLAGS
F_HAS_CREDENTIALS = 1  # Authorization or Proxy-Authorization
F_STALE = 2  # a challenge that says stale=true
F_HAS_SDP = 4  # Content-Type application/sdp, or multipart with such a part
F_CUT = 8  # octets are missing at its end (snaplen)
F_COOKIE = 16  # top branch begins with z9hG4bK
F_WHOLE = 32  # read by the whole-message parser because the kernel abstained
F_REASON_SEVERAL = 64  # several Q.850 values
F_REASON_MASKED = 128  # a Q.850 value of 128-255, masked to seven bits
F_STIR = 256  # a Reason of protocol STIR
F_RELEASE_CAUSE = 512  # a Reason of 3GPP protocol RELEASE_CAUSE with a cause of 2-6
F_PREEMPTION = 1024  # a Reason of protocol Preemption
F_SESSION_TIMER = 2048  # a Reason that names the session timer
F_BEHIND_NAT = 4096  # of a request: its topmost Via names an IP address that it does not come from

# M_DEFECTS: what is wrong with a message, which is read all the same. Issue codes of data/issues.toml.
X_NO_CALL_ID = 1
X_NO_CSEQ = 2
X_NO_FROM = 4
X_NO_TO = 8
X_NO_VIA = 16
X_BAD_CSEQ = 32  # CSeq not "number method"
X_CSEQ_MISMATCH = 64  # CSeq method differs from the request's
X_LOW_STATUS = 128  # status code below 100
X_CONTENT_LENGTH_LONG = 256  # more declared than sent
X_CONTENT_LENGTH_SHORT = 512  # octets behind the declared end (UDP: discarded, RFC 3261 §18.3)
X_BAD_CONTENT_LENGTH = 1024  # not a number
X_LF_ONLY = 2048  # lines end in LF alone
X_BAD_HEADER_LINE = 4096  # a line that is no header field
X_NOT_UTF8 = 8192  # start line or header octets that are not UTF-8 (only noticed where read)
X_NO_CONTENT_LENGTH = 16384  # none over a stream transport, where only it tells the body's end
DEFECTS: dict[int, str] = {
    X_NO_CALL_ID: "sip.no_call_id",
    X_NO_CSEQ: "sip.no_cseq",
    X_NO_FROM: "sip.no_from",
    X_NO_TO: "sip.no_to",
    X_NO_VIA: "sip.no_via",
    X_BAD_CSEQ: "sip.bad_cseq",
    X_CSEQ_MISMATCH: "sip.cseq_mismatch",
    X_LOW_STATUS: "sip.status_below_100",
    X_CONTENT_LENGTH_LONG: "sip.content_length_too_long",
    X_CONTENT_LENGTH_SHORT: "sip.octets_after_body",
    X_BAD_CONTENT_LENGTH: "sip.bad_content_length",
    X_LF_ONLY: "sip.lf_line_ends",
    X_BAD_HEADER_LINE: "sip.bad_header_line",
    X_NOT_UTF8: "sip.not_utf8",
    X_NO_CONTENT_LENGTH: "sip.no_content_length",
}

# MessageBatch.spans[:, S_*, :] = (offset in octets, length); length -1 = missing.
S_METHOD = 0  # method token of a request, CSeq method token of a response
S_REQUEST_URI = 1
S_REASON_PHRASE = 2
S_CALL_ID = 3
S_FROM_URI = 4
S_FROM_TAG = 5
S_TO_URI = 6
S_TO_TAG = 7
S_CONTACT_URI = 8
S_BRANCH = 9
S_SENT_BY = 10  # host[:port] of the topmost Via
S_AGENT = 11  # User-Agent, else Server
S_REASON = 12  # value of the first Reason header field
S_CONTENT_TYPE = 13  # without parameters
S_SESSION_ID = 14
S_WARNING = 15  # value of the first Warning header field
S_LINKED_ID = 16  # of an INVITE: the Call-ID of another leg that a header field names (headers.toml, meaning call_id)
S_ORIGIN = 17  # of an INVITE with SDP: what its o= line says
S_COLUMNS = 18

#: Methods by number. 0 = none; METHOD_UNLISTED = read but not among these until `MethodNames` has given it a number.
METHODS = (
    "", "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "UPDATE", "SUBSCRIBE", "NOTIFY",
    "PUBLISH", "INFO", "REFER", "MESSAGE",
)  # fmt: skip
INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, PRACK, UPDATE = range(1, 9)
METHOD_UNLISTED = 15


class Datagrams(NamedTuple):
    """Where SIP stands in a window: ``octets`` (uint8) and ``rows`` (int64, n × at least D_COLUMNS)."""

    octets: Octets
    rows: Ints


class MessageBatch(NamedTuple):
    """Messages as columns: ``numbers`` (int64, n × M_COLUMNS), ``spans`` (int32, n × S_COLUMNS × 2), ``octets``.

    Spans point into ``octets``, which may be a reused window: copy what must outlive the next window.
    """

    octets: Octets
    numbers: Ints
    spans: Spans
    methods: Sequence[str] = METHODS  # names by method number; grows while unlisted methods are met

    def __len__(self) -> int:
        return len(self.numbers)

    def text(self, row: int, which: int) -> str | None:
        """The text of one span, with what cannot be printed escaped; None when missing."""
        offset, length = self.spans[row, which]
        if length < 0:
            return None
        return printable(self.octets[offset : offset + length].tobytes())


class OpenNumbers(NamedTuple):
    """What has not ended yet, by its numbers: each an ascending int64 array.

    What is in none of them has ended and was handed out.
    """

    calls: Ints  # call_no
    registrations: Ints  # registration_no
    transactions: Ints  # transaction_no

    @classmethod
    def none(cls) -> OpenNumbers:
        """Everything has ended."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, nothing)


class MethodNames:
    """Numbers for method tokens that the kernels do not list, so that unknown methods are counted by name.

    Bounded, because the tokens are strangers' octets: beyond `LIMIT` names they share METHOD_UNLISTED.
    """

    LIMIT = 1000

    def __init__(self) -> None:
        self.names: list[str] = [*METHODS, "(other)"]
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def number(self, token: str) -> int:
        """The number of a method token; a new one is given a number while there is room."""
        known = self._numbers.get(token)
        if known is None:
            if len(self.names) >= self.LIMIT:
                return METHOD_UNLISTED
            known = self._numbers[token] = len(self.names)
            self.names.append(token)
        return known


# ---------------------------------------------------------------------------------------------------------------
# Columns: a table in numpy, before anybody needs pandas.


class Labels(NamedTuple):
    """A column of few different texts: ``codes`` (int32, -1 = missing) into ``names``."""

    codes: NDArray[np.int32]
    names: Sequence[str]

    def take(self, rows: Any) -> Labels:
        """The same column for the rows of a mask or an index array."""
        return Labels(self.codes[rows], self.names)

    def value(self, row: int) -> str | None:
        """The text of one row; None when missing."""
        code = int(self.codes[row])
        return None if code < 0 else self.names[code]


class Texts(NamedTuple):
    """A column of texts end to end: row i is ``octets[starts[i] : starts[i] + lengths[i]]``, length -1 = missing.

    The octets are as on the wire; `value` and `values` escape what cannot be printed (`wiretext.printable`).
    """

    octets: Octets
    starts: Ints
    lengths: NDArray[np.int32]

    def take(self, rows: Any) -> Texts:
        """The same column for the rows of a mask or an index array."""
        return Texts(self.octets, self.starts[rows], self.lengths[rows])

    def value(self, row: int) -> str | None:
        """The printable text of one row; None when missing."""
        length = int(self.lengths[row])
        if length < 0:
            return None
        start = int(self.starts[row])
        return printable(self.octets[start : start + length].tobytes())

    def values(self) -> list[str | None]:
        """The printable text of every row."""
        raw = self.octets.tobytes()
        return [
            None if length < 0 else printable(raw[start : start + length])
            for start, length in zip(self.starts.tolist(), self.lengths.tolist(), strict=True)
        ]


AnyColumn: TypeAlias = "NDArray[Any] | Labels | Texts"


class Columns:
    """A table as columns, by the names of a row type of `schema`.

    int64 with MISSING for numbers and times, float64 with NaN for reals, bool for flags, `Labels` for labels,
    `Texts` or `Labels` for texts.
    """

    def __init__(self, row_type: type[Any], columns: Mapping[str, AnyColumn], length: int | None = None) -> None:
        self.row_type = row_type
        self.columns = dict(columns)
        self._length = length if length is not None else (_length(next(iter(self.columns.values()))) if columns else 0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> AnyColumn:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def ints(self, name: str) -> Ints:
        """A column of numbers."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column

    def labels(self, name: str) -> Labels:
        """A column of labels."""
        column = self.columns[name]
        assert isinstance(column, Labels)
        return column

    def take(self, rows: Any) -> Columns:
        """The rows of a boolean mask or an index array."""
        taken = {n: c[rows] if isinstance(c, np.ndarray) else c.take(rows) for n, c in self.columns.items()}
        return Columns(self.row_type, taken, None if taken else 0)

    def value(self, name: str, row: int) -> Any:
        """One cell as Python holds it: None when missing, `int`, `float`, `bool` or `str`."""
        column = self.columns[name]
        if not isinstance(column, np.ndarray):
            return column.value(row)
        cell = column[row].item()
        if isinstance(cell, float):
            return None if cell != cell else cell
        return None if cell == MISSING and not isinstance(cell, bool) else cell

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict; for people and small tables."""
        for row in range(len(self)):
            yield {name: self.value(name, row) for name in self.columns}


def _length(column: AnyColumn) -> int:
    if isinstance(column, np.ndarray):
        return len(column)
    return len(column.codes) if isinstance(column, Labels) else len(column.starts)


def labels_of(values: Iterable[str | None]) -> Labels:
    """A label column of Python texts."""
    numbers: dict[str, int] = {}
    codes = [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values]
    return Labels(np.array(codes, dtype=np.int32), list(numbers))


def concat_labels(parts: Sequence[Labels]) -> Labels:
    """Label columns end to end, their names united."""
    if len(parts) == 1:
        return parts[0]
    numbers: dict[str, int] = {}
    codes = []
    for part in parts:
        if not part.names:
            codes.append(part.codes)
            continue
        translate = np.array([numbers.setdefault(name, len(numbers)) for name in part.names], dtype=np.int32)
        codes.append(np.where(part.codes < 0, np.int32(-1), translate[np.maximum(part.codes, 0)]))
    return Labels(np.concatenate(codes) if codes else np.empty(0, np.int32), list(numbers))


def concat_texts(parts: Sequence[Texts]) -> Texts:
    """Text columns end to end; their octets are joined."""
    if len(parts) == 1:
        return parts[0]
    starts, base = [], 0
    for part in parts:
        starts.append(part.starts + base)
        base += len(part.octets)
    return Texts(
        np.concatenate([part.octets for part in parts]),
        np.concatenate(starts),
        np.concatenate([part.lengths for part in parts]),
    )


def concat(row_type: type[Any], parts: Sequence[Columns]) -> Columns:
    """Tables of one row type end to end."""
    filled = [part for part in parts if len(part)] or list(parts[:1])
    if not filled:
        return Columns(row_type, {}, 0)
    joined: dict[str, AnyColumn] = {}
    for name in filled[0]:
        pieces = [part[name] for part in filled]
        if isinstance(pieces[0], Labels):
            joined[name] = concat_labels([p for p in pieces if isinstance(p, Labels)])
        elif isinstance(pieces[0], Texts):
            joined[name] = concat_texts([p for p in pieces if isinstance(p, Texts)])
        else:
            joined[name] = np.concatenate([p for p in pieces if isinstance(p, np.ndarray)])
    return Columns(row_type, joined, sum(len(part) for part in filled))
