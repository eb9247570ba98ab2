"""Of each tuple it is known which end is the client's, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.flow.census import Census
from analyzer.flow.tuple_ends import TupleEnds

APP, WEB, SIDECAR = "10.0.0.1:40000", "10.96.0.1:80", "127.0.0.1:15001"


def ends_of(wire) -> TupleEnds:
    census = Census()
    census.add(wire.packets(), wire.records())
    return TupleEnds(census.finish())


def port_of_client(ends: TupleEnds) -> list[int]:
    return ends.at_client(ends.port).tolist()


def test_who_opens_a_connection_is_its_client(wire) -> None:
    wire.talk(WEB, APP).open()

    ends = ends_of(wire)

    assert port_of_client(ends) == [80]
    assert (ends.known.tolist(), ends.begun.tolist()) == ([True], [True])


def test_who_is_sent_a_syn_ack_is_the_client(wire) -> None:
    wire.talk(APP, WEB).send(0, "S", b"", skip=True).send(1, "SA", b"")

    ends = ends_of(wire)

    assert port_of_client(ends) == [40000]
    assert (ends.known.tolist(), ends.alone.tolist(), ends.towards.tolist()) == ([True], [True], [False])


def test_of_what_was_under_way_it_is_not_known(wire) -> None:
    wire.talk(APP, WEB).send(0, "PA", b"ask").send(1, "PA", b"answer")

    ends = ends_of(wire)

    assert (ends.known.tolist(), ends.begun.tolist()) == ([False], [False])


@pytest.mark.parametrize(("redirect", "known"), [(SIDECAR, True), ("127.0.0.1:15006", False)])
def test_who_talks_to_an_outbound_sidecar_is_a_client_whenever_it_began(wire, redirect, known) -> None:
    wire.talk(APP, WEB, towards=redirect).send(0, "PA", b"ask")

    ends = ends_of(wire)

    assert port_of_client(ends) == [40000]
    assert (ends.towards.tolist(), ends.known.tolist(), ends.begun.tolist()) == ([True], [known], [False])


def test_halves_that_are_settled_are_as_well_known_as_others(wire) -> None:
    wire.talk(APP, WEB, towards=SIDECAR).send(0, "PA", b"ask").send(1, "PA", b"answer")
    ends = ends_of(wire)
    pairs = ends.midstream_pairs()

    ends.settle(pairs)

    assert pairs.tolist() == [[0], [1]]
    assert port_of_client(ends) == [40000, 40000]
    assert len(set(ends.end_of_home.tolist())) == 1
    assert ends.begun.all()


def test_of_no_tuples_there_are_no_pairs(wire) -> None:
    assert ends_of(wire).midstream_pairs().tolist() == np.empty((2, 0)).tolist()


@pytest.mark.parametrize(
    ("client", "server", "told"),
    [
        ("10.0.0.1:40000", "10.0.0.2:80", True), ("10.0.0.2:40000", "10.0.0.1:80", True),
        ("10.0.0.1:40000", "10.0.0.2:50000", False), ("10.0.0.1:80", "10.0.0.2:81", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", [0, 1])
def test_an_ephemeral_port_tells_the_client_where_the_other_is_none(wire, client, server, told, side) -> None:
    wire.talk(client, server).send(side, "PA", b"data")
    ends = ends_of(wire)

    found = ends.settle_by_port()

    assert found.tolist() == [told]
    if told:
        assert port_of_client(ends) == [40000]


def test_of_an_end_that_others_call_too_ports_tell_nothing(wire) -> None:
    wire.talk(APP, WEB).send(0, "PA", b"under way")
    wire.talk("10.0.0.9:50000", APP).open()

    assert ends_of(wire).settle_by_port().tolist() == [False, False]


def test_a_client_may_call_others_too(wire) -> None:
    wire.talk(APP, WEB).send(0, "PA", b"under way")
    wire.talk(APP, "10.96.0.2:80").open()

    assert ends_of(wire).settle_by_port().tolist() == [True, False]
