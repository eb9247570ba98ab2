from ipaddress import IPv6Address

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.base import table
from analyzer.base.table import FATE_NAMES, PacketTable, RecordTable


@pytest.mark.parametrize("kind", [RecordTable, PacketTable])
def test_a_table_is_as_long_as_its_columns(kind: type[RecordTable] | type[PacketTable]) -> None:
    columns = {name: np.zeros(3, dtype=np.int64) for name in kind.__struct_fields__}

    assert len(kind(**columns)) == 3


def test_every_fate_has_a_name_at_its_own_index() -> None:
    fates = [
        "DECODED",
        "NOT_IP",
        "OTHER_TRANSPORT",
        "CUT_HEADER",
        "BAD_HEADER",
        "IP_FRAGMENT",
        "UNKNOWN_LINK",
        "FRAGMENT_CONFLICT",
        "NESTED_TOO_DEEP",
    ]

    named = {FATE_NAMES[getattr(table, fate)]: fate.lower().replace("_", "-") for fate in fates}

    assert named == {name: name for name in FATE_NAMES}


def packets_with(fates: list[int], protocols: list[int]) -> PacketTable:
    columns = {name: np.zeros(len(fates), np.int64) for name in PacketTable.__struct_fields__}
    return PacketTable(**{**columns, "fate": np.array(fates, np.uint8), "protocol": np.array(protocols, np.uint8)})


def test_packets_are_counted_by_what_became_of_them() -> None:
    found = table.count_fates(packets_with([0, 8, 0, 3], [6, 6, 17, 6]))

    assert found.tolist() == [2, 0, 0, 1, 0, 0, 0, 0, 1]


def test_packets_of_a_transport_protocol_have_whole_headers() -> None:
    packets = packets_with([0, 3, 0, 0], [6, 6, 17, 6])

    assert table.decoded_as(packets, table.PROTOCOL_TCP).tolist() == [True, False, False, True]
    assert table.decoded_as(packets, table.PROTOCOL_UDP).tolist() == [False, False, True, False]


def test_the_mapped_prefix_is_that_of_the_address_architecture() -> None:
    assert IPv6Address(table.IPV4_MAPPED_PREFIX) == IPv6Address("::ffff:0.0.0.0")


def test_our_own_flag_is_none_of_the_nine_of_the_tcp_header() -> None:
    assert table.HAS_TIMESTAMP & 0x1FF == 0


@given(values=st.lists(st.integers(-5, 5)))
def test_distinct_values_are_those_of_the_library(values: list[int]) -> None:
    column = np.array(values, dtype=np.int64)

    assert table.distinct(column).tolist() == np.unique(column).tolist()


@given(given=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4))))
def test_ranges_are_those_of_a_loop(given: list[tuple[int, int]]) -> None:
    starts, counts = (np.array([pair[i] for pair in given], dtype=np.int64) for i in (0, 1))

    assert table.ranges(starts, counts).tolist() == [start + i for start, count in given for i in range(count)]


@given(numbers=st.lists(st.integers(0, 12)))
def test_numbers_by_appearance_are_those_of_a_loop(numbers: list[int]) -> None:
    ranks: dict[int, int] = {}
    expected = [ranks.setdefault(number, len(ranks)) for number in numbers]

    found, firsts = table.by_appearance(np.array(numbers, dtype=np.int64))

    assert found.tolist() == expected
    assert firsts.tolist() == [numbers.index(number) for number in ranks]


@given(values=st.lists(st.sampled_from(["", "a", "b", None, 1])))
def test_values_are_numbered_by_appearance(values: list) -> None:
    different, numbers = table.numbered(values)

    assert different == list(dict.fromkeys(values))
    assert [different[number] for number in numbers.tolist()] == values
    assert numbers.dtype == np.int64


def test_numbers_of_nothing_are_none() -> None:
    found, firsts = table.by_appearance(np.array([], dtype=np.int64))

    assert (found.tolist(), firsts.tolist(), found.dtype, firsts.dtype) == ([], [], np.int64, np.int64)
