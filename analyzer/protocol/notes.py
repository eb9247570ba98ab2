"""What a parse of one connection notes down beside its facts: oddities, and what the capture does not show."""

from __future__ import annotations

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import StreamPlace

# One hostile connection must not fill the report: what comes after this many oddities is dropped.
MAX_ODDITIES = 32

MIDSTREAM = Code(
    "midstream",
    Family.UNDETERMINED,
    Level.INFO,
    "the capture begins after the connection did",
    "The first bytes of the connection are not in the capture, so what Envoy detected when it opened is not known.",
    "Begin the capture before the connection, or restart the client.",
)
GAP = Code(
    "gap",
    Family.UNDETERMINED,
    Level.WARNING,
    "bytes of the connection are missing from the capture",
    "Segments were lost by the capture, or cut by its snapshot length; what stood in them is not known.",
    "Capture with a larger buffer (tcpdump -B) and whole packets (-s 0).",
)
HEAD_INCOMPLETE = Code(
    "head-incomplete",
    Family.UNDETERMINED,
    Level.INFO,
    "the capture ends inside a message head",
    "The head of this message was not seen to its end: a header that is absent here may have been sent.",
)
FIRST_BYTES_INCOMPLETE = Code(
    "first-bytes-incomplete",
    Family.UNDETERMINED,
    Level.INFO,
    "what the client sent so far does not tell the protocol",
    "The first bytes may still become HTTP or TLS: Envoy's inspectors wait for more, and so must a decision.",
)
REQUESTS_UNSEEN = Code(
    "requests-unseen",
    Family.UNDETERMINED,
    Level.WARNING,
    "the capture has the answers but not the requests",
    "Only the server's half of the connection is in the capture, often because of a capture filter.",
    "Capture without a filter on the server's address: the half towards 127.0.0.1:15001 has the requests.",
)
HPACK_STATE = Code(
    "hpack-state",
    Family.UNDETERMINED,
    Level.INFO,
    "headers refer to a table that was filled before the capture, or in a gap of it",
    "HTTP/2 names repeated headers by their place in a table that both ends remember; what stood there is not known.",
    "Begin the capture before the connection, or restart the client.",
)


class Notes:
    """A collector that the parsers of one connection share. ``oddities`` in the order in which they were met."""

    __slots__ = ("_missing", "oddities")

    def __init__(self) -> None:
        self.oddities: list[Oddity] = []
        self._missing: set[str] = set()

    def odd(self, code: Code, *, from_client: bool, offset: int, **values: object) -> None:
        """Note an oddity at a byte of a stream; the same code once per direction, ``MAX_ODDITIES`` in all."""
        if len(self.oddities) >= MAX_ODDITIES or any(self._same(seen, code, from_client) for seen in self.oddities):
            return
        self.oddities.append(Oddity(code, StreamPlace(from_client, offset), values))

    def lack(self, code: Code) -> None:
        """Note that the capture does not show something."""
        self._missing.add(code.name)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of what is missing, sorted."""
        return tuple(sorted(self._missing))

    @staticmethod
    def _same(seen: Oddity, code: Code, from_client: bool) -> bool:
        return seen.code is code and isinstance(seen.place, StreamPlace) and seen.place.from_client == from_client
