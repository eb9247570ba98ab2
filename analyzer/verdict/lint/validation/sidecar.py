"""What admission refuses in Sidecars (validation.go ValidateSidecar)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import Refusal, check_port, is_domain, is_label, is_port

_LOCAL = ("", "127.0.0.1", "0.0.0.0", "[::1]", "[::]")


def check_sidecar(resource: Resource) -> Iterator[Refusal]:
    """Why a Sidecar is refused."""
    spec = resource.spec
    if not any(key in spec for key in ("egress", "ingress", "outboundTrafficPolicy", "inboundConnectionPool")):
        yield Refusal("it configures nothing", resource.place("spec"))
    yield from _ingress(spec)
    egress = spec.nodes("egress")
    ports: set[int] = set()
    for index, listener in enumerate(egress):
        if "port" not in listener and index < len(egress) - 1:
            yield Refusal("the egress listener without a port must be the last one", listener.place())
        elif "port" in listener and not listener.text("bind").startswith("unix://"):
            yield from check_port(listener.node("port"), "number")
            yield from _once(listener, ports)
        yield from _hosts(listener)


def _once(listener: Node, ports: set[int]) -> Iterator[Refusal]:
    number = listener.node("port").integer("number")
    if number in ports:
        yield Refusal(f"two listeners have port {number}", listener.node("port").place("number"))
    ports.add(number)


def _hosts(listener: Node) -> Iterator[Refusal]:
    if not listener.texts("hosts"):
        yield Refusal("an egress listener has no hosts", listener.place("hosts"))
    for index, host in enumerate(listener.texts("hosts")):
        scope, slash, name = host.partition("/")
        place = listener.place("hosts", index)
        namespace = scope.removeprefix("~")
        if not slash or not scope or not name:
            yield Refusal(f"egress host {host!r} is not NAMESPACE/HOST", place)
        elif namespace not in ("", "*", ".") and not is_label(namespace):
            yield Refusal(f"egress host {host!r} names no namespace", place)
        elif not is_domain(name):
            yield Refusal(f"egress host {host!r} names no domain", place)


def _ingress(spec: Node) -> Iterator[Refusal]:
    ports: set[int] = set()
    for listener in spec.nodes("ingress"):
        if "port" not in listener:
            yield Refusal("an ingress listener has no port", listener.place())
            continue
        yield from check_port(listener.node("port"), "number")
        yield from _once(listener, ports)
        endpoint = listener.text("defaultEndpoint")
        host, _, port = endpoint.rpartition(":")
        local = host in _LOCAL and port.isascii() and port.isdigit() and len(port) < 6 and is_port(int(port))
        if endpoint and not local and not endpoint.startswith("unix://"):
            what = f"defaultEndpoint {endpoint!r} is not 127.0.0.1:PORT, 0.0.0.0:PORT or a unix socket"
            yield Refusal(what, listener.place("defaultEndpoint"))
