"""What admission refuses in Gateways (validation.go ValidateGateway)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.kinds.gateway import (
    AUTO_PASSTHROUGH,
    ISTIO_MUTUAL,
    MUTUAL,
    OPTIONAL_MUTUAL,
    PASSTHROUGH,
    SIMPLE,
)
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, TLS_FAMILY, declared_protocol
from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import Refusal, check_port, is_domain, is_label

_CERTIFICATES = (
    "serverCertificate",
    "privateKey",
    "caCertificates",
    "tlsCertificates",
    "credentialName",
    "credentialNames",
)


def check_gateway(resource: Resource) -> Iterator[Refusal]:
    """Why a Gateway is refused."""
    spec = resource.spec
    if not is_label(resource.name):
        yield Refusal(f"name {resource.name} is no DNS label", resource.place("metadata", "name"))
    if not spec.nodes("servers"):
        yield Refusal("it has no servers", resource.place("spec", "servers"))
    names: set[str] = set()
    for server in spec.nodes("servers"):
        name = server.node("port").text("name")
        if name and name in names:
            yield Refusal(f"port name {name} stands there twice", server.node("port").place("name"))
        names.add(name)
        yield from _server(server)


def _server(server: Node) -> Iterator[Refusal]:
    if not server.texts("hosts"):
        yield Refusal("a server has no hosts", server.place("hosts"))
    for index, host in enumerate(server.texts("hosts")):
        scope, slash, name = host.partition("/")
        if slash and (not name or (scope not in ("*", ".") and not is_label(scope))):
            yield Refusal(f"host {host!r} is not NAMESPACE/HOST", server.place("hosts", index))
        elif not is_domain(name if slash else host):
            yield Refusal(f"host {host!r} is no domain name", server.place("hosts", index))
    if "port" not in server:
        yield Refusal("a server has no port", server.place())
        return
    port = server.node("port")
    protocol = declared_protocol(port.text("protocol"))
    if not server.text("bind").startswith("unix://"):
        yield from check_port(port, "number")
    if protocol == AUTO:
        yield Refusal(f"protocol {port.text('protocol')!r} is not known", port.place("protocol"))
    if not port.text("name"):
        yield Refusal("a port has no name", port.place("name"))
    yield from _tls(server, protocol)


def _tls(server: Node, protocol: str) -> Iterator[Refusal]:
    if "tls" not in server:
        if protocol in TLS_FAMILY:
            yield Refusal(f"protocol {protocol} needs tls settings", server.node("port").place("protocol"))
        return
    tls = server.node("tls")
    mode = tls.text("mode") or PASSTHROUGH
    if protocol not in TLS_FAMILY | {AUTO}:
        redirects_only = protocol in HTTP_FAMILY and mode in (PASSTHROUGH, AUTO_PASSTHROUGH)
        if not redirects_only:
            yield Refusal(f"protocol {protocol} takes no tls settings", server.place("tls"))
    if mode == ISTIO_MUTUAL:
        for key in _CERTIFICATES:
            if tls.value.get(key):
                yield Refusal(f"tls mode ISTIO_MUTUAL takes no {key}", tls.place(key))
    elif mode in (SIMPLE, MUTUAL, OPTIONAL_MUTUAL) and not any(
        tls.value.get(key) for key in ("credentialName", "credentialNames")
    ):
        needed = [] if tls.value.get("tlsCertificates") else ["serverCertificate", "privateKey"]
        needed += ["caCertificates"] if mode != SIMPLE else []
        missing = [key for key in needed if not tls.value.get(key)]
        if missing:
            yield Refusal(f"tls mode {mode} needs credentialName, or {' and '.join(missing)}", server.place("tls"))
