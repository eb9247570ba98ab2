"""RBAC filters of a dump (envoy/config/rbac/v3/rbac.proto): whether they let a subject pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from analyzer.mesh.dump.matchers import text_holds
from analyzer.mesh.policy.answer import NO, Answer, all_of, any_of, known, negation, unknown
from analyzer.mesh.policy.authorization import Verdict
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.resource import Node

RBAC_FILTERS = ("envoy.filters.network.rbac", "envoy.filters.http.rbac")
_JWT_FILTER = "envoy.filters.http.jwt_authn"
_PEER_STATE = "io.istio.peer_principal"
_SPIFFE = "spiffe://"

_Judge = Callable[[Node, str, Subject], Answer]


def rbac_verdict(filters: tuple[Node, ...], subject: Subject) -> Verdict | None:
    """What the RBAC filters say, in their order; None where there are none. Shadow rules only log."""
    rules = [f.node("typed_config").node("rules") for f in filters if f.text("name") in RBAC_FILTERS]
    rules = [each for each in rules if each]
    if not rules:
        return None
    missing: list[str] = []
    for each in rules:
        denies = each.text("action") == "DENY"
        if each.text("action") == "LOG":
            continue
        matched = any_of(_policy(each.node("policies").node(name), subject) for name in each.node("policies"))
        allowed = negation(matched) if denies else matched
        if allowed.holds is False:
            how = "a DENY policy matches" if denies else "no ALLOW policy matches"
            return Verdict(False, f"{how} in the proxy's own RBAC filter", (each.place(),))
        missing += allowed.missing
    places = tuple(each.place() for each in rules)
    if missing:
        fields = tuple(dict.fromkeys(missing))
        return Verdict(None, f"the proxy's own RBAC filters ask for {', '.join(fields)}", places, fields)
    return Verdict(True, "the proxy's own RBAC filters let it pass", places)


def _policy(policy: Node, subject: Subject) -> Answer:
    """Any permission and any principal; a CEL condition is not evaluated."""
    conditions = [unknown("condition")] if "condition" in policy or "checked_condition" in policy else []
    return all_of(
        [
            any_of(_rule(each, subject) for each in policy.nodes("permissions")),
            any_of(_rule(each, subject) for each in policy.nodes("principals")),
            *conditions,
        ]
    )


def _rule(node: Node, subject: Subject) -> Answer:
    """One permission or principal: a oneof, so that the first field that is known decides."""
    for name in node:
        judge = _FIELDS.get(name)
        if judge is not None:
            return judge(node, name, subject)
    return unknown(next(iter(node), "an empty rule"))


def _every(node: Node, name: str, subject: Subject) -> Answer:
    return all_of(_rule(each, subject) for each in node.node(name).nodes("rules" if name == "and_rules" else "ids"))


def _some(node: Node, name: str, subject: Subject) -> Answer:
    return any_of(_rule(each, subject) for each in node.node(name).nodes("rules" if name == "or_rules" else "ids"))


def _not(node: Node, name: str, subject: Subject) -> Answer:
    return negation(_rule(node.node(name), subject))


def _any(node: Node, name: str, _: Subject) -> Answer:
    return known(node.boolean(name))


def _header(node: Node, name: str, subject: Subject) -> Answer:
    """A HeaderMatcher on the request."""
    matcher = node.node(name)
    if not subject.request_seen:
        return unknown("request")
    pseudo = {":authority": subject.host, ":method": subject.method, ":path": subject.path}
    key = matcher.text("name").lower()
    value = pseudo[key] if key in pseudo else subject.header(key)
    if "present_match" in matcher:
        holds: bool | None = (value is not None) is matcher.boolean("present_match")
    elif value is None:
        holds = False
    else:
        holds = text_holds(matcher.node("string_match"), value)
    if holds is None:
        return unknown(f"header {key}")
    return known(holds is not matcher.boolean("invert_match"))


def _path(node: Node, name: str, subject: Subject) -> Answer:
    if not subject.request_seen:
        return unknown("request")
    path = subject.path.partition("?")[0].partition("#")[0]
    return _of_text(node.node(name).node("path"), path, "path")


def _server_name(node: Node, name: str, subject: Subject) -> Answer:
    return _of_text(node.node(name), subject.sni, "requested server name")


def _of_text(matcher: Node, text: str, what: str) -> Answer:
    holds = text_holds(matcher, text)
    return unknown(what) if holds is None else known(holds)


def _port(node: Node, name: str, subject: Subject) -> Answer:
    return known(node.integer(name) == subject.destination_port)


def _port_range(node: Node, name: str, subject: Subject) -> Answer:
    ports = node.node(name)
    return known(ports.integer("start") <= subject.destination_port < ports.integer("end"))


def _destination_ip(node: Node, name: str, subject: Subject) -> Answer:
    return _within(node.node(name), subject.destination_ip, name)


def _source_ip(node: Node, name: str, subject: Subject) -> Answer:
    return _within(node.node(name), subject.source_ip, name)


def _remote_ip(node: Node, name: str, subject: Subject) -> Answer:
    return _within(node.node(name), subject.remote_ip, name)


def _within(cidr: Node, address: str | None, what: str) -> Answer:
    if address is None:
        return unknown(what)
    try:
        network = ip_network(f"{cidr.text('address_prefix')}/{cidr.integer('prefix_len')}", strict=False)
        return known(ip_address(address) in network)
    except ValueError:
        return unknown(what)


def _authenticated(node: Node, name: str, subject: Subject) -> Answer:
    """The peer's identity, of its certificate; without a name any identity will do."""
    matcher = node.node(name)
    return _identity(matcher.node("principal_name") if "principal_name" in matcher else None, subject)


