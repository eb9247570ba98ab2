import pytest

from analyzer.protocol.cursor import Cursor, MalformedError


def test_integers_and_vectors_come_off_in_order() -> None:
    cursor = Cursor(b"\x01\x02\x03\x02ab")

    assert (cursor.integer(1), cursor.integer(2), cursor.vector(1)) == (1, 0x0203, b"ab")
    assert not cursor


def test_a_length_beyond_the_bytes_is_malformed() -> None:
    with pytest.raises(MalformedError):
        Cursor(b"\x05abc").vector(1)


def test_a_failed_take_consumes_nothing() -> None:
    cursor = Cursor(b"ab")

    with pytest.raises(MalformedError):
        cursor.take(3)

    assert cursor.take(2) == b"ab"
