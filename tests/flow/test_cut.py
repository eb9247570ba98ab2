"""How much of every packet stays when a capture is cut."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.table import OTHER_TRANSPORT, PROTOCOL_UDP
from analyzer.flow.cut import LEFT_OUT, WHOLE, Needs, kept_lengths

CLIENT, SERVER = 0, 1
NOTHING = Needs((), ())


@pytest.fixture
def cut(wire):
    """Lengths by packet, of records that hold their payload alone and have no headers."""

    def lengths(needs=NOTHING, cited=()):
        traffic = wire.traffic()
        packets, records = traffic.packets, traffic.records
        np.copyto(records.data_off, packets.payload_off)
        np.copyto(records.captured_len, packets.payload_len)
        found = wire.connections()
        return kept_lengths(traffic, found, {c.index: needs for c in found}, cited).tolist()

    return lengths


def test_of_a_segment_its_first_byte_stays_and_what_is_needed(wire, cut) -> None:
    wire.talk().open().ask(b"a" * 100).answer(b"b" * 100).answer(b"c" * 100)

    assert cut(Needs(((0, 40),), ((90, 130),))) == [0, 0, 0, 40, 100, 30]
    assert cut() == [0, 0, 0, 1, 1, 1]


def test_a_connection_that_is_kept_whole_loses_nothing(wire, cut) -> None:
    wire.talk().open().ask(b"a" * 100).send(SERVER).send(SERVER).answer(b"b" * 9).close()

    assert cut(WHOLE) == [0, 0, 0, 100, 0, 0, 9, 0, 0, 0]


def test_bare_acknowledgements_in_the_middle_are_left_out(wire, cut) -> None:
    talk = wire.talk().open().ask(b"a").send(SERVER).answer(b"b").send(CLIENT).answer(b"c")
    talk.send(CLIENT).send(SERVER, window=0).send(CLIENT)

    kept = cut()

    # The first of each end, the closed window and the last packet tell something.
    assert [i + 1 for i, size in enumerate(kept) if size == LEFT_OUT] == [7, 9]
    assert cut(cited=[9])[8] == 0


def test_acknowledgements_stay_where_the_handshake_was_not_seen(wire, cut) -> None:
    wire.talk().ask(b"a").send(SERVER).answer(b"b").send(CLIENT).answer(b"c").send(CLIENT).send(CLIENT)

    assert LEFT_OUT not in cut()


def test_packets_that_were_captured_twice_are_left_out(wire, cut) -> None:
    talk = wire.talk().open()
    talk.ask(b"hello", at_ms=10, ifindex=1)
    talk.next[CLIENT] -= 5
    talk.ask(b"hello", at_ms=10, ifindex=2)

    assert cut()[3:] == [1, LEFT_OUT]


def test_dns_stays_and_what_is_no_ip_traffic_goes(wire, cut) -> None:
    wire.packet("10.0.0.1:5000", "10.0.0.9:53", "", data=b"who", protocol=PROTOCOL_UDP)
    wire.packet("10.0.0.1:5000", "10.0.0.9:443", "", data=b"quic", protocol=PROTOCOL_UDP)
    wire.packet("10.0.0.1:5000", "10.0.0.9:443", "", data=b"icmp", fate=OTHER_TRANSPORT)

    assert cut() == [3, LEFT_OUT, LEFT_OUT]


def test_needs_are_whole_where_a_side_is() -> None:
    assert WHOLE.is_whole
    assert Needs((), None).is_whole
    assert not NOTHING.is_whole
