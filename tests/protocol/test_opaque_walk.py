"""The kernels of opaque TCP, by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.kernel import run_kernel
from analyzer.protocol import opaque_walk as walk
from analyzer.protocol.http2_frames import FLAGS

TOKENS = np.array([chr(byte).isalnum() and byte < 128 for byte in range(256)], np.uint8)
NEVER = 1 << 62


def told_of(client: list[bytes], server: bytes = b"", *, compile_rows: int = NEVER) -> int:
    """What the kernels say of a connection whose client sent some segments."""
    pieces = [*client, *([server] if server else [])]
    lengths = np.array([len(each) for each in pieces], np.int64)
    matrix = np.stack([np.zeros(len(pieces), np.int64), lengths, np.cumsum(lengths) - lengths])
    column = np.array([0, len(client), sum(map(len, client)), len(client), len(server), -1], np.int64).reshape(-1, 1)
    data = np.frombuffer(b"".join(pieces) + b"\0", np.uint8)
    found = run_kernel(walk.walk_first_bytes, 0, data, matrix, column, np.array(FLAGS), compile_rows=compile_rows)
    left = run_kernel(walk.walk_lines, 0, data, matrix, column, TOKENS, compile_rows=compile_rows)
    told = int(column[walk.TOLD, 0])
    assert left == (told == walk.OPAQUE) <= found
    return told


@pytest.mark.parametrize("compile_rows", [0, NEVER])
@pytest.mark.parametrize(
    ("client", "server", "told"),
    [
        ([b"hello\n"], b"", walk.OPAQUE),
        ([b"hello", b"\n"], b"", walk.UNKNOWN),
        ([b"GET / HTTP/1.1\r\n\r\n"], b"", walk.UNKNOWN),
        ([b"a:b"] * 70, b"", walk.OPAQUE),
        ([b"a:b", b"\x16:b"], b"", walk.UNKNOWN),
        ([b"a:b"] * 65 + [b"\x16:b"], b"", walk.OPAQUE),
        ([b"\x16\x03\x01"], b"", walk.MAYBE_TLS),
        ([b"\x14\x03\x01\0\0"], b"", walk.UNKNOWN),
        ([b"\0\0\x04\x08\0\0\0\0\0abcd"], b"", walk.UNKNOWN),
        ([b"\0\0\x04\x08\x01\0\0\0\0abcd"], b"", walk.OPAQUE),
        ([b"\0\0", b"\x04\x08\x01\0\0\0\0abcd"], b"", walk.UNKNOWN),
        ([], b"", walk.SILENT),
        ([], b"hello", walk.SILENT),
        ([], b"\x16\x03\x03", walk.UNKNOWN),
        ([b"a:b"], b"HTTP/1.1 200 OK", walk.UNKNOWN),
    ],
)
def test_the_first_bytes_tell(client, server, told, compile_rows) -> None:
    assert told_of(client, server, compile_rows=compile_rows) == told


# What is opaque then.


@pytest.mark.parametrize(
    "said",
    [
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"\0\0\0\x30\0\x12\0\x04" + bytes(44),
        b"\0",
        b"*2\r\n$3\r\nGET\r\n",
        b"*2\rx",
        b"hello\n",
        b"GET\n",
        b"put a 1\nget a\n",
        b"put a\r\n",
        b"get\t/ HTTP/1.1\r\n",
        b"\x04\0\0\0",
        b"\x05\x05\x01\0",
        b"\x80\0\x02\0\x01",
        b"\x17\x01\x01\0\x01",
        b'{"a": 1}',
        b"\0\x60\0\0\0\0\0\0\0\0",
        b"\0\x01\x02\x03binary",
        b"\xff" * 600,
        b":" + b"x" * 70_000 + b"\n",
        b":\n" + b"x" * 70_000,
    ],
)
def test_this_is_opaque(said, spoken) -> None:
    expected = not said.startswith(b":x")

    assert spoken.is_simple(said, b"answer") is expected


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"get http://a/ HTTP/1.1\r\n\r\n",
        b"GET x\r\nHost: a\r\n\r\n",
        b"get /\n",
        b"get *\n",
        b"PUT a 1\n",
        b"put a 1",
        b"hello",
        b"hello\r",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PRI",
        b"\r\nGET / HTTP/1.1\r\n\r\n",
        b"\nx",
        b" x\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nhello\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
        b"\x04\x01\0\x50\1\2\3\4\0hello\n",
        b"\x05\x01\0",
        b"\x80\x2e\x01\x03\x01\0\x15",
        b"\x17\x03\x03\0\x01x",
        b"\x16\x03",
        b"\x16\x03\x01\0\x05\x02",
        b"\x16\x00",
        b"\0\0\x06\x04\0\0\0\0\0" + bytes(6),
        b"x" * 600,
    ],
)
def test_this_is_read_by_itself(said, spoken) -> None:
    assert not spoken.is_simple(said, b"answer")


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_short_first_segment_may_hide_what_comes(cut, spoken) -> None:
    assert not spoken.is_simple(spoken.lane(b"\0\0\0\x30\0\x12\0\x04" + bytes(44), (cut,)), b"answer")
    assert not spoken.is_simple(spoken.lane(b"hello", (cut,)), b"answer")


def test_a_request_for_tls_that_is_declined_is_opaque(spoken) -> None:
    assert spoken.is_simple(
        spoken.lane(b"\0\0\0\x08\x04\xd2\x16\x2f" + b"\0\0\0\x30\0\x03\0\0" + bytes(40), (8,)), b"N"
    )


def test_tls_that_may_begin_later_is_looked_for(tls, spoken) -> None:
    begun = b"hello\n"

    assert not spoken.is_simple(spoken.lane(begun + tls.hello(), (6,)), b"answer")
    assert spoken.is_simple(spoken.lane(begun * 2 + tls.hello(), (6,)), b"answer")
    assert not spoken.is_simple(spoken.lane(begun * 60 + tls.hello(), tuple(range(6, 361, 6))), b"answer")


@pytest.mark.parametrize(
    ("answer", "simple"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", False), (b"H", False), (b"Hello", True), (b"\x16\x03\x03\0\x05\x02", True)],
)
def test_an_answer_in_http_is_read(answer, simple, spoken) -> None:
    assert spoken.is_simple(b"hello\n", answer) is simple
