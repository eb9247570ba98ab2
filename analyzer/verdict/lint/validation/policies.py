"""What admission refuses in security policies (validation.go ValidateAuthorizationPolicy and its neighbours)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.kinds.authorization_policy import ALLOW, CUSTOM, DENY
from analyzer.mesh.policy.keys import find_key
from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import Refusal, is_port, is_subnet

_TARGETS = {("", "Service"), ("core", "Service"), ("networking.istio.io", "ServiceEntry")}
_GATEWAY_GROUP = "gateway.networking.k8s.io"


def _selector(spec: Node) -> Iterator[Refusal]:
    if sum(key in spec for key in ("selector", "targetRef", "targetRefs")) > 1:
        yield Refusal("selector and targetRefs exclude each other", spec.place("selector"))
    labels = spec.node("selector").node("matchLabels")
    for name in labels:
        if "*" in f"{name}{labels.value[name]}":
            yield Refusal(f"a selector takes no wildcard ({name}: {labels.value[name]})", labels.place(name))
    targets = spec.nodes("targetRefs") or ((spec.node("targetRef"),) if "targetRef" in spec else ())
    for target in targets:
        if not target.text("name"):
            yield Refusal("a targetRef has no name", target.place())
        if target.text("namespace"):
            yield Refusal("a targetRef must be in the policy's own namespace", target.place("namespace"))
        kind = (target.text("group"), target.text("kind"))
        if kind not in _TARGETS and not (kind[0] == _GATEWAY_GROUP and kind[1] in ("Gateway", "GatewayClass")):
            yield Refusal(f"a targetRef cannot name a {kind[1]} of group {kind[0]!r}", target.place("kind"))


def check_peer_authentication(resource: Resource) -> Iterator[Refusal]:
    """Why a PeerAuthentication is refused."""
    spec = resource.spec
    ports = spec.node("portLevelMtls")
    yield from _selector(spec)
    if ports and not spec.node("selector").mapping("matchLabels"):
        yield Refusal("portLevelMtls needs a selector", spec.place("portLevelMtls"))
    for port in ports:
        if not (port.isascii() and port.isdigit() and len(port) < 6 and is_port(int(port))):
            yield Refusal(f"port {port} is not in 1..65535", ports.place(port))


def check_request_authentication(resource: Resource) -> Iterator[Refusal]:
    """Why a RequestAuthentication is refused."""
    spec = resource.spec
    yield from _selector(spec)
    for rule in spec.nodes("jwtRules"):
        uri = rule.text("jwksUri") or rule.text("jwks_uri")
        if not rule.text("issuer") and not uri:
            yield Refusal("a rule needs an issuer or a jwksUri", rule.place())
        if uri and not uri.startswith(("http://", "https://")):
            yield Refusal(f"jwksUri {uri!r} is no HTTP address", rule.place("jwksUri"))
        for header in rule.nodes("fromHeaders"):
            if not header.text("name"):
                yield Refusal("a header for tokens has no name", header.place())


def check_authorization_policy(resource: Resource) -> Iterator[Refusal]:
    """Why an AuthorizationPolicy is refused."""
    spec = resource.spec
    action = spec.text("action") or ALLOW
    yield from _selector(spec)
    if action in (CUSTOM, DENY) and not spec.value.get("rules"):
        yield Refusal(f"action {action} without rules never does anything", spec.place("action"))
    if action == CUSTOM and spec.value.get("rules") and not spec.node("provider").text("name"):
        yield Refusal("action CUSTOM needs provider.name", spec.place("action"))
    if action != CUSTOM and "provider" in spec:
        yield Refusal(f"action {action} takes no provider", spec.place("provider"))
    for rule in spec.nodes("rules"):
        yield from _rule(rule)


def _rule(rule: Node) -> Iterator[Refusal]:
    for key, inner in (("from", "source"), ("to", "operation")):
        if key in rule and not rule.nodes(key):
            yield Refusal(f"`{key}` is empty", rule.place(key))
        for each in rule.nodes(key):
            fields = each.node(inner)
            if not any(fields.value.get(field) for field in fields):
                yield Refusal(f"`{inner}` is empty", each.place(inner))
            yield from _fields(fields)
    for condition in rule.nodes("when"):
        yield from _condition(condition)


def _fields(fields: Node) -> Iterator[Refusal]:
    for field in fields:
        for index, value in enumerate(fields.texts(field)):
            place = fields.place(field, index)
            if not value:
                yield Refusal(f"{field} has an empty value", place)
            elif field.lower().endswith("ipblocks") and not is_subnet(value):
                yield Refusal(f"{field}: {value!r} is no address or prefix", place)
            elif field.lower().endswith("ports") and not _is_port_text(value):
                yield Refusal(f"{field}: {value!r} is no port", place)
    if fields.value.get("serviceAccounts") and (fields.value.get("principals") or fields.value.get("namespaces")):
        yield Refusal("serviceAccounts excludes principals and namespaces", fields.place("serviceAccounts"))


def _condition(condition: Node) -> Iterator[Refusal]:
    key = condition.text("key")
    if not key:
        yield Refusal("a condition has no key", condition.place())
        return
    if find_key(key) is None:
        yield Refusal(f"key {key} is not known", condition.place("key"))
    values = (*condition.texts("values"), *condition.texts("notValues"))
    if not values:
        yield Refusal(f"key {key} has neither values nor notValues", condition.place())
    for value in values:
        if key in ("source.ip", "remote.ip", "destination.ip") and not is_subnet(value):
            yield Refusal(f"{key}: {value!r} is no address or prefix", condition.place("values"))
        elif key == "destination.port" and not _is_port_text(value):
            yield Refusal(f"{key}: {value!r} is no port", condition.place("values"))


def _is_port_text(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 6 and is_port(int(value))
