"""Which DestinationRule a client's proxy uses for a service, and what its policies come to.

pilot/pkg/model/push_context.go destinationRule, setDestinationRules; pilot/pkg/model/destination_rule.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import most_specific, resolve_short_name
from analyzer.mesh.kinds.destination_rule import ClientTls, DestinationRule, Subset, TrafficPolicy
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import RegistryService
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import PRIVATE, PUBLIC

PASSTHROUGH_BALANCER = "PASSTHROUGH"


class MergedRule(Fact, frozen=True, eq=False):
    """DestinationRules of one host and namespace as one: the first policy, and the subsets of all.

    ``exports`` are as written; empty where none is.
    """

    exports: frozenset[str]
    rules: tuple[DestinationRule, ...]
    policy: TrafficPolicy | None
    subsets: tuple[Subset, ...]

    @property
    def namespace(self) -> str:
        """Where the rules live."""
        return self.rules[0].resource.namespace

    @property
    def workload_selector(self) -> Mapping[str, str] | None:
        """Which client proxies it is for; None for all."""
        return self.rules[0].workload_selector

    @property
    def places(self) -> tuple[YamlPlace, ...]:
        """Where the rules stand."""
        return tuple(rule.resource.place("spec", "host") for rule in self.rules)

    def subset(self, name: str) -> Subset | None:
        """The subset of that name: the first definition counts."""
        return next((each for each in self.subsets if each.name == name), None)


_ByHost = dict[str, list[MergedRule]]


@dataclass(slots=True)
class _Index:
    """Rules by namespace and host: those that a namespace uses itself, those it exports, the root's private ones."""

    local: dict[str, _ByHost] = field(default_factory=dict)
    exported: dict[str, _ByHost] = field(default_factory=dict)
    root_private: _ByHost = field(default_factory=dict)


def rule_for(mesh: MeshSnapshot, proxy: Proxy, service: RegistryService) -> MergedRule | None:
    """The rule that a sidecar of ``proxy`` uses for a service, or None.

    Of the rules found, one whose selector fits the proxy comes before the last one without selector.
    """
    chosen = None
    for rule in _candidates(mesh, proxy.namespace, service):
        if rule.workload_selector is None:
            chosen = rule
        elif rule.namespace == proxy.namespace and labels_match(rule.workload_selector, proxy.label_map):
            return rule
    return chosen


def _candidates(mesh: MeshSnapshot, namespace: str, service: RegistryService) -> list[MergedRule]:
    """The client's namespace, then the service's, then the root namespace: the first that has a rule for the host."""
    index = mesh.memo("destination-rules", lambda: _build(mesh))
    root = mesh.root_namespace
    own = index.root_private if namespace == root else index.local.get(namespace, {})
    found = most_specific(service.hostname, own)
    if found is not None:
        return found
    for place in (service.namespace, root):
        rules = most_specific(service.hostname, index.exported.get(place, {})) or []
        visible = [r for r in rules if not r.exports or PUBLIC in r.exports or namespace in r.exports]
        if visible:
            return visible
    return []


def _build(mesh: MeshSnapshot) -> _Index:
    index = _Index()
    ordered = sorted(mesh.of(DestinationRule), key=lambda r: (r.workload_selector is None, r.resource.age_key))
    private_by_default = PRIVATE in mesh.config.destination_rule_export_to
    for rule in ordered:
        namespace = rule.resource.namespace
        host = resolve_short_name(rule.host, namespace).lower()
        exports = frozenset((PRIVATE,) if rule.workload_selector is not None else rule.export_to)
        if not exports or exports & {PUBLIC, PRIVATE, namespace}:
            _merge(index.local.setdefault(namespace, {}), host, rule, exports)
        if not (private_by_default if not exports else exports in ({PRIVATE}, {namespace})):
            _merge(index.exported.setdefault(namespace, {}), host, rule, exports)
        elif namespace == mesh.root_namespace:
            _merge(index.root_private, host, rule, exports)
    return index


