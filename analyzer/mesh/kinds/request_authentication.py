"""RequestAuthentication (security.istio.io): which JSON Web Tokens a workload accepts, and where it looks for them."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.authorization_policy import TargetRef, parse_targets
from analyzer.mesh.resource import Node, Resource


class TokenHeader(Fact, frozen=True):
    """A header that may hold a token, behind ``prefix``; ``name`` is in lower case."""

    name: str
    prefix: str


class JwtRule(Fact, frozen=True):
    """One issuer. ``jwks`` are the keys themselves, empty where they are to be fetched from ``jwks_uri``.

    ``space_delimited`` are claims whose text is a list of words, besides those that always are.
    """

    issuer: str
    audiences: tuple[str, ...]
    jwks: str
    jwks_uri: str
    headers: tuple[TokenHeader, ...]
    params: tuple[str, ...]
    cookies: tuple[str, ...]
    place: YamlPlace
    space_delimited: tuple[str, ...] = ()


class RequestAuthentication(Fact, frozen=True, eq=False):
    """A policy. ``selector`` is empty where it takes all workloads."""

    resource: Resource
    selector: Mapping[str, str]
    targets: tuple[TargetRef, ...]
    rules: tuple[JwtRule, ...]


def parse_request_authentication(resource: Resource) -> RequestAuthentication:
    """The view of a RequestAuthentication."""
    spec = resource.spec
    return RequestAuthentication(
        resource=resource,
        selector=spec.node("selector").mapping("matchLabels"),
        targets=parse_targets(spec),
        rules=tuple(_parse_rule(node) for node in spec.nodes("jwtRules")),
    )


def _parse_rule(node: Node) -> JwtRule:
    return JwtRule(
        issuer=node.text("issuer"),
        audiences=node.texts("audiences"),
        jwks=node.text("jwks"),
        jwks_uri=node.text("jwksUri") or node.text("jwks_uri"),
        headers=tuple(TokenHeader(h.text("name").lower(), h.text("prefix")) for h in node.nodes("fromHeaders")),
        params=node.texts("fromParams"),
        cookies=node.texts("fromCookies"),
        place=node.place(),
        space_delimited=node.texts("spaceDelimitedClaims"),
    )
