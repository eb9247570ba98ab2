"""Port names and appProtocols that select another protocol than their author probably meant (conversion.go).

The name counts up to its first dash, and only where there is no appProtocol; what is not known is sniffed.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.service import Service, ServicePort
from analyzer.mesh.outbound.listeners import STATIC_PORTS
from analyzer.mesh.port_protocol import AUTO, TCP, UDP, kubernetes_protocol
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, listing, title

UNDECLARED_PROTOCOL = Code(
    "undeclared-protocol",
    Family.FINDING,
    Level.INFO,
    "ports of a Service declare no protocol, so proxies look at the first bytes",
    "HTTP is recognised and treated as such, all else is opaque. Proxies wait for the client's first bytes: protocols "
    "in which the server speaks first hang.",
    "Name the port http-…, grpc-…, tcp-…, or set appProtocol.",
)
PROTOCOL_BY_NUMBER = Code(
    "protocol-by-number",
    Family.FINDING,
    Level.INFO,
    "a port without a declared protocol is opaque because of its number",
    "25, 53, 3306 and 27017 are taken for TCP where nothing else is declared: HTTP on them is not recognised.",
    "Declare the protocol if it is another one.",
)
MISREAD_PORT_NAME = Code(
    "misread-port-name",
    Family.FINDING,
    Level.WARNING,
    "a port's name looks like a protocol, but Istio does not read it as one",
    "Only the text before the first dash counts, and it must be a protocol's name as a whole: `http-api` is HTTP, "
    "`httpapi`, `http_api` and `api-http` are not. The proxies sniff instead.",
    "Begin the name with the protocol and a dash, or set appProtocol.",
)
APP_PROTOCOL_UNKNOWN = Code(
    "app-protocol-unknown",
    Family.FINDING,
    Level.WARNING,
    "an appProtocol that Istio does not know hides the port's name",
    "Where appProtocol is present at all the name is not looked at; an unknown value means that proxies sniff.",
    "Use a protocol's name, or leave appProtocol out.",
)
PORT_TAKEN_FOR_UDP = Code(
    "port-taken-for-udp",
    Family.FINDING,
    Level.WARNING,
    "a TCP port is taken for UDP because of its name",
    "Istio reads the name udp-… as the protocol, whatever the port's transport, and offers no listener for it: calls "
    "are unmatched.",
    "Give the port another name.",
)

_PROTOCOLS = ("grpc", "http", "https", "mongo", "mysql", "redis", "tcp", "tls")


def find_port_names(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about single ports, and one for each Service about all that declare nothing."""
    for service in mesh.of(Service):
        if service.external_name:
            continue
        undeclared = []
        for port in service.ports:
            if port.protocol != "TCP" or port.port in STATIC_PORTS:
                continue
            code, why = _judge(port)
            if code is None:
                undeclared += [port] if _protocol(port) == AUTO else []
            else:
                about = title(service.resource)
                yield LintFinding(code, about, f"{about}: port {port.port} {why}", (port.place,))
        if undeclared:
            about = title(service.resource)
            numbers = listing((str(port.port) for port in undeclared), 6)
            sentence = f"{about}: no protocol is declared for port {numbers}"
            yield LintFinding(UNDECLARED_PROTOCOL, about, sentence, tuple(port.place for port in undeclared))


def _protocol(port: ServicePort) -> str:
    return kubernetes_protocol(port.port, port.name, port.protocol, port.app_protocol)


def _judge(port: ServicePort) -> tuple[Code | None, str]:
    """What is odd about how a port declares its protocol, and how to say so."""
    protocol = _protocol(port)
    by_name = kubernetes_protocol(0, port.name, port.protocol, None)
    sniffs = "so it is sniffed" if protocol == AUTO else f"so it is {protocol}"
    if protocol == UDP:
        return PORT_TAKEN_FOR_UDP, f"({port.name}) is taken for UDP and not offered to anyone"
    if port.app_protocol is not None:
        known = kubernetes_protocol(0, "", port.protocol, port.app_protocol) != AUTO
        if not known and by_name not in (AUTO, protocol):
            return APP_PROTOCOL_UNKNOWN, f"({port.name}) has appProtocol {port.app_protocol!r}, {sniffs}, not {by_name}"
        return None, ""
    if by_name != AUTO:
        return None, ""
    if _looks_like_protocol(port.name):
        return MISREAD_PORT_NAME, f"is named {port.name}, which is no protocol's name, {sniffs}"
    if protocol == TCP:
        named = f"named {port.name}" if port.name else "without a name"
        return PROTOCOL_BY_NUMBER, f"({named}) is taken for TCP because of its number"
    return None, ""


def _looks_like_protocol(name: str) -> bool:
    """Whether a name begins or ends with a protocol's name that does not count there."""
    lowered = name.lower()
    return lowered.startswith(_PROTOCOLS) or lowered.rpartition("-")[2] in _PROTOCOLS
