"""Sources in AuthorizationPolicies that no caller can have, and denials that plaintext walks around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.inbound.mtls import pod_mtls
from analyzer.mesh.kinds.authorization_policy import DENY, AuthorizationPolicy, Match, PolicyRule
from analyzer.mesh.kinds.namespace import Namespace
from analyzer.mesh.kinds.peer_authentication import STRICT
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, title

PRINCIPAL_NEVER_MATCHES = Code(
    "principal-never-matches",
    Family.FINDING,
    Level.WARNING,
    "a principal is written with spiffe://, so nobody has it",
    "Principals are compared without the scheme: TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.",
    "Leave spiffe:// out.",
)
UNKNOWN_SOURCE_NAMESPACE = Code(
    "unknown-source-namespace",
    Family.FINDING,
    Level.WARNING,
    "a policy names a source namespace that does not exist",
    "The namespace is that of the caller's identity; one that does not exist matches nobody.",
    "Correct the namespace's name.",
)
DENIAL_BY_IDENTITY = Code(
    "denial-by-identity",
    Family.FINDING,
    Level.INFO,
    "a DENY rule asks for identities, and plaintext callers have none",
    "Identities come from mutual TLS. Where a workload also takes plaintext (PERMISSIVE), who does not use mutual TLS "
    "matches no principal or namespace, and the rule does not deny it.",
    "Require mutual TLS with a STRICT PeerAuthentication, or deny with notPrincipals.",
)

_IDENTITY = frozenset({"source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain"})


def find_policy_sources(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about what rules ask of their callers."""
    namespaces = {each.name for each in mesh.of(Namespace)}
    for policy in mesh.of(AuthorizationPolicy):
        for rule in policy.rules:
            for group in (*rule.sources, rule.conditions):
                for match in group:
                    yield from _values(policy, match, namespaces)
        yield from _denial(mesh, policy)


def _values(policy: AuthorizationPolicy, match: Match, namespaces: set[str]) -> Iterator[LintFinding]:
    about = title(policy.resource)
    for value in (*match.values, *match.not_values):
        if match.key == "source.principal" and value.startswith("spiffe://"):
            sentence = f"{about}: nobody has the principal {value}: it is compared without spiffe://"
            yield LintFinding(PRINCIPAL_NEVER_MATCHES, about, sentence, (match.place,))
        elif match.key == "source.namespace" and namespaces and "*" not in value and value not in namespaces:
            sentence = f"{about}: there is no namespace {value} for a caller to be in"
            yield LintFinding(UNKNOWN_SOURCE_NAMESPACE, about, sentence, (match.place,))


def _denial(mesh: MeshSnapshot, policy: AuthorizationPolicy) -> Iterator[LintFinding]:
    rule = next((each for each in policy.rules if _only_by_identity(each)), None)
    if policy.action != DENY or policy.dry_run or policy.targets or rule is None:
        return
    namespace = None if policy.resource.namespace == mesh.root_namespace else policy.resource.namespace
    key = ("lint-lenient-pod", namespace, tuple(sorted(policy.selector.items())))
    pod = mesh.memo(key, lambda: _lenient_pod(mesh, namespace, policy.selector))
    if pod is not None:
        mode = pod_mtls(mesh, pod).overall
        about = title(policy.resource)
        sentence = f"{about}: it denies by identity, but {pod.full_name} is {mode.mode}: plaintext is not denied"
        places = (rule.place, *([mode.place] if mode.place else []))
        yield LintFinding(DENIAL_BY_IDENTITY, about, sentence, places)


def _lenient_pod(mesh: MeshSnapshot, namespace: str | None, selector: Mapping[str, str]) -> Pod | None:
    """The first pod with a sidecar that takes plaintext too."""
    pods = (pod for pod in pods_with_labels(mesh, namespace, selector) if pod.has_sidecar)
    return next((pod for pod in pods if pod_mtls(mesh, pod).overall.mode != STRICT), None)


def _only_by_identity(rule: PolicyRule) -> bool:
    """Whether who has no identity never matches a rule: in each source something positive asks for one."""
    in_conditions = _asks_identity(rule.conditions)
    return in_conditions or all(_asks_identity(group) for group in rule.sources)


def _asks_identity(group: tuple[Match, ...]) -> bool:
    return any(match.key in _IDENTITY and match.values for match in group)
