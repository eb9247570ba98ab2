"""The ends of a capture's tuples: which is the client's, and how sure that is."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import ACK, I64, SYN, by_appearance
from analyzer.flow.census import FIRST_NS, HIGH_SENT, LAST_NS, LOW_SENT, OPENING, SENDER, SENDERS, TUPLE, Tuples
from analyzer.flow.halves import REDIRECT_PORTS
from analyzer.flow.numbering import number_ends
from analyzer.flow.orientation import FIRST_EPHEMERAL_PORT

Bools = NDArray[np.bool_]

# The port that iptables redirects outbound connections to: the first of ``REDIRECT_PORTS``.
OUTBOUND = REDIRECT_PORTS[0]
# What the header of IPv4 begins with.
IPV4_VERSION = 4


class TupleEnds:
    """The tuples' ends: 0 the lesser one, 1 the greater.

    ``client`` ``(T,)`` is the one that opened connections of the tuple, ``known`` whether that is sure; ``begun`` are
    tuples that begin with a handshake, or are as well known as if they did. ``towards`` are the clients' halves of
    redirected connections, ``alone`` all tuples of which one end sent nothing, and ``sender`` is then the other one.
    ``first_ns`` and ``last_ns`` are when their connections were seen.
    """

    def __init__(self, tuples: Tuples) -> None:
        table = tuples.table
        self.tuples = tuples
        self.hi, self.lo = table[[0, 2]], table[[1, 3]]
        self.port = np.stack([table[4] >> 16 & 0xFFFF, table[4] & 0xFFFF])
        self.version = table[4] >> 32
        self.first_ns, self.last_ns = table[FIRST_NS].copy(), table[LAST_NS].copy()
        end, ip_of_end = number_ends(self.hi.ravel(), self.lo.ravel(), self.port.ravel())
        self.end = end.reshape(2, -1)
        self.ip = ip_of_end[self.end]
        self.alone = table[SENDERS] != LOW_SENT | HIGH_SENT
        self.sender = (table[SENDERS] == HIGH_SENT).astype(np.int64)
        self.towards = self.alone & np.isin(self._at(self.port, 1 - self.sender), REDIRECT_PORTS)
        opened = np.zeros((2, len(tuples)), np.bool_)
        opened[tuples.syns[SENDER], tuples.syns[TUPLE]] = True
        opened[1 - tuples.syn_acks[SENDER], tuples.syn_acks[TUPLE]] = True
        shaken = np.isin(table[OPENING], (SYN, SYN | ACK))
        self.begun = (opened[0] != opened[1]) & shaken
        self.client = np.where(self.towards, self.sender, np.where(opened[1] & ~opened[0], 1, 0))
        # Who answers a handshake is no client, whichever port it talks to (``orientation``).
        self.turned = self.towards & self._at(opened, 1 - self.sender)
        self.known = self.begun | (self.towards & (self.at_server(self.port) == OUTBOUND))

    def _at(self, columns: NDArray[Any], side: I64) -> NDArray[Any]:
        found: NDArray[Any] = np.where(side > 0, columns[1], columns[0])
        return found

    def midstream_pairs(self) -> I64:
        """Tuples that may be the halves of a connection that was under way when the capture began, ``(2, K)``.

        The client's half, of which an outbound sidecar is the other end, and the answers. Neither shows a handshake,
        and no other tuple has the client's end.
        """
        halves = self.alone.copy()
        halves[self.tuples.syns[TUPLE]] = halves[self.tuples.syn_acks[TUPLE]] = False
        asking = np.flatnonzero(halves & self.towards & (self.at_server(self.port) == OUTBOUND))
        answering = np.flatnonzero(halves & ~self.towards)
        uses = np.bincount(self.end.ravel())
        answered = np.full(len(uses), -1)
        answered[self._at(self.end, 1 - self.sender)[answering]] = answering
        ends = self.at_client(self.end)[asking]
        paired = (answered[ends] >= 0) & (uses[ends] == 2)
        return np.stack([asking[paired], answered[ends[paired]]])

    def settle_by_port(self) -> Bools:
        """The tuples ``(T,)`` whose client ports tell, whatever else was captured; before any is asked for its home.

        Of ends that are no more known than this one has an ephemeral port, and is seen nowhere but as a client
        (``orientation``).
        """
        high = self.port >= FIRST_EPHEMERAL_PORT
        side = high[1].astype(np.int64)
        mine = self._at(self.end, side)
        others = np.bincount(self.end.ravel()) - np.bincount(
            self.at_client(self.end)[self.known], minlength=int(self.end.max(initial=-1)) + 1
        )
        found: Bools = ~self.known & (high[0] != high[1]) & (others[mine] == 1)
        self.client[found] = side[found]
        return found

    def settle(self, pairs: I64) -> None:
        """Take these tuples ``(2, K)`` for the halves of connections: before any is asked for its home."""
        self.begun[pairs] = self.known[pairs] = True
        self.first_ns[pairs] = self.first_ns[pairs].min(axis=0)
        self.last_ns[pairs] = self.last_ns[pairs].max(axis=0)
        self.client[pairs[1]] = 1 - self.sender[pairs[1]]

    @cached_property
    def end_of_home(self) -> I64:
        """The client's end of each tuple, ``(T,)``."""
        return self._at(self.end, self.client)

    def at_client(self, columns: I64) -> I64:
        """Of two columns, one an end, that of the client's, ``(T,)``."""
        return self._at(columns, self.client)

    def at_server(self, columns: I64) -> I64:
        """Of two columns, one an end, that of the server's, ``(T,)``."""
        return self._at(columns, 1 - self.client)

    def addresses(self, tuples: I64, sides: I64) -> I64:
        """The distinct addresses ``(3, N)`` of some tuples' ends, by their first tuple."""
        version = self.version[tuples]
        _, first = by_appearance(self.ip[sides, tuples] << 1 | (version != IPV4_VERSION))
        which = sides[first], tuples[first]
        return np.stack([version[first], self.hi[which], self.lo[which]])

    @cached_property
    def by_address(self) -> tuple[I64, I64]:
        """The tuples of each address, ``(2 T,)``, one address after the other, and where each begins, and all end."""
        address = self.ip.ravel()
        count = int(address.max(initial=-1)) + 1
        # Small numbers are sorted without comparing them.
        order = np.argsort(address.astype(np.uint16) if count <= 1 << 16 else address, kind="stable")
        bounds = np.append(0, np.cumsum(np.bincount(address, minlength=count)))
        return order % len(self.tuples), bounds
