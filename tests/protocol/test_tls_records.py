import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.tls_records import MAX_RECORDS, is_record_header, looks_like_records, read_flight

DATA = b"\x17\x03\x03\x00\x02ab"


def flight_of(data: bytes | Stream, notes, position: int = 0):
    return read_flight(data if isinstance(data, Stream) else Stream.of(data), position, notes, from_client=True)


@pytest.mark.parametrize(
    ("header", "is_one"),
    [
        (b"\x16\x03\x01\x00\x05", True),
        (b"\x17\x03\x04\x48\x00", True),
        (b"\x17\x03\x03\x48\x01", False),
        (b"\x19\x03\x03\x00\x05", False),
        (b"\x16\x02\x00\x00\x05", False),
        (b"\x16\x03\x05\x00\x05", False),
        (b"\x16\x03\x01\x00", False),
    ],
)
def test_a_record_header_keeps_the_limits(header: bytes, is_one: bool) -> None:
    assert is_record_header(header) is is_one


def test_messages_are_put_together_over_records(say, notes) -> None:
    message = say.handshake(1, b"hello") + say.handshake(2, b"x")
    records = b"".join(say.record(22, message[i : i + 2]) for i in range(0, len(message), 2))

    flight = flight_of(records, notes)

    assert [(m.kind, m.body) for m in flight.messages] == [(1, b"hello"), (2, b"x")]
    assert flight.messages[1].end == len(records)
    assert flight.begun == b""


def test_application_data_ends_the_flight(say, notes) -> None:
    flight = flight_of(DATA + say.record(22, say.handshake(1, b"")), notes)

    assert (flight.data, flight.messages) == (True, ())


def test_what_follows_change_cipher_spec_is_encrypted(say, notes) -> None:
    flight = flight_of(say.record(20, b"\x01") + say.record(22, say.handshake(1, b"")) + DATA, notes)

    assert (flight.data, flight.messages) == (True, ())


def test_alerts_in_the_clear_are_read(say, notes) -> None:
    flight = flight_of(say.record(21, b"\x02\x28") + say.record(21, bytes(26)), notes)

    assert flight.alerts == ((2, 40, 0),)


def test_a_message_that_is_still_coming_is_cut(say, notes) -> None:
    record = say.record(22, say.handshake(1, b"hello"))

    begun = [flight_of(record[:n], notes) for n in range(len(record))]

    assert [flight.begun for flight in begun] == [record[5:n] for n in range(len(record))]
    assert not any(flight.lost for flight in begun)
    assert (notes.oddities, notes.missing) == ([], ())


@pytest.mark.parametrize("gap", [(2, 4), (8, 9), (14, 16)])
def test_a_gap_in_the_handshake_is_said(gap: tuple[int, int], say, notes) -> None:
    data = say.record(22, say.handshake(1, b"hello")) + DATA

    assert flight_of(say.stream(data, gap=gap), notes).lost
    assert notes.missing == ("gap",)


def test_a_lost_alert_is_none(say, notes) -> None:
    data = say.record(21, b"\x02\x28")

    assert flight_of(say.stream(data, gap=(6, 7)), notes).alerts == ()


def test_other_bytes_end_the_flight(say, notes, codes) -> None:
    flight_of(say.record(22, say.handshake(1, b"")) + b"HTTP/1.1 200 OK", notes)

    assert codes(notes) == ["tls-bad-record"]


def test_a_flood_of_records_is_bounded(say, notes, codes) -> None:
    flight_of(say.record(22, b"") * (MAX_RECORDS + 1), notes)

    assert codes(notes) == ["tls-record-flood"]


def test_a_message_without_end_is_bounded(say, notes, codes) -> None:
    flight_of(say.record(22, b"\x01\xff\xff\xff") + say.record(22, bytes(1 << 14)) * 10, notes)

    assert codes(notes) == ["tls-handshake-too-large"]


@pytest.mark.parametrize(
    ("data", "fits"),
    [(DATA, True), (DATA + DATA, True), (DATA + b"other", False), (DATA[:4], False), (b"\x18\x03\x03\0\0", False)],
)
def test_record_framing_is_told_by_two_headers(data: bytes, fits: bool) -> None:
    assert looks_like_records(Stream.of(data), 0) is fits
