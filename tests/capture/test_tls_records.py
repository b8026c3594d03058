from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.tls_records import LONGEST, Record, Records, Unopened
from tests.capture.tls_made import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, record


def taken(records: Records) -> list[Record]:
    return list(iter(records.next, None))


def test_records_wherever_they_are_cut() -> None:
    stream = record(HANDSHAKE, b"hello", 0x0301) + record(CHANGE_CIPHER_SPEC, b"\x01") + record(APPLICATION_DATA, b"")
    for width in range(1, len(stream) + 1):
        records, found = Records(), []
        for at in range(0, len(stream), width):
            records.add(stream[at : at + width])
            found += taken(records)
        assert [(each.kind, each.body) for each in found] == [(22, b"hello"), (20, b"\x01"), (23, b"")]
        assert found[0].header == b"\x16\x03\x01\x00\x05"
        assert len(records) == 0


@pytest.mark.parametrize(
    "header", [b"\x13\x03\x03\x00\x01", b"\x19\x03\x03\x00\x01", b"\x17\x02\x03\x00\x01", b"\x17\x03\x05\x00\x01"]
)
def test_what_is_no_header(header: bytes) -> None:
    records = Records()
    records.add(record(ALERT, b"\x01\x00") + header)
    assert records.next() == Record(ALERT, b"\x15\x03\x03\x00\x02", b"\x01\x00")
    with pytest.raises(Unopened, match="bad_record"):
        records.next()


def test_the_longest_record() -> None:
    records = Records()
    records.add(record(APPLICATION_DATA, bytes(LONGEST)) + record(APPLICATION_DATA, bytes(LONGEST + 1)))
    assert len(taken_one(records).body) == LONGEST
    with pytest.raises(Unopened):
        records.next()


def taken_one(records: Records) -> Record:
    found = records.next()
    assert found is not None
    return found


def test_a_record_that_has_to_wait() -> None:
    records = Records()
    records.add(record(APPLICATION_DATA, b"one") + record(APPLICATION_DATA, b"other") + record(ALERT, b"no")[:6])
    first = taken_one(records)
    records.put_back(first)
    assert records.waiting_data_octets() == 8
    assert taken_one(records) == first
    assert records.waiting_data_octets() == 5


def test_behind_missing_octets_application_data_is_searched_for() -> None:
    records = Records()
    records.add(record(APPLICATION_DATA, bytes(99))[:50])
    records.drop()
    records.lose()
    assert (len(records), records.unframed_octets) == (0, 45)
    rest = b"\x17\x03\x03\xff\xff\x17\x03\x09\x17\x17\x03\x03\x00\x01" + record(ALERT, b"no")
    for octet in rest + record(APPLICATION_DATA, b"sixteen or more."):
        records.add(bytes([octet]))
        if found := records.next():
            assert found.body == b"sixteen or more."
            break
    else:
        pytest.fail("not found")
    assert records.unframed_octets == 45 + len(rest)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=3).map(sorted), st.booleans())
def test_every_octet_is_accounted_for(octets: bytes, cuts: list[int], is_lost: bool) -> None:
    records, count = Records(), 0
    if is_lost:
        records.lose()
    for begin, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        records.add(octets[begin:end])
        while True:
            try:
                found = records.next()
            except Unopened:
                records.lose()
                continue
            if found is None:
                break
            count += 5 + len(found.body)
    assert count + records.unframed_octets + len(records) == len(octets[: max([len(octets), *cuts])])
