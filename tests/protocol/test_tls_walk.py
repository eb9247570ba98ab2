"""The kernels of TLS, by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.kernel import run_kernel
from analyzer.protocol import tls_walk as walk

NEVER = 1 << 62


@pytest.fixture(params=[0, NEVER])
def run(request):
    """Runs a kernel, compiled and as it stands."""
    return lambda kernel, *arguments: run_kernel(kernel, 0, *arguments, compile_rows=request.param)


def lane_of(run, said: bytes, *, hello: int = walk.CLIENT_HELLO, cut: int = 0) -> tuple[np.ndarray, bytes]:
    """The column of a lane behind two others, and its handshake."""
    borders = [0, cut, len(said)] if cut else [0, len(said)]
    position, stops = np.array(borders[:-1]), np.array(borders[1:])
    pieces = np.stack([position, stops - position, position + 1])
    lanes = np.zeros((walk.EXTENSIONS + 2, 3), np.int64)
    lanes[walk.STOP], lanes[walk.SENT] = len(position), [0, len(said), len(said)]
    flights = np.zeros(2 * len(said), np.uint8)
    run(walk.walk_records, np.frombuffer(b"." + said, np.uint8), pieces, lanes, flights)
    begin, end = lanes[[walk.BEGIN, walk.END], 2]
    run(walk.walk_messages, flights, lanes, hello)
    run(walk.walk_hellos, flights, lanes, hello, np.array([16]), np.zeros(walk.MAX_EXTENSIONS, np.int64))
    run(walk.walk_protocols, flights, lanes, walk.EXTENSIONS)
    return lanes[:, 2], flights[begin : max(begin, end)].tobytes()


@pytest.mark.parametrize("cut", [0, 1, 7, 60])
def test_records_are_followed_to_the_first_application_data(run, say, cut) -> None:
    hello, alert = say.client_hello(say.alpn(b"h2")), say.record(21, b"\x01\x70")

    lane, handshake = lane_of(run, hello + alert + say.record(23, bytes(130)) + b"junk", cut=cut)

    assert handshake == hello[5:]
    assert (lane[walk.ALERTS], lane[walk.DATA_LEN], lane[walk.VERSION]) == (0x1_0170, 130, 0x0303)
    assert (lane[walk.EXTENSIONS + 1], lane[walk.HELLO_END] - lane[walk.HELLO_BEGIN]) == (5, len(hello) - 9)


def test_a_flood_of_records_is_not_followed(run, say) -> None:
    lane, _ = lane_of(run, say.client_hello() + say.record(24, b"") * (walk.MAX_RECORDS - 1))
    flood, _ = lane_of(run, say.client_hello() + say.record(24, b"") * walk.MAX_RECORDS)

    assert (lane[walk.END] > 0, flood[walk.END]) == (True, -1)


def test_no_more_than_the_room_of_a_lane_is_taken(run, say) -> None:
    lane, _ = lane_of(run, say.record(22, say.handshake(1, bytes(16_000))) + say.record(22, bytes(400)))

    assert lane[walk.END] == -1


def test_the_first_certificate_is_found(run, say) -> None:
    chain = say.vector(3, say.vector(3, b"leaf") + say.vector(3, b"issuer"))

    said = say.server_hello() + say.record(22, say.handshake(11, chain))
    lane, handshake = lane_of(run, said, hello=walk.SERVER_HELLO)

    begin = lane[walk.LEAF] - lane[walk.BEGIN]
    assert handshake[begin : begin + lane[walk.LEAF_LEN]] == b"leaf"
    assert lane[walk.CERTIFIED] == walk.CERTIFICATE


def test_a_hello_of_a_client_comes_first(run, say) -> None:
    lane, _ = lane_of(run, say.record(22, say.handshake(11, b"abc")) + say.client_hello())

    assert lane[walk.END] == -1


def test_protocols_that_contradict_their_lengths_are_not_simple(run, say) -> None:
    lane, _ = lane_of(run, say.client_hello(say.extension(16, b"\0\x03\x07h2")))

    assert lane[walk.END] == -1
