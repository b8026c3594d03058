"""The tables behind the reference: which code or cause leads where. Plain data, written out a second time.

Sources: docs/counting.md (outcomes), RFC 3398 §8.2.6.1 (`RFC3398`), the project's own table of SIP events and
DSS1 causes (`DSS1`), the union of every published mapping in both directions (`JOINED`, for contradictions).
"""

from __future__ import annotations

from analyzer.vocab import Fault, Outcome

#: outcome and fault of a final status code when nothing else is known; with ringing before it (180-183).
BY_STATUS: dict[int, tuple[Outcome, Fault]] = {}
BY_STATUS_RINGING: dict[int, tuple[Outcome, Fault]] = {
    408: (Outcome.NO_ANSWER, Fault.USER),
    480: (Outcome.NO_ANSWER, Fault.USER),
    504: (Outcome.NO_ANSWER, Fault.USER),
}
for _outcome, _fault, _codes in (
    (Outcome.BUSY, Fault.USER, "486 600"),
    (Outcome.DECLINED, Fault.USER, "603 605 607"),
    (Outcome.UNAVAILABLE, Fault.USER, "430 480"),
    (Outcome.INVALID_NUMBER, Fault.CALLER, "404 410 416 484 485 604"),
    (Outcome.UNAUTHORIZED, Fault.CALLER, "401 402 407"),
    (Outcome.BLOCKED, Fault.SECURITY, "428 429 433 436 437 438 470 493 494 608"),
    (Outcome.TIMED_OUT, Fault.NETWORK, "408"),
    (Outcome.FAILED, Fault.NETWORK, "440 482 483 502"),
    (Outcome.FAILED, Fault.SERVER, "500 501 503 504 505 513 555 580"),
):
    for _code in _codes.split():
        BY_STATUS[int(_code)] = (_outcome, _fault)


def outcome_of_status(code: int, ringing: bool) -> tuple[Outcome, Fault]:
    if ringing and code in BY_STATUS_RINGING:
        return BY_STATUS_RINGING[code]
    if code in BY_STATUS:
        return BY_STATUS[code]
    if code < 400:
        return Outcome.REDIRECTED, Fault.NONE
    if 500 <= code <= 599 or code >= 700:
        return Outcome.FAILED, Fault.SERVER
    return Outcome.REJECTED, Fault.CALLER


#: Q.850 values that say nothing of their own.
GENERIC = frozenset({16, 31, 127})

BY_CAUSE: dict[int, tuple[Outcome, Fault]] = {
    17: (Outcome.BUSY, Fault.USER),
    18: (Outcome.UNAVAILABLE, Fault.USER),
    19: (Outcome.NO_ANSWER, Fault.USER),
    20: (Outcome.UNAVAILABLE, Fault.USER),
    21: (Outcome.REJECTED, Fault.NETWORK),
    24: (Outcome.DECLINED, Fault.USER),
    26: (Outcome.ELSEWHERE, Fault.NONE),
    27: (Outcome.UNAVAILABLE, Fault.NETWORK),
    102: (Outcome.TIMED_OUT, Fault.NETWORK),
}
for _cause in (1, 5, 14, 22, 28):
    BY_CAUSE[_cause] = (Outcome.INVALID_NUMBER, Fault.CALLER)
for _cause in (2, 3, 6, 8, 9, 25, *range(34, 50), 58, 63, *range(96, 102), *range(103, 112)):
    BY_CAUSE[_cause] = (Outcome.FAILED, Fault.NETWORK)


def outcome_of_cause(cause: int, ringing: bool, location_user: bool) -> tuple[Outcome, Fault] | None:
    if cause == 18 and ringing:
        return Outcome.NO_ANSWER, Fault.USER
    if cause == 21 and location_user:
        return Outcome.DECLINED, Fault.USER
    return BY_CAUSE.get(cause)


