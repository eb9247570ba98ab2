"""How much of every packet to keep when a capture is cut to what its facts stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.stream import Stream
from analyzer.base.table import (
    ACK,
    BAD_HEADER,
    CUT_HEADER,
    FIN,
    FRAGMENT_CONFLICT,
    I64,
    IP_FRAGMENT,
    PROTOCOL_UDP,
    RST,
    SYN,
    decoded_as,
)
from analyzer.flow.connection import Connection
from analyzer.flow.traffic import Bools, Traffic

# What a row keeps when it is left out altogether.
LEFT_OUT = -1
# Fates that say something about connections, although the packet could not be read.
_KEPT_FATES = (CUT_HEADER, BAD_HEADER, IP_FRAGMENT, FRAGMENT_CONFLICT)
_DNS_PORT = 53


class Needs(Fact, frozen=True):
    """What must stay of a connection: spans of stream positions by direction, None where all of it must."""

    from_client: tuple[tuple[int, int], ...] | None
    from_server: tuple[tuple[int, int], ...] | None

    @property
    def is_whole(self) -> bool:
        """Whether every packet is kept as it is."""
        return self.from_client is None or self.from_server is None


WHOLE = Needs(None, None)


def kept_lengths(
    traffic: Traffic, connections: Iterable[Connection], needs: Mapping[int, Needs], cited: Iterable[int]
) -> I64:
    """How many captured bytes of each record to keep, ``(P,)``; ``LEFT_OUT`` for those that nothing stands on.

    ``needs`` are by ``Connection.index``. Every segment keeps its headers and its first payload byte, so that what was
    sent when stays known. Left out are bare acknowledgements in the middle of a connection, unless their 1-based
    number is in ``cited``, packets that were captured twice, and what is neither TCP nor DNS.
    """
    kept = np.full(len(traffic.records), LEFT_OUT, np.int64)
    whole = _other_packets(traffic)
    lanes, packets, records = traffic.lanes, traffic.packets, traffic.records
    segments = lanes.rows[~_bare_acknowledgements(traffic)]
    headers = packets.payload_off - records.data_off
    kept[segments] = (headers + np.minimum(packets.payload_len, 1))[segments]
    named = np.fromiter(cited, np.int64) - 1
    kept[named] = np.maximum(kept[named], headers[named])
    for connection in connections:
        need = needs.get(connection.index, WHOLE)
        begin, end = lanes.starts[2 * connection.index], lanes.starts[2 * connection.index + 2]
        whole[lanes.rows[begin:end]] |= need.is_whole
        _keep_spans(kept, traffic, connection.from_client, need.from_client or ())
        _keep_spans(kept, traffic, connection.from_server, need.from_server or ())
    kept[whole] = records.captured_len[whole]
    result: I64 = np.minimum(kept, records.captured_len.astype(np.int64))
    return result


def _other_packets(traffic: Traffic) -> Bools:
    """What is kept as it is though no connection of ours has it, ``(P,)``: DNS, and what could not be read."""
    packets = traffic.packets
    udp = decoded_as(packets, PROTOCOL_UDP)
    dns = udp & ((packets.src_port == _DNS_PORT) | (packets.dst_port == _DNS_PORT))
    found: Bools = dns | np.isin(packets.fate, _KEPT_FATES)
    return found


def _bare_acknowledgements(traffic: Traffic) -> Bools:
    """Which of ``LaneTable.rows`` only acknowledge, in the middle of a connection that is seen from its start.

    The first of each direction stays, as do the last packets of a connection and those that close the window.
    """
    packets, lanes = traffic.packets, traffic.lanes
    rows, lane_of = lanes.rows, lanes.lane_of
    flags = packets.tcp_flags[rows]
    bare = (flags & (SYN | FIN | RST | ACK) == ACK) & (packets.payload_wire_len[rows] == 0) & (packets.window[rows] > 0)
    first = lanes.first_of(bare)
    spare = bare & np.repeat(traffic.placement.from_start.reshape(-1, 2).any(axis=1), 2)[lane_of]
    spare[first[first >= 0]] = False
    result: Bools = spare & (rows != lanes.last_row[lane_of >> 1])
    return result


def _keep_spans(kept: I64, traffic: Traffic, stream: Stream, spans: Iterable[tuple[int, int]]) -> None:
    """Raise ``kept`` for the packets that brought the bytes of ``spans``."""
    data_off = traffic.records.data_off
    for start, end in spans:
        at = stream.next_data(start)
        while at is not None and at < end:
            i = stream.piece_at(at)
            size = min(end - stream.starts[i], stream.lengths[i])
            row = stream.packets[i] - 1
            kept[row] = max(kept[row], stream.offsets[i] + size - data_off[row])
            at = stream.next_data(stream.starts[i] + stream.lengths[i])