def _merge(found: _ByHost, host: str, rule: DestinationRule, exports: frozenset[str]) -> None:
    """Adds a rule to those of the same host that it may join, or as one of its own (mergeDestinationRule).

    Of one with a selector and one without, the later only lends its subsets and policy, and stands for itself too
    unless their exports are the very same: then it is gone.
    """
    known = found.setdefault(host, [])
    separate = True
    for position, each in enumerate(known):
        separate = exports != each.exports
        if separate and not (each.exports and exports >= each.exports):
            continue
        selectors = (rule.workload_selector, each.workload_selector)
        if None not in selectors and selectors[0] != selectors[1]:
            separate = True
            continue
        if selectors[0] == selectors[1]:
            separate = False
        names = {subset.name for subset in each.subsets}
        extra = tuple(subset for subset in rule.subsets if subset.name not in names)
        known[position] = replace(
            each, rules=(*each.rules, rule), policy=each.policy or rule.policy, subsets=(*each.subsets, *extra)
        )
    if separate:
        known.append(MergedRule(exports, (rule,), rule.policy, rule.subsets))


class EffectivePolicy(Fact, frozen=True):
    """What a rule comes to for one port and subset.

    ``inherited_tls`` is what the check of endpoints sees; ``declared_balancer`` what the guess at the server's mode of
    mutual TLS sees: the one that stands at the top of the rule's, or the subset's, own policy. ``keeps_address``: the
    cluster leads to the address that the client dialled, by this policy or by the one that it was made from.
    ``tunnel`` is for connections that are not HTTP; a subset does not inherit it (tunnelingconfig.Apply).
    """

    tls: ClientTls | None = None
    balancer: str = ""
    h2_upgrade: str = ""
    client_protocol: bool = False
    inherited_tls: ClientTls | None = None
    declared_balancer: str = ""
    keeps_address: bool = False
    tunnel: bool = False
    proxy_protocol: bool = False


def effective_policy(rule: MergedRule | None, port: int, subset: Subset | None) -> EffectivePolicy:
    """The policy for a service port: a port's own replaces its level's, a subset's overrides field by field.

    pilot/pkg/networking/util GetPortLevelTrafficPolicy, MergeSubsetTrafficPolicy; the per-endpoint check lets a port
    without tls inherit the level's (mtls_checker.go trafficPolicyTLSModeForPort). cluster_builder.go
    applyDestinationRule, buildSubsetCluster: whether a PASSTHROUGH balancer stands in a policy is asked of the level's
    own for the mode of mutual TLS, of the merged one for the kind of cluster.
    """
    top = rule.policy if rule else None
    of_rule = _apply(EffectivePolicy(), top, port)
    if subset is None:
        return replace(of_rule, tunnel=top is not None and top.tunnel)
    of_subset = _apply(of_rule, subset.policy, port)
    # A subset's cluster is made from its service's: once that keeps the address, no balancer changes it.
    declared = subset.policy.balancer if subset.policy else ""
    return replace(
        of_subset,
        declared_balancer=declared,
        keeps_address=of_rule.keeps_address or of_subset.keeps_address,
        tunnel=subset.policy is not None and subset.policy.tunnel,
    )


def _apply(base: EffectivePolicy, policy: TrafficPolicy | None, port: int) -> EffectivePolicy:
    if policy is None:
        return base
    of_port = policy.for_port(port)
    inherited = (of_port.tls if of_port else None) or policy.tls or base.inherited_tls
    result = EffectivePolicy(inherited_tls=inherited, declared_balancer=policy.balancer)
    if of_port is not None:
        result = replace(
            result,
            tls=of_port.tls,
            balancer=of_port.balancer,
            h2_upgrade=of_port.h2_upgrade,
            client_protocol=of_port.client_protocol,
        )
    else:
        result = replace(
            result,
            tls=policy.tls or base.tls,
            balancer=policy.balancer if policy.has_balancer else base.balancer,
            h2_upgrade=policy.h2_upgrade if policy.has_pool else base.h2_upgrade,
            client_protocol=policy.client_protocol if policy.has_pool else base.client_protocol,
            proxy_protocol=policy.proxy_protocol or base.proxy_protocol,
        )
    return replace(result, keeps_address=result.balancer == PASSTHROUGH_BALANCER)
