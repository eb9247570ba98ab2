import pytest

from analyzer.base.place import PacketPlace, StreamPlace, YamlPlace


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (PacketPlace("checkout.pcap", 18), "checkout.pcap: packet 18"),
        (PacketPlace("checkout.pcap", 18, 4711), "checkout.pcap: packet 18"),
        (StreamPlace(from_client=True, offset=0), "client stream, byte 0"),
        (StreamPlace(from_client=False, offset=97), "server stream, byte 97"),
        (YamlPlace("reviews.yaml", 10, 44), "reviews.yaml:10:44"),
        (YamlPlace("reviews.yaml", 10, 44, "spec.http[0]"), "reviews.yaml:10:44 (spec.http[0])"),
    ],
)
def test_a_place_reads_as_a_person_would_look_it_up(place: PacketPlace | StreamPlace | YamlPlace, text: str) -> None:
    assert str(place) == text


def test_file_line_leaves_the_column_out() -> None:
    assert YamlPlace("reviews.yaml", 10, 44, "spec").file_line == "reviews.yaml:10"


def test_places_sort_by_file_and_then_by_number() -> None:
    places = [YamlPlace("b.yaml", 1), YamlPlace("a.yaml", 10), YamlPlace("a.yaml", 9)]

    assert sorted(places) == [places[2], places[1], places[0]]


def test_places_are_values() -> None:
    assert {PacketPlace("a.pcap", 1), PacketPlace("a.pcap", 1)} == {PacketPlace("a.pcap", 1)}


def test_an_option_has_no_lines() -> None:
    place = YamlPlace("--set mtls=STRICT", 1, field="spec.mtls.mode")

    assert (place.file_line, str(place)) == ("--set mtls=STRICT", "--set mtls=STRICT (spec.mtls.mode)")
