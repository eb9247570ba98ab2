import numpy as np

from analyzer.capture.gather import as_bytes, gather

PAIR = np.dtype([("high", ">u2"), ("low", "<u2")])


def test_structures_are_gathered_from_any_byte() -> None:
    data = as_bytes(memoryview(bytes(range(10))))

    pairs = gather(data, np.array([0, 1, 6]), PAIR)

    assert pairs["high"].tolist() == [0x0001, 0x0102, 0x0607]
    assert pairs["low"].tolist() == [0x0302, 0x0403, 0x0908]


def test_a_structure_may_end_with_the_buffer() -> None:
    data = as_bytes(memoryview(b"\x00\x01\x02\x03"))

    assert gather(data, np.array([0]), PAIR)["low"].tolist() == [0x0302]


def test_no_positions_give_no_structures() -> None:
    data = as_bytes(memoryview(b""))

    assert len(gather(data, np.array([], np.int64), PAIR)) == 0


def test_bytes_are_seen_without_a_copy() -> None:
    buffer = bytearray(b"abc")

    data = as_bytes(memoryview(buffer))
    buffer[0] = 0

    assert data.tolist() == [0, 98, 99]
