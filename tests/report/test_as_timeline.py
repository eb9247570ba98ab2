"""The timeline as text and as lines."""

from __future__ import annotations

import json
import re

from analyzer.base.place import PacketPlace
from analyzer.report.as_timeline import render_timeline, timeline_jsonl
from analyzer.report.timeline import Event, timeline_of

HOUR = 3_600_000_000_000


def event(time_ns=0, kind="burst", packets=1, sentence="web → db: 3 failures"):
    return Event(time_ns, kind, sentence, ("7",), tuple(PacketPlace("a.pcap", 2 * n + 1) for n in range(packets)))


def test_each_event_has_its_time_and_kind():
    text = render_timeline([event(HOUR + 1_500_000)])

    assert "01:00:00.001500  burst          web → db: 3 failures" in text
    assert "a.pcap packet 1" in text


def test_a_new_day_is_said():
    text = render_timeline([event(0), event(HOUR), event(25 * HOUR)])

    assert re.findall(r"^\d{4}-\d\d-\d\d$", text, re.MULTILINE) == ["1970-01-01", "1970-01-02"]


def test_many_packets_are_counted():
    assert "a.pcap packets 1, 3, 5, 7, 9 and 4 more" in render_timeline([event(packets=9)])


def test_nothing_to_tell_is_said():
    assert render_timeline([]) == "Nothing failed, and no capture has a gap.\n"


def test_as_lines_each_event_has_its_fields():
    (line,) = map(json.loads, timeline_jsonl([event(packets=2)]))

    assert line == {
        "kind": "event", "event": "burst", "time": "1970-01-01T00:00:00.000000000Z", "time_ns": 0,
        "sentence": "web → db: 3 failures", "calls": ["7"], "packets": ["a.pcap:1", "a.pcap:3"],
    }  # fmt: skip


def test_names_from_the_wire_are_shown_and_not_obeyed(hostile):
    events = timeline_of(hostile)

    text = render_timeline(events) + b"".join(timeline_jsonl(events)).decode()

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)
