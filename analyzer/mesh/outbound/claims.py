"""Routes that look at the claims of a verified token: header matchers of a special name (pkg/jwt/routing.go).

Only a proxy with a RequestAuthentication has claims when it routes; a sidecar's way out never has any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CLAIM_HEADER = "@request.auth.claims"


def claim_path(name: str) -> tuple[str, ...]:
    """The names that lead to a claim, of ``@request.auth.claims.a.b`` or ``@request.auth.claims[a][b]``.

    Empty where a header's name is no such thing.
    """
    if not name.lower().startswith(CLAIM_HEADER):
        return ()
    rest = name[len(CLAIM_HEADER) :]
    if rest.startswith(".") and len(rest) > 1:
        return tuple(rest[1:].split("."))
    if rest.startswith("[") and rest.endswith("]") and len(rest) > 2:
        return tuple(rest[1:-1].split("]["))
    return ()


def claim_matches(path: tuple[str, ...], accepts: Callable[[str], bool], claims: Mapping[str, Any]) -> bool:
    """Whether the claim at ``path``, or one of its items, is a text that ``accepts`` takes."""
    found: Any = claims
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    items = found if isinstance(found, list) else [found]
    return any(isinstance(item, str) and accepts(item) for item in items)
