"""DestinationRules that no client ever uses, and those of which a part does not count.

push_context.go destinationRule: a client looks in its own namespace, then in the service's, then in the root
namespace, and takes the most specific host of the first that has any; destination_rule.go merges equal hosts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.outbound.destination_rules import MergedRule
from analyzer.mesh.registry import RegistryService
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import has_clients, shows_services
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.host_index import full_name_of, is_registered, namespace_of_host, services_of_host
from analyzer.verdict.lint.rule_clients import lookup_namespaces, rule_host, rule_seen_from, rules_over
from analyzer.verdict.lint.unmatched_hosts import SHORT_HOST

RULE_WITHOUT_SERVICE = Code(
    "rule-without-service",
    Family.FINDING,
    Level.WARNING,
    "a DestinationRule's host is no service of the mesh",
    "A name without a dot is completed with the rule's own namespace. A rule for a host that nobody has does nothing.",
    "Correct the host; write the full name for a Service of another namespace.",
)
IDLE_RULE = Code(
    "idle-rule",
    Family.FINDING,
    Level.WARNING,
    "a DestinationRule that no client ever uses",
    "A rule counts for clients in its own namespace; for others only from the service's namespace or the root "
    "namespace, as exportTo allows, and where no nearer or more specific rule is found first.",
    "Move the rule to the service's namespace, or merge it with the rule that is used instead.",
)
RULE_OVERRULED = Code(
    "rule-overruled",
    Family.FINDING,
    Level.WARNING,
    "a part of a DestinationRule does not count, since an older rule for the same host has it",
    "Rules of one host and namespace are merged: the oldest trafficPolicy counts as a whole, and of subsets with one "
    "name the oldest.",
    "Write one DestinationRule for the host.",
)

# A rule for a wildcard is asked for at most this many services.
MAX_SERVICES = 500


def find_idle_rules(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each DestinationRule that is not used, or not as a whole."""
    for rule in mesh.of(DestinationRule):
        host = rule_host(rule)
        if is_registered(mesh, host):
            yield from _use(mesh, rule, host)
        else:
            yield from _without_service(mesh, rule, host)


def _without_service(mesh: MeshSnapshot, rule: DestinationRule, host: str) -> Iterator[LintFinding]:
    about = title(rule.resource)
    place = rule.resource.place("spec", "host")
    meant = full_name_of(mesh, host)
    namespace = namespace_of_host(host)
    if meant:
        sentence = f"{about}: host {host} is not completed to {meant}, so the rule is for no service"
        yield LintFinding(SHORT_HOST, about, sentence, (place,))
    elif shows_services(mesh, namespace) if namespace else mesh.of(Service):
        what = "there is no Service" if namespace else "no Service or ServiceEntry has the host"
        yield LintFinding(RULE_WITHOUT_SERVICE, about, f"{about}: {what} {host}", (place,))


def _use(mesh: MeshSnapshot, rule: DestinationRule, host: str) -> Iterator[LintFinding]:
    """Where a rule is used first tells how it is merged; where it never is, why."""
    services = services_of_host(mesh, host)
    for service in services[:MAX_SERVICES]:
        own = rule.resource.namespace
        for namespace in sorted(lookup_namespaces(mesh, service.hostname), key=lambda each: each != own):
            merged = rule_seen_from(mesh, namespace, service, rule.workload_selector)
            if merged is not None and rule in merged.rules:
                yield from _overruled(rule, merged)
                return
    if not 0 < len(services) <= MAX_SERVICES:
        # A wildcard over a wildcard has no service of its own to look rules up for; one over too many is not judged.
        return
    about = title(rule.resource)
    why, places = _why(mesh, rule, services)
    yield LintFinding(
        IDLE_RULE, about, f"{about}: no client uses it: {why}", (rule.resource.place("spec", "host"), *places)
    )


def _why(
    mesh: MeshSnapshot, rule: DestinationRule, services: Sequence[RegistryService]
) -> tuple[str, tuple[YamlPlace, ...]]:
    own = rule.resource.namespace
    service = services[0]
    nearby = {service.namespace, mesh.root_namespace}
    others = [each for each in rules_over(mesh, service.hostname) if each is not rule]
    first = next((each for each in others if each.resource.namespace == own), others[0] if others else None)
    if own not in nearby and not has_clients(mesh, own):
        return f"namespace {own} has no clients, and {service.hostname} is in {service.namespace}", ()
    if first is None:
        exported = listing(rule.export_to) or "nobody"
        return f"it is exported to {exported}, where no client is", ()
    return f"{title(first.resource)} is found instead", (first.resource.place("spec", "host"),)


def _overruled(rule: DestinationRule, merged: MergedRule) -> Iterator[LintFinding]:
    older = merged.rules[: merged.rules.index(rule)]
    if not older:
        return
    with_policy = next((each for each in older if each.policy is not None), None)
    known = {subset.name: each for each in reversed(older) for subset in each.subsets}
    lost = [("its trafficPolicy", with_policy, rule.policy.place)] if rule.policy and with_policy else []
    lost += [(f"its subset {s.name}", known[s.name], s.place) for s in rule.subsets if s.name in known]
    if not lost:
        return
    what = listing(name for name, _, _ in lost)
    winners = listing(title(winner.resource) for _, winner, _ in lost)
    places = [place for _, _, place in lost]
    places += [winner.resource.place("spec") for _, winner, _ in lost]
    about = title(rule.resource)
    sentence = f"{about}: {what} {'do' if len(lost) > 1 else 'does'} not count: {winners} for the same host is older"
    yield LintFinding(RULE_OVERRULED, about, sentence, tuple(dict.fromkeys(places)))
