"""Rows of the walk to rows of whole messages: TCP, and what all ways have in common."""

from __future__ import annotations

import pytest

from analyzer.batch import (
    D_COLUMNS,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_IP_ID,
    D_LAYERS,
    D_LENGTH,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    D_WIRE_LENGTH,
    FLOW_OTHER,
    FLOW_TLS,
    FLOW_UNDECIDED,
    FLOW_WEBSOCKET,
    MISSING,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
)
from analyzer.capture import connections
from analyzer.capture.layer_kernels import text
from tests.capture.raw import FIRST, SECOND, START, NoTls, assembled, message, segment, stream
from tests.capture.stream_messages import SDP, request, response
from tests.capture.test_websocket import UPGRADE, frame

INVITE = request(body=SDP)
BYE = request("BYE", number=2)
OK = response()


def test_messages_pass() -> None:
    raw = [message(INVITE, 1), message(OK, 2, 0.5)]
    got = assembled(raw)
    assert got.messages == [INVITE, OK]
    for (row, _), made in zip(raw, got.rows, strict=True):
        assert made[D_FRAME_NO : D_LENGTH - 1] == row[D_FRAME_NO : D_LENGTH - 1]
        assert made[D_LENGTH:] == row[D_LENGTH:D_COLUMNS]


class TestTcp:
    def test_a_message_in_three_segments(self) -> None:
        got = assembled(stream(INVITE + OK, [50, 120]))
        assert got.messages == [INVITE, OK]
        invite, ok = got.rows
        assert invite[D_FRAME_NO] == ok[D_FRAME_NO] == 3
        assert invite[D_TS] == START + 3_000_000
        assert invite[D_FILE_OFFSET] == MISSING
        assert ok[D_FILE_OFFSET] == 30_000 + len(INVITE) - 120
        assert ok[D_WIRE_LENGTH] == ok[D_LENGTH] == len(OK)
        assert ok[D_IP_ID] == 0
        assert ok[D_TRANSPORT] == 1
        assert text(ok[D_LAYERS]) == "ip tcp"
        assert not got.issues.counts

    def test_a_message_comes_with_the_row_that_completes_it(self) -> None:
        raw = [*stream(INVITE, [60])[:1], message(OK, 5), *stream(INVITE, [60])[1:], message(BYE, 7)]
        for batch in (1, 2, 10):
            assert assembled(raw, batch).messages == [OK, INVITE, BYE]

    def test_reordered_and_repeated(self) -> None:
        one, two, three = stream(INVITE + OK, [80, 200])
        assert assembled([three, one, one, two, three]).messages == [INVITE, OK]

    def test_both_directions(self) -> None:
        raw = [segment(INVITE[:40]), segment(OK, 9_000, 2, first=9_000, back=True), segment(INVITE[40:], FIRST + 40, 3)]
        got = assembled(raw)
        assert got.messages == [OK, INVITE]
        assert got.column(D_SRC_PORT) == [5060, 40_000]

    def test_a_gap_between_messages(self) -> None:
        raw = [segment(INVITE), segment(OK, FIRST + 1_000, 2, 0.1), message(BYE, 3, 2.2)]
        got = assembled(raw)
        assert got.messages == [INVITE, OK, BYE]
        assert got.issues.counts == {"tcp.gap": 1}
        (note,) = got.issues.notes
        assert (note.capture_no, note.frame_no, note.ts) == (1, 2, START + SECOND // 10)
        assert note.detail == f"{1_000 - len(INVITE)} octets are missing"

    def test_the_clock_is_looked_at_when_it_enters_a_second(self) -> None:
        late = segment(OK, FIRST + 1_000, 2, 0.5)
        before = [segment(INVITE), late, message(BYE, 3, 1.9), message(BYE, 4, 2.4), message(BYE, 5, 2.6)]
        assert assembled(before).messages == [INVITE, BYE, BYE, BYE, OK]
        assert assembled([*before, message(BYE, 6, 3.0)]).messages == [INVITE, BYE, BYE, BYE, OK, BYE]

    def test_a_message_cut_by_a_gap_is_of_its_last_segment(self) -> None:
        one, two, _, four = stream(INVITE + OK, [40, len(INVITE) - 50, len(INVITE)])
        got = assembled([one, two, four])
        assert got.messages == [INVITE[:-50], OK]
        assert got.rows[0][D_FRAME_NO] == 2
        assert got.rows[0][D_WIRE_LENGTH] == len(INVITE)

    def test_a_message_declared_too_long_is_of_its_own_segment(self) -> None:
        long = request(body=SDP, length="Content-Length: 500")
        got = assembled([segment(long), segment(OK, FIRST + len(long), 2)])
        assert got.messages == [long, OK]
        assert got.column(D_FRAME_NO) == [1, 2]
        assert got.column(D_FILE_OFFSET) == [10_000, 20_000]

    def test_the_snaplen_took_the_tail(self) -> None:
        raw = [segment(INVITE[:-30], missing=30), segment(OK, FIRST + len(INVITE), 2)]
        got = assembled(raw)
        assert got.messages == [INVITE[:-30], OK]
        assert got.rows[0][D_WIRE_LENGTH] == len(INVITE)
        assert got.issues.counts == {"tcp.gap": 1}

    def test_the_middle_of_a_stream(self) -> None:
        got = assembled(
            [segment(INVITE[150:] + OK, first=None), segment(BYE, FIRST + len(INVITE + OK) - 150, first=None)]
        )
        assert got.messages == [OK, BYE]
        assert got.issues.counts == {"tcp.resync": 1}

    @pytest.mark.parametrize("flags", [TCP_FIN, TCP_RST])
    def test_the_end_of_a_connection_cuts_what_is_open(self, flags: int) -> None:
        part = INVITE[:-10]
        got = assembled([segment(part), segment(b"", FIRST + len(part), 2, flags=flags)], closes=False)
        assert got.messages == [part]
        assert got.rows[0][D_FRAME_NO] == 1

    def test_fin_with_octets(self) -> None:
        assert assembled([segment(OK, flags=TCP_FIN | TCP_ACK)], closes=False).messages == [OK]

    def test_a_new_connection_on_the_same_ports(self) -> None:
        raw = [segment(INVITE[:-10]), segment(BYE, 500_000, 2, first=500_000)]
        assert assembled(raw, closes=False).messages == [INVITE[:-10], BYE]

    def test_octets_that_are_old_stay_dropped_behind_the_end(self) -> None:
        raw = [segment(OK, flags=TCP_FIN), segment(OK, frame_no=2), segment(b"", FIRST + len(OK), 3, flags=TCP_RST)]
        assert assembled(raw).messages == [OK]

    def test_the_end_of_the_capture(self) -> None:
        got = assembled([*stream(INVITE, [300])[:1], segment(OK, 9_500, 2, first=9_000, back=True)])
        assert got.messages == [INVITE[:300], OK]
        assert got.issues.counts == {"tcp.gap": 1}


class TestUndecided:
    def test_first_octets_too_few_to_tell(self) -> None:
        raw = [segment(bytes([octet]), FIRST + at, at + 1, kind=FLOW_UNDECIDED) for at, octet in enumerate(INVITE)]
        got = assembled(raw)
        assert got.messages == [INVITE]
        assert got.rows[0][D_FRAME_NO] == len(INVITE)

    def test_the_walk_decides_while_segments_wait(self) -> None:
        raw = [
            segment(INVITE[20:], FIRST + 20, 1, kind=FLOW_UNDECIDED),
            segment(INVITE[:20], FIRST, 2, kind=FLOW_UNDECIDED),
            segment(OK, FIRST + len(INVITE), 3),
        ]
        got = assembled(raw)
        assert got.messages == [INVITE, OK]
        assert got.column(D_FRAME_NO) == [1, 3]

    def test_it_was_nothing_of_ours(self) -> None:
        raw = [segment(OK, FIRST + 50, 1, kind=FLOW_UNDECIDED), segment(b"", FIRST, 2, kind=FLOW_OTHER)]
        got = assembled(raw)
        assert got.messages == []
        assert not got.issues.counts
        http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        assert assembled([segment(http, kind=FLOW_UNDECIDED), segment(OK, FIRST + len(http))]).messages == []

    def test_the_first_octets_never_come(self) -> None:
        raw = [segment(INVITE, FIRST + 100, kind=FLOW_UNDECIDED), segment(OK, FIRST + 100 + len(INVITE), 2)]
        got = assembled(raw)
        assert got.messages == [INVITE, OK]
        assert got.issues.counts == {"tcp.gap": 1}
        raw = [segment(b"x", FIRST + 100 * n, kind=FLOW_UNDECIDED) for n in range(1, 20)]
        assert not assembled(raw).issues.counts


class TestBounds:
    def test_flows_with_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "PARTIAL_FLOWS", 2)
        raw = [segment(INVITE[:-10], frame_no=n, ports=(n, 5060)) for n in (1, 2, 3)]
        got = assembled(raw, closes=False)
        assert got.column(D_SRC_PORT) == [1]
        assert got.issues.counts == {"tcp.bound": 1}

    def test_octets_that_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "WAITING_OCTETS", 2 * len(OK))
        raw = [segment(OK, FIRST + 1_000, n, ports=(n, 5060)) for n in (1, 2, 3)]
        got = assembled(raw, closes=False)
        assert got.column(D_SRC_PORT) == [1]
        assert got.issues.counts == {"tcp.bound": 1, "tcp.gap": 1}

    def test_flows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "FLOWS", 2)
        raw = [segment(INVITE[:-10], frame_no=n, ports=(n, 5060)) for n in (1, 2, 3)]
        assert assembled(raw, closes=False).column(D_SRC_PORT) == [1]


