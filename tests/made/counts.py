"""What was counted of a capture, as values that can be compared."""

from __future__ import annotations

from analyzer.capture.capture import Capture
from analyzer.counting import Counted


def values(found: Counted) -> list[object]:
    tuples, count = found
    arrays = (tuples.table, tuples.tuple_of, tuples.syns, tuples.syn_acks, count.fates)
    return [*(array.tolist() for array in arrays), count.rows, count.bytes, count.first_ns, count.last_ns, tuples.sure]


def told(capture: Capture) -> tuple[object, ...]:
    columns = [
        column.tolist()
        for name in type(capture.records).__struct_fields__
        if (column := getattr(capture.records, name)) is not None
    ]
    return capture.name, capture.format, columns, capture.interfaces, capture.oddities, capture.complete, capture.error
