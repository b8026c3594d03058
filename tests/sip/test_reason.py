from __future__ import annotations

import pytest

from analyzer.batch import (
    F_PREEMPTION,
    F_REASON_MASKED,
    F_REASON_SEVERAL,
    F_RELEASE_CAUSE,
    F_SESSION_TIMER,
    F_STIR,
)
from analyzer.sip.reason import ReasonValue, read_reason, summarise_reason


def test_values() -> None:
    text = b'SIP;cause=580;text="a, b; cause=1", q.850 ; cause = 34;location=ln, ;cause=3, X'
    assert list(read_reason(text)) == [
        ReasonValue(b"SIP", 580, b"a, b; cause=1", -1),
        ReasonValue(b"q.850", 34, None, 2),
        ReasonValue(b"X", None, None, -1),
    ]


@pytest.mark.parametrize(
    ("fields", "q850", "location", "sip", "flags"),
    [
        ([b"Q.850;cause=17;location=U"], 17, 0, None, 0),
        ([b"Q.850;cause=16, Q.850;cause=34;location=TN"], 34, 3, None, F_REASON_SEVERAL),
        ([b"Q.850;cause=16;location=LN", b"Q.850;cause=31"], 16, 2, None, F_REASON_SEVERAL),
        ([b"Q.850;cause=34", b"Q.850;cause=41"], 34, -1, None, F_REASON_SEVERAL),
        ([b"Q.850;cause=144"], 16, -1, None, F_REASON_MASKED),
        ([b"Q.850;cause=128"], None, -1, None, F_REASON_MASKED),
        ([b"Q.850;cause=0"], None, -1, None, 0),
        ([b"Q.850;cause=256"], None, -1, None, 0),
        ([b"Q.850;cause=0x10"], None, -1, None, 0),
        ([b'Q.850;cause="21";location="INTL"'], 21, 7, None, 0),
        ([b"SIP;cause=200", b"SIP;cause=486"], None, -1, 200, 0),
        ([b"SIP;text=x, SIP;cause=486"], None, -1, 486, 0),
        ([b"STIR;cause=436", b"Preemption;cause=1"], None, -1, None, F_STIR | F_PREEMPTION),
        ([b"RELEASE_CAUSE;cause=2"], None, -1, None, F_RELEASE_CAUSE),
        ([b"RELEASE_CAUSE;cause=1", b"RELEASE_CAUSE;cause=7"], None, -1, None, 0),
        ([b'SIP;cause=408;text="Session-Timer expired"'], None, -1, 408, F_SESSION_TIMER),
        ([b'SIP;cause=408;text="session EXPIRED"'], None, -1, 408, F_SESSION_TIMER),
        ([b'SIP;cause=408;text="session ended"'], None, -1, 408, 0),
        ([], None, -1, None, 0),
    ],
)
def test_summary(fields: list[bytes], q850: int | None, location: int, sip: int | None, flags: int) -> None:
    assert summarise_reason(fields) == (q850, location, sip, flags)
