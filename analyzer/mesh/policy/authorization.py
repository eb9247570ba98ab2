"""AuthorizationPolicy: what Envoy's RBAC filters make of a subject (authz/builder/builder.go, authz/model/model.go)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.authorization_policy import (
    ALLOW,
    CUSTOM,
    DENY,
    AuthorizationPolicy,
    Match,
    PolicyRule,
)
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.policy.answer import NO, YES, Answer, all_of, any_of, negation, unknown
from analyzer.mesh.policy.keys import InvalidValueError, Terms, find_key
from analyzer.mesh.policy.selection import select_policies
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.snapshot import MeshSnapshot


class Verdict(Fact, frozen=True):
    """What the policies of a workload say.

    ``allowed`` is None where ``missing`` fields decide it. ``sentence`` and ``yaml`` give the rule that decided;
    ``considered`` the policies that were looked at.
    """

    allowed: bool | None
    sentence: str
    yaml: tuple[YamlPlace, ...] = ()
    missing: tuple[str, ...] = ()


class _Ruling(Fact, frozen=True):
    """One rule's answer, with where it stands."""

    policy: AuthorizationPolicy
    index: int
    answer: Answer
    place: YamlPlace

    @property
    def name(self) -> str:
        return f"rule {self.index} of AuthorizationPolicy {self.policy.resource.full_name}"


def authorize(mesh: MeshSnapshot, pod: Pod, subject: Subject) -> Verdict | None:
    """The verdict of the policies that ``pod`` enforces on ``subject``; None where it enforces none.

    Order as in the filter chain: CUSTOM (an outside service answers, so it stays undetermined), DENY, ALLOW. AUDIT and
    dry-run policies only log, but for CUSTOM ones, whose authorizer is asked all the same. A certain denial counts even
    where another policy is undetermined. CUSTOM rules whose authorizer cannot be asked deny, as those of DENY do; one
    that speaks HTTP is not asked about opaque connections.
    """
    asked = mesh.config.authorizers
    policies = [p for p in policies_of(mesh, pod) if not p.dry_run or (p.action == CUSTOM and p.provider in asked)]
    enforced = [p for p in policies if p.action in (CUSTOM, DENY, ALLOW)]
    providers = {p.provider for p in enforced if p.action == CUSTOM}
    unanswerable = _unanswerable(mesh, providers)
    if not unanswerable and not subject.http and any(mesh.config.authorizers.get(p) == "http" for p in providers):
        enforced = [p for p in enforced if p.action != CUSTOM]
    if not enforced:
        return None
    terms_of = _TermsOf(mesh)
    rulings = {
        action: list(_rulings((p for p in enforced if p.action == action), subject, terms_of))
        for action in (CUSTOM, DENY, ALLOW)
    }
    refused = next((r for r in rulings[CUSTOM] if unanswerable and r.answer.holds), None)
    if refused is not None:
        return Verdict(
            False, f"{refused.name} asks an outside authorizer, but {unanswerable}: denied", (refused.place,)
        )
    denied = next((r for r in rulings[DENY] if r.answer.holds), None)
    if denied is not None:
        return Verdict(False, f"{denied.name} denies it", (denied.place,))
    allowing = [p for p in enforced if p.action == ALLOW]
    allowed = any_of(r.answer for r in rulings[ALLOW]) if allowing else YES
    if allowed.holds is False:
        names = ", ".join(p.resource.full_name for p in allowing)
        return Verdict(False, f"no rule of AuthorizationPolicy {names} allows it", _places(allowing))
    open_ = [r for r in (*rulings[CUSTOM], *rulings[DENY]) if r.answer.holds is not False]
    if open_ or allowed.holds is None:
        return _undetermined(open_, allowed, allowing, asks=not unanswerable)
    return _allowed(rulings[ALLOW], enforced)


def _unanswerable(mesh: MeshSnapshot, providers: set[str]) -> str:
    """Why Envoy cannot ask the workload's authorizer, empty where it can (authz/builder getExtAuthz).

    Without mesh settings in the input nobody knows which authorizers there are.
    """
    names = ", ".join(sorted(providers))
    if len(providers) > 1:
        return f"a workload may have one provider, not {names}"
    if providers and mesh.config.node and not providers & mesh.config.authorizers.keys():
        return f"MeshConfig has no ext_authz provider {names or 'without a name'}"
    return ""


