import pytest

from analyzer.base.fact import replace
from analyzer.base.stream import Stream
from analyzer.protocol.http1 import parse_http1


def pairs(said) -> list[tuple[str | None, int | None]]:
    return [
        (exchange.request and exchange.request.target, exchange.response and exchange.response.status)
        for exchange in said.exchanges
    ]


def test_requests_and_responses_pair_in_order(say, notes) -> None:
    asked = say.get("/a") + say.get("/b") + say.get("/c")

    said = parse_http1(Stream.of(asked), Stream.of(say.ok(status=200) + say.ok(status=404)), notes)

    assert pairs(said) == [("/a", 200), ("/b", 404), ("/c", None)]
    assert [exchange.ordinal for exchange in said.exchanges] == [1, 2, 3]


def test_a_response_that_nobody_asked_for_stands_alone(say, notes) -> None:
    said = parse_http1(Stream.of(say.get("/a")), Stream.of(say.ok() + say.ok(status=408)), notes)

    assert pairs(said) == [("/a", 200), (None, 408)]


def test_a_timeout_sent_before_a_request_does_not_answer_it(say, notes) -> None:
    asked = say.stream(say.get("/late"), first_packet=9)

    said = parse_http1(asked, say.stream(say.ok(status=408), first_packet=5), notes)

    assert pairs(said) == [(None, 408), ("/late", None)]


def test_answers_without_any_request_say_so(say, notes) -> None:
    said = parse_http1(Stream.of(b""), Stream.of(say.ok()), notes)

    assert pairs(said) == [(None, 200)]
    assert notes.missing == ("requests-unseen",)


def test_an_early_answer_meets_the_head_that_never_ended(say, notes) -> None:
    said = parse_http1(Stream.of(b"GET /slow HTTP/1.1\r\nHost: a\r\n"), Stream.of(say.ok(status=400)), notes)

    assert pairs(said) == [("/slow", 400)]
    assert said.exchanges[0].missing == ("head-incomplete",)


def test_a_lost_request_does_not_shift_the_answers(say, notes) -> None:
    one, lost, three = say.get("/1"), say.get("/2"), say.get("/3")
    asked = say.stream(one + lost + three, gap=(len(one), len(one + lost)), first_packet=1, step=4)
    answers = [say.ok(status=status) for status in (201, 202, 203)]
    cuts = [len(answers[0]), len(answers[0] + answers[1])]

    said = parse_http1(asked, say.stream(b"".join(answers), cuts=cuts, first_packet=2, step=2), notes)

    assert pairs(said) == [("/1", 201), (None, 202), ("/3", 203)]


def test_a_lost_answer_does_not_shift_the_others(say, notes) -> None:
    asks = [say.get(f"/{i}") for i in (1, 2, 3)]
    asked = say.stream(b"".join(asks), cuts=[len(asks[0]), len(asks[0] + asks[1])], first_packet=1, step=4)
    one, lost, three = (say.ok(status=status) for status in (201, 202, 203))
    answered = say.stream(one + lost + three, gap=(len(one), len(one + lost)), first_packet=2, step=8)

    said = parse_http1(asked, answered, notes)

    assert pairs(said) == [("/1", 201), ("/2", None), ("/3", 203)]


def test_out_of_step_an_answer_never_comes_before_its_request(say, notes) -> None:
    asked = say.stream(say.get("/seen"), first_packet=5)
    cut = len(say.ok())
    answered = say.stream(say.ok(status=200) + say.ok(status=404), cuts=[cut], first_packet=4, step=2)

    said = parse_http1(asked, answered, notes, in_step=False)

    assert pairs(said) == [(None, 200), ("/seen", 404)]


def joined(say, *, heard: tuple[int, int], asked_at: list[int], answered_at: list[int], timed: bool = False):
    """A connection from its middle, with what each side had heard first; packets, or times, are in an odd order."""
    asks = [say.get(f"/{i}") for i in range(1, len(asked_at) + 1)]
    answers = [say.ok(status=200 + i) for i in range(len(answered_at))]
    streams = []
    for said, order, had in ((asks, asked_at, heard[0]), (answers, answered_at, heard[1])):
        stream = say.stream(b"".join(said), cuts=[len(said[0]) * i for i in range(len(said))], from_start=False)
        packets = [9] * len(order) if timed else order
        streams.append(replace(stream, packets=packets, times_ns=order if timed else [0] * len(order), heard=had))
    return streams


