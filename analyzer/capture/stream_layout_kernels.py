"""The state of the streams that kernels read: columns and scalars that `stream_kernels` and `framing_kernels` share."""

from __future__ import annotations

# A stream: the columns of a flow's place up to FLOW_STATE, then these.
STREAM_NEXT = 6  # sequence number of the next octet
STREAM_USED = 7  # tick of its last use
STREAM_FIRST = 8  # sequence number of its first octet; MISSING
STREAM_SLOT = 9  # its buffer; -1
STREAM_KEPT = 10  # octets in it: the beginning of a message
STREAM_STEP = 11  # which part of it is being read: STEP_*
STREAM_LINE = 12  # where the current line begins
STREAM_SCANNED = 13  # up to where it has been looked for the line's end
STREAM_LENGTH = 14  # Content-Length; -1
STREAM_WIRE = 15  # with STEP_BODY: octets of the whole message
STREAM_AHEAD = 16  # 1 + the place in ``ahead`` of a segment that came before its turn; 0
STREAM_COLUMNS = 17

# STREAM state, in the place of FLOW_STATE.
HERE = 1
ELSEWHERE = 2  # in the plain-Python assembler

STEP_START = 0  # two lines decide whether a message begins
STEP_HEADERS = 1
STEP_BODY = 2
STEP_ODD = 64  # in STREAM_STEP: the line before was a Content-Length, so that this one must not be folded

#: Octets of one message: `framing.MESSAGE_OCTETS`.
MESSAGE_OCTETS = 65_535
#: Octets of a buffer: a message that is not complete, and one more segment.
BUFFER_OCTETS = 2 * MESSAGE_OCTETS + 2
#: No message is shorter: a status line and an empty line.
SHORTEST = 15
#: `streams.BEHIND_OCTETS`: octets further behind belong to another connection.
BEHIND_OCTETS = 1 << 20

# Scalars, behind those of the flow table.
S_AT = 16  # the row that the kernel stopped at
S_ROWS = 17  # rows and octets of what is handed out
S_OCTETS = 18
S_FREE = 19  # head of the list of free buffers; -1
S_USED = 20  # buffers ever used
S_SECOND = 21  # second of the capture's clock
S_CLOCK = 22  # highest time seen
S_WAITS = 23  # 1 = something over there waits for the clock
S_PLACE = 24  # the stream that STREAM_* is asked of
S_AHEAD = 25  # segments in ``ahead``
S_TOP = 26  # places of it that were used since it was empty
STREAM_SCALARS = 27

# A segment that came before its turn: it stays where it is, in the rows that are being read, until its turn comes.
A_PLACE = 0  # of its stream; -1: its turn has come
A_ROW = 1
A_CLOCK = 2  # of the capture, when it came
A_TICK = 3
AHEAD_COLUMNS = 4
AHEAD = 64

# Why the kernel stopped at a row.
DONE = 0
FULL = 1  # no room for what comes out of it
OTHER = 2  # it is for the plain-Python assembler
UNKNOWN = 3  # of a stream that has no place here
ODD = 4  # of stream S_PLACE, which must go to the plain-Python assembler first
SECOND = 5  # the clock enters another second
LATE = 6  # the segment in ``ahead`` of stream S_PLACE, whose turn has come, must go to the plain-Python assembler
