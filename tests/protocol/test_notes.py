from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import StreamPlace
from analyzer.protocol.notes import GAP, MAX_ODDITIES, MIDSTREAM


def _code(number: int) -> Code:
    return Code(f"odd-{number}", Family.PROTOCOL, Level.INFO, "odd", "odd")


def test_an_oddity_stands_at_a_byte_of_a_stream(notes) -> None:
    notes.odd(_code(1), from_client=False, offset=7, size=3)

    assert notes.oddities[0].place == StreamPlace(False, 7)
    assert notes.oddities[0].values == {"size": 3}


def test_the_same_code_is_noted_once_per_direction(notes) -> None:
    code = _code(1)

    for from_client in (True, True, False, False):
        notes.odd(code, from_client=from_client, offset=0)

    assert [oddity.place for oddity in notes.oddities] == [StreamPlace(True, 0), StreamPlace(False, 0)]


def test_a_hostile_connection_cannot_fill_the_report(notes) -> None:
    for number in range(MAX_ODDITIES + 10):
        notes.odd(_code(number), from_client=True, offset=number)

    assert len(notes.oddities) == MAX_ODDITIES


def test_what_is_missing_is_named_once_and_in_order(notes) -> None:
    for code in (MIDSTREAM, GAP, MIDSTREAM):
        notes.lack(code)

    assert notes.missing == ("gap", "midstream")
