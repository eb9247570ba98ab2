"""The string matchers of Istio's policies: exact, ``prefix*``, ``*suffix``, ``*`` (security/authz/matcher)."""

from __future__ import annotations

import re
from functools import lru_cache

from analyzer.mesh.regex import full_match

# Envoy's URI template (uri_template_match.proto): one segment of a path, or any rest of it.
_TEMPLATE_PARTS = {"{*}": "[^/]+", "*": "[^/]+", "{**}": ".*", "**": ".*"}


def text_matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether ``text`` matches; ``*`` alone asks for any text that is not empty."""
    if ignore_case:
        pattern, text = pattern.lower(), text.lower()
    if pattern == "*":
        return bool(text)
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern


def path_matches(pattern: str, path: str) -> bool:
    """Whether a path (its query already cut) matches a pattern, or a template with ``{*}`` and ``{**}``."""
    if "{*}" in pattern or "{**}" in pattern:
        return full_match(_template(pattern), path)
    return text_matches(pattern, path)


def namespace_matches(pattern: str, principal: str) -> bool:
    """Whether an identity's namespace matches; ``*`` may stand anywhere, for nothing too (model/generator.go)."""
    return full_match(f".*/ns/{_wildcards(pattern)}/.*", principal)


def service_account_matches(pattern: str, policy_namespace: str, principal: str) -> bool:
    """Whether an identity is that of a service account, ``NAME`` (of the policy's namespace) or ``NAMESPACE/NAME``."""
    namespace, slash, name = pattern.partition("/")
    if not slash:
        namespace, name = policy_namespace, pattern
    return full_match(f".+/ns/{re.escape(namespace)}/(.+/|)sa/{re.escape(name)}(/.+)?", principal)


def trust_domain_matches(pattern: str, principal: str) -> bool:
    """Whether an identity is of a trust domain."""
    domain = principal.partition("/")[0]
    return bool(principal) if pattern == "*" else full_match(_wildcards(pattern).replace(".*", "[^/]*", 1), domain)


@lru_cache(maxsize=1024)
def _wildcards(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))


@lru_cache(maxsize=1024)
def _template(pattern: str) -> str:
    parts = re.split(r"(\{\*\*\}|\{\*\}|\*\*|\*)", pattern)
    return "".join(_TEMPLATE_PARTS.get(part) or re.escape(part) for part in parts)
