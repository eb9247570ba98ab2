"""RequestAuthentication: what Envoy's jwt_authn filter makes of a request (security/authn/policy_applier.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from analyzer.base.fact import Fact, field, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.request_authentication import JwtRule, RequestAuthentication, TokenHeader
from analyzer.mesh.policy.selection import select_policies
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.policy.token import Token, parse_token, signature_holds
from analyzer.mesh.snapshot import MeshSnapshot

# Where a provider looks that names no place (envoy jwt_authn/extractor.cc).
_DEFAULT_HEADERS = (TokenHeader("authorization", "Bearer "),)
_DEFAULT_PARAMS = ("access_token",)
# Claims whose text is a list of words (policy_applier.go buildSpaceDelimitedClaims).
_WORD_CLAIMS = ("permission", "scope")
_FOREIGN = "no RequestAuthentication accepts the token's issuer"
# extractor.cc takes the longest run of these characters behind the prefix.
_TOKEN_TEXT = re.compile(r"[A-Za-z0-9\-_=.]+")


class Authentication(Fact, frozen=True):
    """What the token filter says.

    ``code`` is the status Envoy answers with, None where the request goes on; ``claims`` are those of a verified token,
    None where they cannot be known. ``missing``: what would decide it, empty where it is certain.
    """

    code: int | None = None
    sentence: str = ""
    yaml: tuple[YamlPlace, ...] = ()
    claims: Mapping[str, Any] | None = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def authenticate(mesh: MeshSnapshot, pod: Pod, subject: Subject) -> Authentication:
    """Judges the tokens of a request that ``pod`` receives on an HTTP chain; without a token it passes."""
    rules = _rules_of(mesh, pod)
    if not rules or _is_preflight(subject):
        return Authentication()
    found = [tuple(_tokens(rule, subject)) for rule in rules]
    places = tuple(rule.place for rule in rules)
    if not subject.request_seen or (subject.head_cut and not any(found)):
        return Authentication(None, "whether the request carries a token is not known", places, None, ("token",))
    judged = [_judge(rule, tokens) for rule, tokens in zip(rules, found, strict=True) if tokens]
    if not judged:
        return Authentication(sentence="no token where RequestAuthentication looks for one: it passes", yaml=places)
    return _any_of(judged)


def _any_of(judged: Sequence[Authentication]) -> Authentication:
    """What the issuers that found tokens come to: one that takes its own is enough (jwt_authn/verifier.cc).

    The claims are the first one's that takes them. Where all refuse, the first says how; another issuer's token counts
    only where nobody says more.
    """
    taken = next((j for j in judged if not j.code and not j.missing), None)
    open_ones = [j for j in judged if j.missing]
    if taken is not None:
        certain = not open_ones or judged.index(taken) < judged.index(open_ones[0])
        return taken if certain else replace(taken, claims=None)
    if open_ones:
        return open_ones[0]
    own = [j for j in judged if j.sentence != _FOREIGN]
    return judged[0] if judged[0] in own or not own else own[-1]


def _rules_of(mesh: MeshSnapshot, pod: Pod) -> tuple[JwtRule, ...]:
    def build() -> tuple[JwtRule, ...]:
        policies = select_policies(mesh.of(RequestAuthentication), pod, mesh.root_namespace)
        return tuple(sorted((rule for p in policies for rule in p.rules), key=lambda rule: rule.issuer))

    return mesh.memo(("jwt-rules", pod.full_name), build)


def _is_preflight(subject: Subject) -> bool:
    """``bypass_cors_preflight``: OPTIONS with Origin and Access-Control-Request-Method."""
    asked = subject.header("origin"), subject.header("access-control-request-method")
    return subject.method == "OPTIONS" and all(asked)


def _tokens(rule: JwtRule, subject: Subject) -> Iterator[str]:
    named = bool(rule.headers or rule.params or rule.cookies)
    for place in rule.headers if named else _DEFAULT_HEADERS:
        value = subject.header(place.name)
        _, prefix, rest = (value or "").partition(place.prefix) if place.prefix else ("", "", value or "")
        if value and (prefix or not place.prefix):
            run = _TOKEN_TEXT.search(rest)
            yield run.group() if run else rest
    query = subject.path.partition("?")[2].partition("#")[0]
    params = dict(reversed(parse_qsl(query, max_num_fields=1000))) if query.count("&") < 1000 else {}
    yield from (params[name] for name in (rule.params if named else _DEFAULT_PARAMS) if params.get(name))
    cookies = dict(_cookies(subject.header("cookie") or ""))
    yield from (cookies[name] for name in rule.cookies if cookies.get(name))


def _cookies(header: str) -> Iterator[tuple[str, str]]:
    for pair in re.split("[;,]", header):
        name, _, value = pair.strip().partition("=")
        yield name, value.strip('"')


def _judge(rule: JwtRule, tokens: Sequence[str]) -> Authentication:
    """All tokens in the places of an issuer must be its own and valid (jwt_authn/authenticator.cc doneWithStatus)."""
    judged = [_judge_token(rule, text) for text in dict.fromkeys(tokens)]
    return next((j for j in judged if j.code), next((j for j in judged if j.missing), judged[-1]))


def _judge_token(rule: JwtRule, text: str) -> Authentication:
    token = parse_token(text)
    if token is None:
        return Authentication(401, "the token is malformed", (rule.place,))
    if rule.issuer not in ("", token.claims.get("iss")):
        return Authentication(401, _FOREIGN, (rule.place,))
    return _judge_for(rule, token)


def _judge_for(rule: JwtRule, token: Token) -> Authentication:
    places = (rule.place,)
    if rule.audiences and not _audience_fits(rule, token):
        return Authentication(403, "the token is for another audience", places)
    if not rule.jwks:
        return Authentication(
            None, f"the keys of issuer {rule.issuer} are not in the input", places, None, ("jwt-keys",)
        )
    holds = signature_holds(token, rule.jwks)
    if holds is False:
        return Authentication(401, "no key of the RequestAuthentication signed the token", places)
    if holds is None:
        return Authentication(None, f"cannot check a {token.algorithm} signature", places, None, ("jwt-signature",))
    if "exp" in token.claims or "nbf" in token.claims:
        return Authentication(None, "whether the token had expired then is not known", places, None, ("jwt-time",))
    return Authentication(None, "the token is valid", places, _normalized(token.claims, rule))


def _normalized(claims: Mapping[str, Any], rule: JwtRule) -> Mapping[str, Any]:
    """The claims as filters behind see them: words of space-delimited ones apart."""
    words = {name: claims.get(name) for name in (*_WORD_CLAIMS, *rule.space_delimited)}
    return {**claims, **{name: text.split(" ") for name, text in words.items() if isinstance(text, str)}}


def _audience_fits(rule: JwtRule, token: Token) -> bool:
    claim = token.claims.get("aud", ())
    found = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else ()
    wanted = {_plain_audience(each) for each in rule.audiences}
    return any(isinstance(each, str) and _plain_audience(each) in wanted for each in found)


def _plain_audience(text: str) -> str:
    """Scheme and final slash do not count (jwt_verify_lib check_audience.cc)."""
    return text.removeprefix("https://").removeprefix("http://").removesuffix("/")
