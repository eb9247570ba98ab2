"""Fields of which the API knows all values: anything else is refused by the schema itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import Refusal

_CLIENT_TLS = ("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL")
_BALANCERS = ("UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST")
_MTLS = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")
_CAPTURE = ("DEFAULT", "IPTABLES", "NONE")
_SERVER_TLS = ("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL")

# By kind: paths below spec and their values. ``[]`` stands for every item of a sequence, ``*`` for every key.
CHOICES: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]] = {
    "AuthorizationPolicy": (("action", ("ALLOW", "DENY", "AUDIT", "CUSTOM")),),
    "DestinationRule": tuple(
        (f"{at}trafficPolicy.{field}", values)
        for at in ("", "subsets[].")
        for field, values in (
            ("tls.mode", _CLIENT_TLS),
            ("loadBalancer.simple", _BALANCERS),
            ("portLevelSettings[].tls.mode", _CLIENT_TLS),
            ("portLevelSettings[].loadBalancer.simple", _BALANCERS),
        )
    ),
    "Gateway": (("servers[].tls.mode", _SERVER_TLS),),
    "PeerAuthentication": (("mtls.mode", _MTLS), ("portLevelMtls.*.mode", _MTLS)),
    "ServiceEntry": (
        ("location", ("MESH_EXTERNAL", "MESH_INTERNAL")),
        ("resolution", ("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS")),
    ),
    "Sidecar": (
        ("outboundTrafficPolicy.mode", ("REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS")),
        ("egress[].captureMode", _CAPTURE),
        ("ingress[].captureMode", _CAPTURE),
    ),
}


def check_choices(resource: Resource) -> Iterator[Refusal]:
    """Values that a field's enumeration does not have."""
    for path, values in CHOICES.get(resource.kind, ()):
        *parents, field = path.split(".")
        for node in _nodes(resource.spec, parents):
            value = node.value.get(field)
            if isinstance(value, str) and value not in values:
                yield Refusal(f"{field} {value!r} is none of {', '.join(values)}", node.place(field))


def _nodes(node: Node, parents: Sequence[str]) -> Iterator[Node]:
    """The mappings that a path leads to."""
    if not parents:
        yield node
        return
    key, rest = parents[0], parents[1:]
    if key.endswith("[]"):
        below = node.nodes(key.removesuffix("[]"))
    elif key == "*":
        below = tuple(node.node(each) for each in node)
    else:
        below = (node.node(key),)
    for each in below:
        yield from _nodes(each, rest)