def test_what_the_client_had_heard_when_it_first_asked_answers_something_else(say, notes) -> None:
    old = len(say.ok())
    streams = joined(say, heard=(old, 0), asked_at=[4, 5], answered_at=[1, 3, 6])

    assert pairs(parse_http1(*streams, notes, in_step=False)) == [(None, 200), ("/1", 201), ("/2", 202)]


@pytest.mark.parametrize(("heard", "expected"), [(1, "/1"), (2, None)])
def test_a_server_answers_the_only_request_that_it_had_heard_whatever_was_captured_first(
    heard: int, expected: str | None, say, notes
) -> None:
    streams = joined(say, heard=(0, heard * len(say.get("/1"))), asked_at=[2, 3], answered_at=[1, 4])

    said = parse_http1(*streams, notes, in_step=False)

    assert dict(map(reversed, pairs(said)))[200] == expected


def test_packets_are_in_the_order_of_their_times(say, notes) -> None:
    streams = joined(say, heard=(0, 0), asked_at=[2, 4], answered_at=[1, 3, 5], timed=True)

    assert pairs(parse_http1(*streams, notes, in_step=False)) == [(None, 200), ("/1", 201), ("/2", 202)]


def test_an_answer_captured_before_its_request_does_not_shift_the_others(say, notes) -> None:
    streams = joined(say, heard=(0, 0), asked_at=[2, 3], answered_at=[1, 4])

    said = parse_http1(*streams, notes, in_step=False)

    assert pairs(said) == [(None, 200), (None, 201), ("/1", None), ("/2", None)]


def test_a_switch_behind_a_stray_answer_still_ends_http(say, notes) -> None:
    request = say.get("/chat", more="Connection: Upgrade\r\nUpgrade: websocket\r\n")
    switching = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n"
    asked = say.stream(request + b"\x81\x85GET / HTTP/1.1\r\n\r\n", cuts=[len(request)], first_packet=2)
    answered = say.stream(say.ok() + switching, cuts=[len(say.ok())], first_packet=1, step=8)

    said = parse_http1(asked, answered, notes, in_step=False)

    assert (pairs(said), notes.oddities) == ([(None, 200), ("/chat", 101)], [])


@pytest.mark.parametrize("name", ["websocket", "h2c"])
def test_an_upgrade_says_where_and_to_what(name: str, say, notes) -> None:
    request = say.get("/chat", more=f"Connection: Upgrade\r\nUpgrade: {name}\r\n")
    switching = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {name}\r\n\r\n".encode()

    said = parse_http1(Stream.of(request + b"\x81\x85GET / HTTP/1.1\r\n\r\n"), Stream.of(switching + b"x"), notes)

    assert pairs(said) == [("/chat", 101)]
    assert said.exchanges[0].upgraded
    assert (said.upgraded_to, said.client_end, said.server_end) == (name, len(request), len(switching))


def test_a_refused_upgrade_goes_on_with_http(say, notes) -> None:
    request = say.get("/chat", more="Connection: Upgrade\r\nUpgrade: websocket\r\n")

    said = parse_http1(Stream.of(request + say.get("/b")), Stream.of(say.ok() + say.ok(status=404)), notes)

    assert pairs(said) == [("/chat", 200), ("/b", 404)]
    assert said.upgraded_to is None


def test_connect_opens_a_tunnel(say, notes) -> None:
    connect = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"

    said = parse_http1(Stream.of(connect + say.get("/inside")), Stream.of(say.ok(b"")), notes)

    assert pairs(said) == [("a:443", 200)]
    assert (said.upgraded_to, said.client_end) == ("connect", len(connect))


def test_a_switch_whose_request_is_unseen_ends_the_conversation(notes) -> None:
    said = parse_http1(Stream.of(b""), Stream.of(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n"), notes)

    assert (said.upgraded_to, said.client_end) == ("websocket", 0)
