"""What is strange about a connection's packets, as data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.table import I64, RST, URG, distinct
from analyzer.flow.conflicts import Conflicts
from analyzer.flow.events import Event, Events
from analyzer.flow.lanes import SIDES
from analyzer.flow.sequence import AFTER_FIN, AFTER_RST, BAD_FIN, BAD_RST, OUT_OF_WINDOW
from analyzer.flow.traffic import Traffic

MIDSTREAM = Code(
    "tcp-midstream",
    Family.FLOW,
    Level.INFO,
    "the connection was open before its first packet here",
    "No handshake was captured. Position 0 of the streams is the first byte that was seen, not the first that was "
    "sent.",
    "Start the capture before the connections, or restart the client while it runs.",
)
ONE_SIDED = Code(
    "tcp-one-sided",
    Family.FLOW,
    Level.WARNING,
    "only the packets of the {side} were captured",
    "The other end talks, but nothing of it is in the capture: a filter on one address, or a route that the tap does "
    "not see.",
    "Capture on all interfaces of the pod (tcpdump -i any) and without a filter on one end's address.",
)
GAP = Code(
    "tcp-gap",
    Family.FLOW,
    Level.WARNING,
    "{missing} bytes of the {side} were sent but not captured",
    "Sequence and acknowledgement numbers show bytes that are in no packet: the capture lost packets.",
    "Give tcpdump a larger buffer (-B) or a filter; see its 'dropped by kernel'.",
)
PAYLOAD_CUT = Code(
    "tcp-payload-cut",
    Family.FLOW,
    Level.WARNING,
    "the payload of {count} packets was captured in part",
    "The capture kept only the first bytes of every packet (snaplen). What lies behind them is a gap in the stream.",
    "Capture whole packets: tcpdump -s 0.",
)
OVERLAP_CONFLICT = Code(
    "tcp-overlap-conflict",
    Family.FLOW,
    Level.WARNING,
    "{count} packets repeat bytes of the stream with others in their place",
    "The same sequence numbers were sent with different bytes. The stream has those that a Linux receiver reads; "
    "another system may read the others, so what the application saw is not certain.",
)
OVERLAP_UNCHECKED = Code(
    "tcp-overlap-unchecked",
    Family.LIMIT,
    Level.WARNING,
    "{count} packets repeat bytes of the stream and were not compared with it",
    "The capture repeats so much that comparing all of it would take too long. The stream has the bytes that a Linux "
    "receiver reads; whether the repetitions say something else is not known.",
)
BAD_RESET = Code(
    "tcp-bad-rst",
    Family.FLOW,
    Level.WARNING,
    "{count} RST were ignored, as the receiver ignored them",
    "A receiver drops a RST whose sequence number it does not expect (RFC 9293, section 3.10.7.4). These lie outside "
    "the window, or the receiver acknowledges bytes that were sent behind them: injected, or very late.",
)
BAD_CLOSE = Code(
    "tcp-bad-fin",
    Family.FLOW,
    Level.WARNING,
    "{count} FIN were ignored, as the receiver ignored them",
    "The receiver acknowledges bytes that were sent behind these FIN, so they did not end the stream: injected.",
)
DATA_AFTER_RST = Code(
    "tcp-data-after-rst",
    Family.FLOW,
    Level.INFO,
    "{count} packets with payload came after a RST",
    "Bytes behind the sender's own RST are not part of its stream. Bytes that were sent after the peer's RST are, but "
    "nobody may have read them.",
)
DATA_AFTER_FIN = Code(
    "tcp-data-after-fin",
    Family.FLOW,
    Level.WARNING,
    "{count} packets carry bytes behind their sender's FIN; they were ignored",
    "A FIN ends a direction; what lies behind it is no part of the stream (RFC 9293, section 3.6).",
)
SEGMENT_OUT_OF_WINDOW = Code(
    "tcp-out-of-window",
    Family.FLOW,
    Level.WARNING,
    "{count} packets lie further from the stream than any window and were ignored",
    "No receiver can have accepted these sequence numbers: the largest window is 1 GiB (RFC 7323, section 2.3).",
)
URGENT_DATA = Code(
    "tcp-urgent-data",
    Family.FLOW,
    Level.INFO,
    "{count} packets carry urgent data",
    "Linux takes the urgent byte out of the stream unless the application asked for it in line; here it stays in.",
)
DUPLICATES = Code(
    "duplicate-packets",
    Family.FLOW,
    Level.INFO,
    "{count} packets were captured twice and counted once",
    "The capture saw the same packet on two interfaces or on its way out and in again, or was merged from captures "
    "that both have it.",
)
# Codes of packets by the marks of ``Placement``.
_MARKED: Mapping[int, Code] = MappingProxyType(
    {OUT_OF_WINDOW: SEGMENT_OUT_OF_WINDOW, AFTER_FIN: DATA_AFTER_FIN, BAD_RST: BAD_RESET, BAD_FIN: BAD_CLOSE}
)


Found = dict[int, list[Oddity]]


def find_oddities(capture: str, traffic: Traffic, events: Events, conflicts: Conflicts) -> Found:
    """The oddities of each connection that has any, by its index.

    Of a code each connection has at most one of each direction, at the first packet, with a count.
    """
    found: Found = defaultdict(list)
    for code, index in _noted_packets(traffic, events, conflicts):
        if len(index):
            connection = traffic.lanes.lanes_at(index) >> 1
            _add_counted(found, capture, code, traffic.records.numbers_at(traffic.lanes.rows[index]), connection)
    copies = np.flatnonzero(traffic.copies)
    if len(copies):
        connection = traffic.lanes.connection_of[traffic.flows.flow_of[copies]]
        copies, connection = copies[connection >= 0], connection[connection >= 0]
        copied = traffic.records.numbers_at(traffic.flows.order[copies])
        _add_counted(found, capture, DUPLICATES, copied, connection)
    _add_missing(found, capture, traffic, events)
    _add_midstream(found, capture, traffic)
    return found


def _noted_packets(traffic: Traffic, events: Events, conflicts: Conflicts) -> list[tuple[Code, I64]]:
    """Each code with the indices into ``LaneTable.rows`` of the packets that it is about."""
    packets, lanes, marks = traffic.packets, traffic.lanes, traffic.placement.marks
    marked = np.flatnonzero(marks)
    found = [(code, marked[marks[marked] & mark != 0]) for mark, code in _MARKED.items()]
    late = marked[marks[marked] & AFTER_RST != 0]
    found.append((DATA_AFTER_RST, distinct(np.append(_after_reset(traffic, events), late))))
    urgent = (packets.tcp_flags & URG != 0) & (packets.payload_wire_len > 0)
    for code, rows in ((PAYLOAD_CUT, packets.payload_len < packets.payload_wire_len), (URGENT_DATA, urgent)):
        found.append((code, np.flatnonzero(rows[lanes.rows]) if rows.any() else marked[:0]))
    found.append((OVERLAP_CONFLICT, np.array(conflicts.differing, np.int64)))
    found.append((OVERLAP_UNCHECKED, np.array(conflicts.unchecked, np.int64)))
    return found


def _after_reset(traffic: Traffic, events: Events) -> I64:
    """The packets with payload that came after the peer's RST, as indices into ``LaneTable.rows``."""
    packets, lanes = traffic.packets, traffic.lanes
    reset_by_peer = lanes.rows_at(events.firsts[Event.RESETS]).reshape(-1, 2)[:, ::-1].ravel()
    index = np.flatnonzero(np.repeat(reset_by_peer >= 0, np.diff(lanes.starts)))
    rows = lanes.rows[index]
    late = rows > reset_by_peer[lanes.lanes_at(index)]
    late &= (packets.payload_wire_len[rows] > 0) & (packets.tcp_flags[rows] & RST == 0)
    found: I64 = index[late]
    return found


