"""AuthorizationPolicy (security.istio.io): who may call what. Fields become matches with one key each, as in istiod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

ALLOW = "ALLOW"
DENY = "DENY"
AUDIT = "AUDIT"
CUSTOM = "CUSTOM"

# A field of a source or an operation, its negation, and the `when` key that means the same
# (istio pilot/pkg/security/authz/model/model.go). Paths, hosts and methods have no such key.
_SOURCE_FIELDS = (
    ("principals", "notPrincipals", "source.principal"),
    ("requestPrincipals", "notRequestPrincipals", "request.auth.principal"),
    ("serviceAccounts", "notServiceAccounts", "source.serviceAccount"),
    ("trustDomains", "notTrustDomains", "source.trustDomain"),
    ("namespaces", "notNamespaces", "source.namespace"),
    ("remoteIpBlocks", "notRemoteIpBlocks", "remote.ip"),
    ("ipBlocks", "notIpBlocks", "source.ip"),
)
_OPERATION_FIELDS = (
    ("hosts", "notHosts", "request.host"),
    ("methods", "notMethods", "request.method"),
    ("paths", "notPaths", "request.path"),
    ("ports", "notPorts", "destination.port"),
)


class Match(Fact, frozen=True):
    """One key: any of ``values`` (where there are any) and none of ``not_values``."""

    key: str
    values: tuple[str, ...]
    not_values: tuple[str, ...]
    place: YamlPlace


class PolicyRule(Fact, frozen=True):
    """Any of ``sources`` and any of ``operations`` and all of ``conditions``; each a conjunction of matches.

    Without ``from`` (``to``) there is one empty source (operation), which everything matches.
    """

    sources: tuple[tuple[Match, ...], ...]
    operations: tuple[tuple[Match, ...], ...]
    conditions: tuple[Match, ...]
    place: YamlPlace


class TargetRef(Fact, frozen=True):
    """What a policy is attached to instead of a selector."""

    group: str
    kind: str
    name: str
    namespace: str


class AuthorizationPolicy(Fact, frozen=True, eq=False):
    """A policy. ``selector`` is empty where it takes all workloads; ``dry_run``: only logged, not enforced."""

    resource: Resource
    action: str
    selector: Mapping[str, str]
    targets: tuple[TargetRef, ...]
    rules: tuple[PolicyRule, ...]
    dry_run: bool
    provider: str


def parse_authorization_policy(resource: Resource) -> AuthorizationPolicy:
    """The view of an AuthorizationPolicy; ``action`` defaults to ALLOW."""
    spec = resource.spec
    return AuthorizationPolicy(
        resource=resource,
        action=spec.text("action") or ALLOW,
        selector=spec.node("selector").mapping("matchLabels"),
        targets=parse_targets(spec),
        rules=tuple(_parse_rule(node) for node in spec.nodes("rules")),
        dry_run=resource.annotations.get("istio.io/dry-run", "").lower() in ("true", "t", "1"),
        provider=spec.node("provider").text("name"),
    )


def parse_targets(spec: Node) -> tuple[TargetRef, ...]:
    """``targetRefs``, or the older ``targetRef``."""
    nodes = spec.nodes("targetRefs") or (spec.node("targetRef"),)
    return tuple(
        TargetRef(node.text("group"), node.text("kind"), node.text("name"), node.text("namespace"))
        for node in nodes
        if node
    )


def _parse_rule(node: Node) -> PolicyRule:
    sources = tuple(tuple(_matches(each.node("source"), _SOURCE_FIELDS)) for each in node.nodes("from"))
    operations = tuple(tuple(_matches(each.node("operation"), _OPERATION_FIELDS)) for each in node.nodes("to"))
    return PolicyRule(
        sources=sources or ((),),
        operations=operations or ((),),
        conditions=tuple(_conditions(node)),
        place=node.place(),
    )


def _matches(node: Node, fields: tuple[tuple[str, str, str], ...]) -> Iterator[Match]:
    for name, negated, key in fields:
        values, not_values = node.texts(name), node.texts(negated)
        if values or not_values:
            yield Match(key, values, not_values, node.place(name if values else negated))


def _conditions(rule: Node) -> Iterator[Match]:
    for node in rule.nodes("when"):
        values, not_values = node.texts("values"), node.texts("notValues")
        if values or not_values:
            yield Match(node.text("key"), values, not_values, node.place("key"))
