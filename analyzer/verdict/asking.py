"""From facts to a question: what an Envoy would be asked by the call that the packets show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.protocol.notes import GAP, MIDSTREAM
from analyzer.verdict.call import Call, Onward
from analyzer.verdict.handshake import handshake_of
from analyzer.verdict.inbound import MTLS_REQUIRED
from analyzer.verdict.question import Question
from analyzer.verdict.reach import reach
from analyzer.verdict.reasons import HEADER_UNSEEN
from analyzer.verdict.roles import Role, Said, client_hello, client_tls, is_loopback

if TYPE_CHECKING:
    from analyzer.flow.connection import Endpoint
    from analyzer.mesh.kinds.pod import Pod
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.protocol.facts import Conversation, Exchange, Request
    from analyzer.verdict.decision import Decision

NO_MESH = Code(
    "no-mesh",
    Family.UNDETERMINED,
    Level.INFO,
    "no mesh input was given",
    "Without the mesh's YAML the facts of a call are reported, but not where the mesh sends it.",
    "Give the output of `kubectl get … -o yaml` with -m.",
)
DESTINATION_UNSEEN = Code(
    "original-destination-unseen",
    Family.UNDETERMINED,
    Level.WARNING,
    "only the half of the connection towards the sidecar was captured",
    "iptables rewrites the destination before the packet reaches lo; where the call was meant to go stands only in the "
    "answers, and they are not in the capture. A capture filter such as `port 15001` does this.",
    "Capture without a filter: tcpdump -i any -s 0 -w FILE.",
)
REQUEST_UNSEEN = Code(
    "request-unseen",
    Family.UNDETERMINED,
    Level.WARNING,
    "only the answers of the connection were captured",
    "A filter on the service's address or port keeps the answers and loses the requests, because iptables sends those "
    "to 127.0.0.1:15001. What was asked is not known.",
    "Capture without a filter: tcpdump -i any -s 0 -w FILE.",
)
SOURCE_UNKNOWN = Code(
    "source-unknown",
    Family.UNDETERMINED,
    Level.WARNING,
    "neither end of the connection is a pod of the mesh input",
    "The client's address belongs to no Pod of the input and the server's to none either, so no proxy is known that "
    "decides about the call.",
    "Add the Pods to the mesh input: kubectl get pods -A -o yaml.",
)
APP_LEG_UNSEEN = Code(
    "app-leg-unseen",
    Family.UNDETERMINED,
    Level.INFO,
    "the application's own connection is in none of the captures",
    "This is a sidecar's connection, to its upstream or to its own application. Which request it carries and where the "
    "client's application meant it to go show only on lo of the client's pod.",
    "Capture in the client's pod too, with -i any.",
)

SENDER_UNKNOWN = Code(
    "sender-unknown",
    Family.UNDETERMINED,
    Level.INFO,
    "whether the application or its sidecar opened the connection does not show",
    "iptables lets both by. Another call of the pod was under way that its sidecar leads to the same server, or "
    "packets are missing that would show one: this may be the call past the sidecar that it looks like, or the "
    "sidecar's.",
    "Capture in the client's pod with -i any and without a filter; if tcpdump says that the kernel dropped packets, "
    "give it -B 16384.",
)

HANDSHAKE_ONLY = Code(
    "handshake-only",
    Family.UNDETERMINED,
    Level.INFO,
    "of the connection only the first packets were captured",
    "The SYN and its answer are there and nothing that came after them: the capture ends, or its filter leaves out "
    "the rest. What the client sent, if anything, is not known.",
    "Capture without a filter, and until the call has ended: tcpdump -i any -s 0 -w FILE.",
)

_QUESTION_PROTOCOL = {"http/1.0": "http/1.0", "http/1.1": "http", "h2": "http2"}


def missing_for(call: Call) -> tuple[str, ...]:
    """Codes of what the capture lacks before any question can be asked; empty when nothing does."""
    connection = call.said.wire.connection
    if call.said.role is Role.APP and not connection.joined:
        half = connection.client_packets >= connection.server_packets
        return (DESTINATION_UNSEEN.name if half else REQUEST_UNSEEN.name,)
    if call.exchange is not None:
        return _missing_of_request(call.exchange)
    if not call.said.conversation.sniffable:
        return call.said.conversation.missing or (MIDSTREAM.name,)
    return ()


def unproven(call: Call, decision: Decision) -> tuple[str, ...]:
    """Codes of what a verdict stands on and the packets do not show: silence, or the absence of a certificate.

    Or all of a request, where the connection speaks HTTP.
    """
    if call.exchange is None and decision.undetermined == (HEADER_UNSEEN.name,):
        return call.said.conversation.missing or (REQUEST_UNSEEN.name,)
    if decision.verdict is None or call.exchange is not None:
        return ()
    connection = call.said.wire.connection
    handshake = handshake_of(connection.history)
    if handshake.is_all:
        return (HANDSHAKE_ONLY.name,)
    if not connection.client_bytes and handshake.lacks_answer:
        return (GAP.name,)
    if _hangs_on_unseen_request(call.said, decision):
        return call.said.conversation.missing or (REQUEST_UNSEEN.name,)
    return (GAP.name,) if _hangs_on_unseen_certificate(call.said, decision) else ()


def _hangs_on_unseen_request(said: Said, decision: Decision) -> bool:
    """Whether HTTP is spoken and no request was captured about which the server's sidecar may have asked policies."""
    spoken = said.conversation.protocol in _QUESTION_PROTOCOL
    return spoken and decision.inbound is not None and decision.reason != MTLS_REQUIRED.name


