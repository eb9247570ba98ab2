"""What was said on a connection: the nouns that every parser gives. Positions are ``Stream`` positions."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.oddity import Oddity
from analyzer.base.stream import Stream

Headers = tuple[tuple[str, str], ...]


def first_value(headers: Headers, name: str) -> str | None:
    """The first value of a header, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


class Request(Fact, frozen=True):
    """A request's head. ``headers`` keep their order, names in lower case, values as latin-1 without outer blanks.

    ``version`` is ``http/1.0``, ``http/1.1`` or ``h2``; ``target`` as sent (``:path`` of HTTP/2), ``host`` is Host or
    ``:authority`` as sent, None where there is none. ``start`` to ``end`` is the head on the client's stream;
    ``body_end`` is where the message ends, None while that is not known. Not ``whole``: the capture does not show all
    of the head, so that a header which is absent may have been sent. ``refused`` is the status with which Envoy's
    codec answers this head, or answered an earlier one of the connection, which it closed then: 0 where it closes
    without an answer, as for HTTP/2; None where it takes the head.
    """

    version: str
    method: str
    target: str
    host: str | None
    headers: Headers
    start: int
    end: int
    body_end: int | None = None
    stream_id: int = 0
    whole: bool = True
    refused: int | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return first_value(self.headers, name)


class Response(Fact, frozen=True):
    """A final response's head and what was seen of its message. ``complete`` is true when its end was seen.

    ``body`` holds at most the first 128 captured body bytes: enough to know Envoy's local replies by their text.
    ``trailers`` as ``headers``; ``grpc_status`` from the trailers or a trailers-only head. Not ``whole``: the capture
    does not show all of its headers or trailers, so that one which is absent proves nothing.
    """

    status: int
    headers: Headers
    start: int
    end: int
    body: bytes = b""
    body_end: int | None = None
    complete: bool = False
    trailers: Headers = ()
    grpc_status: int | None = None
    whole: bool = True

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return first_value(self.headers, name)


class Exchange(Fact, frozen=True):
    """A request with its response; either may be None when the capture does not show it.

    ``ordinal`` is the request's 1-based place on its connection. ``reset_by_client`` / ``reset_by_server`` are the
    HTTP/2 error codes of RST_STREAM frames. ``upgraded`` says that the connection left HTTP here (CONNECT, 101).
    ``missing`` names what the capture does not show of this exchange (codes of family undetermined): where it is not
    empty, a None or an absent header of the request proves nothing. ``within`` is the CONNECT in whose tunnel it was
    said: that one alone is what an Envoy decided about.
    """

    ordinal: int
    request: Request | None
    response: Response | None
    upgraded: bool = False
    reset_by_client: int | None = None
    reset_by_server: int | None = None
    missing: tuple[str, ...] = ()
    within: Request | None = None


class ClientHello(Fact, frozen=True):
    """A TLS ClientHello (RFC 8446 section 4.1.2). ``ech`` says that the SNI is an outer name only (RFC 9849)."""

    sni: str | None
    alpn: tuple[str, ...]
    versions: tuple[int, ...]
    start: int
    end: int
    ech: bool = False


class Alert(Fact, frozen=True):
    """A TLS alert in the clear: ``level`` 1 warning or 2 fatal, ``description`` as RFC 8446 names it."""

    level: int
    description: str
    from_client: bool
    position: int


class TlsFacts(Fact, frozen=True):
    """What a TLS connection shows in the clear.

    ``version`` and ``alpn`` are what the server chose, where visible; ``san`` are the server certificate's URI and
    DNS names where TLS 1.2 shows it. ``client_data`` / ``server_data``: application data records were seen.
    ``client_certificate``: the client sent one, None where the handshake was not seen so far.
    """

    client_hello: ClientHello | None
    version: int | None = None
    alpn: str | None = None
    san: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    client_data: bool = False
    server_data: bool = False
    client_certificate: bool | None = None


class Conversation(Fact, frozen=True):
    """Everything said on one connection.

    ``protocol`` is ``http/1.0``, ``http/1.1``, ``h2``, ``tls`` or ``tcp`` (opaque, or nothing said). ``server_first``:
    the server spoke before the client. ``sniffable`` is false when the beginning is missing, so that what Envoy would
    have detected is not known. ``missing`` names what the capture does not show (codes of family undetermined).
    ``inspected`` is what Envoy's TLS and HTTP inspectors take the first bytes for where that is not ``protocol``:
    ``tcp`` for HTTP after a blank line or behind a PROXY protocol header, ``http/1.0`` for HTTP/0.9.
    ``inner_tls`` is TLS that begins later: after a STARTTLS (``tcp``) or in a CONNECT tunnel (``http/1.1``).
    ``answer`` is what a server said in HTTP/1 to what was none (``tcp``, ``tls``, ``h2``): Envoy's 400 to garbage.
    ``inside`` is what a key log shows inside of ``tls``: evidence, which an Envoy that passes the TLS on never saw.
    """

    protocol: str
    exchanges: tuple[Exchange, ...] = ()
    tls: TlsFacts | None = None
    server_first: bool = False
    sniffable: bool = True
    missing: tuple[str, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    inspected: str | None = None
    inner_tls: TlsFacts | None = None
    answer: Response | None = None
    inside: Inside | None = None


class Inside(Fact, frozen=True):
    """What was said inside TLS; positions of ``conversation`` are those of the two streams."""

    conversation: Conversation
    from_client: Stream
    from_server: Stream
