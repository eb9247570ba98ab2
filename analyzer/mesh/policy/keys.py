"""What each key of a policy asks of a subject: the table behind AuthorizationPolicy (authz/model/generator.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from analyzer.base.fact import Fact
from analyzer.mesh.policy.answer import NO, YES, Answer, any_of, known, unknown
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.policy.text import (
    namespace_matches,
    path_matches,
    service_account_matches,
    text_matches,
    trust_domain_matches,
)

DEFAULT_TRUST_DOMAIN = "cluster.local"


class InvalidValueError(Exception):
    """A value that istiod refuses: it drops the value (DENY, AUDIT) or the whole rule (ALLOW)."""


class Terms(Fact, frozen=True):
    """What a key needs besides the subject: the policy's namespace and the mesh's trust domains, its own first."""

    policy_namespace: str
    trust_domains: tuple[str, ...]


# How a key judges one value; it raises InvalidValueError where istiod refuses the value.
Judge = Callable[[Subject, str, str, Terms], Answer]


class Key(Fact, frozen=True):
    """A key: its judge, and whether only HTTP chains know it."""

    judge: Judge
    http_only: bool = False


def find_key(name: str) -> Key | None:
    """The key of that name, or None where istiod does not know it (it then skips the rule)."""
    if name.startswith("experimental.envoy.filters."):
        return Key(_envoy_metadata)
    return KEYS.get(name.partition("[")[0])


def path_of(target: str) -> str:
    """The path of a request target, without query and fragment (envoy Http::PathUtil::removeQueryAndFragment)."""
    return target.partition("?")[0].partition("#")[0]


def _principal(subject: Subject, _key: str, value: str, terms: Terms) -> Answer:
    accepted = _with_aliases(value, terms.trust_domains)
    return _by_identity(subject, "source.principal", lambda p: any(text_matches(each, p) for each in accepted))


def _namespace(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return _by_identity(subject, "source.namespace", lambda p: namespace_matches(value, p))


def _service_account(subject: Subject, _key: str, value: str, terms: Terms) -> Answer:
    namespace = terms.policy_namespace
    return _by_identity(subject, "source.serviceAccount", lambda p: service_account_matches(value, namespace, p))


def _trust_domain(subject: Subject, _key: str, value: str, terms: Terms) -> Answer:
    accepted = terms.trust_domains if value in terms.trust_domains else (value,)
    return _by_identity(subject, "source.trustDomain", lambda p: any(trust_domain_matches(d, p) for d in accepted))


def _by_identity(subject: Subject, name: str, accepts: Callable[[str], bool]) -> Answer:
    if subject.principals is None:
        return unknown(name)
    return known(any(accepts(principal) for principal in subject.principals))


def _with_aliases(principal: str, trust_domains: tuple[str, ...]) -> tuple[str, ...]:
    """The principal under every trust domain of the mesh, where it names one (trustdomain/bundle.go)."""
    parts = principal.split("/")
    if len(parts) != 5 or parts[0] == "*":
        return (principal,)
    own = any(text_matches(parts[0], domain) for domain in trust_domains)
    if not own and parts[0] != DEFAULT_TRUST_DOMAIN:
        return (principal,)
    rest = "/".join(parts[1:])
    migrated = tuple(f"{domain}/{rest}" for domain in trust_domains)
    return (principal, *migrated) if own else migrated


def _source_ip(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return _in_network("source.ip", subject.source_ip, value)


def _remote_ip(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return _in_network("remote.ip", subject.remote_ip, value)


def _destination_ip(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return _in_network("destination.ip", subject.destination_ip, value)


def _in_network(name: str, address: str | None, value: str) -> Answer:
    network = _network(value)
    if network is None:
        raise InvalidValueError(value)
    if address is None:
        return unknown(name)
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return NO
    return known(ip.version == network.version and ip in network)


@lru_cache(maxsize=4096)
def _network(value: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        return None


def _destination_port(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    if not (value.isascii() and value.isdigit() and len(value) < 6 and int(value) <= 65535):
        raise InvalidValueError(value)
    return known(subject.destination_port == int(value))


def _sni(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return known(text_matches(value, subject.sni))


def _host(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return known(text_matches(value, subject.host or "", ignore_case=True))


def _method(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return known(text_matches(value, subject.method))


def _path(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    return known(path_matches(value, path_of(subject.path)))


def _header(subject: Subject, key: str, value: str, _terms: Terms) -> Answer:
    name = key.removeprefix("request.headers")
    if not (name.startswith("[") and name.endswith("]")):
        raise InvalidValueError(key)
    name = name[1:-1].lower()
    pseudo = {":authority": subject.host, ":method": subject.method, ":path": subject.path, "host": subject.host}
    found = pseudo[name] if name in pseudo else subject.header(name)
    if found is None and name in subject.made:
        return YES if value == "*" else unknown(key)
    if found is None:
        return unknown(key) if subject.head_cut else NO
    return known(value == "*" or text_matches(value, found))


def _request_principal(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
    """``ISSUER/SUBJECT``; the last slash divides, since issuers are often URLs."""
    if subject.claims is None:
        return unknown("request.auth.principal")
    issuer, slash, name = value.rpartition("/")
    if not slash:
        issuer = value if value == "*" or not value.startswith("*") else "*"
        name = value if value.startswith("*") else "*" if value.endswith("*") else ""
    found_issuer, found_subject = subject.claims.get("iss"), subject.claims.get("sub")
    if not isinstance(found_issuer, str) or not isinstance(found_subject, str):
        return NO
    return known(text_matches(issuer, found_issuer) and text_matches(name, found_subject))


def _claim_judge(name: str, claim: str) -> Judge:
    def judge(subject: Subject, _key: str, value: str, _terms: Terms) -> Answer:
        return unknown(name) if subject.claims is None else _claim_holds(subject.claims.get(claim), value)

    return judge


def _claim(subject: Subject, key: str, value: str, _terms: Terms) -> Answer:
    if subject.claims is None:
        return unknown(key)
    node: Any = subject.claims
    for name in key.removeprefix("request.auth.claims").strip("[]").split("]["):
        node = node.get(name) if isinstance(node, Mapping) else None
    return _claim_holds(node, value)


def _claim_holds(claim: Any, value: str) -> Answer:
    items: Iterable[Any] = claim if isinstance(claim, list) else (claim,)
    return any_of(known(isinstance(item, str) and text_matches(value, item)) for item in items)


def _envoy_metadata(_subject: Subject, key: str, _value: str, _terms: Terms) -> Answer:
    return unknown(key)


KEYS: Mapping[str, Key] = {
    "source.principal": Key(_principal),
    "source.namespace": Key(_namespace),
    "source.serviceAccount": Key(_service_account),
    "source.trustDomain": Key(_trust_domain),
    "source.ip": Key(_source_ip),
    "remote.ip": Key(_remote_ip),
    "destination.ip": Key(_destination_ip),
    "destination.port": Key(_destination_port),
    "connection.sni": Key(_sni),
    "request.host": Key(_host, http_only=True),
    "request.method": Key(_method, http_only=True),
    "request.path": Key(_path, http_only=True),
    "request.headers": Key(_header, http_only=True),
    "request.auth.principal": Key(_request_principal, http_only=True),
    "request.auth.audiences": Key(_claim_judge("request.auth.audiences", "aud"), http_only=True),
    "request.auth.presenter": Key(_claim_judge("request.auth.presenter", "azp"), http_only=True),
    "request.auth.claims": Key(_claim, http_only=True),
}