def _undetermined(open_: list[_Ruling], allowed: Answer, allowing: list[AuthorizationPolicy], *, asks: bool) -> Verdict:
    missing = [field for r in open_ for field in r.answer.missing]
    missing += ["external-authorization" for r in open_ if asks and r.policy.action == CUSTOM]
    missing += allowed.missing
    places = tuple(r.place for r in open_) or _places(allowing)
    fields = ", ".join(dict.fromkeys(missing))
    return Verdict(None, f"the policies ask for {fields}", places, tuple(dict.fromkeys(missing)))


def _allowed(rulings: list[_Ruling], enforced: list[AuthorizationPolicy]) -> Verdict:
    allowing = next((r for r in rulings if r.answer.holds), None)
    if allowing is not None:
        return Verdict(True, f"{allowing.name} allows it", (allowing.place,))
    names = ", ".join(p.resource.full_name for p in enforced)
    return Verdict(True, f"no rule of AuthorizationPolicy {names} denies it", _places(enforced))


def _places(policies: Iterable[AuthorizationPolicy]) -> tuple[YamlPlace, ...]:
    return tuple(p.resource.place("spec") for p in policies)


def policies_of(mesh: MeshSnapshot, pod: Pod) -> tuple[AuthorizationPolicy, ...]:
    """The policies that a pod's Envoy has, oldest first."""
    key = ("authorization-policies", pod.full_name)
    return mesh.memo(key, lambda: select_policies(mesh.of(AuthorizationPolicy), pod, mesh.root_namespace))


class _TermsOf(Fact, frozen=True):
    mesh: MeshSnapshot

    def __call__(self, policy: AuthorizationPolicy) -> Terms:
        config = self.mesh.config
        return Terms(policy.resource.namespace, (config.trust_domain, *config.trust_domain_aliases))


def _rulings(policies: Iterable[AuthorizationPolicy], subject: Subject, terms_of: _TermsOf) -> Iterator[_Ruling]:
    for policy in policies:
        terms = terms_of(policy)
        for index, rule in enumerate(policy.rules):
            lenient = policy.action != ALLOW
            yield _Ruling(policy, index, rule_answer(rule, subject, terms, lenient=lenient), rule.place)


def rule_answer(rule: PolicyRule, subject: Subject, terms: Terms, *, lenient: bool) -> Answer:
    """Whether a rule matches.

    What Envoy cannot check there (HTTP fields on a TCP chain, values that do not parse) makes an ALLOW rule vanish;
    in a ``lenient`` rule (DENY) only that match vanishes, so that the rule becomes wider (``checkError``).
    """
    matches = [*rule.conditions]
    for group in (*rule.sources, *rule.operations):
        matches += group
    if any(find_key(match.key) is None for match in matches):
        return NO
    if not lenient and any(_is_refused(match, value, subject, terms) for match in matches for value in _values(match)):
        return NO
    return all_of(
        [
            any_of(_group_answer(group, subject, terms) for group in rule.sources),
            any_of(_group_answer(group, subject, terms) for group in rule.operations),
            _group_answer(rule.conditions, subject, terms),
        ]
    )


def _values(match: Match) -> tuple[str, ...]:
    return match.values + match.not_values


def _group_answer(group: tuple[Match, ...], subject: Subject, terms: Terms) -> Answer:
    return all_of(_match_answer(match, subject, terms) for match in group)


def _match_answer(match: Match, subject: Subject, terms: Terms) -> Answer:
    wanted = [a for value in match.values if (a := _judge(match, value, subject, terms)) is not None]
    unwanted = [a for value in match.not_values if (a := _judge(match, value, subject, terms)) is not None]
    return all_of([any_of(wanted) if wanted else YES, negation(any_of(unwanted))])


def _is_refused(match: Match, value: str, subject: Subject, terms: Terms) -> bool:
    return _judge(match, value, subject, terms) is None


def _judge(match: Match, value: str, subject: Subject, terms: Terms) -> Answer | None:
    """The answer for one value; None where istiod leaves it out."""
    key = find_key(match.key)
    if key is None or (key.http_only and not subject.http):
        return None
    try:
        answer = key.judge(subject, match.key, value, terms)
    except InvalidValueError:
        return None
    return unknown(match.key) if key.http_only and not subject.request_seen else answer