DSS1 = {
    400: 127,
    401: 57,
    402: 21,
    403: 57,
    404: 1,
    405: 127,
    406: 127,
    407: 21,
    408: 102,
    409: 41,
    410: 1,
    411: 127,
    413: 127,
    414: 127,
    415: 79,
    420: 127,
    480: 18,
    481: 127,
    482: 127,
    483: 127,
    484: 28,
    485: 1,
    486: 17,
    487: 127,
    488: 127,
    500: 41,
    501: 79,
    502: 38,
    503: 63,
    504: 102,
    505: 127,
    580: 47,
    600: 17,
    603: 21,
    604: 1,
    606: 58,
}
RFC3398 = {
    400: 41,
    401: 21,
    402: 21,
    403: 21,
    404: 1,
    405: 63,
    406: 79,
    407: 21,
    408: 102,
    410: 22,
    413: 127,
    414: 127,
    415: 79,
    416: 127,
    420: 127,
    421: 127,
    423: 127,
    480: 18,
    481: 41,
    482: 25,
    483: 25,
    484: 28,
    485: 1,
    486: 17,
    488: 31,
    500: 41,
    501: 79,
    502: 38,
    503: 41,
    504: 102,
    505: 127,
    513: 127,
    600: 17,
    603: 21,
    604: 1,
    606: 31,
}

#: Every cause that some published mapping joins with a code, in either direction.
JOINED: dict[int, list[int]] = {
    400: [4, 5, 23, 25, 31, 41, 88, 95, 111, 127],
    401: [21, 57],
    402: [21],
    403: [21, 52, 54, 55, 57, 79, 87],
    404: [1, 2, 3, 26, 27, 31],
    405: [63, 127],
    406: [6, 21, 79, 127],
    407: [21],
    408: [18, 41, 86, 102],
    409: [41, 96, 98],
    410: [1, 22, 23],
    411: [127],
    413: [63, 127],
    414: [63, 111, 127],
    415: [58, 79, 127],
    416: [79, 111, 127],
    417: [79, 127],
    420: [3, 79, 111, 127],
    421: [79, 111, 127],
    422: [31],
    423: [63, 127],
    429: [31],
    433: [24],
    480: [8, 18, 19, 20, 31, 66, 97, 99],
    481: [41, 127],
    482: [25, 127],
    483: [19, 25, 127],
    484: [28],
    485: [1, 3],
    486: [17],
    487: [18, 19, 127],
    488: [9, 31, 50, 58, 65, 70, 88, 127],
    489: [31],
    491: [31, 127],
    493: [127],
    500: [7, 32, 33, 38, 41, 111, 127],
    501: [29, 30, 38, 58, 65, 69, 79, 100],
    502: [27, 38, 43, 81, 82, 91],
    503: [34, 38, 39, 40, 41, 42, 44, 47, 49, 50, 58, 63, 66, 69, 70, 83, 84, 85, 87, 88, 95, 101],
    504: [102],
    505: [127],
    513: [95, 127],
    580: [47],
    600: [17],
    603: [21],
    604: [1, 2, 3],
    606: [21, 31, 58, 65, 88],
    608: [21],
}

#: Siemens/Gigaset codes: code to probable Q.850 cause.
GIGASET = {
    701: 16,
    702: 41,
    703: 102,
    704: 111,
    705: 47,
    706: 47,
    751: 88,
    810: 41,
    811: 41,
    812: 38,
    813: 47,
    814: 38,
    815: 41,
    922: 38,
    923: 3,
    924: 47,
    925: 28,
}
GIGASET_AGENTS = (
    r"^Gigaset N\d70E? (IP|VI) PRO/",
    r"^(Gigaset[ _])?N(510|720)[ _-](IP|DM)[ _-]PRO",
    r"^[CSNADE]X?\d{3}A? ?_?IP\b",
    r"^Siemens Gigaset",
)

#: Code received → the codes that an element on the way may have to make of it, RFC 3261 §16.7, §16.8.
MADE_OF = {503: (500,), 487: (408, 480, 486, 600, 603, 604, 606)}
