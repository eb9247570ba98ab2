import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.http2_events import DataEvent, HeadersEvent, ResetEvent, walk_events
from analyzer.protocol.http2_headers import HeaderDecoder

HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, CONTINUATION = 1, 3, 4, 5, 6, 7, 9


@pytest.fixture
def events(notes):
    def walk(data: bytes | Stream) -> list:
        stream = data if isinstance(data, Stream) else Stream.of(data)
        decoder = HeaderDecoder(notes, from_client=True, from_start=True)
        return list(walk_events(stream, 0, decoder, notes, from_client=True))

    return walk


def test_frames_become_events_in_order(say, client, events) -> None:
    data = say.frame(SETTINGS, 0, 0) + client.headers(1, ("a", "b")) + say.frame(0, 1, 1, b"xyz")
    data += say.frame(RST_STREAM, 0, 3, b"\0\0\0\x08") + say.frame(99, 0, 0, b"unknown")

    head, body, reset = events(data)

    assert head == HeadersEvent(1, (("a", "b"),), True, 9, head.end, False)
    assert body == DataEvent(1, head.end + 9, 3, head.end + 12, True)
    assert reset == ResetEvent(3, 8)


def test_padding_and_priority_are_no_content(say, client, events) -> None:
    block = client.block(("a", "b"))
    head = say.frame(HEADERS, 0x2C, 1, b"\x03" + bytes(5) + block + bytes(3))

    found = events(head + say.frame(0, 0x8, 1, b"\x02xyz\0\0"))

    assert found[0].headers == (("a", "b"),)
    assert found[1][1:3] == (len(head) + 10, 3)


def test_a_block_is_put_together_over_continuations(say, client, events) -> None:
    block = client.block(("a", "b"), ("c", "d"))
    pieces = [say.frame(CONTINUATION, 0, 1, block[i : i + 1]) for i in range(1, len(block))]

    found = events(say.frame(HEADERS, 1, 1, block[:1]) + b"".join(pieces) + say.frame(CONTINUATION, 4, 1))

    assert found[0].headers == (("a", "b"), ("c", "d"))
    assert found[0].ends


def test_a_promise_changes_the_tables_and_is_no_event(say, client, events) -> None:
    promise = say.frame(PUSH_PROMISE, 4, 1, b"\0\0\0\x02" + client.block(("a", "b")))

    (found,) = events(promise + client.headers(1, ("a", "b")))

    assert (found.headers, found.whole) == ((("a", "b"),), True)


@pytest.mark.parametrize(
    "broken",
    [
        (0, 0x8, 1, b"\x05abc"),
        (0, 0x8, 1, b""),
        (0, 0, 0, b"x"),
        (1, 4, 0, b""),
        (3, 0, 0, bytes(4)),
        (1, 0x24, 1, b"ab"),
    ],
)
def test_a_broken_frame_ends_the_walk(broken, say, client, events, notes, codes) -> None:
    assert events(say.frame(*broken) + client.request(3)) == []
    assert codes(notes) == ["h2-bad-frame"]


@pytest.mark.parametrize("between", [(PING, 0, 0, bytes(8)), (CONTINUATION, 4, 3, b"")])
def test_nothing_may_interrupt_a_block(between, say, client, events, notes, codes) -> None:
    assert events(say.frame(HEADERS, 0, 1, client.block(("a", "b"))) + say.frame(*between)) == []
    assert codes(notes) == ["h2-bad-frame"]


@pytest.mark.parametrize(
    "more",
    [
        [(CONTINUATION, 0, 1, b"")] * 1100,
        [(CONTINUATION, 0, 1, bytes(16_000))] * 5,
        [(CONTINUATION, 0, 1, bytes(70_000))],
    ],
)
def test_a_flood_of_continuations_ends_the_walk(more, say, events, notes, codes) -> None:
    assert events(say.frame(HEADERS, 0, 1) + b"".join(say.frame(*one) for one in more)) == []
    assert codes(notes) == ["h2-continuation-flood"]


def test_a_head_beyond_the_limit_ends_the_walk(say, events, notes, codes) -> None:
    assert events(say.frame(HEADERS, 4, 1, bytes(70_000))) == []
    assert codes(notes) == ["h2-continuation-flood"]


def test_a_frame_that_claims_much_waits(client, events, notes) -> None:
    data = client.request(1) + b"\xff\xff\xff\0\0\0\0\0\x01" + bytes(10)

    found = events(data)

    assert [type(one) for one in found] == [HeadersEvent, DataEvent]
    assert (notes.oddities, notes.missing) == ([], ())


def test_a_block_that_is_still_coming_is_no_event(say, client, events, notes) -> None:
    block = client.block(("a", "b"), ("c", "d"))
    data = say.frame(HEADERS, 0, 1, block[:3]) + say.frame(CONTINUATION, 4, 1, block[3:])

    found = [events(data[:n]) for n in range(len(data))]

    assert not any(found)
    assert (notes.oddities, notes.missing) == ([], ())


def test_a_gap_inside_data_is_stepped_over(say, client, events, notes) -> None:
    head, body = client.request(1, ends=False), say.frame(0, 1, 1, bytes(1000))
    data = head + body + client.request(3)

    found = events(say.stream(data, gap=(len(head) + 20, len(head) + 900)))

    assert [one.stream_id for one in found] == [1, 1, 3]
    assert found[2].whole
    assert notes.missing == ()


def test_a_gap_over_a_frame_header_loses_the_tables(say, client, events, notes) -> None:
    one, lost, three = client.request(1), client.request(3), client.request(5, "new.example")
    stream = say.stream(one + lost + three, gap=(len(one), len(one) + 4), cuts=[len(one + lost)])

    found = events(stream)

    assert [(head.stream_id, head.whole) for head in found] == [(1, True), (5, True)]
    assert (":authority", "new.example") in found[1].headers
    assert notes.missing == ("gap",)


def test_a_gap_inside_a_block_loses_its_headers(say, client, events) -> None:
    one, lost, three = client.request(1), client.request(3, "lost.example"), client.request(5, "lost.example")
    stream = say.stream(one + lost + three, gap=(len(one) + 12, len(one) + 14))

    found = events(stream)

    assert [(head.stream_id, head.whole) for head in found] == [(1, True), (3, False), (5, False)]
    assert found[1].headers == ()


def test_a_block_whose_end_is_in_a_gap_is_lost(say, client, events) -> None:
    block = client.block(("a", "b"))
    begun = say.frame(HEADERS, 0, 1, block[:1])
    rest = say.frame(CONTINUATION, 4, 1, block[1:])
    stream = say.stream(begun + rest + client.request(3), gap=(len(begun), len(begun) + 3), cuts=[len(begun + rest)])

    found = events(stream)

    assert [(head.stream_id, head.whole) for head in found] == [(1, False), (3, True)]


def test_a_continuation_alone_belongs_to_an_unseen_head(say, client, events) -> None:
    client.block(("x-old", "1"))

    (found,) = events(say.frame(CONTINUATION, 4, 1, b"rest") + client.headers(3, ("x-old", "1")))

    assert (found.stream_id, found.whole) == (3, False)


@pytest.mark.parametrize(("error", "noted"), [(0, []), (11, ["h2-goaway"])])
def test_a_connection_that_is_given_up_in_error_is_noted(error: int, noted, say, events, notes, codes) -> None:
    events(say.frame(GOAWAY, 0, 0, bytes(4) + error.to_bytes(4, "big")))

    assert codes(notes) == noted