def _hangs_on_unseen_certificate(said: Said, decision: Decision) -> bool:
    """Whether the client's certificate decides, and packets are lost that show if there was one.

    Istio's ALPN only means to show one: other clients may write it too, and a sidecar may not accept the server's.
    """
    tls, connection = said.conversation.tls, said.wire.connection
    unheard = not connection.server_packets or not connection.from_server.from_start
    lost = unheard or connection.missed_bytes > 0 or GAP.name in said.conversation.missing
    if tls is None or tls.client_certificate is not None or not lost:
        return False
    if said.istio_mtls:
        return decision.inbound is not None and decision.inbound.mtls
    return decision.reason == MTLS_REQUIRED.name


def _missing_of_request(exchange: Exchange) -> tuple[str, ...]:
    """A head that was not seen whole is still enough where it names what routes look at."""
    request = exchange.within or exchange.request
    if request is None:
        return exchange.missing or (REQUEST_UNSEEN.name,)
    return () if request.method and request.target and request.host is not None else exchange.missing


def question_of(call: Call, mesh: MeshSnapshot, home: Pod | None) -> Question | None:
    """The question, or None where no proxy of the mesh has anything to do with the call.

    ``home`` is the pod in which the call's capture was taken, where that is known.
    """
    connection = connection_question(call.said, mesh, home)
    return with_request(connection, call.asked) if connection and call.asked else connection


def connection_question(said: Said, mesh: MeshSnapshot, home: Pod | None) -> Question | None:
    """The question about a connection as if it carried other bytes than requests; as ``question_of``."""
    source = source_pod(said, mesh, home)
    if source is not None:
        return _ask(said, source, "outbound", bypass=said.role is not Role.APP and source.has_sidecar)
    target = target_pod(said, mesh)
    host = mesh.host_pod_at(said.wire.client.ip)
    if host is not None and (target is None or not (target.is_gateway or said.client_tls == "mtls")):
        # What speaks from a node's own address has no sidecar; the server's side then decides, whether the sighting
        # shows its pod or the Service that was dialled.
        return _ask(said, host, "outbound", bypass=False)
    if target is None:
        return None
    return _ask(said, target, "gateway" if target.is_gateway else "inbound", bypass=False)


def with_request(connection: Question, request: Request) -> Question:
    """The question about a request on a connection."""
    return replace(
        connection.for_target(request.host, request.target),
        protocol=_QUESTION_PROTOCOL[request.version],
        method=request.method,
        headers=request.headers,
        head_cut=not request.whole,
        refused=request.refused,
    )


