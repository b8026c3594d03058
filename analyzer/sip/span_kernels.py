"""Where the header fields of a message stand: one pass over its lines.

A line's end is sought eight octets at a time; its name is told by the first octet and then compared as
words, so that a field which no column needs costs little more than its length. Of each field that a
column needs the first occurrence is noted as a span of its trimmed value. Fields of which every
occurrence matters (Via, Reason, challenges, credentials, makers' fields) are handed to `many_kernels`
as they are met.

The pass abstains when a line continues a field that matters; `analyzer.sip.headers` then unfolds it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import (
    F_HAS_CREDENTIALS,
    M_DEFECTS,
    M_FLAGS,
    M_VIA_COUNT,
    X_BAD_HEADER_LINE,
    X_LF_ONLY,
    Ints,
    Octets,
    Spans,
)
from analyzer.jit import inlined
from analyzer.sip.many_kernels import (
    could_be_maker_header,
    read_challenge,
    read_maker_header,
    read_reason,
    read_vias,
)
from analyzer.sip.scan_kernels import (
    COLON,
    COLON_WORD,
    COMMA_WORD,
    CR,
    HIGH_BITS,
    LF_WORD,
    NO_TOKEN_CLASS,
    Word,
    find,
    first_match,
    is_blank,
    letters_of,
    matches,
    octet_at,
    scan,
    skip_blanks,
    trim_end,
    word_at,
    word_of,
)

Words: TypeAlias = NDArray[np.uint64]

# Header fields by number. Of those below H_SPANS the first occurrence is kept: fields[2 * H_X] and
# fields[2 * H_X + 1] are where its value starts and stops; a start of -1 means that there is none.
H_CALL_ID = 0
H_CSEQ = 1
H_FROM = 2
H_TO = 3
H_CONTACT = 4
H_MAX_FORWARDS = 5
H_CONTENT_LENGTH = 6
H_CONTENT_TYPE = 7
H_USER_AGENT = 8
H_SERVER = 9
H_WARNING = 10
H_RETRY_AFTER = 11
H_RSEQ = 12
H_EXPIRES = 13
H_SESSION_EXPIRES = 14
H_SESSION_ID = 15
H_VIA = 16
H_REASON = 17
H_SPANS = 18
H_CHALLENGE = 18
H_CREDENTIALS = 19
H_MAKER = 20
H_OTHER = 21

#: fields[] behind the spans: where the header section ends, and whether an octet beyond ASCII was met
#: on the way.
SECTION_END = 2 * H_SPANS
HAS_HIGH_OCTET = SECTION_END + 1
FIELDS = SECTION_END + 2

# How `header_spans` ends.
SECTION_WHOLE = 0  # at an empty line
SECTION_OPEN = 1  # at the end of the message
SECTION_CUT = 2  # the snaplen took the rest
ABSTAINED = 3

#: The names of the fields that columns need, likelier ones first where their first letter is the same.
_NAMES = (
    ("via", H_VIA), ("v", H_VIA),
    ("from", H_FROM), ("f", H_FROM),
    ("to", H_TO), ("t", H_TO),
    ("call-id", H_CALL_ID), ("cseq", H_CSEQ), ("contact", H_CONTACT), ("content-length", H_CONTENT_LENGTH),
    ("content-type", H_CONTENT_TYPE), ("c", H_CONTENT_TYPE),
    ("i", H_CALL_ID),
    ("max-forwards", H_MAX_FORWARDS), ("m", H_CONTACT),
    ("l", H_CONTENT_LENGTH),
    ("user-agent", H_USER_AGENT),
    ("server", H_SERVER), ("session-expires", H_SESSION_EXPIRES), ("session-id", H_SESSION_ID),
    ("x", H_SESSION_EXPIRES),
    ("reason", H_REASON), ("retry-after", H_RETRY_AFTER), ("rseq", H_RSEQ),
    ("warning", H_WARNING), ("www-authenticate", H_CHALLENGE),
    ("expires", H_EXPIRES),
    ("proxy-authenticate", H_CHALLENGE), ("proxy-authorization", H_CREDENTIALS),
    ("authorization", H_CREDENTIALS),
)  # fmt: skip

#: Names that `header_spans` reads for its columns; a maker's field cannot be one of them.
READ_NAMES = frozenset(name for name, _ in _NAMES)


def _tables() -> tuple[Ints, Ints, Words, Words, Words, Ints]:
    """The names as words (three each), which octets may be of either case, which count; by their first letter."""
    names = sorted(_NAMES, key=lambda name: name[0][0])
    words, letters, masks = (np.zeros((len(names), 3), dtype=np.uint64) for _ in range(3))
    first = np.zeros((256, 2), dtype=np.int64)
    for place, (name, _) in enumerate(names):
        for number in range(3):
            text = name.encode("ascii")[8 * number : 8 * number + 8]
            words[place, number] = word_of(text)
            letters[place, number] = letters_of(text)
            masks[place, number] = word_of(b"\xff" * len(text))
        for octet in (ord(name[0]), ord(name[0]) - 32):
            if first[octet, 1] == 0:
                first[octet, 0] = place
            first[octet, 1] = place + 1
    lengths = np.array([len(name) for name, _ in names])
    numbers = np.array([number for _, number in names])
    return lengths, numbers, words, letters, masks, first


# Names of up to seven octets, which a colon follows at once, are looked up by a hash without collisions.
_HASH = np.uint64(0x8cb4a0d7d6225675)
_HASH_SHIFT = np.uint64(58)
_CASE_BITS = np.uint64(0x2020202020202020)


def _short_names() -> tuple[Words, Words, Ints]:
    """The short names by their hash: as words, which octets may be of either case, fields."""
    words, letters = np.full(64, 2**64 - 1, dtype=np.uint64), np.zeros(64, dtype=np.uint64)
    numbers = np.full(64, H_OTHER)
    for name, number in _NAMES:
        if len(name) < 8:
            text = name.encode("ascii")
            folded = int(word_of(bytes(octet | 0x20 for octet in text)))
            slot = (folded * int(_HASH) & (2**64 - 1)) >> int(_HASH_SHIFT)
            assert numbers[slot] == H_OTHER, f"{name} has the hash of another name"
            words[slot], letters[slot], numbers[slot] = word_of(text), letters_of(text), number
    return words, letters, numbers


_SHORT_WORDS, _SHORT_LETTERS, _SHORT_NUMBERS = _short_names()
_MASKS_BY_LENGTH = np.array([word_of(b"\xff" * length) for length in range(8)])
_LENGTHS, _NUMBERS, _WORDS, _LETTERS, _MASKS, _FIRST = _tables()
_NO_MARKS = np.uint64(0)


@inlined
def _is_name(octets: Octets, at: int, word: Word, name: int) -> bool:
    """Whether the line at ``at``, which begins with ``word``, begins with a name of the table."""
    if (word | _LETTERS[name, 0]) & _MASKS[name, 0] != _WORDS[name, 0]:
        return False
    if _LENGTHS[name] <= 8:
        return True
    if (word_at(octets, at + 8) | _LETTERS[name, 1]) & _MASKS[name, 1] != _WORDS[name, 1]:
        return False
    return bool((word_at(octets, at + 16) | _LETTERS[name, 2]) & _MASKS[name, 2] == _WORDS[name, 2])


@inlined
def _colon(octets: Octets, at: int, end: int) -> int:
    """Where the colon stands that follows a name, blanks between them or not; -1 when none does."""
    if at < end and octets[at] == COLON:
        return at
    at = skip_blanks(octets, at, end)
    return at if at < end and octets[at] == COLON else -1


@inlined
def header_spans(
    octets: Octets,
    at: int,
    end: int,
    is_cut: bool,
    fields: Ints,
    maker_names: Octets,
    numbers: Ints,
    spans: Spans,
    row: int,
) -> int:
    """Note in ``fields`` where the header fields from ``at`` on stand, where a line starts; returns how
    it ended.

    ``end`` is the end of the captured octets. Flags, defects and what repeated fields say go to the
    message's row.
    """
    for field in range(H_SPANS):
        fields[2 * field] = -1
        fields[2 * field + 1] = -1
    fields[SECTION_END] = at
    high = _NO_MARKS
    last = H_OTHER  # the field that a folded line would continue
    while at < end:
        # The line's end. A word may reach into the next lines or the body: `high` may only be too large.
        first_word = word_at(octets, at)
        word, place = first_word, at
        marks = matches(word, LF_WORD)
        high |= word
        while marks == _NO_MARKS and place + 8 < end:
            place += 8
            word = word_at(octets, place)
            marks = matches(word, LF_WORD)
            high |= word
        line_feed = place + first_match(marks) if marks != _NO_MARKS else end
        if line_feed >= end:
            if is_cut:
                break
            line_feed = end
        line_end = line_feed
        if line_end > at and octets[line_end - 1] == CR:
            line_end -= 1
        elif line_feed < end:
            numbers[row, M_DEFECTS] |= X_LF_ONLY
        start = at
        at = line_feed + 1 if line_feed < end else end
        fields[SECTION_END] = at
        if line_end == start:
            fields[HAS_HIGH_OCTET] = np.int64((high & HIGH_BITS) != _NO_MARKS)
            return SECTION_WHOLE

        first = octets[start]
        if is_blank(first):
            if last != H_OTHER:
                return ABSTAINED
            continue
        field, colon, is_sought = H_OTHER, -1, True
        colons = matches(first_word, COLON_WORD)
        if colons != _NO_MARKS:
            length = first_match(colons)
            name_word = first_word & _MASKS_BY_LENGTH[length]
            slot = (((name_word | _CASE_BITS) & _MASKS_BY_LENGTH[length]) * _HASH) >> _HASH_SHIFT
            if name_word | _SHORT_LETTERS[slot] == _SHORT_WORDS[slot] and start + length < line_end:
                field, colon, is_sought = _SHORT_NUMBERS[slot], start + length, False
            elif length > 0:
                is_sought = is_blank(octet_at(octets, start + length - 1))
        if is_sought:
            for name in range(_FIRST[first, 0], _FIRST[first, 1]):
                if _is_name(octets, start, first_word, name):
                    colon = _colon(octets, start + _LENGTHS[name], line_end)
                    if colon >= 0:
                        field = _NUMBERS[name]
                        break
        last = field
        if field == H_OTHER:
            name_end = scan(octets, start, line_end, NO_TOKEN_CLASS)
            colon = _colon(octets, name_end, line_end)
            if colon < 0 or name_end == start:
                numbers[row, M_DEFECTS] |= X_BAD_HEADER_LINE
            elif maker_names.size > 0 and could_be_maker_header(octets, start, name_end, maker_names):
                value = skip_blanks(octets, colon + 1, line_end)
                stop = trim_end(octets, value, line_end)
                if read_maker_header(
                    octets, start, name_end, value, stop, maker_names, numbers, spans, row
                ):
                    last = H_MAKER
            continue

        value = skip_blanks(octets, colon + 1, line_end)
        stop = trim_end(octets, value, line_end)
        if field < H_SPANS and fields[2 * field] < 0:
            fields[2 * field] = value
            fields[2 * field + 1] = stop
        if field < H_VIA:
            continue
        could = True
        if field == H_VIA:
            if value < stop and find(octets, value, stop, COMMA_WORD) == stop:
                numbers[row, M_VIA_COUNT] += 1
            else:
                could = read_vias(octets, value, stop, numbers, row)
        elif field == H_REASON:
            could = read_reason(octets, value, stop, numbers, row)
        elif field == H_CHALLENGE:
            could = read_challenge(octets, value, stop, numbers, row)
        else:
            numbers[row, M_FLAGS] |= F_HAS_CREDENTIALS
        if not could:
            return ABSTAINED
    fields[HAS_HIGH_OCTET] = np.int64((high & HIGH_BITS) != _NO_MARKS)
    return SECTION_CUT if is_cut else SECTION_OPEN
