"""What packets are adds up, however they are parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.base.table import FATE_NAMES
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.count import Count

ANY = Path(__file__).resolve().parents[2] / "captures" / "shop-default" / "pods" / "shop_sleep-0.any.pcap"


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_windows_count_as_much_as_the_whole(size) -> None:
    any_of_all = read_capture(ANY, name=ANY.name)
    whole, parts = Count(), Count()
    whole.add(any_of_all.records, decode_packets(any_of_all))

    for first in range(0, len(any_of_all.records), size):
        window = any_of_all.records.part(slice(first, first + size))
        parts.add(window, decode_packets(replace(any_of_all, records=window)))

    assert (parts.rows, parts.fates.tolist()) == (whole.rows, whole.fates.tolist())
    assert np.concatenate(parts.udp).tolist() == np.concatenate(whole.udp).tolist()
    assert (parts.bytes, parts.first_ns, parts.last_ns) == (whole.bytes, whole.first_ns, whole.last_ns)
    assert whole.fates.sum() == len(any_of_all.records)


def test_counts_of_packets_that_follow_each_other_add_up() -> None:
    first, second = (
        Count(5, udp=[np.array([3])], bytes=50, first_ns=10, last_ns=20),
        Count(4, udp=[np.array([0, 2])], bytes=40, first_ns=9, last_ns=19, nested=2),
    )

    first.join(Count())
    first.join(second)

    assert np.concatenate(first.udp).tolist() == [3, 5, 7]
    assert (first.rows, first.bytes, first.first_ns, first.last_ns, first.nested) == (9, 90, 9, 20, 7)


def test_nothing_was_counted_in_an_empty_count() -> None:
    count = Count()

    assert (count.fates.tolist(), count.bytes, count.first_ns, count.nested) == ([0] * len(FATE_NAMES), 0, None, 0)
