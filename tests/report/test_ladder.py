"""A drawing has a mark per stop, top to bottom, and a wire as sure as what was seen."""

from __future__ import annotations

from itertools import pairwise

from analyzer.base.fact import replace
from analyzer.report.journey import journey_of
from analyzer.report.ladder import SHOWN_CONNECTIONS, ladder_of


def test_marks_stand_in_the_order_of_the_stops_and_wires_join_them(shop):
    ladder = ladder_of(journey_of(shop.calls[0]))
    heights = [mark.y for mark in ladder.marks]
    assert heights == sorted(heights)
    assert [(wire.top, wire.bottom) for wire in ladder.wires] == list(pairwise(heights))
    assert ladder.height > heights[-1]


def test_a_wire_says_how_sure_its_leg_is(shop):
    assert [wire.style for wire in ladder_of(journey_of(shop.calls[0])).wires] == ["seen", "seen", "probable"]
    assert [wire.style for wire in ladder_of(journey_of(shop.calls[8])).wires] == ["seen", "seen", "unseen", "probable"]


def test_no_line_of_text_stands_on_a_mark(shop):
    for call in shop.calls:
        ladder = ladder_of(journey_of(call))
        assert not [n for n in ladder.notes for mark in ladder.marks if mark.y - 8 < n.y < mark.y + 30]


def test_where_a_call_is_dropped_it_says_how(shop):
    mark = ladder_of(journey_of(shop.calls[4])).marks[-1]
    assert (mark.dropped, mark.note) == (True, "dropped: answers 404 (NR)")


def test_the_title_tells_the_drawing_in_words(shop):
    assert ladder_of(journey_of(shop.calls[4])).title == (
        "application shop/web-0; then sidecar shop/web-0, dropped: answers 404 (NR)"
    )


def test_a_connection_that_two_captures_saw_is_told_once(shop):
    call = shop.calls[4]
    ladder = ladder_of(journey_of(replace(call, legs=(*call.legs, replace(call.legs[0], capture="b.pcap")))))
    assert [note.text for note in ladder.notes] == [
        "app-to-sidecar",
        "10.244.1.9:40005 → 10.96.0.11:9080",
        "shop_web-0.any.pcap packets 51–59",
        "b.pcap packets 51–59",
    ]


def test_many_connections_of_one_link_are_counted(shop):
    call = shop.calls[4]
    legs = tuple(replace(call.legs[0], sni=f"s{i}") for i in range(SHOWN_CONNECTIONS + 3))
    assert ladder_of(journey_of(replace(call, legs=legs))).notes[-1].text == "and 3 more connections"
