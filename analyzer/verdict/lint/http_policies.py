"""AuthorizationPolicies with HTTP fields on opaque ports, where they deny more than they seem to.

authz/model/model.go: on a TCP filter chain an ALLOW rule with HTTP fields is left out, so that it allows nothing; in a
DENY rule only the HTTP fields are left out, so that it denies more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.authorization_policy import ALLOW, DENY, AuthorizationPolicy, Match, PolicyRule
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.policy.keys import find_key
from analyzer.mesh.policy.selection import select_policies
from analyzer.mesh.port_protocol import TCP_FAMILY
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.inbound_protocols import declared_ports

HTTP_DENY_ON_TCP = Code(
    "http-deny-on-tcp",
    Family.FINDING,
    Level.WARNING,
    "a DENY rule with HTTP fields denies every connection to a TCP port",
    "An opaque port has no methods, paths, hosts or headers: these fields are left out of the rule there, and what is "
    "left of it denies more than it says.",
    "Limit the rule to HTTP ports with to.operation.ports.",
)
HTTP_ALLOW_ON_TCP = Code(
    "http-allow-on-tcp",
    Family.FINDING,
    Level.WARNING,
    "ALLOW rules with HTTP fields allow nothing on a TCP port, so everything is denied there",
    "A rule with HTTP fields never matches on an opaque port, and where some ALLOW policy applies but none matches, "
    "the connection is refused.",
    "Add a rule without HTTP fields for the port (to.operation.ports), if it is to be reached.",
)

_PORT_KEY = "destination.port"


class _TcpPort(Fact, frozen=True):
    """An opaque port of a pod that a policy selects, and the Service port that makes it one."""

    number: int
    pod: Pod
    place: YamlPlace


def find_http_policies(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each policy whose HTTP fields meet opaque ports."""
    for policy in mesh.of(AuthorizationPolicy):
        if policy.dry_run or policy.targets or policy.action not in (ALLOW, DENY):
            continue
        if not any(_asks_http(rule) for rule in policy.rules):
            continue
        ports = _tcp_ports(mesh, policy)
        yield from _denied(policy, ports) if policy.action == DENY else _not_allowed(mesh, policy, ports)


def _tcp_ports(mesh: MeshSnapshot, policy: AuthorizationPolicy) -> Mapping[int, _TcpPort]:
    """The opaque ports of the pods that a policy selects, each with one of the pods."""
    resource = policy.resource
    namespace = None if resource.namespace == mesh.root_namespace else resource.namespace

    def collect() -> dict[int, _TcpPort]:
        found: dict[int, _TcpPort] = {}
        for pod in pods_with_labels(mesh, namespace, policy.selector):
            for number, (_, port) in declared_ports(mesh).get(pod.full_name, {}).items():
                if port.protocol in TCP_FAMILY:
                    found.setdefault(number, _TcpPort(number, pod, port.place))
        return found

    key = ("lint-tcp-ports", namespace, tuple(sorted(policy.selector.items())))
    return mesh.memo(key, collect)


def _denied(policy: AuthorizationPolicy, ports: Mapping[int, _TcpPort]) -> Iterator[LintFinding]:
    for rule in policy.rules:
        hit = [port for number, port in sorted(ports.items()) if _asks_http(rule) and _reaches(rule, number)]
        if hit:
            about = title(policy.resource)
            fields = listing(dict.fromkeys(match.key for match in _matches(rule) if _is_http(match)))
            sentence = f"{about}: on TCP port {_where(hit)} it denies without regard to {fields}"
            yield LintFinding(HTTP_DENY_ON_TCP, about, sentence, (rule.place, hit[0].place))


def _not_allowed(
    mesh: MeshSnapshot, policy: AuthorizationPolicy, ports: Mapping[int, _TcpPort]
) -> Iterator[LintFinding]:
    hit = []
    for number, port in sorted(ports.items()):
        reaching = [rule for rule in policy.rules if _reaches(rule, number)]
        if reaching and all(_asks_http(rule) for rule in reaching) and not _others_allow(mesh, port):
            hit.append(port)
    if hit:
        about = title(policy.resource)
        sentence = f"{about}: it allows nothing on TCP port {_where(hit)}, since its rules ask for HTTP fields"
        yield LintFinding(HTTP_ALLOW_ON_TCP, about, sentence, (policy.resource.place("spec", "rules"), hit[0].place))


def _others_allow(mesh: MeshSnapshot, port: _TcpPort) -> bool:
    """Whether some ALLOW policy of the pod has a rule that can match on the port."""
    policies = select_policies(_policies_near(mesh, port.pod), port.pod, mesh.root_namespace)
    rules = (rule for each in policies if each.action == ALLOW and not each.dry_run for rule in each.rules)
    return any(_reaches(rule, port.number) and not _asks_http(rule) for rule in rules)


def _policies_near(mesh: MeshSnapshot, pod: Pod) -> Iterable[AuthorizationPolicy]:
    """The policies that may select a pod: those without selector, and those whose first label it has."""

    def group() -> dict[tuple[str, tuple[str, str] | None], list[AuthorizationPolicy]]:
        found: dict[tuple[str, tuple[str, str] | None], list[AuthorizationPolicy]] = {}
        for policy in mesh.of(AuthorizationPolicy):
            label = min(policy.selector.items(), default=None)
            found.setdefault((policy.resource.namespace, label), []).append(policy)
        return found

    index = mesh.memo("lint-policies-by-label", group)
    for namespace in {pod.namespace, mesh.root_namespace}:
        for label in (None, *pod.labels.items()):
            yield from index.get((namespace, label), ())


def _where(ports: list[_TcpPort]) -> str:
    return f"{listing(str(port.number) for port in ports)} of {listing(port.pod.full_name for port in ports)}"


def _matches(rule: PolicyRule) -> Iterator[Match]:
    for group in (*rule.sources, *rule.operations, rule.conditions):
        yield from group


def _is_http(match: Match) -> bool:
    key = find_key(match.key)
    return key is not None and key.http_only


def _asks_http(rule: PolicyRule) -> bool:
    return any(_is_http(match) for match in _matches(rule))


def _reaches(rule: PolicyRule, number: int) -> bool:
    """Whether the ports that a rule names, where it names any, include a port."""
    operations = any(all(_admits(match, number) for match in group) for group in rule.operations)
    return operations and all(_admits(match, number) for match in rule.conditions)


def _admits(match: Match, number: int) -> bool:
    if match.key != _PORT_KEY:
        return True
    return (not match.values or str(number) in match.values) and str(number) not in match.not_values
