import numpy as np
import pytest

from analyzer.base.table import I64, U8
from analyzer.capture import records as module
from analyzer.capture.records import offset_rounds


def every_tenth_byte(data: U8, offsets: I64, state: I64) -> int:
    """Kernel: a record every ten bytes."""
    found = 0
    at = state[0]
    while found < len(offsets) and at < len(data):
        offsets[found] = at
        found += 1
        at += 10
    state[0] = at
    return found


@pytest.mark.parametrize("records", [0, 1, module.FIRST_ROUND, module.FIRST_ROUND + 1, 3 * module.FIRST_ROUND])
def test_offsets_are_collected_over_all_rounds(records: int) -> None:
    data = np.zeros(records * 10, np.uint8)

    offsets = list(offset_rounds(every_tenth_byte, data, np.zeros(1, np.int64)))

    assert np.concatenate(offsets).tolist() == list(range(0, records * 10, 10))


def test_no_round_has_more_records_than_may_be_in_memory(monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_ROUND", 2 * module.FIRST_ROUND)
    data = np.zeros(6 * module.FIRST_ROUND * 10, np.uint8)

    rounds = [len(each) for each in offset_rounds(every_tenth_byte, data, np.zeros(1, np.int64))]

    assert (max(rounds), sum(rounds)) == (2 * module.FIRST_ROUND, 6 * module.FIRST_ROUND)
