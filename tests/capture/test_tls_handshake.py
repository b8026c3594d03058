from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.tls_handshake import (
    Handshake,
    Message,
    Messages,
    accepts_early_data,
    client_hello,
    server_hello,
)
from tests.capture import tls_made as made


def heard(octets: bytes, width: int) -> list[Message]:
    messages = Messages()
    return [each for at in range(0, len(octets), width) for each in messages.add(octets[at : at + width])]


def test_messages_wherever_records_cut_them() -> None:
    whole = [made.client_hello(), made.message(0, b""), made.message(14, b""), made.message(4, bytes(300))]
    octets = b"".join(whole)
    for width in (1, 2, 3, 5, 50, len(octets)):
        assert [message.octets for message in heard(octets, width)] == whole


def test_a_message_too_long_to_keep_is_passed_over() -> None:
    octets = made.message(11, bytes(70_000)) + made.message(20, b"done")
    for width in (9, 4096, len(octets)):
        assert heard(octets, width) == [Message(11, b""), Message(20, made.message(20, b"done"))]


def test_a_client_hello() -> None:
    hello = client_hello(made.client_hello())
    assert hello is not None
    assert (hello.random, hello.has_early_data) == (made.CLIENT_RANDOM, False)
    hello = client_hello(made.client_hello(made.SUPPORTS_TLS_1_3 + made.EARLY_DATA))
    assert hello is not None
    assert hello.has_early_data


def test_a_server_hello() -> None:
    hello = server_hello(made.server_hello(0xC02F, b"\x00\x16\x00\x00\x00\x17\x00\x00"))
    assert hello is not None
    assert (hello.random, hello.version, hello.cipher_suite) == (made.SERVER_RANDOM, 0x0303, 0xC02F)
    assert hello.has_encrypt_then_mac
    assert hello.has_extended_master_secret
    assert not hello.is_compressed
    assert not hello.is_retry
    hello = server_hello(made.server_hello(0x1301, made.SUPPORTS_TLS_1_3, made.RETRY_RANDOM))
    assert hello is not None
    assert (hello.version, hello.is_retry) == (0x0304, True)


def test_hellos_without_extensions() -> None:
    """TLS 1.0 and 1.1 had none, and no length of them either."""
    assert client_hello(made.client_hello()[:-2]) is not None
    assert server_hello(made.server_hello(0x2F)[:-2]) is not None


def test_a_hello_cut_anywhere_is_malformed() -> None:
    for hello, read in (
        (made.client_hello(made.EARLY_DATA), client_hello),
        (made.server_hello(1, b"ab00"), server_hello),
    ):
        without_extensions = len(hello) - 6
        assert all(read(hello[:length]) is None for length in range(len(hello)) if length != without_extensions)


def test_encrypted_extensions() -> None:
    assert accepts_early_data(made.encrypted_extensions(made.SUPPORTS_TLS_1_3 + made.EARLY_DATA))
    assert not accepts_early_data(made.encrypted_extensions())
    assert not accepts_early_data(made.message(8, b"\x00\x09\x00"))
    assert not accepts_early_data(b"")


@given(st.binary(max_size=120))
def test_any_octets_are_taken(octets: bytes) -> None:
    for start in (b"", made.client_hello()[:40], made.server_hello(1)[:44]):
        client_hello(start + octets)
        server_hello(start + octets)
        accepts_early_data(start + octets)


def test_the_transcript_does_not_depend_on_how_both_sides_interleave() -> None:
    client = [made.client_hello(), made.message(16, b"\x00\x0812345678"), made.message(20, b"f")]
    server = [made.server_hello(0x35), made.message(11, b"certificate"), made.message(14, b""), made.message(4, b"t")]
    one, other = Handshake(), Handshake()
    for octets in client[:1] + server[:3] + client[1:] + server[3:]:
        assert one.hear(Message(octets[0], octets), octets in client)
    for octets in server + client:
        assert other.hear(Message(octets[0], octets), octets in client)
    assert one.transcript() == other.transcript() == b"".join(client[:1] + server[:3] + client[1:2])
    assert one.key_exchange == b"\x00\x0812345678"
    one.forget_transcript()
    assert one.transcript() == b""


def test_a_malformed_hello_leaves_what_was_settled() -> None:
    handshake = Handshake()
    hello = made.server_hello(0x35)
    assert handshake.hear(Message(2, hello), is_client=False)
    assert not handshake.hear(Message(2, hello[:9]), is_client=False)
    assert not handshake.hear(Message(1, hello), is_client=False)
    assert handshake.server == server_hello(hello)
