"""Connections told step by step: who asked what, who answered, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.base.fact import replace
from analyzer.base.stream import End, Stream
from analyzer.flow.connection import Connection, Endpoint
from analyzer.protocol.facts import Alert, ClientHello, Conversation, Exchange, Inside, Request, Response, TlsFacts
from analyzer.verdict.call import Call, calls_of
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.wires import Sighting, Wire

MS = 1_000_000
# The lists of protocols that a sidecar offers (HTTP/1.1, HTTP/2 and TCP upstreams).
HTTP_ALPN = ("istio-http/1.1", "istio", "http/1.1")
H2_ALPN = ("istio-h2", "istio", "h2")
TCP_ALPN = ("istio-peer-exchange", "istio")
REASONS = {200: "OK", 403: "Forbidden", 404: "Not Found", 502: "Bad Gateway", 503: "Service Unavailable"}


def endpoint(text: str) -> Endpoint:
    ip, _, port = text.rpartition(":")
    return Endpoint(ip.strip("[]"), int(port))


@dataclass
class Half:
    """One direction while it is being told."""

    data: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    packets: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    position: int = 0

    def add(self, data: bytes, packet: int, time_ns: int) -> tuple[int, int]:
        start = self.position
        self.starts.append(start)
        self.offsets.append(len(self.data))
        self.lengths.append(len(data))
        self.packets.append(packet)
        self.times.append(time_ns)
        self.data += data
        self.position += len(data)
        return start, self.position

    def stream(self, *, from_start: bool, end: End, end_packet: int, end_ns: int) -> Stream:
        return Stream(
            memoryview(bytes(self.data)), self.starts, self.offsets, self.lengths, self.packets, self.times,
            self.position, from_start, end, end_packet, end_ns,
        )  # fmt: skip


class Talk:
    """A TCP connection in the making: times in milliseconds after the epoch of the talk, packets numbered as they come.

    ``opened`` False: the capture begins after the connection did, so no SYN was seen.
    """

    def __init__(
        self, client="10.244.1.10:48172", server="10.96.0.11:9080", *, at=0, capture="a.pcap", redirect=0,
        first_packet=1, opened=True, seq=1000, tsval=77, joined=True, uid=None, index=0,
    ):  # fmt: skip
        self.client, self.server = endpoint(client), endpoint(server)
        self.capture, self.redirect, self.opened, self.joined = capture, redirect, opened, joined
        self.seq, self.tsval, self.index = (seq, tsval, index) if opened else (None, None, index)
        self.uid = uid or f"C{client}-{server}-{at}"
        self.first_packet = self.packet = first_packet
        self.begin = self.now = at
        self.halves = (Half(), Half())
        self.ends: dict[bool, tuple[End, int, int]] = {}
        self.closed_by = self.reset_by = None
        self.exchanges: list[Exchange] = []
        self.tls: TlsFacts | None = None
        self.said_protocol: str | None = None
        self.spoke_first: bool | None = None
        self.version = "http/1.1"
        self.inside: Inside | None = None
        self.is_refused = self.is_unanswered = False
        if opened:
            self.packet += 3

    def _bring(self, from_client: bool, data: bytes, at) -> tuple[int, int]:
        self.now = self.now + 1 if at is None else at
        if self.spoke_first is None:
            self.spoke_first = from_client
        self.packet += 1
        return self.halves[not from_client].add(data, self.packet - 1, self._ns(self.now))

    @staticmethod
    def _ns(at) -> int:
        return int(at * MS)

    def send(self, data: bytes, *, at=None) -> Talk:
        self._bring(True, data, at)
        return self

    def reply(self, data: bytes, *, at=None) -> Talk:
        self._bring(False, data, at)
        return self

    def ask(self, target="/", host="reviews", *, method="GET", at=None, **headers) -> Talk:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if host is not None:
            named = {"host": host, **named}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in named.items()) + "\r\n"
        start, end = self._bring(True, head.encode(), at)
        request = Request(self.version, method, target, host, tuple(named.items()), start, end, end)
        self.exchanges.append(Exchange(len(self.exchanges) + 1, request, None))
        return self

    def answer(self, status=200, *, body=b"", at=None, grpc=None, complete=True, **headers) -> Talk:
        named = {key.replace("_", "-"): str(value) for key, value in headers.items()}
        head = f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in named.items()) + "\r\n"
        start, end = self._bring(False, head.encode() + body, at)
        response = Response(status, tuple(named.items()), start, end - len(body), body, end, complete, grpc_status=grpc)
        waiting = next((i for i, e in enumerate(self.exchanges) if e.response is None), None)
        if waiting is None:
            self.exchanges.append(Exchange(len(self.exchanges) + 1, None, response))
        else:
            self.exchanges[waiting] = replace(self.exchanges[waiting], response=response)
        return self

    def hello(self, sni=None, alpn=(), *, at=None, alerts=(), client=None) -> Talk:
        """A ClientHello; its random bytes are those of ``client``, so that one that is passed on stays the same."""
        start, end = self._bring(True, f"hello {client or self.client} {sni}".encode(), at)
        self.tls = TlsFacts(ClientHello(sni, alpn, (0x304,), start, end), alerts=alerts)
        return self

    def holding(self, inner: Talk) -> Talk:
        """A key log shows what ``inner`` said inside its TLS."""
        connection = inner.connection
        self.inside = Inside(inner.conversation, connection.from_client, connection.from_server)
        return self

    def midstream_tls(self, *, at=None) -> Talk:
        self._bring(True, b"\x17\x03\x03\x00\x05abcde", at)
        self.tls = TlsFacts(None, client_data=True)
        return self

    def alert(self, description="handshake_failure", *, level=2, at=None) -> Talk:
        start, _ = self._bring(False, b"\x15\x03\x03\x00\x02..", at)
        known = self.tls or TlsFacts(None)
        self.tls = replace(known, alerts=(*known.alerts, Alert(level, description, False, start)))
        return self

    def close(self, by="client", *, reset=False, at=None) -> Talk:
        self.now = self.now + 1 if at is None else at
        self.packet += 1
        self.ends[by == "client"] = (End.RST if reset else End.FIN, self.packet - 1, self._ns(self.now))
        self.closed_by = self.closed_by or by
        if reset:
            self.reset_by = by
        return self

    def refused(self) -> Talk:
        self.is_refused = True
        return self.close("server", reset=True)

    def unanswered_syn(self) -> Talk:
        self.is_unanswered = True
        return self

    @property
    def connection(self) -> Connection:
        streams = []
        for from_client in (True, False):
            end, packet, time_ns = self.ends.get(from_client, (End.OPEN, 0, 0))
            half = self.halves[not from_client]
            streams.append(half.stream(from_start=self.opened, end=end, end_packet=packet, end_ns=time_ns))
        sent, came = len(self.halves[0].packets), len(self.halves[1].packets)
        heard = self.opened and not self.is_unanswered
        state = "REJ" if self.is_refused else "S0" if self.is_unanswered else "SF" if self.closed_by else "S1"
        return Connection(
            index=self.index, uid=self.uid, community_id="1:abc", client=self.client, server=self.server,
            client_by="redirect" if self.redirect else "syn", redirect_port=self.redirect, joined=self.joined,
            first_ns=self._ns(self.begin), last_ns=self._ns(self.now), first_packet=self.first_packet,
            last_packet=self.packet - 1, client_packets=sent + 2 * self.opened, server_packets=came + heard,
            client_bytes=len(streams[0].buffer), server_bytes=len(streams[1].buffer), conn_state=state,
            history="Sr" if self.is_refused else "ShADad", missed_bytes=0, syn_seq=self.seq, syn_ack_seq=None,
            syn_tsval=self.tsval,
            ifindexes=(2,), closed_by=self.closed_by, reset_by=self.reset_by,
            from_client=streams[0], from_server=streams[1],
        )  # fmt: skip

    @property
    def conversation(self) -> Conversation:
        protocol = self.version if self.exchanges else "tls" if self.tls is not None else "tcp"
        return Conversation(
            self.said_protocol or protocol, tuple(self.exchanges), self.tls, server_first=self.spoke_first is False,
            sniffable=self.opened and (self.tls is None or self.tls.client_hello is not None), inside=self.inside,
        )  # fmt: skip

    @property
    def sighting(self) -> Sighting:
        return Sighting(self.capture, self.connection)

    @property
    def wire(self) -> Wire:
        only = self.sighting
        return Wire(only, (only,))

    def said(self, role=Role.APP) -> Said:
        return Said(self.wire, self.conversation, role)

    def call(self, n=1, role=Role.APP) -> Call:
        return calls_of(self.said(role))[n - 1]


def app_leg(client="10.244.1.10:48172", server="10.96.0.11:9080", **options) -> Talk:
    """An application's connection that iptables hands to its sidecar."""
    return Talk(client, server, redirect=15001, **options)


def upstream_leg(client="10.244.1.10:36714", server="10.244.1.11:9080", **options) -> Talk:
    """A sidecar's connection to a pod."""
    return Talk(client, server, **options)


def delivery_leg(client="127.0.0.6:35762", server="10.244.1.11:9080", **options) -> Talk:
    """A sidecar's connection to its own application."""
    return Talk(client, server, **options)
