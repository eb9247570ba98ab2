"""The columns of TLS have the texts that facts are made of, and nothing of what is random."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.kernel import run_kernel
from analyzer.protocol.tls_columns import TLS_NUMBERS, TLS_STRETCHES, read_tls


class Column:
    """Pieces of one message each, one of each lane or none."""

    def __init__(self, lanes: list[bytes]) -> None:
        self.lengths = np.array([len(lane) for lane in lanes])
        self.length = self.lengths[self.lengths > 0]
        self.offset = np.cumsum(self.length) - self.length
        self.position = np.zeros(len(self.length), np.int64)
        self.starts = np.append(0, np.cumsum(self.lengths > 0))
        self.heard, self.breaks = np.ones(len(lanes), np.int64), np.zeros(0, np.int64)


def run(kernel, *arguments) -> int:
    return run_kernel(kernel, 0, *arguments)


@pytest.fixture
def columns():
    """The columns of connections, each of what a client and a server said."""

    def read(*connections: tuple[bytes, bytes]):
        lanes = [lane for each in connections for lane in each]
        pieces = Column(lanes)
        matrix = np.stack([pieces.position, pieces.length, pieces.offset])
        return read_tls(run, np.frombuffer(b"".join(lanes), np.uint8), matrix, pieces, np.arange(len(connections)))

    return read


def texts(found, row: int) -> list[bytes | None]:
    spans = found.stretches[row].reshape(-1, 2).tolist()
    return [None if size < 0 else found.texts[begin : begin + size].tobytes() for begin, size in spans]


def test_texts_are_those_of_facts(columns, say) -> None:
    versions = say.extension(43, say.vector(1, b"\x03\x04\x03\x03"))
    hello = say.client_hello(say.extension(51, bytes(9)), say.server_name(b"a.example"), say.alpn(b"h2"), versions)
    chain = say.handshake(11, say.vector(3, say.vector(3, b"leaf")))

    found = columns((hello, say.server_hello(say.alpn(b"h3")) + say.record(22, chain)), (say.client_hello(), b""))

    assert texts(found, 0) == [b"a.example", b"\0\3\2h2", b"\4\3\4\3\3", b"\0\3\2h3", b"leaf"]
    assert texts(found, 1) == [None] * TLS_STRETCHES
    assert found.numbers.shape == (2, TLS_NUMBERS)


def test_what_is_not_simple_is_left_out(columns, say) -> None:
    two = say.client_hello(say.extension(0, b"\0\x08\0\0\x01a\0\0\x01b"))
    hello = say.client_hello(say.server_name(b"b"))

    found = columns((two, b""), (hello, b""), (hello, b"junk!"), (hello, say.server_hello()))

    assert found.sound.tolist() == [False, True, False, True]
    assert [texts(found, row)[0] for row in (0, 1)] == [b"b", b"b"]


def test_of_nothing_there_are_no_columns(columns) -> None:
    found = columns()

    assert (found.sound.tolist(), len(found.numbers), len(found.texts)) == ([], 0, 0)


# Which classes the columns make.


def test_what_differs_in_every_handshake_makes_no_class(tls, say, spoken) -> None:
    share = (say.extension(51, bytes(9)), say.extension(51, b"\1" * 1200), say.extension(0x4A4A, b""))
    hellos = [
        tls.hello(tls.name, tls.alpn, tls.versions, share[0], say.extension(21, bytes(7))),
        tls.hello(share[1], tls.versions, share[2], tls.alpn, tls.name, filler=1, session=32, ciphers=b"\x13\x01" * 5),
    ]
    answers = [tls.answer(tls.chosen, share[0]), tls.answer(share[0], tls.chosen, filler=2)]
    connections = [
        (hello + tls.change + tls.data(size), answer + tls.change + tls.data(900 + size))
        for hello, answer, size in zip(hellos, answers, (200, 300), strict=True)
    ]

    assert spoken.classes_of(*connections) == [0, 0]


def test_each_fact_makes_a_class(tls, say, spoken) -> None:
    hello, answer = tls.hello(), tls.answer(tls.chosen)
    old, name = tls.answer(say.alpn(b"h2")), say.server_name(b"b.example")
    sent = tls.record(say.handshake(11, say.vector(3, say.vector(3, b"of the client"))))
    connections = [
        (hello, b""),
        (hello, answer),
        (hello, answer + tls.data()),
        (hello + tls.data(100), answer + tls.data()),
        (hello + tls.data(200), answer + tls.data()),
        (hello, tls.answer(tls.chosen, say.extension(41, b"\0\0"))),
        (hello, tls.answer()),
        (hello, tls.answer(version=b"\x03\x02")),
        (hello, old),
        (hello, tls.answer(say.alpn(b"http/1.1"))),
        (hello, old + tls.certificate),
        (hello, old + tls.certificate.replace(b"server", b"sarver")),
        (hello + tls.data(), old + tls.certificate),
        (hello + sent, old + tls.certificate),
        (hello + tls.record(say.handshake(11, bytes(3))), old + tls.certificate),
        (hello, tls.alert(2, 40)),
        (hello, tls.alert(1, 40)),
        (hello, tls.alert(2, 70)),
        (hello, tls.alert(2, 70) + tls.alert(1, 0)),
        (hello + tls.alert(2, 70), b""),
        (tls.hello(name, tls.alpn, tls.versions), b""),
        (tls.hello(tls.alpn, tls.versions), b""),
        (tls.hello(tls.name, tls.versions), b""),
        (tls.hello(tls.name, tls.alpn), b""),
        (tls.hello(tls.name, say.alpn(b"h2"), tls.versions), b""),
        (tls.hello(tls.name, tls.alpn, say.extension(43, b"\x02\x03\x04")), b""),
        (say.record(22, say.handshake(1, say.hello_body())), b""),
        (say.record(22, say.handshake(1, say.hello_body(version=0x0302))), b""),
    ]

    assert spoken.classes_of(*connections, *connections) == [*range(len(connections))] * 2


def test_the_size_of_data_tells_nothing_before_tls_1_3(tls, spoken) -> None:
    assert spoken.classes_of(*((tls.hello() + tls.data(size), tls.answer()) for size in (100, 200))) == [0, 0]


def test_data_counts_where_only_its_header_was_sent(tls, spoken) -> None:
    client = tls.hello() + tls.data()

    assert spoken.classes_of((client, b""), (client[:-200], b"")) == [0, 0]


def test_what_comes_behind_a_change_of_ciphers_or_is_no_whole_message_is_left(tls, say, spoken) -> None:
    random = tls.record(b"\xa5\x4d\xca" + bytes(90))
    finished = tls.record(b"\x02\0\0\x01")

    assert (
        spoken.classes_of(
            (tls.hello(), random),
            (tls.hello() + tls.change + finished, random),
            (tls.hello() + say.record(24, b"heartbeat"), random),
            (tls.hello() + tls.change + tls.record(bytes(30), 21), random[:5] + b"\xff" * 93),
        )
        == [0] * 4
    )


@pytest.mark.parametrize("cuts", [(3,), (5,), (6,), (9, 10, 11, 40), tuple(range(90))])
def test_a_hello_may_come_in_several_segments(cuts, tls, spoken) -> None:
    hello = tls.hello()

    assert spoken.classes_of((hello, b""), (spoken.lane(hello, cuts), b"")) == [0, 0]


def test_a_handshake_may_come_in_several_records(tls, spoken) -> None:
    message, chain = tls.hello()[5:], tls.certificate[5:]
    answer = tls.answer()

    assert (
        spoken.classes_of(
            (tls.hello(), answer + tls.certificate),
            (tls.record(message[:20]) + tls.record(b"") + tls.record(message[20:]), answer + tls.certificate),
            (tls.hello(), tls.record(answer[5:] + chain[:9]) + tls.record(chain[9:])),
        )
        == [0] * 3
    )


def damaged_offers(tls, say) -> list[bytes]:
    hello = tls.hello()
    name = say.server_name
    listed = [
        (say.extension(0, b"\0\0"),),
        (say.extension(0, b"\0\x04\x07\0\x01a"),),
        (say.extension(0, b"\0\x04\0\0\x01a!"),),
        (say.extension(0, b"\0\x08\0\0\x01a\0\0\x01b"),),
        (name(b"a b"),),
        (name(b"a\0b"),),
        (name(b"a" * 256),),
        (tls.name, tls.name),
        (tls.alpn, tls.name, tls.alpn),
        (say.extension(16, b"\0\x04\x02h2"),),
        (say.extension(16, b"\0"),),
        (say.alpn(*[b"h2"] * 100),),
        (say.extension(16, b"\0\x03\x03h2"),),
        (say.extension(43, b"\x03\x03\x04\x03"),),
        (say.extension(43, b"\x03\x03\x04"),),
        (say.extension(43, b""),),
        (say.extension(0xFE0D, b"\0ech"),),
        (tls.name, b"\0\x17\0"),
        (tls.name, b"\0\x17\0\x09"),
        tuple(say.extension(kind, b"") for kind in range(100, 165)),
    ]
    body = say.hello_body(tls.name)
    bodies = [body[:20], body[:34], body[:36], body[:40], body + b"x", body[:43] + b"\0"]
    return [
        *(tls.hello(*each) for each in listed),
        *(say.record(22, say.handshake(1, each)) for each in bodies),
        hello[:30],
        hello + b"\x17\x03",
        hello + b"junk of some length",
        hello + b"\x17\x04\x03\0\0",
        hello + b"\x17\x03\x05\0\0",
        hello + b"\x17\x03\x03\xff\xff",
        hello + tls.record(b"", 24) * 40,
        hello + tls.alert(1, 1) * 4 + tls.data(),
        hello + tls.alert(1, 1)[:-1],
        hello[:9] + bytes(20_000),
        say.record(22, say.handshake(1, bytes(16_500))[:16_384]) + say.record(22, bytes(120)),
        tls.record(b"\2" + hello[6:]),
    ]


def test_an_offer_that_is_damaged_or_odd_is_read_by_itself(tls, say, spoken) -> None:
    offers = damaged_offers(tls, say)

    assert [offer for offer in offers if spoken.is_simple(offer)] == []


def test_an_answer_that_is_damaged_or_odd_is_read_by_itself(tls, say, spoken) -> None:
    answer, certificate = tls.answer(), tls.certificate
    answers = [
        tls.answer(say.extension(43, b"\x03")),
        tls.answer(say.extension(43, b"\x03\x04\x03")),
        tls.answer(tls.chosen, tls.chosen),
        tls.answer(say.extension(16, b"\0\x09\x02h2")),
        answer[:4] + bytes((answer[4] - 9,)) + answer[5:8] + bytes((answer[8] - 9,)) + answer[9:-9],
        certificate,
        answer + tls.record(say.handshake(11, b"\0\0\0")),
        answer + tls.record(say.handshake(11, b"\0\0\x05\0\0\x04ab")),
        answer + tls.record(say.handshake(11, say.vector(3, say.vector(3, bytes(5000))))),
        tls.answer(say.alpn(*[b"h2"] * 100)),
        answer[:-1],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 hello\r\n",
        answer + b"\x18\x03\x03\0\0" * 40,
        answer + bytes(90),
    ]

    assert [each for each in answers if spoken.is_simple(tls.hello(), each)] == []