def _add_counted(found: Found, capture: str, code: Code, numbers: I64, connection: I64) -> None:
    by_connection = np.lexsort((numbers, connection))
    numbers, connection = numbers[by_connection], connection[by_connection]
    connections, first, counts = np.unique(connection, return_index=True, return_counts=True)
    for c, number, count in zip(connections.tolist(), numbers[first].tolist(), counts.tolist(), strict=True):
        found[c].append(Oddity(code, PacketPlace(capture, number), {"count": count}))


def _add_missing(found: Found, capture: str, traffic: Traffic, events: Events) -> None:
    """Directions of which nothing was captured, and the holes of the others."""
    lanes = traffic.lanes
    silent = np.diff(lanes.starts) == 0
    speaks = events.firsts[Event.ACKNOWLEDGES] >= 0
    first = traffic.records.numbers_at(lanes.first_rows).tolist()
    for lane in np.flatnonzero(silent & speaks[np.arange(len(silent)) ^ 1]).tolist():
        place = PacketPlace(capture, first[lane ^ 1])
        found[lane >> 1].append(Oddity(ONE_SIDED, place, {"side": SIDES[~lane & 1]}))
    lost = np.where(silent, 0, traffic.pieces.missing - traffic.cut_bytes)
    for lane in np.flatnonzero(lost > 0).tolist():
        place = PacketPlace(capture, first[lane])
        found[lane >> 1].append(Oddity(GAP, place, {"missing": int(lost[lane]), "side": SIDES[lane & 1]}))


def _add_midstream(found: Found, capture: str, traffic: Traffic) -> None:
    unknown = np.flatnonzero(~traffic.placement.from_start.reshape(-1, 2).any(axis=1))
    first = traffic.records.numbers_at(traffic.lanes.first_row[unknown])
    for c, number in zip(unknown.tolist(), first.tolist(), strict=True):
        found[c].append(Oddity(MIDSTREAM, PacketPlace(capture, number)))
