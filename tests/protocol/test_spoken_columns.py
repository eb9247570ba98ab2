"""Connections of one class are the same conversation to the whole parser, but for positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import AnalyzerError
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.traffic import read_traffic
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.spoken_columns import SpokenClasses, SpokenReader

SHARED = Path(__file__).resolve().parents[3] / "shared"


# Who speaks, and what is missing.


def test_who_speaks_first_makes_a_class(spoken) -> None:
    hello = b"hello\n"

    assert spoken.classes_of(
        (hello, b""),
        (hello, b"hi"),
        (hello, spoken.lane(b"hi")),
        (spoken.lane(hello, heard=2), spoken.lane(b"hi")),
        (b"", spoken.lane(b"hi")),
        (b"", b""),
        (spoken.lane(hello, heard=2), b"hi"),
    ) == [0, 0, -1, 1, 2, 3, 0]


@pytest.mark.parametrize("answer", [b"\x16\x03\x03\0\x05\x02", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_to_what_was_not_seen_is_read(answer, spoken) -> None:
    assert not spoken.is_simple(b"", answer)


def test_a_connection_that_was_never_answered_is_one(spoken) -> None:
    assert spoken.is_simple(b"", spoken.lane(b"", from_start=False))


def test_what_is_not_there_from_the_first_byte_to_the_last_is_read(tls, spoken) -> None:
    for said in (tls.hello() + tls.data(), b"hello\nthere\n"):
        ends = (
            spoken.lane(said, from_start=False),
            spoken.lane(said, unseen=1),
            spoken.lane(said, (6, 9), lost=1),
            spoken.lane(said, (6,), lost=0),
        )

        assert [spoken.is_simple(end, b"") for end in ends] == [False] * 4
        assert not spoken.is_simple(said, spoken.lane(b"", from_start=False))
        assert not spoken.is_simple(said, spoken.lane(b"", unseen=9))
    assert not spoken.is_simple(spoken.lane(b"", from_start=False), b"")


# Which classes.


def test_the_connections_that_are_asked_about_are_told_of_in_their_order(spoken) -> None:
    lanes = [
        spoken.lane(b"hello\n"),
        spoken.lane(b"", heard=1),
        spoken.lane(b""),
        spoken.lane(b""),
        spoken.lane(b"GET /"),
        spoken.lane(b""),
    ]
    buffer, pieces = spoken.told(lanes)

    reader = SpokenReader(buffer, pieces, np.ones(6, np.bool_), 3, SpokenClasses())

    assert reader.classes_of(np.array([2, 1, 0, 1])).tolist() == [-1, 0, 1, 0]
    assert reader.classes_of(np.array([0])).tolist() == [1]


def test_nothing_is_asked_and_nothing_told(spoken) -> None:
    assert spoken.classes_of() == []


def test_classes_hold_over_many_connections(tls, say, spoken) -> None:
    names = [b"%d.example" % (i % 7) for i in range(1100)]
    connections = [(tls.hello(say.server_name(name), filler=i % 251), b"") for i, name in enumerate(names)]

    assert spoken.classes_of(*connections) == [i % 7 for i in range(1100)]


# The whole parser agrees, whatever is said.


@st.composite
def damaged(draw, lanes, spoken):
    """What one end says, with a byte changed or gone, cut into segments somewhere."""
    data = draw(lanes)
    for _ in range(draw(st.integers(0, 2))):
        at, more = draw(st.integers(0, len(data))), draw(st.binary(max_size=1) | st.sampled_from([b"\0", b"\x16"]))
        data = data[:at] + more + data[at + draw(st.integers(0, 1)) :]
    cuts = tuple(draw(st.lists(st.integers(0, len(data)), max_size=2)))
    return spoken.lane(data, cuts, heard=draw(st.sampled_from([0, 1, 1])))


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_connections_of_a_class_are_the_same_to_the_whole_parser(tls, say, data, spoken) -> None:
    hellos = [tls.hello(), tls.hello(tls.name, say.extension(51, bytes(3)), tls.alpn), tls.hello(tls.versions)]
    texts = [b"*1\r\n$4\r\nPING\r\n", b"put a 1\n", b"\0\0\0\x30\0\x12\0\x04abc", b"\x03abc"]
    answers = [tls.answer(tls.chosen), tls.answer(tls.alpn) + tls.certificate, tls.answer() + tls.alert(2, 40), b"+OK"]
    more = st.sampled_from([b"", b"", tls.data(), tls.change + tls.data(90)])
    client = damaged(st.tuples(st.sampled_from(hellos * 2 + texts), more).map(b"".join), spoken)
    server = damaged(st.tuples(st.sampled_from(answers), more).map(b"".join), spoken)

    spoken.classes_of(*data.draw(st.lists(st.tuples(client, server), min_size=1, max_size=8)))


# Recorded meshes.


def recordings() -> list[Path]:
    return [
        *sorted(SHARED.glob("worlds/[cgq]*/pods/*.pcap"))[:40],
        *(path for path in sorted(SHARED.glob("adversarial/*.pcap*")) if path.stat().st_size < 1 << 20),
    ]


def test_nearly_all_recorded_tls_is_of_a_class_and_right(spoken) -> None:
    paths = recordings()
    if not paths:
        pytest.skip("no recorded meshes here")
    plain = of_class = 0
    for path in paths:
        try:
            capture = read_capture(path, name=path.name)
        except AnalyzerError:
            continue
        traffic = read_traffic(decode_packets(capture), capture.records)
        from_start, chosen = traffic.placement.from_start, range(len(traffic.lanes))
        reader = SpokenReader(capture.buffer, traffic.pieces, from_start, len(chosen), SpokenClasses(), compile_rows=0)
        classes = reader.classes_of(np.array(chosen, np.int64))
        spoken.check(capture.buffer, traffic.pieces, from_start, chosen, classes.tolist())
        whole = (from_start & (traffic.pieces.missing == 0)).reshape(-1, 2).all(axis=1)
        for connection in np.flatnonzero(whole).tolist():
            pair = [spoken.stream_of(capture.buffer, traffic.pieces, from_start, 2 * connection + i) for i in (0, 1)]
            said = parse_conversation(*pair)
            if said.tls is not None and not (said.oddities or said.missing or said.answer or said.inspected):
                plain += 1
                of_class += bool(classes[connection] >= 0)

    assert of_class > 0.95 * plain
