"""TLS that a DestinationRule asks of clients against what the service's pods accept.

cluster_tls.go (a rule's tls is for every endpoint), filterchain_options.go (what a port takes in each mode).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.endpoints import Endpoint, endpoints_of
from analyzer.mesh.hosts import is_wildcard
from analyzer.mesh.inbound.mtls import Mtls, workload_mtls
from analyzer.mesh.kinds import peer_authentication as peers
from analyzer.mesh.kinds.destination_rule import DISABLE, ISTIO_MUTUAL, ClientTls, DestinationRule, Subset
from analyzer.mesh.outbound.destination_rules import MergedRule, effective_policy
from analyzer.mesh.port_protocol import UDP
from analyzer.mesh.redirect import inbound_redirect
from analyzer.mesh.registry import RegistryPort, RegistryService
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.host_index import services_of_host
from analyzer.verdict.lint.rule_clients import lookup_namespaces, rule_host, rule_seen_from

PLAINTEXT_TO_STRICT = Code(
    "plaintext-to-strict",
    Family.FINDING,
    Level.ERROR,
    "a DestinationRule turns TLS off towards pods that require mutual TLS",
    "With tls mode DISABLE the client's sidecar sends plaintext, which STRICT refuses: 503, or a closed connection.",
    "Remove the tls section: mutual TLS is then automatic. Or use ISTIO_MUTUAL.",
)
MUTUAL_TO_PLAIN = Code(
    "mutual-to-plain",
    Family.FINDING,
    Level.ERROR,
    "a DestinationRule demands Istio's mutual TLS of pods that do not speak it",
    "Tls mode ISTIO_MUTUAL holds for every endpoint, also for pods without a sidecar and where a PeerAuthentication "
    "turns mutual TLS off: they get a TLS handshake that their application does not expect.",
    "Remove the tls section: the client's sidecar then chooses by endpoint.",
)
OWN_TLS_TO_SIDECAR = Code(
    "own-tls-to-sidecar",
    Family.FINDING,
    Level.ERROR,
    "a DestinationRule starts TLS of its own towards pods whose sidecar requires mutual TLS",
    "With tls mode SIMPLE or MUTUAL the client's sidecar does not use its mesh certificate, without which STRICT "
    "refuses the handshake.",
    "Use ISTIO_MUTUAL, or no tls section, for workloads of the mesh.",
)

# All rules for wildcards together are held against about this many services, each against no more and no fewer than
# the other two say.
MAX_COMPARED = 100_000
MAX_SERVICES = 1000
MIN_SERVICES = 50


@dataclass(slots=True)
class _Clash:
    """One kind of contradiction of one tls section: the services, an endpoint of each, and what they accept."""

    code: Code
    why: str
    services: list[str] = field(default_factory=list)
    places: list[YamlPlace] = field(default_factory=list)


def find_client_tls(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each tls section of a rule and kind of contradiction, with the services that it hits."""
    rules = [rule for rule in mesh.of(DestinationRule) if _sets_tls(rule)]
    wildcards = sum(is_wildcard(rule.host) for rule in rules)
    most = max(MIN_SERVICES, min(MAX_SERVICES, MAX_COMPARED // max(wildcards, 1)))
    for rule in rules:
        clashes: dict[tuple[YamlPlace, str, str], _Clash] = {}
        for service in services_of_host(mesh, rule_host(rule))[:most]:
            _compare(mesh, rule, service, clashes)
        for (place, _, _), clash in clashes.items():
            about = title(rule.resource)
            sentence = f"{about}: {clash.why} {listing(clash.services)}"
            yield LintFinding(clash.code, about, sentence, (place, *dict.fromkeys(clash.places[:2])))


def _sets_tls(rule: DestinationRule) -> bool:
    policies = [rule.policy, *(subset.policy for subset in rule.subsets)]
    return any(policy and (policy.tls or any(p.tls for _, p in policy.ports)) for policy in policies)


def _compare(
    mesh: MeshSnapshot,
    rule: DestinationRule,
    service: RegistryService,
    clashes: dict[tuple[YamlPlace, str, str], _Clash],
) -> None:
    merged = _used(mesh, rule, service)
    if merged is None:
        return
    for port in service.ports:
        for subset in (None, *rule.subsets) if port.protocol != UDP else ():
            tls = effective_policy(merged, port.number, subset).tls
            if tls is None or not _is_of(tls, rule):
                continue
            for endpoint in _endpoints(mesh, service, port, subset):
                found = _contradiction(mesh, tls, endpoint)
                if found is not None:
                    code, why, place = found
                    clash = clashes.setdefault((tls.place, code.name, why), _Clash(code, why))
                    clash.services.append(f"{service.hostname}:{port.number}")
                    clash.places.append(place)
                    break


def _used(mesh: MeshSnapshot, rule: DestinationRule, service: RegistryService) -> MergedRule | None:
    """The merged rule by which some client really uses ``rule`` for a service."""
    namespaces = lookup_namespaces(mesh, service.hostname)
    own = rule.resource.namespace
    # Nearly always the first is enough: a rule counts in its own namespace, where anybody lives there.
    for namespace in itertools.chain((own,) if own in namespaces else (), namespaces):
        merged = rule_seen_from(mesh, namespace, service, rule.workload_selector)
        if merged is not None and rule in merged.rules:
            return merged
    return None


def _is_of(tls: ClientTls, rule: DestinationRule) -> bool:
    """Whether a merged rule's tls stands in this rule."""
    policies = [rule.policy, *(subset.policy for subset in rule.subsets)]
    own = [each for policy in policies if policy for each in (policy, *(p for _, p in policy.ports))]
    return any(each.tls is tls for each in own)


def _endpoints(
    mesh: MeshSnapshot, service: RegistryService, port: RegistryPort, subset: Subset | None
) -> Iterator[Endpoint]:
    """The endpoints that pods of the input are behind."""
    for endpoint in endpoints_of(mesh, service, port):
        if endpoint.pod is not None and labels_match(subset.labels if subset else {}, endpoint.labels):
            yield endpoint


def _contradiction(mesh: MeshSnapshot, tls: ClientTls, endpoint: Endpoint) -> tuple[Code, str, YamlPlace] | None:
    """What is wrong with a tls section for an endpoint: code, the sentence's beginning, and the other side's line."""
    pod = endpoint.pod
    assert pod is not None
    captured = pod.has_sidecar and inbound_redirect(mesh, pod, endpoint.address, endpoint.port).captured
    mode: Mtls | None = workload_mtls(mesh, pod.namespace, pod.labels).at(endpoint.port) if captured else None
    place = mode.place if mode is not None and mode.place is not None else pod.resource.place("metadata", "name")
    if mode is not None and mode.mode == peers.STRICT:
        if tls.mode == DISABLE:
            return PLAINTEXT_TO_STRICT, f"tls mode DISABLE sends plaintext, and {mode.setter} demands mTLS of", place
        if tls.mode != ISTIO_MUTUAL:
            return (
                OWN_TLS_TO_SIDECAR,
                f"tls mode {tls.mode} brings no mesh identity, and {mode.setter} demands it of",
                place,
            )
    if tls.mode == ISTIO_MUTUAL and not pod.is_gateway:
        if mode is None:
            whom = "pods whose sidecar leaves out the port" if pod.has_sidecar else "pods without a sidecar"
            return MUTUAL_TO_PLAIN, f"tls mode ISTIO_MUTUAL meets {whom} behind", place
        if mode.mode == peers.DISABLE:
            return MUTUAL_TO_PLAIN, f"tls mode ISTIO_MUTUAL meets {mode.setter}, which turns it off for", place
    return None
