"""Halves of connections that were under way when a capture began are known by what they acknowledge."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.reader import read_capture_bytes
from analyzer.counting import count_packets
from analyzer.flow.lots import part_in_lots
from analyzer.flow.midstream import are_halves
from analyzer.flow.tuple_ends import TupleEnds
from analyzer.large import run_large
from analyzer.lot import Plan
from made.lo import ACK, FIN, PSH, SYN, Lo, LoTalk, get, ok
from made.lo_runs import lines_of, plain_lines, read_bytes

APP, WEB, API = "10.9.0.1", "10.8.0.1:80", "10.8.0.2:80"


def under_way(lo: Lo, port: int, server: str = WEB, *, isn: int = 1000, **how) -> LoTalk:
    """A connection whose handshake was not captured."""
    talk = lo.talk(f"{APP}:{port}", server, **how)
    talk.next = {True: isn, False: 5 * isn}
    return talk.send(True, SYN, skip=True).send(False, SYN | ACK, skip=True).send(True, ACK, skip=True)


def pairs_in(lo: Lo, **how) -> tuple[int, list[bool]]:
    """How many pairs there may be, and which are."""
    capture = read_capture_bytes(lo.data, name="x.pcap")
    tuples, _ = count_packets(capture, 1)
    pairs = TupleEnds(tuples).midstream_pairs()
    return pairs.shape[1], are_halves(capture, tuples, pairs, **how).tolist()


def sizes_of(lo: Lo) -> list[int]:
    capture = read_capture_bytes(lo.data, name="x.pcap")
    tuples, _ = count_packets(capture, 1)
    return part_in_lots(tuples, 1, partial(are_halves, capture, tuples)).sizes.tolist()


def in_lots_and_plain(lo: Lo) -> tuple[list[bytes], list[bytes]]:
    read = read_bytes(lo.data)
    run = run_large(read.capture, Plan(None, None, None, None, {}), lot_packets=1, window_rows=16, most_together=1.0)
    return lines_of(run), plain_lines(read, None)


@pytest.mark.parametrize("stamp", [None, 7])
@pytest.mark.parametrize("most", [1, 4, 5, 1000])
def test_halves_that_acknowledge_each_other_are_one_connection(stamp, most) -> None:
    lo = Lo()
    for number in range(3):
        under_way(lo, 40_000 + number, isn=10**6 * (number + 1), stamp=stamp).ask(get()).answer(ok())

    count, found = pairs_in(lo, most=most)

    assert count == 3
    assert found == [most > 1] * 3


def test_halves_that_acknowledge_something_else_are_not() -> None:
    lo = Lo()
    under_way(lo, 40_000, isn=10**6).send(True, PSH | ACK, get())
    under_way(lo, 40_000, isn=5 * 10**8).send(False, PSH | ACK, ok())

    assert pairs_in(lo) == (1, [False])


@pytest.mark.parametrize("flags", [SYN, SYN | ACK])
def test_where_a_handshake_was_captured_that_tells(flags) -> None:
    lo = Lo()
    under_way(lo, 40_000).ask(get()).answer(ok()).send(flags == SYN, flags)

    assert pairs_in(lo) == (0, [])


def test_a_port_that_several_servers_answer_is_not_looked_at() -> None:
    lo = Lo()
    for server in (WEB, API):
        under_way(lo, 40_000, server).ask(get()).answer(ok())

    assert pairs_in(lo) == (0, [])


def test_what_came_to_a_pod_is_not_looked_at() -> None:
    lo = Lo()
    under_way(lo, 40_000, redirect=15006).ask(get()).answer(ok())

    assert pairs_in(lo) == (0, [])


def test_calls_near_a_connection_that_was_under_way_are_not_kept_together_for_that() -> None:
    lo = Lo()
    long = under_way(lo, 40_000).ask(get())
    for port in range(41_000, 41_003):
        lo.talk(f"{APP}:{port}", WEB).open().ask(get()).answer(ok()).close()
    long.answer(ok())

    assert sorted(sizes_of(lo)) == [2, 8, 8, 8]


def test_nothing_is_known_of_no_pairs() -> None:
    assert pairs_in(Lo()) == (0, [])


SHOWN = ["whole", "midstream", "midstream", "silent-server", "silent-client"]
TALKS = st.lists(
    st.tuples(
        st.integers(40_000, 40_002), st.sampled_from([WEB, API, "10.9.0.1:9000"]),
        st.sampled_from([15001, 15001, 15006, 0]), st.integers(1, 3), st.sampled_from(SHOWN),
        st.sampled_from([None, None, 7]), st.integers(0, 5),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(talks=TALKS)
def test_lots_have_the_bytes_of_a_plain_run(talks) -> None:
    lo = Lo()
    begun = []
    for port, server, redirect, salt, shown, stamp, wait in talks:
        talk = lo.talk(f"{APP}:{port}", server, redirect=redirect, stamp=stamp)
        talk.next = {True: 10**5 * salt, False: 10**7 * salt}
        mute = {"silent-client": True, "silent-server": False}.get(shown)
        for sent, flags in ((True, SYN), (False, SYN | ACK), (True, ACK)):
            talk.send(sent, flags, skip=shown == "midstream" or sent is mute)
        begun.append((talk, mute))
        lo.wait(wait)
        for each, silent in begun[-2:]:
            each.send(True, PSH | ACK, get(), skip=silent is True).send(False, PSH | ACK, ok(), skip=silent is False)
    for talk, mute in begun:
        talk.send(True, FIN | ACK, skip=mute is True)

    found, expected = in_lots_and_plain(lo)

    assert found == expected


def test_what_a_sidecar_did_between_the_halves_is_looked_at_with_them() -> None:
    lo = Lo()
    call = under_way(lo, 40_000).ask(get())
    lo.wait(5)
    lo.talk(f"{APP}:50000", WEB, redirect=0).open().ask(get()).answer(ok())
    lo.wait(5)
    call.answer(ok())

    found, expected = in_lots_and_plain(lo)

    assert found == expected


def test_answers_to_another_handshake_may_be_what_carries_calls() -> None:
    lo = Lo()
    unanswered = lo.talk(f"{APP}:41000", WEB).send(True, SYN)
    call = lo.talk(f"{APP}:40000", API).open()
    unanswered.next[True] = 9999
    unanswered.send(False, SYN | ACK)
    call.send(False, FIN | ACK)

    found, expected = in_lots_and_plain(lo)

    assert found == expected


def test_answers_on_a_tuple_that_was_used_again_may_be_those_of_another_port() -> None:
    lo = Lo()
    lo.talk(f"{APP}:41000", WEB).send(True, SYN)
    lo.wait(5)
    answers = lo.talk(f"{APP}:40000", WEB, redirect=0)
    answers.next = {True: 1001, False: 5000}
    answers.send(False, SYN | ACK).answer(ok())
    lo.wait(5)
    answers.next = {True: 900_000, False: 800_000}
    answers.send(True, SYN).send(False, SYN | ACK)

    found, expected = in_lots_and_plain(lo)

    assert found == expected
