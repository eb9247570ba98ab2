from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.pcapng_time import LAST_SECOND, to_time_ns


def one(units: int, resolution: int, offset_s: int = 0) -> tuple[int, bool]:
    times, bad = to_time_ns(np.array([units], np.uint64), np.array([resolution], np.uint8), np.array([offset_s]))
    return int(times[0]), bool(bad[0])


@pytest.mark.parametrize(
    ("units", "resolution", "time_ns"),
    [
        (1_700_000_000_123_456, 6, 1_700_000_000_123_456_000),
        (1_700_000_000_123_456_789, 9, 1_700_000_000_123_456_789),
        (1_700_000_000, 0, 1_700_000_000_000_000_000),
        (1_234_567_890_123, 12, 1_234_567_890),
        (3 << 19, 0x80 | 20, 1_500_000_000),
        (5, 0x80, 5_000_000_000),
        (1 << 63, 0xFF, 0),
    ],
)
def test_units_become_nanoseconds(units: int, resolution: int, time_ns: int) -> None:
    assert one(units, resolution) == (time_ns, False)


def test_the_offset_is_added() -> None:
    assert one(1_000_000, 6, 3600) == (3601 * 10**9, False)


@pytest.mark.parametrize(
    ("units", "resolution", "offset_s"), [(2**64 - 1, 6, 0), (2**64 - 1, 0, 2**63 - 1), (0, 6, -1), (0, 6, -(2**63))]
)
def test_a_time_out_of_range_is_marked(units: int, resolution: int, offset_s: int) -> None:
    time_ns, bad = one(units, resolution, offset_s)

    assert bad
    assert 0 <= time_ns < (LAST_SECOND + 1) * 10**9


@settings(max_examples=100, deadline=None)
@given(units=st.integers(0, 2**64 - 1), resolution=st.integers(0, 255))
def test_no_resolution_is_off_by_more_than_a_nanosecond(units: int, resolution: int) -> None:
    base = 2 if resolution & 0x80 else 10
    exact = Fraction(units, base ** (resolution & 0x7F))

    time_ns, bad = one(units, resolution)

    assert bad == (exact >= LAST_SECOND + 1)
    if not bad:
        assert 0 <= exact * 10**9 - time_ns < 2


def test_each_row_has_its_own_resolution() -> None:
    units = np.array([1_000_000, 1_000_000_000, 1], np.uint64)

    times, _ = to_time_ns(units, np.array([6, 9, 0], np.uint8), np.zeros(3, np.int64))

    assert times.tolist() == [10**9] * 3
