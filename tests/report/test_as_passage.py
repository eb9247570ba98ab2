"""The passage of a call, for people and for programs."""

from __future__ import annotations

import json

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.as_passage import passage_json, render_passage
from analyzer.verdict.clocks import Skew
from analyzer.verdict.passage import Moment, Passage

MS = 1_000_000


@pytest.fixture
def passage(shop):
    call = replace(shop.calls[0], request_id="id-1")
    began = call.first_ns
    leg = call.legs[0]
    moments = tuple(
        Moment(
            began + at * MS,
            began + at * MS,
            what,
            leg.role,
            leg.client,
            leg.server,
            PacketPlace("a.pcap", n),
            n > 1,
            n < 2,
        )
        for n, (at, what) in enumerate([(0, "request"), (3, "reply")], 1)
    )
    return Passage(call, moments, (("b.pcap", Skew(-12 * MS, 1000, 4)), ("c.pcap", None), ("d.pcap", Skew(0, 0, 1))))


def test_moments_count_from_the_request_and_skews_are_told(passage) -> None:
    text = render_passage(passage, width=200)

    assert "b.pcap is 12.0 ms behind" in text
    assert "c.pcap shares no exchange" in text
    assert "d.pcap is as early as" in text
    assert "+0.000 ms" in text
    assert "+3.000 ms" in text
    assert "probable" in text
    assert "reply, in TLS" in text
    assert "x-request-id id-1" in text


def test_a_narrow_page_has_every_packet_whole(passage) -> None:
    lines = render_passage(passage, width=80).splitlines()

    assert max(map(len, lines)) <= 80
    assert any(line.endswith("a.pcap 1") for line in lines)


def test_legs_of_one_role_are_told_apart_by_their_port(passage) -> None:
    first, last = passage.moments
    other = replace(last, client=replace(last.client, port=9))

    text = render_passage(replace(passage, moments=(first, other)), width=120)

    assert f"{first.role} :{first.client.port}" in text
    assert f"{first.role} :9" in text


def test_a_call_that_one_capture_saw_has_no_clocks(passage) -> None:
    assert "CLOCKS" not in render_passage(replace(passage, skews=()))


def test_programs_get_the_same(passage) -> None:
    line = json.loads(passage_json(passage))

    assert (line["kind"], line["request_id"], line["skews"]["c.pcap"]) == ("passage", "id-1", None)
    assert [moment["what"] for moment in line["moments"]] == ["request", "reply"]