class Plain(NoTls):
    """Records of one octet of length and plaintext; the server's wait until the client has said ``!``."""

    def __init__(self) -> None:
        super().__init__()
        self.is_opaque = False
        self.waiting: list[bytes] = []
        self.has_keys = False

    def receive(self, direction: int, octets: bytes) -> list[bytes]:
        if octets == b"bad":
            self.bad_records += 1
            return []
        if direction == 0 and octets == b"!":
            self.has_keys = True
            return []
        if direction == 1:
            self.waiting += [octets] if octets else []
            if not self.has_keys:
                return []
            ready, self.waiting = self.waiting, []
            return ready
        return [octets] if octets else []


class TestTls:
    def test_sip(self) -> None:
        raw = [
            segment(part, FIRST + at, n, kind=FLOW_TLS)
            for n, (at, part) in enumerate([(0, INVITE[:50]), (50, INVITE[50:])])
        ]
        got = assembled(raw, connect=Plain)
        assert got.messages == [INVITE]
        assert got.rows[0][D_TRANSPORT] == 2
        assert got.rows[0][D_FILE_OFFSET] == MISSING
        assert text(got.rows[0][D_LAYERS]) == "ip tcp tls"

    def test_websocket(self) -> None:
        raw = [
            segment(UPGRADE, kind=FLOW_TLS),
            segment(frame(INVITE, mask=b"abcd"), FIRST + len(UPGRADE), kind=FLOW_TLS),
        ]
        got = assembled(raw, connect=Plain)
        assert got.messages == [INVITE]
        assert got.rows[0][D_TRANSPORT] == 4
        assert text(got.rows[0][D_LAYERS]) == "ip tcp tls websocket"

    def test_what_one_side_opens_of_the_other(self) -> None:
        raw = [
            segment(OK, 9_000, 1, kind=FLOW_TLS, first=9_000, back=True),
            segment(INVITE, FIRST, 2, kind=FLOW_TLS),
            segment(b"!", FIRST + len(INVITE), 3, kind=FLOW_TLS),
        ]
        got = assembled(raw, connect=Plain)
        assert got.messages == [INVITE, OK]
        assert got.column(D_FRAME_NO) == [2, 1]

    def test_what_is_no_sip(self) -> None:
        got = assembled(
            [segment(b"GET / HTTP/1.1\r\n\r\n", kind=FLOW_TLS), segment(INVITE, FIRST + 18, kind=FLOW_TLS)],
            connect=Plain,
        )
        assert got.messages == []

    def test_a_bad_record(self) -> None:
        got = assembled([segment(b"bad", kind=FLOW_TLS)], connect=Plain)
        assert got.issues.counts == {"tls.bad_record": 1}

    def test_opaque_connections_on_the_ports_of_sip(self) -> None:
        raw = [
            segment(b"abc", kind=FLOW_TLS, ports=(40_000, 5061)),
            segment(b"defg", kind=FLOW_TLS, ports=(40_000, 5061), back=True),
            segment(b"h", kind=FLOW_TLS, ports=(40_001, 5061)),
            segment(b"i", kind=FLOW_TLS, ports=(40_001, 993)),
            segment(b"jk", kind=FLOW_TLS, ports=(40_001, 443)),
        ]
        assert assembled(raw).assembler.opaque == {1: (2, 8)}
        websocket = segment(frame(INVITE), kind=FLOW_WEBSOCKET, ports=(1, 80))
        assert assembled([*raw, websocket], closes=False).assembler.opaque == {1: (3, 10)}
        anew = segment(b"lm", 5, kind=FLOW_TLS, first=5, ports=(40_000, 5061))
        assert assembled([*raw, anew]).assembler.opaque == {1: (3, 10)}
