"""Records in the packet numbers of another capture."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.pipeline import analyze_paths
from analyzer.verdict.decision import Decision, Step
from analyzer.verdict.renumber import cited_packets, renumber


@pytest.fixture(scope="module")
def call(request):
    capture = request.config.rootpath / "captures/shop-default/pods/legacy_naked-0.any.pcap"
    record = analyze_paths([str(capture)]).calls[0]
    step = Step("it says so", (PacketPlace(record.legs[0].capture, 3, 77),))
    return replace(record, decision=Decision(None, None, ("no-mesh",), steps=(step,)))


def test_every_packet_is_cited(call) -> None:
    numbers = [packet for _, packet in cited_packets(call)]

    assert {call.legs[0].first_packet, call.legs[0].last_packet, 3} <= set(numbers)


def test_every_packet_has_its_number_in_the_other_capture(call) -> None:
    name = call.legs[0].capture
    numbers = {name: [100 + n for n in range(1, 1000)]}

    moved = renumber(call, numbers)

    assert [p for _, p in cited_packets(moved)] == [100 + p for _, p in cited_packets(call)]
    assert moved.decision.steps[0].packets == (PacketPlace(name, 103),)


def test_no_packet_stays_none(call) -> None:
    leg = replace(call.legs[0], first_packet=0)

    moved = renumber(replace(call, legs=(leg,)), {leg.capture: range(5, 1000)})

    assert moved.legs[0].first_packet == 0
