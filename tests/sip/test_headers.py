from __future__ import annotations

from analyzer.batch import X_BAD_HEADER_LINE, X_LF_ONLY
from analyzer.sip.headers import HeaderField, Headers, read_headers


def section(octets: bytes, is_cut: bool = False) -> list[tuple[str, bytes]]:
    return [(field.name, field.value) for field in read_headers(octets, 0, is_cut).headers]


def test_folded_lines_are_joined_by_one_space() -> None:
    octets = b"Subject:\r\n  I know \r\n\tyou're there\r\n \r\n  pick up\r\nTo : x\r\n\r\n"
    assert section(octets) == [("Subject", b"I know you're there pick up"), ("To", b"x")]


def test_names_in_any_case_and_compact() -> None:
    headers = read_headers(b"v: 1\r\nVIA:2\r\nV \t: 3\r\nF: x\r\n\r\n", 0, False).headers
    assert headers.all("via") == [b"1", b"2", b"3"]
    assert headers.first("from") == b"x"
    assert headers.first("to") is None
    assert [field.key for field in headers] == ["via", "via", "via", "from"]
    assert headers[1] == HeaderField("VIA", b"2", 6)
    assert headers == Headers(tuple(headers))
    assert len({headers, Headers(list(headers))}) == 1
    assert "VIA" in repr(headers)


def test_an_empty_first_field_counts_as_missing() -> None:
    headers = read_headers(b"To:\r\nTo: x\r\n\r\n", 0, False).headers
    assert headers.first("to") is None
    assert headers.all("to") == [b"", b"x"]


def test_bad_lines_are_skipped_with_what_continues_them() -> None:
    found = read_headers(b"To: a\r\nbad line\r\n still bad\r\n: nameless\r\nFrom: b\r\n\r\nbody", 0, False)
    assert [(field.name, field.value) for field in found.headers] == [("To", b"a"), ("From", b"b")]
    assert found.defects == X_BAD_HEADER_LINE
    assert found.end == len(b"To: a\r\nbad line\r\n still bad\r\n: nameless\r\nFrom: b\r\n\r\n")


def test_line_feeds_alone() -> None:
    found = read_headers(b"To: a\nFrom: b\r\n\n", 0, False)
    assert found.defects == X_LF_ONLY
    assert found.has_empty_line
    assert found.headers.first("from") == b"b"


def test_the_end_without_an_empty_line() -> None:
    whole = read_headers(b"To: a\r\nFrom: b", 0, False)
    assert (whole.headers.first("from"), whole.has_empty_line, whole.is_complete) == (b"b", False, True)
    cut = read_headers(b"To: a\r\nFrom: b", 0, True)
    assert (cut.headers.first("from"), cut.has_empty_line, cut.is_complete, cut.end) == (None, False, False, 7)
