"""An HTTP/1 connection: its requests and responses, paired (RFC 9112 section 9.3)."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Exchange, Request, Response
from analyzer.protocol.http1_plain import parse_plain
from analyzer.protocol.http1_requests import FoundRequest, walk_requests
from analyzer.protocol.http1_responses import FoundResponse, walk_responses
from analyzer.protocol.notes import REQUESTS_UNSEEN, Notes

# The one response that servers send unasked: a timeout of an idle connection (RFC 9110 section 15.5.9).
_REQUEST_TIMEOUT = 408


class Http1Conversation(Fact, frozen=True):
    """The exchanges of an HTTP/1 connection, and where it leaves HTTP/1.

    ``upgraded_to`` is the protocol that a 101 names, ``connect`` for a tunnel, None where the connection stays;
    ``client_end`` and ``server_end`` are where the other protocol begins on each stream.
    """

    exchanges: tuple[Exchange, ...]
    upgraded_to: str | None = None
    client_end: int = 0
    server_end: int = 0


def parse_http1(
    from_client: Stream, from_server: Stream, notes: Notes, *, client_start: int = 0, server_start: int = 0,
    in_step: bool = True,
) -> Http1Conversation:  # fmt: skip
    """Read both directions from the given positions.

    Not ``in_step``: requests before ``client_start`` may be missing, so that the first response may not be theirs.
    """
    if in_step:
        plain = parse_plain(from_client, from_server, client_start=client_start, server_start=server_start)
        if plain is not None:
            return Http1Conversation(plain)
    return parse_any(
        from_client, from_server, notes, client_start=client_start, server_start=server_start, in_step=in_step
    )


def parse_any(
    from_client: Stream, from_server: Stream, notes: Notes, *, client_start: int, server_start: int, in_step: bool
) -> Http1Conversation:
    """As ``parse_http1``, whatever the connection is like."""
    pairing = _Pairing(from_client, from_server, (client_start, server_start), notes, in_step=in_step)
    for found in walk_responses(from_server, server_start, pairing, notes):
        pairing.add(found)
        if found.leaves_http:
            return pairing.leave(found)
    pairing.take_rest()
    return Http1Conversation(pairing.exchanges())


class _Pairing:
    """Gives each response its request, and takes requests from the client's stream no further than it must.

    In step, responses answer requests in order. Where the beginning is not there, what the first segments acknowledge
    may tell from which response on that is so. Once bytes were lost, order proves nothing, and the packets decide: a
    response answers a request that was captured before it; the last one such when responses may be missing.
    """

    def __init__(
        self, from_client: Stream, from_server: Stream, starts: tuple[int, int], notes: Notes, *, in_step: bool
    ) -> None:
        self._from_client = from_client
        self._from_server = from_server
        self._notes = notes
        self._walk = walk_requests(from_client, starts[0], notes, after_loss=not in_step)
        self._ended = False
        self._requests: list[FoundRequest] = []
        self._next = 0
        self._in_step = in_step
        self._responses_lost = False
        self._answers: list[tuple[int | None, FoundResponse]] = []
        self._asked: int | None = None
        # Responses that begin before this position answer what was asked before the capture.
        self._step_begins = 0
        # An earlier response was given no request: it may be that the packets were not captured in their order.
        self._astray = False
        if not in_step:
            self._fall_in_step(*starts)

    def request_for(self, position: int, status: int) -> Request | None:
        """The request that the response at ``position`` of the server's stream answers, None where unseen."""
        self._asked = self._find(position, status)
        if self._asked is None:
            return None
        self._next = self._asked + 1
        return self._requests[self._asked].request

    def lost(self) -> None:
        """Responses may be missing from here on."""
        self._in_step = False
        self._responses_lost = True

    def add(self, found: FoundResponse) -> None:
        """Keep a response with the request that was asked for it."""
        self._answers.append((self._asked, found))
        self._responses_lost = False

    def take_rest(self) -> None:
        """Take every request that is left."""
        while self._take():
            pass

    def leave(self, found: FoundResponse) -> Http1Conversation:
        """The conversation as it stands when ``found`` ends HTTP/1."""
        request, response = found.request, found.response
        end = self._from_client.length
        if request is not None:
            end = request.end if request.body_end is None else request.body_end
        connect = request is not None and request.method == "CONNECT" and response.status != 101
        name = "connect" if connect else (response.header("upgrade") or "").lower()
        return Http1Conversation(self.exchanges(), name, end, response.end)

    def exchanges(self) -> tuple[Exchange, ...]:
        """All requests and responses so far: by requests, a response without one before the next answered one."""
        if not self._requests and self._answers and self._from_client.length == 0:
            self._notes.lack(REQUESTS_UNSEEN)
        rows: list[tuple[FoundRequest | None, FoundResponse | None]] = []
        done = 0
        for index, answer in self._answers:
            if index is None:
                rows.append((None, answer))
                continue
            rows.extend((request, None) for request in self._requests[done:index])
            rows.append((self._requests[index], answer))
            done = index + 1
        rows.extend((request, None) for request in self._requests[done:])
        return tuple(_exchange(i, request, answer) for i, (request, answer) in enumerate(rows, 1))

    def _take(self) -> bool:
        if self._ended:
            return False
        found = next(self._walk, None)
        if found is None:
            self._ended = True
            return False
        if found.after_loss and self._requests:
            self._in_step = False
        self._requests.append(found)
        return True

    def _fall_in_step(self, client_start: int, server_start: int) -> None:
        """Find by what the first segments acknowledge which response answers the first request, if they tell.

        Clients ask when they have heard the last answer: pipelining (RFC 9112 section 9.3.2) is not reckoned with.
        """
        asking, answering = self._from_client, self._from_server
        if asking.heard and not answering.heard and client_start in asking.starts[:1]:
            self._in_step, self._step_begins = True, asking.heard
        elif answering.heard > client_start and not asking.heard and server_start in answering.starts[:1]:
            ends = self._requests[0].request.body_end if self._take() else None
            self._in_step = ends is not None and answering.heard <= ends

    def _find(self, position: int, status: int) -> int | None:
        if position < self._step_begins or (self._next >= len(self._requests) and not self._take()):
            return None
        if self._in_step and status != _REQUEST_TIMEOUT:
            return self._next
        found = self._find_by_packets((self._from_server.time_at(position), self._from_server.packet_at(position)))
        self._astray = found is None
        return found

    def _find_by_packets(self, answered: tuple[int, int]) -> int | None:
        """The request among those that were captured before ``answered``, a time and a packet."""
        before = self._next
        while (before < len(self._requests) or self._take()) and self._asked_at(before) <= answered:
            before += 1
            enough = before > self._next + self._astray or self._requests[before - 1].leaves_http
            if enough and not self._responses_lost:
                break
        if before == self._next:
            return None
        if self._responses_lost:
            return before - 1
        # Of two, behind a response that none was before, the second may be that response's.
        return None if before > self._next + 1 else self._next

    def _asked_at(self, index: int) -> tuple[int, int]:
        start = self._requests[index].request.start
        return self._from_client.time_at(start), self._from_client.packet_at(start)


def _exchange(ordinal: int, found: FoundRequest | None, answer: FoundResponse | None) -> Exchange:
    request: Request | None = None if found is None else found.request
    response: Response | None = None if answer is None else answer.response
    return Exchange(
        ordinal,
        request,
        response,
        upgraded=answer is not None and answer.leaves_http,
        missing=() if found is None else found.missing,
    )
