"""What admission refuses in ServiceEntries and WorkloadEntries (validation.go ValidateServiceEntry)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.hosts import is_ip, is_wildcard
from analyzer.mesh.kinds.service_entry import DNS, DNS_ROUND_ROBIN, DYNAMIC_DNS, NONE, STATIC
from analyzer.mesh.kinds.workload_entry import UNIX_PREFIX
from analyzer.mesh.port_protocol import AUTO, GRPC, HTTP, HTTP2, HTTP_FAMILY, TLS, TLS_FAMILY, declared_protocol
from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import (
    Refusal,
    check_export_to,
    check_port,
    is_domain,
    is_full_name,
    is_label,
    is_port,
    is_subnet,
)


def check_service_entry(resource: Resource) -> Iterator[Refusal]:
    """Why a ServiceEntry is refused."""
    spec = resource.spec
    resolution = spec.text("resolution") or NONE
    yield from _names(spec)
    if resolution not in (NONE, STATIC):
        for index, address in enumerate(spec.texts("addresses")):
            if "/" in address:
                yield Refusal(
                    f"a prefix needs resolution NONE or STATIC, not {resolution}", spec.place("addresses", index)
                )
    yield from _ports(spec, resolution)
    yield from _resolution(spec, resolution)
    yield from _endpoints(spec, resolution)
    yield from check_export_to(spec, resource.namespace, nobody=True)


def _names(spec: Node) -> Iterator[Refusal]:
    if not spec.texts("hosts"):
        yield Refusal("it has no hosts", spec.place("hosts"))
    for index, host in enumerate(spec.texts("hosts")):
        if host == "*" or not is_domain(host):
            yield Refusal(f"host {host!r} is not allowed", spec.place("hosts", index))
    for index, address in enumerate(spec.texts("addresses")):
        if not is_subnet(address):
            yield Refusal(f"{address!r} is no address or prefix", spec.place("addresses", index))
    if "workloadSelector" in spec and spec.nodes("endpoints"):
        yield Refusal("workloadSelector and endpoints exclude each other", spec.place("endpoints"))


def _ports(spec: Node, resolution: str) -> Iterator[Refusal]:
    names: set[str] = set()
    numbers: set[int] = set()
    opaque = False
    for port in spec.nodes("ports"):
        name, number, protocol = port.text("name"), port.integer("number"), port.text("protocol")
        known = declared_protocol(protocol)
        opaque = opaque or known not in HTTP_FAMILY | TLS_FAMILY
        yield from check_port(port, "number")
        yield from check_port(port, "targetPort", required=False)
        if not is_label(name):
            yield Refusal(f"port name {name!r} is no valid name", port.place("name"))
        elif name in names:
            yield Refusal(f"port name {name} stands there twice", port.place("name"))
        if number in numbers:
            yield Refusal(f"port {number} stands there twice", port.place("number"))
        if protocol and known == AUTO:
            yield Refusal(f"protocol {protocol!r} is not known", port.place("protocol"))
        if resolution == DYNAMIC_DNS and known not in (HTTP, TLS, GRPC, HTTP2):
            yield Refusal(f"protocol {protocol!r} does not go with DYNAMIC_DNS", port.place("protocol"))
        names.add(name)
        numbers.add(number)
    if opaque and resolution != NONE and len(spec.texts("hosts")) > 1:
        yield Refusal("several hosts need ports that are HTTP or TLS", spec.place("hosts"))


def _resolution(spec: Node, resolution: str) -> Iterator[Refusal]:
    hosts, endpoints = spec.texts("hosts"), spec.nodes("endpoints")
    place = spec.place("resolution")
    if resolution == NONE and endpoints:
        yield Refusal("resolution NONE takes no endpoints", spec.place("endpoints"))
    elif resolution in (DNS, DNS_ROUND_ROBIN):
        bad = next((host for host in hosts if not is_full_name(host)), None)
        if not endpoints and bad is not None:
            yield Refusal(f"resolution {resolution} without endpoints needs full names, not {bad}", place)
        if resolution == DNS_ROUND_ROBIN and len(endpoints) > 1:
            yield Refusal("resolution DNS_ROUND_ROBIN takes one endpoint at most", spec.place("endpoints"))
    elif resolution == DYNAMIC_DNS:
        if not all(is_wildcard(host) for host in hosts):
            yield Refusal("resolution DYNAMIC_DNS needs wildcard hosts", place)
        for key in ("addresses", "endpoints"):
            if spec.value.get(key):
                yield Refusal(f"resolution DYNAMIC_DNS takes no {key}", spec.place(key))


def _endpoints(spec: Node, resolution: str) -> Iterator[Refusal]:
    names = {port.text("name") for port in spec.nodes("ports")}
    for endpoint in spec.nodes("endpoints") if resolution != NONE else ():
        address = endpoint.text("address")
        unix = resolution == STATIC and address.startswith(UNIX_PREFIX)
        named = resolution in (DNS, DNS_ROUND_ROBIN) and is_full_name(address)
        by_network = not address and bool(endpoint.text("network")) and resolution == STATIC
        if not (unix or named or by_network or is_ip(address)):
            yield Refusal(f"endpoint address {address!r} does not go with {resolution}", endpoint.place("address"))
        yield from _endpoint_ports(endpoint, names)


def _endpoint_ports(endpoint: Node, names: set[str] | None) -> Iterator[Refusal]:
    ports = endpoint.node("ports")
    for name in ports:
        if names is not None and name not in names:
            yield Refusal(f"an endpoint has a port {name}, which the entry does not have", ports.place(name))
        elif not is_port(ports.integer(name)):
            yield Refusal(f"port {ports.integer(name)} is not in 1..65535", ports.place(name))


def check_workload_entry(resource: Resource) -> Iterator[Refusal]:
    """Why a WorkloadEntry is refused."""
    spec = resource.spec
    address = spec.text("address")
    if not address and not spec.text("network"):
        yield Refusal("an address is missing", spec.place("address"))
    elif address and not address.startswith(UNIX_PREFIX) and not (is_ip(address) or is_full_name(address)):
        yield Refusal(f"address {address!r} is neither an address nor a full name", spec.place("address"))
    yield from _endpoint_ports(spec, None)
