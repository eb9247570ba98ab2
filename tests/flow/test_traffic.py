"""The tables of a capture together."""


def test_an_empty_capture_has_empty_tables(wire) -> None:
    traffic = wire.traffic()

    assert (len(traffic.flows), len(traffic.lanes), len(traffic.pieces.position)) == (0, 0, 0)


def test_bytes_that_a_snaplen_cut_are_counted_by_lane(wire) -> None:
    wire.talk().open().ask(b"abc", wire_len=10).answer(b"x")

    assert wire.traffic().cut_bytes.tolist() == [7, 0]


def test_missing_bytes_are_counted_by_lane(wire) -> None:
    wire.talk().open().ask(b"abc", wire_len=10).answer(b"lost", skip=True).answer(b"x")

    assert wire.traffic().pieces.missing.tolist() == [7, 4]
