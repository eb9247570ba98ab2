"""The parts of a run together are the run."""

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import StreamPlace
from analyzer.verdict.parts import join_parts, judge_part, part_of
from analyzer.verdict.wires import gather_wires

STRANGE = Code("strange", Family.PROTOCOL, Level.INFO, "strange", "Strange.")


def wires_of(app):
    talks = [
        app(f"10.244.1.{10 + n % 3}:{4000 + n}", at=100 - 7 * n).send(b"GET /%d HTTP/1.1\r\nHost: reviews\r\n\r\n" % n)
        for n in range(9)
    ]
    return gather_wires(told.sighting for told in talks)


def test_parts_together_are_the_whole(app, shop) -> None:
    mesh, wires = shop(), wires_of(app)
    whole = judge_part(wires, range(9), mesh, {})
    clients = sorted({wire.client.ip for wire in wires})
    shards = [[n for n, wire in enumerate(wires) if wire.client.ip == client] for client in clients]

    assert join_parts([judge_part(wires, shard, mesh, {}) for shard in shards]) == whole
    assert [call.id for call in whole.calls] == [str(n) for n in range(1, 10)]


def test_one_part_is_the_run(app) -> None:
    part = judge_part(wires_of(app), range(9), None, {})

    assert join_parts([part]) is part


def test_oddities_come_in_the_order_of_the_wires(talk) -> None:
    told = talk().send(b"x")
    said = replace(told.conversation, oddities=(Oddity(STRANGE, StreamPlace(True, 0)),))
    parts = [part_of([(told.wire, said)], [position], ()) for position in (2, 0, 1)]

    assert [position for position, *_ in join_parts(parts).oddities] == [0, 1, 2]
