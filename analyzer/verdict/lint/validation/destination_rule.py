"""What admission refuses in DestinationRules (validation.go ValidateDestinationRule, agent/validation.go)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.kinds.destination_rule import MUTUAL, SIMPLE
from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import Refusal, check_export_to, is_domain, is_label

_FIELDS = (
    "outlierDetection", "connectionPool", "loadBalancer", "tls", "portLevelSettings", "tunnel", "proxyProtocol",
    "retryBudget",
)  # fmt: skip
_OWN_CERTIFICATES = ("clientCertificate", "caCertificates", "privateKey", "caCrl")


def check_destination_rule(resource: Resource) -> Iterator[Refusal]:
    """Why a DestinationRule is refused."""
    spec = resource.spec
    if not is_domain(spec.text("host")):
        yield Refusal(f"host {spec.text('host')!r} is no domain name", resource.place("spec", "host"))
    yield from _policy(spec)
    names: set[str] = set()
    for subset in spec.nodes("subsets"):
        name = subset.text("name")
        if not is_label(name):
            yield Refusal(f"subset {name!r} is no valid name", subset.place("name"))
        elif name in names:
            yield Refusal(f"subset {name} is defined twice", subset.place("name"))
        names.add(name)
        yield from _policy(subset)
    yield from check_export_to(spec, resource.namespace)
    exported = {resource.namespace if each == "." else each for each in spec.texts("exportTo")}
    if "workloadSelector" in spec and exported - {resource.namespace}:
        yield Refusal("with a workloadSelector it cannot be exported", spec.place("exportTo"))


def _policy(node: Node) -> Iterator[Refusal]:
    if "trafficPolicy" not in node:
        return
    policy = node.node("trafficPolicy")
    if not any(key in policy for key in _FIELDS):
        yield Refusal("a trafficPolicy is empty", node.place("trafficPolicy"))
    yield from _tls(policy)
    for port in policy.nodes("portLevelSettings"):
        if "port" not in port:
            yield Refusal("a port's policy names no port", port.place())
        if not any(key in port for key in _FIELDS[:4]):
            yield Refusal("a port's policy is empty", port.place())
        yield from _tls(port)


def _tls(policy: Node) -> Iterator[Refusal]:
    tls = policy.node("tls")
    mode = tls.text("mode")
    if mode in (SIMPLE, MUTUAL) and tls.text("credentialName"):
        for key in _OWN_CERTIFICATES:
            if tls.text(key):
                yield Refusal(f"credentialName and {key} exclude each other", tls.place(key))
    elif mode == MUTUAL:
        for key in ("clientCertificate", "privateKey"):
            if not tls.text(key):
                yield Refusal(f"tls mode MUTUAL needs {key}, or credentialName", tls.place("mode"))
    if mode in (SIMPLE, MUTUAL) and tls.value.get("insecureSkipVerify") is True:
        for key in ("caCertificates", "subjectAltNames"):
            if tls.value.get(key):
                yield Refusal(f"insecureSkipVerify and {key} exclude each other", tls.place(key))