def _filter_state(node: Node, name: str, subject: Subject) -> Answer:
    state = node.node(name)
    if state.text("key") != _PEER_STATE:
        return unknown(f"filter state {state.text('key')}")
    return _identity(state.node("string_match"), subject)


def _identity(matcher: Node | None, subject: Subject) -> Answer:
    if subject.principals is None:
        return unknown("source.principal")
    if matcher is None:
        return known(bool(subject.principals))
    return any_of(_of_text(matcher, _SPIFFE + each, "source.principal") for each in subject.principals)


def _metadata(node: Node, name: str, subject: Subject) -> Answer:
    """Claims of a token; other metadata is not known."""
    matcher = node.node(name)
    path = [each.text("key") for each in matcher.nodes("path")]
    if matcher.text("filter") != _JWT_FILTER or path[:1] != ["payload"]:
        return unknown(f"metadata of {matcher.text('filter')}")
    if subject.claims is None:
        return unknown("request.auth.claims")
    found: Any = subject.claims
    for key in path[1:]:
        found = found.get(key) if isinstance(found, Mapping) else None
    return _claim(matcher.node("value"), found)


def _claim(matcher: Node, found: Any) -> Answer:
    """A ValueMatcher: a text, one of a list, or any of several."""
    if "or_match" in matcher:
        return any_of(_claim(each, found) for each in matcher.node("or_match").nodes("value_matchers"))
    if "list_match" in matcher:
        items = found if isinstance(found, list) else []
        return any_of(_claim(matcher.node("list_match").node("one_of"), each) for each in items)
    if "string_match" not in matcher:
        return unknown("a claim that is no text")
    return _of_text(matcher.node("string_match"), found, "a claim") if isinstance(found, str) else NO


_FIELDS: Mapping[str, _Judge] = {
    "and_rules": _every, "and_ids": _every, "or_rules": _some, "or_ids": _some, "not_rule": _not, "not_id": _not,
    "any": _any, "header": _header, "url_path": _path, "requested_server_name": _server_name,
    "destination_port": _port, "destination_port_range": _port_range, "destination_ip": _destination_ip,
    "source_ip": _source_ip, "direct_remote_ip": _source_ip, "remote_ip": _remote_ip,
    "authenticated": _authenticated, "filter_state": _filter_state, "metadata": _metadata,
}  # fmt: skip
