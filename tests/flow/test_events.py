"""What happened on a connection: in Zeek's letters, and first of each kind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.flow.events import Event, follow_events, read_events

C, S = 0, 1


def history(wire) -> str:
    return wire.connection().history


def test_an_ordinary_connection(wire) -> None:
    wire.talk().open().ask(b"ping").send(S, "A").answer(b"pong").send(C, "A").close()

    assert history(wire) == "ShADadFf"


def test_each_letter_stands_once_for_each_end(wire) -> None:
    wire.talk().open().ask(b"a").ask(b"b").answer(b"c").answer(b"d")

    assert history(wire) == "ShADd"


def test_a_reset(wire) -> None:
    wire.talk().open().send(S, "R")

    assert history(wire) == "ShAr"


def test_a_reset_out_of_the_window_is_not_noted(wire) -> None:
    wire.talk().open().send(S, "R", seq=900_000)

    assert history(wire) == "ShA"


def test_a_packet_that_both_closes_and_resets(wire) -> None:
    wire.talk().open().send(C, "FR")

    assert history(wire) == "ShAI"


def test_a_packet_that_both_opens_and_closes(wire) -> None:
    wire.talk().send(C, "SF")

    assert history(wire) == "Q"


def test_a_fin_with_payload_is_both(wire) -> None:
    wire.talk().open().send(C, "FA", b"bye")

    assert history(wire) == "ShADF"


def test_a_retransmission(wire) -> None:
    wire.talk().open().ask(b"ping").ask(b"ping", seq=1001)

    assert history(wire) == "ShADT"


def test_retransmissions_are_noted_at_powers_of_ten(wire) -> None:
    talk = wire.talk().open().ask(b"ping")
    for _ in range(99):
        talk.ask(b"ping", seq=1001)

    assert history(wire) == "ShADTT"


def test_a_closed_window(wire) -> None:
    wire.talk().open().send(S, "A", window=0)

    assert history(wire) == "ShAaw"


def test_a_gap_is_noted_where_bytes_come_after_it(wire) -> None:
    wire.talk().open().ask(b"a").ask(b"lost", skip=True).answer(b"x").ask(b"b")

    assert history(wire) == "ShADdG"


def test_a_connection_that_the_server_was_seen_first_on_is_flipped(wire) -> None:
    wire.talk().send(C, "S", skip=True).send(S, "SA").send(C, "A")

    assert history(wire) == "^hA"


def test_both_halves_of_a_redirected_connection_make_one_history(wire) -> None:
    wire.talk("10.0.0.1:40000", "10.96.0.11:80", towards="127.0.0.1:15001").open().ask(b"ping").answer(b"pong").close()

    assert history(wire) == "ShADdFf"


def firsts(wire, event: Event) -> list[int]:
    """The row of the first such packet of the client and of the server."""
    traffic = wire.traffic()
    return traffic.lanes.rows_at(read_events(traffic).firsts[event]).tolist()


@pytest.mark.parametrize(
    ("event", "rows"),
    [
        (Event.ASKS, [0, -1]), (Event.OPENS, [0, -1]), (Event.ANSWERS, [-1, 1]), (Event.ACCEPTS, [-1, 1]),
        (Event.ACKNOWLEDGES, [2, 1]), (Event.DATA, [3, 4]), (Event.CLOSES, [5, 6]), (Event.RESETS, [-1, -1]),
    ],
)  # fmt: skip
def test_the_first_packet_of_each_kind_is_known(wire, event: Event, rows: list[int]) -> None:
    wire.talk().open().ask(b"ping").answer(b"pong").close()

    assert firsts(wire, event) == rows


def test_a_syn_whose_number_is_not_the_streams_asks_but_does_not_open(wire) -> None:
    wire.talk().send(C, "S", seq=7).open()

    assert (firsts(wire, Event.ASKS), firsts(wire, Event.OPENS)) == ([0, -1], [1, -1])


packets = st.lists(st.tuples(st.integers(0, 2**18 - 1), st.integers(0, 20)), max_size=30)


@given(packets=packets, cuts=st.lists(st.integers(0, 30), min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_compiled_or_not_the_walk_over_connections_is_the_same(packets, cuts) -> None:
    count = len(packets)
    starts = np.array([0, *sorted(min(cut, count) for cut in cuts), count])
    events, seconds = np.array(packets, np.int64).reshape(-1, 2).T
    rows = np.argsort(np.argsort(seconds, kind="stable"))
    columns = events.astype(np.int32), rows, np.arange(count) * 3_000_000_000
    found = []
    for compile_rows in (0, 1):
        outputs = (
            np.full((len(Event), 4), -1), np.zeros((2, 2), np.int64), np.zeros(18 * count + 2, np.uint8),
            np.zeros(3, np.int64),
        )  # fmt: skip
        alphabet = np.frombuffer(b"abcdefghijk", np.uint8)
        if count and (np.diff(starts[::2]) > 0).all():
            run_kernel(follow_events, 0, columns, starts, alphabet, *outputs, compile_rows=compile_rows)
        found.append([output.tolist() for output in outputs])

    assert found[0] == found[1]
