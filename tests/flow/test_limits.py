"""The ceiling on connections."""

from analyzer.flow.limits import limit_oddities


def ports(traffic) -> list[int]:
    return traffic.flows.first_port[traffic.lanes.lead].tolist()


def test_below_the_ceiling_all_are_kept(wire) -> None:
    wire.talk("10.0.0.1:1000").open()
    traffic = wire.traffic(most=1)

    assert (ports(traffic), traffic.oddities) == ([1000], ())


def test_above_it_connections_with_payload_are_kept_first_then_earlier_ones(wire) -> None:
    wire.talk("10.0.0.1:1000").open()
    wire.talk("10.0.0.1:1001").open()
    wire.talk("10.0.0.1:1002").open().ask(b"x")

    assert ports(wire.traffic(most=2)) == [1000, 1002]


def test_what_was_left_out_is_in_no_lane(wire) -> None:
    wire.talk("10.0.0.1:1000").open()
    wire.talk("10.0.0.1:1001").open().ask(b"x")
    lanes = wire.traffic(most=1).lanes

    assert (lanes.rows.tolist(), lanes.starts.tolist()) == ([3, 5, 6, 4], [0, 3, 4])
    assert lanes.connection_of.tolist() == [-1, 0]


def test_what_was_left_out_is_counted() -> None:
    (oddity,) = limit_oddities(5, 3)

    assert oddity.message == "2 of 5 connections were left out, those without payload first"
