"""What the packets of a capture are, counted window by window."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analyzer.base.table import (
    FATE_NAMES,
    I64,
    NESTED_TOO_DEEP,
    PROTOCOL_UDP,
    PacketTable,
    RecordTable,
    count_fates,
    decoded_as,
)


@dataclass(slots=True)
class Count:
    """What packets are that follow each other, ``rows`` of them.

    ``nested`` is the number of the first one that was too deep, ``udp`` are rows of UDP.
    """

    rows: int = 0
    fates: I64 = field(default_factory=lambda: np.zeros(len(FATE_NAMES), np.int64))
    udp: list[I64] = field(default_factory=list)
    bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    nested: int = 0

    def add(self, window: RecordTable, packets: PacketTable) -> None:
        """Count the packets of the next records, of which there are some."""
        deep = np.flatnonzero(packets.fate == NESTED_TOO_DEEP)
        self.join(
            Count(
                rows=len(packets),
                fates=count_fates(packets),
                udp=[np.flatnonzero(decoded_as(packets, PROTOCOL_UDP))],
                bytes=int(window.captured_len.sum(dtype=np.int64)),
                first_ns=int(window.time_ns.min()),
                last_ns=int(window.time_ns.max()),
                nested=int(deep[0]) + 1 if len(deep) else 0,
            )
        )

    def join(self, following: Count) -> None:
        """Add the packets that follow these."""
        self.fates = self.fates + following.fates
        self.udp += [rows + self.rows for rows in following.udp]
        self.bytes += following.bytes
        self.first_ns = min((ns for ns in (self.first_ns, following.first_ns) if ns is not None), default=None)
        self.last_ns = max((ns for ns in (self.last_ns, following.last_ns) if ns is not None), default=None)
        if not self.nested and following.nested:
            self.nested = self.rows + following.nested
        self.rows += following.rows
