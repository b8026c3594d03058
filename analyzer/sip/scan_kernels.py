"""Finding octets: eight at a time where lines are long, one at a time where they are short.

A word holds eight octets, the first one lowest. Words are put together from single loads, which the
compiler merges into one where the index is unsigned; so every kernel also runs uncompiled. Reading a
word may look past the end of a message, never past the end of the array.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from analyzer.batch import Octets
from analyzer.jit import inlined, kernel
from analyzer.sip.start_kernels import IS_TOKEN

Word: TypeAlias = np.uint64

TAB, LF, CR, SPACE, QUOTE, COMMA, COLON, SEMICOLON = 9, 10, 13, 32, 34, 44, 58, 59
LESS, EQUAL, GREATER, BACKSLASH = 60, 61, 62, 92

#: What a search returns when it meets something that only the whole-message parser should judge.
ABSTAIN = -2

#: As `analyzer.sip.grammar.LARGEST_NUMBER`: numbers up to 10**18 - 1 can take one more digit while
#: below this.
_TENTH = 10**17

# Classes of octets that searches stop at.
QUOTE_CLASS, BACKSLASH_CLASS, SEMICOLON_CLASS = np.uint8(1), np.uint8(2), np.uint8(4)
COMMA_CLASS, LESS_CLASS = np.uint8(8), np.uint8(16)
BLANK_CLASS, NO_TOKEN_CLASS = np.uint8(64), np.uint8(128)
CLASSES = np.where(IS_TOKEN, np.uint8(0), NO_TOKEN_CLASS)
for _octet, _class in (
    (QUOTE, QUOTE_CLASS), (BACKSLASH, BACKSLASH_CLASS), (SEMICOLON, SEMICOLON_CLASS), (COMMA, COMMA_CLASS),
    (LESS, LESS_CLASS), (SPACE, BLANK_CLASS), (TAB, BLANK_CLASS),
):  # fmt: skip
    CLASSES[_octet] |= _class

IN_QUOTES = QUOTE_CLASS | BACKSLASH_CLASS

_ONES = np.uint64(0x0101010101010101)
#: The bit that octets beyond ASCII have.
HIGH_BITS = np.uint64(0x8080808080808080)
_ONE, _TOP = np.uint64(1), np.uint64(56)
_S8, _S16, _S24, _S32 = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(32)
_S40, _S48 = np.uint64(40), np.uint64(48)
_I1, _I2, _I3, _I4 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
_I5, _I6, _I7 = np.uint64(5), np.uint64(6), np.uint64(7)


def word_of(text: bytes) -> Word:
    """Up to eight octets as a word, for constants."""
    return np.uint64(int.from_bytes(text[:8], "little"))


def letters_of(text: bytes) -> Word:
    """For each letter of a text the bit that tells the cases apart, so that both become lower case."""
    return np.uint64(int.from_bytes(bytes(32 if chr(octet).isalpha() else 0 for octet in text[:8]), "little"))


# Parameters that `find_parameter` finds, by number.
_PARAMETERS = (b"tag", b"expires", b"branch")
P_TAG, P_EXPIRES, P_BRANCH = range(3)
_PARAMETER_LENGTHS = np.array([len(name) for name in _PARAMETERS])
_PARAMETER_WORDS = np.array([word_of(name) for name in _PARAMETERS])
_PARAMETER_LETTERS = np.array([letters_of(name) for name in _PARAMETERS])
_PARAMETER_MASKS = np.array([word_of(b"\xff" * len(name)) for name in _PARAMETERS])

LF_WORD, COMMA_WORD, COLON_WORD = word_of(b"\n" * 8), word_of(b"," * 8), word_of(b":" * 8)
QUOTE_WORD, GREATER_WORD, SEMICOLON_WORD = word_of(b'"' * 8), word_of(b">" * 8), word_of(b";" * 8)


@inlined
def word_at(octets: Octets, at: int) -> Word:
    """The word that begins at ``at``; octets behind the end of the array are 0."""
    if at + 8 > octets.size:
        return _last_word(octets, at)
    i = np.uint64(at)
    return (
        np.uint64(octets[i])
        | (np.uint64(octets[i + _I1]) << _S8)
        | (np.uint64(octets[i + _I2]) << _S16)
        | (np.uint64(octets[i + _I3]) << _S24)
        | (np.uint64(octets[i + _I4]) << _S32)
        | (np.uint64(octets[i + _I5]) << _S40)
        | (np.uint64(octets[i + _I6]) << _S48)
        | (np.uint64(octets[i + _I7]) << _TOP)
    )


@kernel
def _last_word(octets: Octets, at: int) -> Word:
    """`word_at` where less than a word is left of the array."""
    word = np.uint64(0)
    for place in range(octets.size - at):
        word |= np.uint64(octets[at + place]) << np.uint64(8 * place)
    return word


@inlined
def octet_at(octets: Octets, at: int) -> int:
    """One octet. An unsigned index spares the compiled loops a look for negative ones."""
    return octets[np.uint64(at)]  # type: ignore[no-any-return]


@inlined
def scan(octets: Octets, at: int, end: int, stops: np.uint8) -> int:
    """The first octet from ``at`` on that belongs to one of the classes ``stops``, or ``end``."""
    while at < end and CLASSES[octet_at(octets, at)] & stops == 0:
        at += 1
    return at


@inlined
def matches(word: Word, pattern: Word) -> Word:
    """Marks the octets in which a word equals a pattern; the lowest mark is exact, 0 means none."""
    difference = word ^ pattern
    return (difference - _ONES) & ~difference & HIGH_BITS


@inlined
def first_match(marks: Word) -> int:
    """Which octet, from 0, the lowest mark stands for."""
    below = (marks & (~marks + _ONE)) - _ONE
    return int(((below & _ONES) * _ONES) >> _TOP) - 1


@inlined
def find(octets: Octets, at: int, end: int, pattern: Word) -> int:
    """Where the octet of a pattern stands next; ``end`` when nowhere before."""
    while at < end:
        marks = matches(word_at(octets, at), pattern)
        if marks != 0:
            found = at + first_match(marks)
            return found if found < end else end
        at += 8
    return end


@inlined
def find_either(octets: Octets, at: int, end: int, pattern: Word, other: Word) -> int:
    """Where the octet of either pattern stands next; ``end`` when neither does before."""
    while at < end:
        word = word_at(octets, at)
        marks = matches(word, pattern) | matches(word, other)
        if marks != 0:
            found = at + first_match(marks)
            return found if found < end else end
        at += 8
    return end


@inlined
def find_delimiter(octets: Octets, at: int, end: int) -> int:
    """Where the next semicolon, comma or quote stands; ``end`` when none does before."""
    while at < end:
        word = word_at(octets, at)
        marks = matches(word, SEMICOLON_WORD) | matches(word, COMMA_WORD) | matches(word, QUOTE_WORD)
        if marks != 0:
            found = at + first_match(marks)
            return found if found < end else end
        at += 8
    return end


@inlined
def is_blank(octet: int) -> bool:
    """SP or HTAB."""
    return octet == SPACE or octet == TAB


@inlined
def skip_blanks(octets: Octets, at: int, end: int) -> int:
    """The first octet from ``at`` on that is no blank, or ``end``."""
    while at < end and is_blank(octet_at(octets, at)):
        at += 1
    return at


@inlined
def trim_end(octets: Octets, at: int, end: int) -> int:
    """Where a text ends when the blanks behind it are left out."""
    while end > at and is_blank(octet_at(octets, end - 1)):
        end -= 1
    return end


@kernel
def quoted_end(octets: Octets, at: int, end: int) -> int:
    """The octet behind the quote that closes a quoted string begun before ``at``; ABSTAIN if none does."""
    while True:
        at = scan(octets, at, end, IN_QUOTES)
        if at >= end:
            return ABSTAIN
        if octets[at] == QUOTE:
            return at + 1
        at += 2


@inlined
def number(octets: Octets, at: int, end: int) -> int:
    """1*DIGIT and nothing else, up to 10**18 - 1; -1 for anything else."""
    if at >= end:
        return -1
    value = 0
    while at < end:
        digit = int(octets[at]) - 48
        if digit < 0 or digit > 9 or value >= _TENTH:
            return -1
        value = value * 10 + digit
        at += 1
    return value


@inlined
def digits_end(octets: Octets, at: int, end: int) -> int:
    """Where the digits end that stand at ``at``."""
    while at < end and 48 <= octets[at] <= 57:
        at += 1
    return at


@kernel
def leading_number(octets: Octets, at: int, end: int) -> int:
    """Digits followed by nothing, a blank, ``;``, ``,`` or ``(``; -1 for anything else."""
    stop = digits_end(octets, at, end)
    if stop < end:
        behind = octets[stop]
        if not (is_blank(behind) or behind == SEMICOLON or behind == COMMA or behind == 40):
            return -1
    return number(octets, at, stop)


@kernel
def is_text(octets: Octets, at: int, end: int, text: Octets) -> bool:
    """Whether ``octets[at:end]`` are a text in any case; ``text`` is in lower case."""
    if end - at != text.size:
        return False
    for place in range(text.size):
        octet = octets[at + place]
        if octet != text[place] and not (65 <= octet <= 90 and octet + 32 == text[place]):
            return False
    return True


@inlined
def find_parameter(octets: Octets, at: int, end: int, in_list: bool, which: int) -> tuple[int, int]:
    """The value of the first parameter ``which`` (P_*), as (start, stop), from ``at``: a semicolon or ``end``.

    In a list a comma ends the value; elsewhere none is expected. (-1, -1) when the parameter is absent or empty,
    (ABSTAIN, ABSTAIN) for quoted values, quotes that do not end and commas that mean nothing.
    """
    length = _PARAMETER_LENGTHS[which]
    while at < end and octets[at] == SEMICOLON:
        start = skip_blanks(octets, at + 1, end)
        equal = start + length
        is_it = (
            equal <= end
            and (word_at(octets, start) | _PARAMETER_LETTERS[which]) & _PARAMETER_MASKS[which]
            == _PARAMETER_WORDS[which]
        )
        value = start
        if is_it:
            equal = skip_blanks(octets, equal, end)
            if equal == end or octets[equal] == SEMICOLON:
                return -1, -1
            is_it = octets[equal] == EQUAL
            if is_it:
                value = skip_blanks(octets, equal + 1, end)
                if value < end and octets[value] == QUOTE:
                    return ABSTAIN, ABSTAIN
        at = value
        while True:
            at = find_delimiter(octets, at, end)
            if at >= end or octets[at] != QUOTE:
                break
            at = quoted_end(octets, at + 1, end)
            if at < 0:
                return ABSTAIN, ABSTAIN
        if at < end and octets[at] == COMMA and not in_list:
            return ABSTAIN, ABSTAIN
        if is_it:
            stop = trim_end(octets, value, at)
            return (value, stop) if stop > value else (-1, -1)
    return -1, -1


@kernel
def is_utf8(octets: Octets, at: int, end: int) -> bool:
    """Whether octets are well-formed UTF-8 (Unicode table 3-7: no surrogates, no overlong forms)."""
    while at < end:
        lead = octets[at]
        at += 1
        if lead < 0x80:
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if at + more > end:
            return False
        lowest = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        highest = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        if octets[at] < lowest or octets[at] > highest:
            return False
        for place in range(1, more):
            if octets[at + place] & 0xC0 != 0x80:
                return False
        at += more
    return True
