"""What is strange about captures, as lines to read."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace, StreamPlace
from analyzer.verdict.oddities import MAX_LINE, said_oddities, tell, tell_limits

NOTE = Code("a-note", Family.FLOW, Level.INFO, "noted {what}", "")
ALARM = Code("b-alarm", Family.PROTOCOL, Level.WARNING, "alarming", "")
FULL = Code("c-full", Family.LIMIT, Level.WARNING, "{count} left out", "")


def test_each_code_has_one_line_with_its_first_place_and_how_many_more_there_are() -> None:
    met = [Oddity(NOTE, PacketPlace("x.pcap", n), {"what": f"thing {n}"}) for n in (3, 4, 5)]

    assert tell(met) == ("x.pcap: packet 3: noted thing 3 (and 2 more)",)


def test_what_is_graver_comes_first() -> None:
    met = [Oddity(NOTE, None, {"what": "a"}), Oddity(FULL, None, {"count": 1}), Oddity(ALARM)]

    assert tell(met) == ("alarming", "1 left out", "noted a")


def test_a_line_does_not_grow_with_what_it_quotes() -> None:
    (line,) = tell([Oddity(NOTE, None, {"what": "x" * 70_000})])

    assert len(line) == MAX_LINE


def test_nothing_strange_is_nothing_to_tell() -> None:
    assert (tell([]), tell_limits("x.pcap", [Oddity(ALARM)])) == ((), ())


def test_a_limit_names_the_capture_in_which_it_was_hit() -> None:
    met = [Oddity(FULL, None, {"count": 7}), Oddity(ALARM)]

    assert tell_limits("x.pcap", met) == ("x.pcap: 7 left out",)
    assert tell_limits("x.pcap", [Oddity(FULL, PacketPlace("x.pcap", 2), {"count": 7})]) == (
        "x.pcap: packet 2: 7 left out",
    )


@pytest.mark.parametrize(
    ("place", "packet"),
    [
        (StreamPlace(from_client=True, offset=1), 4),
        (StreamPlace(from_client=False, offset=0), 5),
        (StreamPlace(from_client=True, offset=99), 1),
        (None, 1),
    ],
)
def test_what_was_said_is_strange_at_the_packet_that_brought_it(talk, place, packet) -> None:
    told = talk(capture="x.pcap").send(b"ab").reply(b"c")
    said = replace(told.conversation, oddities=(Oddity(ALARM, place),))

    assert list(said_oddities([(told.wire, said)])) == [("x.pcap", Oddity(ALARM, PacketPlace("x.pcap", packet)))]
