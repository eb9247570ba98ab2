"""TLS key logs."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocol.keylog import CLIENT_TRAFFIC, MASTER, NO_KEYS, parse_key_log

RANDOM, SECRET = b"\x01" * 32, b"\x7f" * 48
LINE = f"CLIENT_RANDOM {RANDOM.hex()} {SECRET.hex()}".encode()


def test_a_secret_is_found_by_the_random_of_its_connection() -> None:
    log = parse_key_log([b"# a comment", LINE + b"\r\n"])

    assert log.of(RANDOM) == {MASTER: SECRET}
    assert log.of(b"\x02" * 32) == {}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"CLIENT_RANDOM", b"RSA " + LINE[14:], b"CLIENT_RANDOM zz zz", b"CLIENT_RANDOM 00 " + LINE[79:],
        LINE + b"00", LINE * 9, "CLIENT_RANDOM é ü".encode(), b"SERVER_RANDOM" + LINE[13:],
    ],
)  # fmt: skip
def test_what_is_no_secret_is_passed_over(line) -> None:
    assert len(parse_key_log([line, LINE])) == 1


def test_logs_are_joined_by_connection() -> None:
    later = parse_key_log([f"{CLIENT_TRAFFIC} {RANDOM.hex()} {SECRET.hex()}".encode()])

    both = parse_key_log([LINE]).joined(later)

    assert set(both.of(RANDOM)) == {MASTER, CLIENT_TRAFFIC}
    assert both.joined(NO_KEYS) is both


def test_its_text_names_no_key() -> None:
    log = parse_key_log([LINE])

    assert repr(log) == str(log) == "KeyLog(1 connections)"


def test_it_cannot_be_written_anywhere() -> None:
    with pytest.raises(TypeError, match="not written"):
        pickle.dumps(parse_key_log([LINE]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_lines_are_taken(lines) -> None:
    parse_key_log(lines)
