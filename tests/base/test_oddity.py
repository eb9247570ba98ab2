import pytest

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace, YamlPlace

CUT_RECORD = Code(
    "cut-record", Family.CAPTURE, Level.WARNING, "record claims {claimed} bytes; {left} are left in the file", "Why."
)
PLAIN = Code("plain", Family.MESH, Level.INFO, "nothing to fill in", "Why.")


def test_a_message_is_the_summary_with_its_values() -> None:
    oddity = Oddity(CUT_RECORD, values={"claimed": 2147483647, "left": 310})

    assert oddity.message == "record claims 2147483647 bytes; 310 are left in the file"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (None, "nothing to fill in"),
        (PacketPlace("a.pcap", 18), "a.pcap: packet 18: nothing to fill in"),
        (YamlPlace("a.yaml", 3, 5, "spec"), "a.yaml:3:5 (spec): nothing to fill in"),
    ],
)
def test_the_place_comes_first(place: PacketPlace | YamlPlace | None, text: str) -> None:
    assert str(Oddity(PLAIN, place)) == text


def test_a_value_from_the_wire_is_never_read_as_a_format() -> None:
    oddity = Oddity(CUT_RECORD, values={"claimed": "{left.__class__}", "left": 0})

    assert oddity.message == "record claims {left.__class__} bytes; 0 are left in the file"


def test_a_code_needs_no_advice() -> None:
    assert PLAIN.advice == ""