def source_pod(said: Said, mesh: MeshSnapshot, home: Pod | None) -> Pod | None:
    """The pod at the client's end; a loopback address is the capture's own pod, whichever that is."""
    client = said.wire.client.ip
    return home if is_loopback(client) else mesh.pod_at(client)


def target_pod(said: Said, mesh: MeshSnapshot) -> Pod | None:
    """The pod at the server's end, by whichever sighting shows a pod's own address."""
    return next((pod for server in said.wire.servers if (pod := mesh.pod_at(server.ip)) is not None), None)


def endpoint_of(
    call: Call, upstream: Onward | None, delivery: Onward | None, mesh: MeshSnapshot
) -> tuple[str, int] | None:
    """The pod address and port that the balancer chose.

    The upstream leg shows it; of a call that no sidecar of the client's touches its own connection, where the server's
    capture saw it too; else the delivery, where that is certain.
    """
    carried = upstream.said if upstream else call.said if call.said.role is Role.DIRECT else None
    servers = list(carried.wire.servers) if carried else []
    if delivery is not None and delivery.certain:
        servers.append(delivery.said.wire.connection.server)
    return next(((s.ip, s.port) for s in servers if mesh.pod_at(s.ip) is not None), None)


def may_be_led_back(said: Said) -> bool:
    """Whether a pod seems to call its own address and gets no answer, which its kernel would give.

    A Service that leads back to its caller looks so behind the node, where the sight of what was dialled is missing.
    """
    connection = said.wire.connection
    own = all(server.ip == said.wire.client.ip for server in said.wire.servers)
    return own and not is_loopback(said.wire.client.ip) and not connection.server_packets


def may_have_come_back(said: Said, mesh: MeshSnapshot) -> bool:
    """Whether nobody is seen to answer a caller without a sidecar, which a Service may have led back to itself.

    Of such a call no Envoy knows, and many networks have no way for it.
    """
    connection, source = said.wire.connection, mesh.pod_at(said.wire.client.ip)
    if source is None or source.has_sidecar or connection.server_packets:
        return False
    return any(each.pod is source for each in reach(mesh, connection.server.ip, connection.server.port).landings)


def question_of_app(pod: Pod, server: Endpoint, said: Conversation, *, silent: bool) -> Question:
    """As ``connection_question``, of a connection that iptables redirected; ``silent`` is a client without a byte."""
    return _question(pod, "outbound", (server.ip, server.port), said, silent=silent)


def _ask(said: Said, pod: Pod, direction: str, *, bypass: bool) -> Question:
    connection = said.wire.connection
    return _question(
        pod,
        direction,
        _address_of(said, pod, direction),
        said.conversation,
        silent=connection.client_bytes == 0,
        bypass=bypass,
        client="" if direction == "outbound" else connection.client.ip,
    )


def _question(
    pod: Pod,
    direction: str,
    server: tuple[str, int],
    said: Conversation,
    *,
    silent: bool,
    bypass: bool = False,
    client: str = "",
) -> Question:
    # Gateways that are sent a PROXY protocol header are told to read it.
    unseen = said.inspected == "tcp" and direction != "gateway"
    hello = client_hello(said)
    return Question(
        namespace=pod.namespace,
        pod=pod.name,
        direction=direction,
        address=server[0],
        port=server[1],
        protocol="http2" if said.protocol == "h2" else "tcp",
        tls="plaintext" if unseen else client_tls(said),
        sni=hello.sni if hello else None,
        alpn=hello.alpn if hello else (),
        server_first=said.server_first,
        client_silent=silent,
        bypass=bypass,
        client=client,
        sealed=said.tls is not None,
        inspected=said.inspected,
        # Of HTTP, a request that is told has a head of its own.
        head_cut=said.protocol == "h2",
    )


def _address_of(said: Said, pod: Pod, direction: str) -> tuple[str, int]:
    """Where the client meant to connect; the pod's own address for a question to the server's proxy."""
    servers = said.wire.servers
    if direction != "outbound":
        own = next((s for s in servers if s.ip in pod.ips), None)
        if own is not None:
            return own.ip, own.port
    server = said.wire.sightings[0].connection.server
    return server.ip, server.port
