"""Redirected connections that were under way when a capture began: whether two one-sided tuples are halves of one.

No handshake says so. What each half sends and acknowledges does, which is in its packets: these are looked at alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import replace
from analyzer.base.table import I64
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.flow.census import PACKETS, Tuples, rows_of
from analyzer.flow.halves import pair_halves
from analyzer.flow.table import build_flows

# Packets that are looked at together; of a pair that has more it is not known.
PACKETS_AT_ONCE = 150_000


def are_halves(capture: Capture, tuples: Tuples, pairs: I64, *, most: int = PACKETS_AT_ONCE) -> NDArray[np.bool_]:
    """Which ``pairs`` ``(2, K)`` of tuples are one connection, ``(K,)``: the client's half, and the answers.

    No other tuple has the client's end of a pair.
    """
    found = np.zeros(pairs.shape[1], np.bool_)
    for some in _shares(tuples.table[PACKETS, pairs].sum(axis=0), most):
        found[some] = _are_halves(capture, tuples, pairs[:, some])
    return found


def _shares(sizes: I64, most: int) -> Iterator[I64]:
    """The places of ``sizes`` that are no more than ``most`` together."""
    fitting = np.flatnonzero(sizes <= most)
    before = np.cumsum(sizes[fitting]) - sizes[fitting]
    share = before // most
    for each in range(int(share.max(initial=-1)) + 1):
        yield fitting[share == each]


def _are_halves(capture: Capture, tuples: Tuples, pairs: I64) -> NDArray[np.bool_]:
    wanted = np.zeros(len(tuples) + 1, np.bool_)
    wanted[pairs] = True
    rows = rows_of(tuples.tuple_of, wanted)
    records = capture.records.part(rows)
    packets = decode_packets(replace(capture, records=records))
    flows = build_flows(packets, records)
    partners = pair_halves(flows, packets)
    # A tuple that is several flows is none of a pair.
    of_flows = tuples.tuple_of[rows[flows.order[flows.starts[:-1]]]]
    flow_of, counts = np.full(len(tuples), -1), np.bincount(of_flows, minlength=len(tuples))
    flow_of[of_flows] = np.arange(len(flows))
    asking, answering = flow_of[pairs]
    single = (counts[pairs] == 1).all(axis=0)
    found: NDArray[np.bool_] = single & (partners[asking] == answering)
    return found
